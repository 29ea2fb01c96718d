//! The service level objectives as this process measures them, without a Prometheus.
//!
//! A tick reads the counters of `/metrics` into rings; what a window holds is the difference of two readings, calculated as
//! Prometheus does. It covers this process alone, and no more than its life. The rules for all pods together are
//! `deploy/prometheus/rules/slo.yaml`.

mod judge;
mod ring;
mod sample;

pub use judge::{Judgement, Unit};

use crate::telemetry::metrics::Metrics;
use ring::Ring;
use sample::{Outcomes, Sample};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Time between two readings.
pub const TICK: Duration = Duration::from_secs(10);
/// How far the fine ring reaches, and the coarse one.
const HOUR: Duration = Duration::from_hours(1);
const MONTH: Duration = Duration::from_hours(30 * 24);
/// Time between two readings that the coarse ring keeps.
const COARSE: Duration = Duration::from_mins(10);

/// The rings.
pub struct Objectives {
    metrics: Arc<Metrics>,
    began: Instant,
    rings: Mutex<Rings>,
}

struct Rings {
    fine: Ring<Sample>,
    coarse: Ring<Outcomes>,
}

impl Rings {
    fn new() -> Self {
        let slots = |reach: Duration, step: Duration| {
            usize::try_from(reach.as_secs() / step.as_secs()).unwrap_or(usize::MAX) + 2
        };
        Self { fine: Ring::new(slots(HOUR, TICK)), coarse: Ring::new(slots(MONTH, COARSE)) }
    }

    /// Keeps a reading.
    fn push(&mut self, at: Duration, sample: &Sample) {
        if self.coarse.latest().is_none_or(|latest| at.saturating_sub(latest) >= COARSE) {
            self.coarse.push(at, sample.outcomes);
        }
        self.fine.push(at, *sample);
    }
}

impl Objectives {
    /// Takes the first reading; all that is counted from now on is covered.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let objectives = Self { metrics, began: Instant::now(), rings: Mutex::new(Rings::new()) };
        objectives.tick();
        objectives
    }

    /// Takes a reading.
    pub fn tick(&self) {
        let sample = Sample::of(&self.metrics);
        self.rings().push(self.began.elapsed(), &sample);
    }

    /// Judges every objective, in the order of `docs/monitoring.md`.
    pub fn judge(&self) -> Vec<Judgement> {
        let sample = Sample::of(&self.metrics);
        judge::all(&self.rings(), self.began.elapsed(), &sample)
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
