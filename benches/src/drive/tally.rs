//! Latencies of a run: each connection counts by itself, and adds to the whole once a second, so that progress shows.

use super::{LONGEST_NS, Run};
use crate::{Result, progress};
use hdrhistogram::Histogram;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How often a connection adds to the whole.
const EVERY: Duration = Duration::from_secs(1);

/// Latencies of all connections of a run, in nanoseconds.
#[derive(Clone, Debug)]
pub struct Counted(Arc<Mutex<Whole>>);

#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) latency: Histogram<u64>,
    pub(crate) began: Instant,
    /// When something was added.
    pub(crate) latest: Instant,
}

impl Counted {
    /// Begins to count, and to show it.
    ///
    /// # Errors
    /// There is no memory for a histogram.
    pub fn new() -> Result<Self> {
        let now = Instant::now();
        let latency = Histogram::new_with_max(LONGEST_NS, 3)?;
        let whole = Arc::new(Mutex::new(Whole { latency, began: now, latest: now }));
        progress::follow(&whole);
        Ok(Self(whole))
    }

    /// Returns what one connection counts with.
    ///
    /// # Errors
    /// There is no memory for a histogram.
    pub fn tally(&self) -> Result<Tally> {
        let own = Histogram::new_with_max(LONGEST_NS, 3)?;
        Ok(Tally { whole: Arc::clone(&self.0), own, added: Instant::now() })
    }

    /// Returns the run that began at some time and ends now; its tallies are gone.
    ///
    /// # Errors
    /// There is no memory for a histogram.
    pub fn run(&self, began: Instant) -> Result<Run> {
        let latency = self.0.lock().unwrap_or_else(PoisonError::into_inner).latency.clone();
        Ok(Run { requests: latency.len(), took: began.elapsed(), latency })
    }
}

/// Latencies of one connection; what was counted is added to the whole when this is dropped, at the latest.
#[derive(Debug)]
pub struct Tally {
    whole: Arc<Mutex<Whole>>,
    own: Histogram<u64>,
    added: Instant,
}

impl Tally {
    /// Counts a latency; those beyond a minute count as a minute.
    pub fn record(&mut self, latency: Duration) {
        self.own.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LONGEST_NS));
        if self.added.elapsed() >= EVERY {
            self.add();
        }
    }

    fn add(&mut self) {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let added = whole.latency.add(&self.own);
        debug_assert!(added.is_ok(), "both have the same bounds");
        whole.latest = Instant::now();
        self.own.reset();
        self.added = whole.latest;
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.add();
    }
}
