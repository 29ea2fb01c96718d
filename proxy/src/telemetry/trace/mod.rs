//! Traces: who gives spans their ids, which of them are recorded, and where they go.
//!
//! A trace that begins elsewhere is recorded if its begin says so; of those that begin here, one in so many. Without a
//! collector the gateway begins no trace and hands on those that clients bring.

mod exporter;
mod proto;
pub mod span;

use super::metrics::Metrics;
use super::otlp::Collector;
use crate::conf::tree::Tracing;
use exporter::{Exporter, carrier};
use netweave_model::port::Clock;
use netweave_model::{Error, Result, Trace};
use span::{Kind, Span, Value};
use std::borrow::Cow;
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Time to send what waits when the process ends.
const CLOSING: Duration = Duration::from_secs(3);

/// Gives spans their ids and takes them when they are over.
#[derive(Default)]
pub struct Tracer {
    on: Option<On>,
}

/// What there is where there is a collector.
struct On {
    one_in: u128,
    queue: SyncSender<Span>,
    metrics: Arc<Metrics>,
    closing: Arc<AtomicBool>,
    done: Mutex<Receiver<()>>,
}

/// What is known of a span when it is over.
pub struct Over {
    /// Its name, of few.
    pub name: Cow<'static, str>,
    /// What it is.
    pub kind: Kind,
    /// The span that it is part of, and itself.
    pub spans: (Option<Trace>, Trace),
    /// How long it took, until now.
    pub took: Duration,
    /// Whether it failed.
    pub failed: bool,
    /// More about it.
    pub attributes: Vec<(&'static str, Value)>,
}

impl Tracer {
    /// Starts the exporter, if there is a collector to send to. `resource` says what the spans come from.
    ///
    /// # Errors
    /// `Invalid`: the collector's authorities cannot be read. `Internal`: no thread or client can be made.
    pub fn open(
        conf: &Tracing,
        resource: Vec<(&'static str, Value)>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        let Some(url) = &conf.url else { return Ok(Self::default()) };
        let collector = Collector::open(url, conf.ca.as_deref(), carrier(conf.protocol), clock)?;
        let (queue, spans) = sync_channel(conf.queue.max(1));
        let (told, done) = sync_channel(1);
        let closing = Arc::new(AtomicBool::new(false));
        let exporter = Exporter {
            collector,
            spans,
            resource,
            metrics: Arc::clone(&metrics),
            closing: Arc::clone(&closing),
            done: told,
        };
        std::thread::Builder::new()
            .name("netweave-traces".to_owned())
            .spawn(move || exporter.run())
            .map_err(|error| Error::internal("no thread can be started").with_source(error))?;
        let one_in = u128::from(conf.one_in.max(1));
        Ok(Self { on: Some(On { one_in, queue, metrics, closing, done: Mutex::new(done) }) })
    }

    /// Says whether spans go anywhere.
    pub fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Begins a span within another one, or a trace. Without a collector a trace that comes from elsewhere goes on as it is.
    pub fn begin(&self, parent: Option<Trace>) -> Option<Trace> {
        let Some(on) = &self.on else { return parent };
        // Ids are to be told apart, not secret, and one that is random costs a system call.
        let span = NonZeroU64::new(fastrand::u64(1..))?;
        if let Some(parent) = parent {
            return Some(Trace { span, ..parent });
        }
        let id = NonZeroU128::new(fastrand::u128(1..))?;
        Some(Trace { id, span, sampled: id.get() % (1 << 48) % on.one_in == 0 })
    }

    /// Returns a trace if its spans go to the collector.
    pub fn recorded(&self, own: Option<Trace>) -> Option<Trace> {
        own.filter(|own| own.sampled && self.is_on())
    }

    /// Takes a span that is over, if its trace is recorded; `over` is asked only then. Never waits.
    pub fn end(&self, own: Option<Trace>, over: impl FnOnce(Trace) -> Over) {
        let (Some(on), Some(own)) = (&self.on, self.recorded(own)) else { return };
        let Over { name, kind, spans: (parent, own), took, failed, attributes } = over(own);
        let now = u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(0);
        let took = u64::try_from(took.as_nanos()).unwrap_or(0);
        let times = (now.saturating_sub(took), now);
        let span = Span { name, kind, own, parent, times, attributes, failed };
        if on.queue.try_send(span).is_err() {
            on.metrics.trace_spans.with_label_values(&["dropped"]).inc();
        }
    }

    /// Sends what waits, within a bound.
    pub fn close(&self) {
        let Some(on) = &self.on else { return };
        on.closing.store(true, Ordering::Release);
        let done = on.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.recv_timeout(CLOSING).is_err() {
            tracing::warn!("the collector of traces did not take the last spans in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn tracer(conf: &Tracing) -> (Tracer, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new().unwrap());
        (Tracer::open(conf, Vec::new(), Arc::new(SystemClock), Arc::clone(&metrics)).unwrap(), metrics)
    }

    /// A collector that nobody listens for.
    fn nowhere(one_in: u32, queue: usize) -> Tracing {
        Tracing { url: Some("http://127.0.0.1:9/v1/traces".to_owned()), one_in, queue, ..Tracing::default() }
    }

    fn over(own: Trace) -> Over {
        let (took, attributes) = (Duration::ZERO, Vec::new());
        Over { name: "x".into(), kind: Kind::Internal, spans: (None, own), took, failed: false, attributes }
    }

    #[test]
    fn without_a_collector_a_trace_goes_on_as_it_is_and_none_begins() {
        let (off, _) = tracer(&Tracing::default());
        let parent = TEXT.parse().ok();
        assert_eq!((off.begin(parent), off.begin(None), off.is_on()), (parent, None, false));
    }

    #[test]
    fn a_trace_from_elsewhere_is_recorded_if_its_begin_says_so_and_one_in_so_many_of_our_own() {
        let (on, _) = tracer(&nowhere(10, 1));
        let parent: Trace = TEXT.parse().unwrap();
        let own = on.begin(Some(parent)).unwrap();
        assert_eq!((own.id, own.sampled), (parent.id, true));
        assert_ne!(own.span, parent.span);
        let unsampled = Trace { sampled: false, ..parent };
        assert!(!on.begin(Some(unsampled)).unwrap().sampled);
        let sampled = (0..10_000).filter(|_| on.begin(None).unwrap().sampled).count();
        // Six standard deviations around a thousand.
        assert!((820..1180).contains(&sampled), "{sampled}");
        let (all, _) = tracer(&nowhere(1, 1));
        assert!((0..100).all(|_| all.begin(None).unwrap().sampled));
    }

    #[test]
    fn what_finds_no_room_or_no_collector_is_counted_and_nobody_waits() {
        let (on, metrics) = tracer(&nowhere(1, 1));
        for _ in 0..1000 {
            on.end(on.begin(None), over);
        }
        on.close();
        let count = |outcome| metrics.trace_spans.with_label_values(&[outcome]).get();
        assert!(count("dropped") > 0);
        assert_eq!((count("dropped") + count("failed"), count("sent")), (1000, 0));
    }
}
