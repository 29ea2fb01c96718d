//! Where records go: each sink has a thread of its own, so that a slow one holds up nobody but itself.

pub mod file;
pub mod otlp;
pub mod stdout;
pub mod syslog;

use crate::telemetry::metrics::Metrics;
use crate::telemetry::throttle::Throttle;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Batches that wait for one sink; each has at most a mebibyte and what follows the record that went beyond it.
const WAITING: usize = 32;
/// Batches that a sink takes at once, so that one sync serves them all.
const TOGETHER: usize = 16;
/// Pause after a failure.
const PAUSE: Duration = Duration::from_millis(250);
/// A sink that is busy for longer is taken for blocked.
const BLOCKED: Duration = Duration::from_secs(2);
/// Tries of what is left when the process ends.
const LAST_TRIES: u32 = 8;

/// Some lines of a chain, in their order.
#[derive(Debug, Default)]
pub struct Batch {
    /// The lines, each with its end.
    pub lines: Vec<u8>,
    /// The number of the first record.
    pub first: u64,
    /// The number of the last record.
    pub last: u64,
    /// The latest checkpoint as a file holds it, if it was made with this batch.
    pub checkpoint: Option<String>,
    /// Whether segments end with this batch.
    pub rotate: bool,
    /// Files that are to be deleted once these lines are safe.
    pub remove: Vec<PathBuf>,
    /// Whether somebody waits, or something was signed: the lines must not be left in a buffer.
    pub sync: bool,
    /// Who waits until the lines are safe.
    pub waiters: Mutex<Vec<oneshot::Sender<()>>>,
}

impl Batch {
    /// Returns how many records there are.
    pub fn count(&self) -> u64 {
        if self.lines.is_empty() { 0 } else { self.last + 1 - self.first }
    }

    /// Tells everybody who waits that the lines are safe.
    fn safe(&self) {
        let waiters = std::mem::take(&mut *self.waiters.lock().unwrap_or_else(PoisonError::into_inner));
        for waiter in waiters {
            // Whoever has left is not told.
            waiter.send(()).ok();
        }
    }
}

/// Takes lines.
pub trait Sink: Send {
    /// Returns the name for metrics and logs.
    fn name(&self) -> &'static str;

    /// Says whether lines that were taken are safe: they survive the end of the process, however it comes.
    fn is_safe(&self) -> bool;

    /// Takes batches, all or none; after a failure they are given again, perhaps with more after them. Blocks.
    ///
    /// # Errors
    /// They could not be written.
    fn take(&mut self, batches: &[Arc<Batch>]) -> io::Result<()>;
}

/// How a sink fares, for those who ask before they change something.
#[derive(Debug)]
pub struct State {
    name: &'static str,
    safe: bool,
    failed: AtomicBool,
    /// Milliseconds from `epoch` to the beginning of the call that goes on; 0 if none does.
    busy: AtomicU64,
    epoch: Instant,
}

impl State {
    fn new(name: &'static str, safe: bool) -> Self {
        Self { name, safe, failed: AtomicBool::new(false), busy: AtomicU64::new(0), epoch: Instant::now() }
    }

    /// Says whether it can be relied on: it keeps lines safe, and did so the last time, in time.
    pub fn is_reliable(&self) -> bool {
        let now = self.elapsed();
        let busy = self.busy.load(Ordering::Acquire);
        let blocked = busy != 0 && Duration::from_millis(now.saturating_sub(busy)) > BLOCKED;
        self.safe && !self.failed.load(Ordering::Acquire) && !blocked
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn begin(&self) {
        self.busy.store(self.elapsed(), Ordering::Release);
    }

    /// Notes how a call ended; says whether that is news.
    fn end(&self, failed: bool) -> bool {
        self.busy.store(0, Ordering::Release);
        self.failed.swap(failed, Ordering::AcqRel) != failed
    }
}

/// The way to a sink's thread.
pub(super) struct Lane {
    sender: SyncSender<Arc<Batch>>,
    state: Arc<State>,
    metrics: Arc<Metrics>,
}

impl Lane {
    /// Starts the sink's thread; `done` is dropped when it ends.
    ///
    /// # Errors
    /// There is no thread.
    pub(super) fn start(
        sink: Box<dyn Sink>,
        metrics: &Arc<Metrics>,
        done: SyncSender<()>,
    ) -> io::Result<Self> {
        let (sender, batches) = sync_channel(WAITING);
        let state = Arc::new(State::new(sink.name(), sink.is_safe()));
        metrics.audit_sink_up.with_label_values(&[state.name]).set(1);
        metrics.audit_dropped.with_label_values(&[state.name]).inc_by(0);
        let run = Run {
            sink,
            state: Arc::clone(&state),
            metrics: Arc::clone(metrics),
            failures: Throttle::default(),
        };
        let name = format!("audit-{}", state.name);
        std::thread::Builder::new().name(name).spawn(move || {
            run.all(&batches);
            drop(done);
        })?;
        Ok(Self { sender, state, metrics: Arc::clone(metrics) })
    }

    /// Returns how the sink fares.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Gives a batch to the sink; what does not fit is counted as lost.
    pub(super) fn give(&self, batch: &Arc<Batch>) {
        match self.sender.try_send(Arc::clone(batch)) {
            Ok(()) => {}
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.metrics.audit_dropped.with_label_values(&[self.state.name]).inc_by(batch.count());
            }
        }
    }
}

/// A sink on its thread.
struct Run {
    sink: Box<dyn Sink>,
    state: Arc<State>,
    metrics: Arc<Metrics>,
    failures: Throttle,
}

impl Run {
    fn all(mut self, batches: &Receiver<Arc<Batch>>) {
        while let Ok(first) = batches.recv() {
            let mut some = vec![first];
            let mut tries = 0;
            loop {
                let ended = gather(batches, &mut some);
                self.state.begin();
                let taken = self.sink.take(&some);
                self.tell(self.state.end(taken.is_err()), taken.is_ok());
                let Err(error) = taken else { break self.taken(&some) };
                self.failures.warn("an audit sink does not take records", &error);
                tries = if ended { tries + 1 } else { 0 };
                if tries >= LAST_TRIES {
                    break self.lost(&some);
                }
                std::thread::sleep(PAUSE);
            }
        }
    }

    fn tell(&self, news: bool, up: bool) {
        if news {
            self.metrics.audit_sink_up.with_label_values(&[self.state.name]).set(i64::from(up));
            tracing::warn!(sink = self.state.name, up, "an audit sink has changed its mind");
        }
    }

    fn taken(&self, some: &[Arc<Batch>]) {
        for batch in some {
            self.metrics.audit_records.with_label_values(&[self.state.name]).inc_by(batch.count());
            if self.state.safe {
                batch.safe();
            }
        }
    }

    fn lost(&self, some: &[Arc<Batch>]) {
        let count = some.iter().map(|batch| batch.count()).sum();
        self.metrics.audit_dropped.with_label_values(&[self.state.name]).inc_by(count);
    }
}

/// Takes what waits already; says whether nothing will come after it.
fn gather(batches: &Receiver<Arc<Batch>>, some: &mut Vec<Arc<Batch>>) -> bool {
    while some.len() < TOGETHER {
        match batches.try_recv() {
            Ok(batch) => some.push(batch),
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => return true,
        }
    }
    false
}
