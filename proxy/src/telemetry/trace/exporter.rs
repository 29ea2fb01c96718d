//! Sends spans to the collector: a thread of its own behind a bounded queue, in batches, each once.
//!
//! What the queue has no room for, and what the collector does not take, is lost and counted: traces are never worth a wait.

use super::proto;
use super::span::{Span, Value};
use crate::conf::tree::Protocol;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::otlp::{Carrier, Collector};
use crate::telemetry::throttle::Throttle;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// Spans of one batch.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// How often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);
/// The media type of a document.
const MEDIA_TYPE: &str = "application/x-protobuf";
/// The method that takes a document by gRPC. Source: opentelemetry-proto 1.x, `collector/trace/v1/trace_service.proto`.
const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Returns how spans travel.
pub(super) fn carrier(protocol: Protocol) -> Carrier {
    match protocol {
        Protocol::Http => Carrier::Http(MEDIA_TYPE),
        Protocol::Grpc => Carrier::Grpc(METHOD),
    }
}

/// The exporter, on its thread.
pub(super) struct Exporter {
    pub(super) collector: Collector,
    pub(super) spans: Receiver<Span>,
    /// What the spans come from.
    pub(super) resource: Vec<(&'static str, Value)>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) closing: Arc<AtomicBool>,
    /// Is told when everything was sent.
    pub(super) done: SyncSender<()>,
}

impl Exporter {
    /// Sends until it is to end and nothing waits.
    pub(super) fn run(self) {
        let throttle = Throttle::default();
        loop {
            let batch = self.batch();
            if !batch.is_empty() {
                self.send(&batch, &throttle);
            } else if self.closing.load(Ordering::Acquire) {
                break;
            }
        }
        // Whoever waited may have gone.
        self.done.send(()).ok();
    }

    /// Waits for spans; returns none after a while without any.
    fn batch(&self) -> Vec<Span> {
        let mut batch = Vec::new();
        let begun = Instant::now();
        loop {
            match self.spans.recv_timeout(LOOK) {
                Ok(span) => batch.push(span),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) if batch.is_empty() => {
                    return batch;
                }
                Err(_) => {}
            }
            let closing = self.closing.load(Ordering::Acquire);
            if batch.len() >= BATCH || begun.elapsed() >= GATHER || closing {
                batch.extend(self.spans.try_iter().take(BATCH.saturating_sub(batch.len())));
                return batch;
            }
        }
    }

    fn send(&self, batch: &[Span], throttle: &Throttle) {
        let answer = self.collector.send(proto::document(&self.resource, batch));
        let refused = match answer {
            Ok(answer) if (200..300).contains(&answer.status) => None,
            Ok(answer) => Some(format!("the collector answered {}", answer.status)),
            Err(error) => Some(error.to_string()),
        };
        let outcome = if refused.is_some() { "failed" } else { "sent" };
        self.metrics.trace_spans.with_label_values(&[outcome]).inc_by(batch.len() as u64);
        if let Some(error) = refused {
            throttle.warn("the collector of traces takes no spans, they are lost", &error);
        }
    }
}
