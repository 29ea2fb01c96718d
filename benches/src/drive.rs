//! Closed and open loop over a fixed number of keep-alive connections, or of streams (`h2`).
//!
//! Closed, to saturate a server: each connection sends as soon as the former answer is complete. Open, to learn latencies:
//! requests are due at a fixed rate whatever the server does, and latency counts from when a request was due.

mod honest;
mod tally;

use crate::Result;
use crate::connection::{Connection, Target, get};
use crate::due::Dues;
use hdrhistogram::Histogram;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

pub use honest::{Kind, Sends, Watch};
pub(crate) use tally::Whole;
pub use tally::{Counted, Tally};

/// Keep-alive connections of a run.
pub const CONNECTIONS: u32 = 16;

/// Latencies up to a minute, three digits.
pub(crate) const LONGEST_NS: u64 = 60_000_000_000;
/// After the end of an open loop: how long what is overdue may still be sent and answered.
const OVERTIME: Duration = Duration::from_secs(10);

/// What a run counted.
#[derive(Clone, Debug)]
pub struct Run {
    /// Answers, all of them 200.
    pub requests: u64,
    /// How long the run took.
    pub took: Duration,
    /// Latencies in nanoseconds.
    pub latency: Histogram<u64>,
}

impl Run {
    /// Returns answers per second.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64()
    }

    /// Returns what of some time falls to each answer, in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn each(&self, spent: Duration) -> f64 {
        spent.as_secs_f64() * 1e6 / self.requests.max(1) as f64
    }

    /// Returns a quantile of the latency in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "a latency for people")]
    pub fn micros(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// One of those that ask a server at the same time.
pub(crate) trait Ask: Send + 'static {
    /// Asks, and waits until the answer is complete.
    ///
    /// # Errors
    /// The answer is not 200, or the connection breaks.
    fn ask(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// Sends on each connection as soon as the former answer is complete.
///
/// # Errors
/// An answer is not 200, or a connection breaks.
pub async fn closed(target: &Target, path: &str, length: Duration) -> Result<Run> {
    let request = get(path);
    closed_with(target, move || request.clone(), length).await
}

/// As [`closed`], with a request of its own each time.
///
/// # Errors
/// As [`closed`].
pub async fn closed_with(
    target: &Target,
    request: impl Fn() -> Vec<u8> + Clone + Send + 'static,
    length: Duration,
) -> Result<Run> {
    saturated(connected(target, request).await?, length).await
}

/// Sends at a fixed rate over all connections; latency counts from when a request was due.
///
/// The report is marked as invalid if this process could not keep the rate: [`Kind::Open`].
///
/// # Errors
/// As [`closed`], and an answer that is missing ten seconds after the end.
pub async fn open(target: &Target, path: &str, length: Duration, rate: u32) -> Result<Run> {
    let request = get(path);
    open_with(target, move || request.clone(), length, rate).await
}

/// As [`open`], with a request of its own each time.
///
/// # Errors
/// As [`open`].
pub async fn open_with(
    target: &Target,
    request: impl Fn() -> Vec<u8> + Clone + Send + 'static,
    length: Duration,
    rate: u32,
) -> Result<Run> {
    at_rate(connected(target, request).await?, (length, rate)).await
}

/// Has each ask as soon as it was answered.
pub(crate) async fn saturated(all: Vec<impl Ask>, length: Duration) -> Result<Run> {
    let (watch, counted) = (Watch::start(Kind::Closed)?, Counted::new()?);
    let (start, mut tasks) = (Instant::now(), Vec::new());
    for asking in all {
        let client = Client { asking, tally: counted.tally()? };
        tasks.push(tokio::spawn(client.at_once(start + length)));
    }
    for task in tasks {
        task.await??;
    }
    let run = counted.run(start)?;
    watch.end(Some(&run.latency), None)?;
    Ok(run)
}

/// Has all ask at a fixed rate together.
pub(crate) async fn at_rate(all: Vec<impl Ask>, (length, rate): (Duration, u32)) -> Result<Run> {
    let watch = Watch::start(Kind::Open)?;
    let (run, sends) = paced(all, (length, rate)).await?;
    watch.end(Some(&run.latency), Some(&sends))?;
    Ok(run)
}

async fn paced(all: Vec<impl Ask>, (length, rate): (Duration, u32)) -> Result<(Run, Sends)> {
    let (counted, count) = (Counted::new()?, u32::try_from(all.len())?);
    let (start, mut tasks) = (Instant::now(), Vec::new());
    for (number, asking) in (0..).zip(all) {
        let client = Client { asking, tally: counted.tally()? };
        let dues = Dues::new(start, rate, (number, count));
        tasks.push(tokio::spawn(client.when_due(dues, start + length)));
    }
    let mut sends = Sends::new()?;
    for task in tasks {
        sends.add(&task.await??)?;
    }
    Ok((counted.run(start)?, sends))
}

async fn connected<F>(target: &Target, request: F) -> Result<Vec<Asking<F>>>
where
    F: Fn() -> Vec<u8> + Clone + Send + 'static,
{
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS {
        all.push(Asking { connection: Connection::open(target).await?, request: request.clone() });
    }
    Ok(all)
}

/// A connection of HTTP/1.1, and what is asked on it.
struct Asking<F> {
    connection: Connection,
    request: F,
}

impl<F: Fn() -> Vec<u8> + Send + 'static> Ask for Asking<F> {
    async fn ask(&mut self) -> Result<()> {
        let answer = self.connection.send(&(self.request)()).await?;
        if answer.status != 200 {
            let body = String::from_utf8_lossy(self.connection.body(answer)).into_owned();
            return Err(format!("status {}: {body}", answer.status).into());
        }
        Ok(())
    }
}

/// One that asks, and what is counted of it.
struct Client<A> {
    asking: A,
    tally: Tally,
}

impl<A: Ask> Client<A> {
    async fn at_once(mut self, until: Instant) -> Result<()> {
        loop {
            let start = Instant::now();
            if start >= until {
                return Ok(());
            }
            self.asking.ask().await?;
            self.tally.record(start.elapsed());
        }
    }

    async fn when_due(mut self, mut dues: Dues, until: Instant) -> Result<Sends> {
        let (mut sends, mut free, end) = (Sends::new()?, Instant::now(), until + OVERTIME);
        while dues.next() < until {
            let due = dues.come().await;
            if Instant::now() >= end {
                sends.never();
                continue;
            }
            sends.leaves(due, free);
            let asked = timeout_at(end, self.asking.ask()).await;
            asked.map_err(|_late| format!("no answer {OVERTIME:?} after the end of the run"))??;
            self.tally.record(due.elapsed());
            free = Instant::now();
        }
        Ok(sends)
    }
}

#[cfg(test)]
mod tests;
