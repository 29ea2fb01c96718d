//! Closed loop over new connections: a handshake, one request, the end.

use crate::Result;
use crate::connection::{Connection, Target, get};
use crate::drive::{CONNECTIONS, LONGEST_NS, Run};
use hdrhistogram::Histogram;
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
    let start = Instant::now();
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(one(with_sessions(target, resumed), get(path), (start + length, resumed))))
        .collect();
    let mut latency = Histogram::new_with_max(LONGEST_NS, 3)?;
    for task in tasks {
        latency.add(task.await??)?;
    }
    Ok(Run { requests: latency.len(), took: start.elapsed(), latency })
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

async fn one(target: Target, request: Vec<u8>, (until, resumed): (Instant, bool)) -> Result<Histogram<u64>> {
    let mut latency = Histogram::new_with_max(LONGEST_NS, 3)?;
    // The first connection brings the session.
    let mut first = true;
    while Instant::now() < until {
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
        latency.record(u64::try_from(start.elapsed().as_nanos()).unwrap_or(LONGEST_NS))?;
    }
    Ok(latency)
}
