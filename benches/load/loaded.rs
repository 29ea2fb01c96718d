//! Reads of all servers and pages of them, changes and notifications, all at once in an open loop.

use crate::delivery::stage::{Spent, Stage};
use hdrhistogram::Histogram;
use netweave_benches::Result;
use netweave_benches::connection::get;
use netweave_benches::dice::Dice;
use netweave_benches::drive::open_with;
use netweave_benches::stock::Stock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Of so many reads one is a page of so many servers; the others are single ones.
const PAGES: usize = 5;
const PAGE: usize = 100;
/// How long the last notification may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The objectives: latency of answers at two quantiles and of notifications, in milliseconds.
const P95_MS: f64 = 100.0;
const P99_MS: f64 = 500.0;
const TOLD_MS: f64 = 1000.0;

/// What is asked and changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Reads per second.
    pub(crate) reads: u32,
    /// Changes of one server per second, at least one.
    pub(crate) changes: u32,
    pub(crate) length: Duration,
}

/// What was seen of it.
pub(crate) struct Seen {
    /// Of reads, from when they were due, in milliseconds.
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of notifications, from the commit to the answer, in milliseconds.
    pub(crate) told_ms: f64,
    pub(crate) notifications: u64,
    pub(crate) spent: Spent,
    /// Until the last notification.
    pub(crate) took: Duration,
}

impl Load {
    /// Puts it on a gateway, and waits until everybody was told.
    ///
    /// # Errors
    /// A read fails, or a notification is missing or comes twice.
    pub(crate) async fn on(self, stage: &mut Stage) -> Result<Seen> {
        let (api, large) = (stage.gateway.api.clone(), stage.large().to_vec());
        let dice = Arc::new(Mutex::new(Dice(1)));
        let request = move || read(&large, &mut dice.lock().unwrap_or_else(PoisonError::into_inner));
        stage.consumers.take()?;
        let (before, start) = (stage.spent()?, Instant::now());
        let (run, changes) = tokio::join!(
            open_with(&api, request, self.length, self.reads),
            stage.changes(Duration::from_secs(1) / self.changes, self.length)
        );
        let run = run?;
        changes?;
        stage.settle(PATIENCE).await?;
        let (took, spent, told) = (start.elapsed(), stage.spent()?.since(before), stage.consumers.take()?);
        Ok(Seen {
            p95_ms: millis(&run.latency, 0.95, 1_000_000),
            p99_ms: millis(&run.latency, 0.99, 1_000_000),
            told_ms: millis(&told, 0.99, 1000),
            notifications: told.len(),
            spent,
            took,
        })
    }
}

/// Writes a read of one of the servers, or a pool's page.
pub(crate) fn read(pools: &[Stock], dice: &mut Dice) -> Vec<u8> {
    let Some(pool) = pools.get(dice.pick(pools.len())) else { return Vec::new() };
    match dice.pick(PAGES) {
        0 => get(&format!("{}?limit={PAGE}", pool.list())),
        _ => get(&format!("{}/{}-{:06}", pool.list(), pool.name, dice.pick(pool.servers))),
    }
}

/// Whether the objectives hold, by latencies in milliseconds.
pub(crate) fn held(p95: f64, p99: f64, told: Option<f64>) -> bool {
    p95 < P95_MS && p99 < P99_MS && told.is_none_or(|told| told < TOLD_MS)
}

/// Returns a quantile in milliseconds; `per` of the histogram's units are one.
#[expect(clippy::cast_precision_loss, reason = "a latency for people")]
pub(crate) fn millis(latency: &Histogram<u64>, quantile: f64, per: u64) -> f64 {
    latency.value_at_quantile(quantile) as f64 / per as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_reads_are_pages_and_every_pool_is_read() {
        let (pools, mut dice) = ([Stock::new("a", 10), Stock::new("b", 10)], Dice(1));
        let reads: Vec<_> = (0..1000).map(|_| String::from_utf8(read(&pools, &mut dice)).unwrap()).collect();
        let count = |word: &str| reads.iter().filter(|read| read.contains(word)).count();
        assert!((150..250).contains(&count("?limit=100")), "{}", count("?limit=100"));
        assert!((400..600).contains(&count("/resourcePools/b/")), "{}", count("/resourcePools/b/"));
        assert!(count("/b-00000") > 300);
    }

    #[test]
    fn objectives_hold_below_their_bounds() {
        assert!(held(99.0, 499.0, Some(999.0)) && held(99.0, 499.0, None));
        assert!(!held(100.0, 10.0, None) && !held(1.0, 500.0, None) && !held(1.0, 1.0, Some(1000.0)));
    }
}
