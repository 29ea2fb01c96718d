//! Closed loop over new connections: a handshake, one request, the end.

use crate::Result;
use crate::connection::{Connection, Target, get};
use crate::drive::{CONNECTIONS, Counted, Kind, Run, Tally, Watch};
use rustls::ClientConfig;
use rustls::client::Resumption;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Opens a connection for each request.
///
/// # Errors
/// An answer is not 200, a connection breaks, or a handshake is not of the kind that was asked for.
pub async fn closed(target: &Target, path: &str, length: Duration, resumed: bool) -> Result<Run> {
    let targets = (0..CONNECTIONS).map(|_| vec![with_sessions(target, resumed)]).collect();
    each(targets, path, length, resumed).await
}

/// Opens a connection for each request with a full handshake, each of another one of many clients in turns.
///
/// # Errors
/// As [`closed`].
pub async fn closed_of(
    target: &Target,
    clients: &[Arc<ClientConfig>],
    path: &str,
    length: Duration,
) -> Result<Run> {
    let of = |client: &Arc<ClientConfig>| {
        with_sessions(&Target { tls: Some(Arc::clone(client)), ..target.clone() }, false)
    };
    let some = clients.chunks(clients.len().div_ceil(CONNECTIONS as usize).max(1));
    each(some.map(|some| some.iter().map(of).collect()).collect(), path, length, false).await
}

/// One after the other of some clients at a time, in turns, as many at once as there are parts.
async fn each(parts: Vec<Vec<Target>>, path: &str, length: Duration, resumed: bool) -> Result<Run> {
    let (watch, counted) = (Watch::start(Kind::Closed)?, Counted::new()?);
    let (start, mut tasks) = (Instant::now(), Vec::new());
    for targets in parts {
        tasks.push(tokio::spawn(one(targets, get(path), (start + length, resumed), counted.tally()?)));
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
    targets: Vec<Target>,
    request: Vec<u8>,
    (until, resumed): (Instant, bool),
    mut tally: Tally,
) -> Result<()> {
    // The first connection brings the session.
    let mut first = true;
    for target in targets.iter().cycle() {
        let start = Instant::now();
        if start >= until {
            break;
        }
        let mut connection = Connection::open(target).await?;
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
