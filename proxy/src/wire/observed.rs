//! Counts the calls to backends, to the servers of stores and to the shared response cache in their metric families.

use super::Base;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::span::{Kind, Value};
use crate::telemetry::trace::{Over, Tracer};
use netweave_adapters::layers::{Observer, Traced};
use netweave_model::port::{
    CacheFill, CacheObserver, CacheRead, CallOutcome, Clock, InfrastructureCall, StoreObserver,
};
use netweave_model::{ErrorKind, SourceName, Timestamp, Trace};
use std::sync::Arc;
use std::time::Duration;

/// Writes what the guard layers and the stores observe to the metrics.
pub(super) struct Observed {
    metrics: Arc<Metrics>,
    tracer: Arc<Tracer>,
    clock: Arc<dyn Clock>,
}

impl Observed {
    pub(super) fn new(base: &Base) -> Self {
        Self {
            metrics: Arc::clone(&base.metrics),
            tracer: Arc::clone(&base.tracer),
            clock: Arc::clone(&base.clock),
        }
    }
}

/// Names a kind of error as labels have it.
fn word(kind: ErrorKind) -> String {
    format!("{kind:?}").to_lowercase()
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
            self.metrics.adapter_errors.with_label_values(&[source, &word(kind)]).inc();
        }
    }

    fn begin(&self, parent: Option<Trace>) -> Option<Trace> {
        self.tracer.begin(parent)
    }

    fn traced(&self, source: &SourceName, operation: &Traced<'_>) {
        let Traced { operation: name, spans: (parent, own), key, count, outcome, took } = *operation;
        self.tracer.end(own, |own| {
            let mut attributes: Vec<(&str, Value)> =
                vec![("adapter.name", source.to_string().into()), ("adapter.operation", name.into())];
            if let Some(key) = key {
                attributes.push(("resource.type", key.kind.collection().into()));
                attributes.push(("resource.id", key.id.to_string().into()));
            }
            attributes.extend(count.map(|count| ("resource.count", count.into())));
            attributes.extend(outcome.err().map(|kind| ("error.type", word(kind).into())));
            Over {
                name: format!("adapter {name}").into(),
                kind: Kind::Internal,
                spans: (parent, own),
                took,
                failed: outcome.is_err(),
                attributes,
            }
        });
    }

    fn called(&self, source: &SourceName, call: &InfrastructureCall<'_>) {
        let (name, took) = (source.as_str(), call.took.as_secs_f64());
        let status = call.outcome.map_or("none".to_owned(), |status| status.to_string());
        let labels = &[name, call.endpoint, call.method, &status];
        self.metrics.backend_requests.with_label_values(labels).inc();
        self.metrics.backend_latency.with_label_values(&[name, call.endpoint]).observe(took);
        let error = match call.outcome {
            Ok(..400) => None,
            Ok(..500) => Some("refused".to_owned()),
            Ok(_) => Some("server".to_owned()),
            Err(kind) => Some(word(kind)),
        };
        if let Some(error) = &error {
            self.metrics.backend_errors.with_label_values(&[name, error]).inc();
        }
        self.tracer.end(call.spans.1, |own| {
            let mut attributes: Vec<(&str, Value)> = vec![
                ("http.request.method", call.method.into()),
                ("adapter.name", name.to_owned().into()),
                ("backend.endpoint", call.endpoint.into()),
            ];
            if let Some((host, port)) = call.server {
                attributes.push(("server.address", host.to_owned().into()));
                attributes.push(("server.port", port.into()));
            }
            attributes.extend(call.outcome.ok().map(|status| ("http.response.status_code", status.into())));
            let failed = error.is_some();
            attributes.extend(error.map(|error| ("error.type", error.into())));
            Over {
                name: format!("{} {}", call.method, call.endpoint).into(),
                kind: Kind::Client,
                spans: (call.spans.0, own),
                took: call.took,
                failed,
                attributes,
            }
        });
    }
}

impl StoreObserver for Observed {
    fn called(&self, command: &'static str, outcome: CallOutcome, took: Duration) {
        let outcome = match outcome {
            CallOutcome::Answered => "answered",
            CallOutcome::TimedOut => "timeout",
            CallOutcome::Failed => "error",
            CallOutcome::Denied => {
                self.metrics.redis_denied.with_label_values(&[command]).set(seconds(self.clock.now()));
                "error"
            }
        };
        self.metrics.redis_duration.with_label_values(&[command, outcome]).observe(took.as_secs_f64());
    }

    fn switched(&self, told: u64) {
        self.metrics.redis_switches.inc();
        self.metrics.redis_replayed.inc_by(told);
    }
}

/// Returns the seconds since 1970.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a floating-point number")]
fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1000.0
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
