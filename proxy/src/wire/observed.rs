//! Counts the calls to backends, to the servers of stores and to the shared response cache in their metric families.

use crate::telemetry::metrics::Metrics;
use netweave_adapters::layers::Observer;
use netweave_model::port::{CacheFill, CacheObserver, CacheRead, CallOutcome, StoreObserver};
use netweave_model::{ErrorKind, SourceName};
use std::sync::Arc;
use std::time::Duration;

/// Writes what the guard layers and the stores observe to the metrics.
pub(super) struct Observed {
    metrics: Arc<Metrics>,
}

impl Observed {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics }
    }
}

impl Observer for Observed {
    fn operation(
        &self,
        source: &SourceName,
        operation: &'static str,
        outcome: Result<(), ErrorKind>,
        took: Duration,
    ) {
        let source = source.as_str();
        let status = if outcome.is_ok() { "success" } else { "error" };
        self.metrics.adapter_operations.with_label_values(&[source, operation, status]).inc();
        if !took.is_zero() {
            let took = took.as_secs_f64();
            self.metrics.adapter_duration.with_label_values(&[source, operation]).observe(took);
            if operation == "probe" {
                self.metrics.health_duration.with_label_values(&[source]).observe(took);
            }
        }
        if let Err(kind) = outcome {
            let kind = format!("{kind:?}").to_lowercase();
            self.metrics.adapter_errors.with_label_values(&[source, &kind]).inc();
        }
    }
}

impl StoreObserver for Observed {
    fn called(&self, command: &'static str, outcome: CallOutcome, took: Duration) {
        let outcome = match outcome {
            CallOutcome::Answered => "answered",
            CallOutcome::TimedOut => "timeout",
            CallOutcome::Failed => "error",
        };
        self.metrics.redis_duration.with_label_values(&[command, outcome]).observe(took.as_secs_f64());
    }

    fn switched(&self, told: u64) {
        self.metrics.redis_switches.inc();
        self.metrics.redis_replayed.inc_by(told);
    }
}

/// Returns the reason of a miss.
const fn missed(outcome: CacheRead) -> Option<&'static str> {
    match outcome {
        CacheRead::Hit => None,
        CacheRead::Absent => Some("absent"),
        CacheRead::Damaged => Some("damaged"),
        CacheRead::Late => Some("late"),
        CacheRead::Failed => Some("failed"),
        CacheRead::Resting => Some("resting"),
    }
}

impl CacheObserver for Observed {
    fn read(&self, outcome: CacheRead, took: Duration) {
        let metrics = &self.metrics;
        match missed(outcome) {
            None => metrics.cache_second_hits.inc(),
            Some(reason) => metrics.cache_second_misses.with_label_values(&[reason]).inc(),
        }
        if matches!(outcome, CacheRead::Late | CacheRead::Failed) {
            metrics.cache_second_errors.with_label_values(&["get"]).inc();
        }
        if outcome != CacheRead::Resting {
            let outcome = if outcome == CacheRead::Hit { "hit" } else { "miss" };
            metrics.cache_second_duration.with_label_values(&[outcome]).observe(took.as_secs_f64());
        }
    }

    fn fill(&self, outcome: CacheFill) {
        let skipped = match outcome {
            CacheFill::Stored => return self.metrics.cache_second_fills.inc(),
            CacheFill::Failed => {
                return self.metrics.cache_second_errors.with_label_values(&["set"]).inc();
            }
            CacheFill::TooLarge => "large",
            CacheFill::Busy => "busy",
            CacheFill::Full => "full",
            CacheFill::Resting => "resting",
        };
        self.metrics.cache_second_skipped.with_label_values(&[skipped]).inc();
    }
}
