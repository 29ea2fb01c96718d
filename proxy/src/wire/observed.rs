//! Counts the calls to backends in the metric families of the adapters.

use crate::telemetry::metrics::Metrics;
use netweave_adapters::layers::Observer;
use netweave_model::{ErrorKind, SourceName};
use std::sync::Arc;
use std::time::Duration;

/// Writes what the guard layers observe to the metrics.
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
