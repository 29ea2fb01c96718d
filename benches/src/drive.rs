//! Closed and open loop over a fixed number of keep-alive connections.

use crate::Result;
use crate::connection::{Answer, Connection, Target, get};
use hdrhistogram::Histogram;
use std::time::Duration;
use tokio::time::Instant;

/// Keep-alive connections of a run.
pub const CONNECTIONS: u32 = 16;

/// Latencies up to a minute, three digits.
pub(crate) const LONGEST_NS: u64 = 60_000_000_000;

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
    let until = Instant::now() + length;
    all(target, request, move |_| Pace { next: None, step: Duration::ZERO, until }).await
}

/// Sends at a fixed rate over all connections; latency counts from when a request was due.
///
/// # Errors
/// As [`closed`].
pub async fn open(target: &Target, path: &str, length: Duration, rate: u32) -> Result<Run> {
    let start = Instant::now();
    let step = Duration::from_secs(1) * CONNECTIONS / rate.max(1);
    let request = get(path);
    all(
        target,
        move || request.clone(),
        move |index| Pace { next: Some(start + step * index / CONNECTIONS), step, until: start + length },
    )
    .await
}

/// When a connection sends.
#[derive(Clone, Copy)]
struct Pace {
    /// When the next request is due; `None`: at once.
    next: Option<Instant>,
    step: Duration,
    until: Instant,
}

impl Pace {
    /// Waits for the next request; returns when it was due, or `None` at the end of the run.
    async fn turn(&mut self) -> Option<Instant> {
        let due = match self.next {
            Some(due) => {
                tokio::time::sleep_until(due).await;
                self.next = Some(due + self.step);
                due
            }
            None => Instant::now(),
        };
        (due < self.until).then_some(due)
    }
}

async fn all(
    target: &Target,
    request: impl Fn() -> Vec<u8> + Clone + Send + 'static,
    pace: impl Fn(u32) -> Pace,
) -> Result<Run> {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for index in 0..CONNECTIONS {
        tasks.push(tokio::spawn(one(target.clone(), request.clone(), pace(index))));
    }
    let mut latency = Histogram::new_with_max(LONGEST_NS, 3)?;
    for task in tasks {
        latency.add(task.await??)?;
    }
    Ok(Run { requests: latency.len(), took: start.elapsed(), latency })
}

async fn one(target: Target, request: impl Fn() -> Vec<u8>, mut pace: Pace) -> Result<Histogram<u64>> {
    let mut latency = Histogram::new_with_max(LONGEST_NS, 3)?;
    let mut connection = Connection::open(&target).await?;
    while let Some(due) = pace.turn().await {
        let answer: Answer = connection.send(&request()).await?;
        if answer.status != 200 {
            let body = String::from_utf8_lossy(connection.body(answer)).into_owned();
            return Err(format!("status {}: {body}", answer.status).into());
        }
        latency.record(u64::try_from(due.elapsed().as_nanos()).unwrap_or(LONGEST_NS))?;
        if answer.last {
            connection = Connection::open(&target).await?;
        }
    }
    Ok(latency)
}
