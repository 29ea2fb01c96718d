//! Closed loop over new connections: a handshake, one request, the end.

use crate::Result;
use crate::connection::{Connection, Target, get};
use crate::drive::{CONNECTIONS, Counted, Kind, Run, Tally, Watch};
use crate::pki::Authority;
use rustls::ClientConfig;
use rustls::client::Resumption;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Opens a connection for each request.
///
/// # Errors
/// An answer is not 200, a connection breaks, or a handshake is not of the kind that was asked for.
pub async fn closed(target: &Target, path: &str, length: Duration, resumed: bool) -> Result<Run> {
    let of_one = || {
        let target = with_sessions(target, resumed);
        move || target.clone()
    };
    each(of_one, path, length, resumed).await
}

/// Clients with a certificate each, of which another one takes its turn with each connection, from one run to the next.
pub struct Clients {
    all: Vec<Arc<ClientConfig>>,
    next: AtomicUsize,
}

impl Clients {
    /// Makes so many of an authority.
    ///
    /// # Errors
    /// There is no randomness for a key.
    pub fn new(authority: &Authority, count: usize) -> Result<Self> {
        Ok(Self { all: authority.clients(count)?, next: AtomicUsize::new(0) })
    }

    fn next(&self) -> Option<Arc<ClientConfig>> {
        self.all.get(self.next.fetch_add(1, Ordering::Relaxed) % self.all.len()).cloned()
    }
}

/// Opens a connection for each request with a full handshake, each of another client.
///
/// # Errors
/// As [`closed`].
pub async fn closed_of(target: &Target, clients: &Arc<Clients>, path: &str, length: Duration) -> Result<Run> {
    let of_all = || {
        let (clients, target) = (Arc::clone(clients), target.clone());
        move || with_sessions(&Target { tls: clients.next(), ..target.clone() }, false)
    };
    each(of_all, path, length, false).await
}

async fn each<F: FnMut() -> Target + Send + 'static>(
    of_a_task: impl Fn() -> F,
    path: &str,
    length: Duration,
    resumed: bool,
) -> Result<Run> {
    let (watch, counted) = (Watch::start(Kind::Closed)?, Counted::new()?);
    let (start, mut tasks) = (Instant::now(), Vec::new());
    for _ in 0..CONNECTIONS {
        tasks.push(tokio::spawn(one(of_a_task(), get(path), (start + length, resumed), counted.tally()?)));
    }
    for task in tasks {
        task.await??;
    }
    let run = counted.run(start)?;
    watch.end(Some(&run.latency), None)?;
    Ok(run)
}

/// Gives a client sessions of its own, or none.
pub fn with_sessions(target: &Target, resumed: bool) -> Target {
    let tls = target.tls.as_ref().map(|tls| {
        let mut tls = ClientConfig::clone(tls);
        tls.resumption = if resumed { Resumption::in_memory_sessions(8) } else { Resumption::disabled() };
        Arc::new(tls)
    });
    Target { tls, ..target.clone() }
}

async fn one(
    mut next: impl FnMut() -> Target,
    request: Vec<u8>,
    (until, resumed): (Instant, bool),
    mut tally: Tally,
) -> Result<()> {
    // The first connection brings the session.
    let mut first = true;
    while Instant::now() < until {
        let target = next();
        let start = Instant::now();
        let mut connection = Connection::open(&target).await?;
        let answer = connection.send(&request).await?;
        if answer.status != 200 {
            return Err(format!("status {}", answer.status).into());
        }
        if connection.resumed() != (resumed && !first) {
            return Err(
                format!("a handshake was not as asked for: resumed is {}", connection.resumed()).into()
            );
        }
        first = false;
        tally.record(start.elapsed());
    }
    Ok(())
}
