//! The audit log as the rest of the process sees it: hand something over, ask whether changes may be made, end it.

use super::archive;
use super::body::Redactor;
use super::chain::Chain;
use super::entry::{Call, Entry, Event, Stamp};
use super::flood::Flood;
use super::keys::{Secret, Signer};
use super::others::Others;
use super::queue::{Item, LINGER, Queue};
use super::sink::file::Files;
use super::sink::otlp::Otlp;
use super::sink::stdout::Stdout;
use super::sink::syslog::Syslog;
use super::sink::{Lane, Sink, State};
use super::writer::{self, Keeper, Pace, Writer};
use crate::conf::tree::{Audit as Conf, AuditMode, SinkKind};
use crate::ops::host_name;
use crate::telemetry::metrics::Metrics;
use netweave_model::error::Retry;
use netweave_model::port::{Clock, Ids};
use netweave_model::{Error, ErrorKind, Result};
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tracing::{info, warn};

/// How long a change waits for its record to be safe.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the end waits for the sinks.
const LAST: Duration = Duration::from_secs(5);

/// What the log works with.
pub struct Parts {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Names the start, and makes the key of stand-ins if there is none.
    pub ids: Arc<dyn Ids>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// The audit log of a process; without sinks it takes nothing.
pub struct Audit(Option<Running>);

struct Running {
    queue: Arc<Queue>,
    strict: bool,
    sinks: Vec<Arc<State>>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// Ends when all threads have.
    done: Mutex<Receiver<()>>,
    handshakes: Flood,
    strangers: Flood,
    letters: Flood,
}

impl Audit {
    /// A log that records nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Opens all sinks and keys, and starts the threads; `begin` is the first record.
    ///
    /// # Errors
    /// `Invalid`: a sink cannot be opened, or a key cannot be read; then the process must not start.
    pub fn open(conf: &Conf, parts: Parts, begin: Event) -> Result<Self> {
        if conf.sinks.is_empty() {
            warn!("nothing is recorded for audit: audit.sinks is empty");
            return Ok(Self::off());
        }
        let queue = Arc::new(Queue::new(LINGER));
        queue.put(Item { entry: Entry::Event(Box::new(begin)), waiter: None });
        let name = name(&parts.ids.uuid().simple().to_string());
        let signer = conf.signing_key_file.as_deref().map(Signer::read).transpose()?;
        let (sender, done) = sync_channel(1);
        let (opened, keeper) = sinks(conf, &name, signer.as_ref(), &parts.clock)?;
        let lane = |sink| Lane::start(sink, &parts.metrics, sender.clone()).map_err(no_thread);
        let lanes = opened.into_iter().map(lane).collect::<Result<Vec<_>>>()?;
        let sinks = lanes.iter().map(Lane::state).collect();
        let secret = conf.redaction_key_file.as_deref().map(Secret::read).transpose()?;
        let secret = secret.unwrap_or_else(|| Secret::new(parts.ids.secret()));
        let pace = Pace {
            checkpoint: conf.checkpoint.0,
            segment_size: conf.file.segment_size.bytes(),
            segment_time: conf.file.segment_time.0,
        };
        parts.metrics.audit_dropped.with_label_values(&["queue"]).inc_by(0);
        let writer = Writer::new(writer::Parts {
            queue: Arc::clone(&queue),
            chain: Chain::new(name.clone()),
            redactor: Redactor::new(secret.bytes(), conf.body.bytes()),
            lanes,
            signer,
            keeper,
            pace,
            clock: Arc::clone(&parts.clock),
            metrics: Arc::clone(&parts.metrics),
        });
        start(writer, sender)?;
        info!(writer = name, sinks = ?conf.sinks, mode = ?conf.mode, "recording for audit");
        Ok(Self(Some(Running {
            queue,
            strict: conf.mode == AuditMode::Strict,
            sinks,
            clock: parts.clock,
            metrics: parts.metrics,
            done: Mutex::new(done),
            handshakes: Flood::default(),
            strangers: Flood::default(),
            letters: Flood::default(),
        })))
    }

    /// Says whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Records a call that changes nothing, or an answer that nobody waits for.
    pub fn call(&self, call: Call) {
        if let Some(running) = &self.0 {
            running.put(Entry::Call(call), None);
        }
    }

    /// Records something that is no call.
    pub fn event(&self, event: Event) {
        if let Some(running) = &self.0 {
            running.put(Entry::Event(Box::new(event)), None);
        }
    }

    /// Begins an event of now.
    pub fn now(&self, name: &'static str) -> Event {
        let clock = self.0.as_ref().map(|running| running.clock.now());
        Event::new(name, clock.unwrap_or_default())
    }

    /// Says whether a change may be made: in strict mode only while a sink keeps records safe.
    ///
    /// # Errors
    /// `Unavailable` (retryable): none does.
    pub fn may_change(&self) -> Result<()> {
        match &self.0 {
            Some(running) if running.strict && !running.sinks.iter().any(|sink| sink.is_reliable()) => {
                running.metrics.audit_refused.inc();
                Err(unsafe_now("no change is made while its record cannot be kept"))
            }
            _ => Ok(()),
        }
    }

    /// Records a change; in strict mode it waits until the record is safe.
    ///
    /// # Errors
    /// `Unavailable` (retryable): it did not become safe in time, so the change must not be confirmed.
    ///
    /// # Cancel safety
    /// Cancel safe: the record is handed over at once.
    pub async fn change(&self, call: Call) -> Result<()> {
        let Some(running) = &self.0 else { return Ok(()) };
        let entry = Entry::Call(call);
        if !running.strict {
            running.put(entry, None);
            return Ok(());
        }
        let (sender, safe) = oneshot::channel();
        let queued = running.put(entry, Some(sender));
        if queued && matches!(tokio::time::timeout(PATIENCE, safe).await, Ok(Ok(()))) {
            return Ok(());
        }
        running.metrics.audit_refused.inc();
        Err(unsafe_now("the record of this change could not be kept; whether it was made must be looked up"))
    }

    /// Records a handshake that failed; of very many in a second only the number.
    pub fn handshake(&self, address: IpAddr, reason: &'static str, error: Option<String>) {
        let Some(running) = &self.0 else { return };
        if let Some(withheld) = running.handshakes.pass(Instant::now()) {
            let mut event = self.now("tls.handshake");
            (event.source, event.reason) = (Some(address), Some(reason));
            event.detail.extend(error.map(|error| ("error", error.into())));
            self.event(with_withheld(event, withheld));
        }
    }

    /// Records a connection that no allow list has; of very many in a second only the number.
    pub fn stranger(&self, address: IpAddr, listener: &'static str) {
        let Some(running) = &self.0 else { return };
        if let Some(withheld) = running.strangers.pass(Instant::now()) {
            let mut event = self.now("connection.refused").with("listener", listener);
            (event.source, event.reason) = (Some(address), Some("network"));
            self.event(with_withheld(event, withheld));
        }
    }

    /// Records a notification that was given up; of very many in a second only the number.
    pub fn dead_letter(&self, event: Event) {
        let Some(running) = &self.0 else { return };
        if let Some(withheld) = running.letters.pass(Instant::now()) {
            self.event(with_withheld(event, withheld));
        }
    }

    /// Records the end, signs a last checkpoint and waits until the sinks have everything; blocks, for seconds at most.
    pub fn close(&self) {
        let Some(running) = &self.0 else { return };
        let withheld =
            running.handshakes.withheld() + running.strangers.withheld() + running.letters.withheld();
        self.event(with_withheld(self.now("process.stop"), withheld));
        running.queue.close();
        let done = running.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.recv_timeout(LAST) == Err(RecvTimeoutError::Timeout) {
            warn!("the audit sinks did not take everything in time");
        }
    }
}

impl Running {
    fn put(&self, entry: Entry, waiter: Option<oneshot::Sender<()>>) -> bool {
        let fits = self.queue.put(Item { entry, waiter });
        if !fits {
            self.metrics.audit_dropped.with_label_values(&["queue"]).inc();
        }
        fits
    }
}

fn with_withheld(event: Event, withheld: u64) -> Event {
    if withheld > 0 { event.with("withheld", withheld) } else { event }
}

fn unsafe_now(detail: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, detail).with_retry(Retry::Later)
}

/// Names the writer: this machine, in the characters of host names, and this start.
pub(super) fn name(start: &str) -> String {
    // The point stands before the start.
    let host = host_name().replace('.', "-");
    let start: String = start.chars().take(12).collect();
    format!("{host}.{start}")
}

/// The sinks, and what is done for the folder of the sink `file`.
type Opened = (Vec<Box<dyn Sink>>, Option<Keeper>);

/// Opens the sinks, and the folder of the sink `file`.
fn sinks(conf: &Conf, writer: &str, signer: Option<&Signer>, clock: &Arc<dyn Clock>) -> Result<Opened> {
    let mut opened: Vec<Box<dyn Sink>> = Vec::new();
    let mut keeper = None;
    if conf.goes_to(SinkKind::Stdout) {
        opened.push(Box::new(Stdout::default()));
    }
    if conf.goes_to(SinkKind::File) {
        let refused = |error| Error::invalid("audit.file.directory", "cannot be used").with_source(error);
        let (folder, secret) =
            (&conf.file.directory, conf.file.key_file.as_deref().map(Secret::read).transpose()?);
        opened.push(Box::new(Files::open(folder, writer, secret.clone()).map_err(refused)?));
        let key = signer.map(Signer::public);
        let others = Others::open(folder, writer, secret.clone(), key.as_ref()).map_err(refused)?;
        keeper = Some(Keeper { folder: folder.clone(), secret, kept: conf.kept(), others });
    }
    if conf.goes_to(SinkKind::Syslog) {
        opened.push(Box::new(Syslog::open(&conf.syslog)?));
    }
    if conf.goes_to(SinkKind::Otlp) {
        opened.push(Box::new(Otlp::open(&conf.otlp, Arc::clone(clock))?));
    }
    Ok((opened, keeper))
}

fn start(writer: Writer, done: SyncSender<()>) -> Result<()> {
    let run = move || {
        writer.run();
        drop(done);
    };
    std::thread::Builder::new().name("audit".to_owned()).spawn(run).map(drop).map_err(no_thread)
}

fn no_thread(error: std::io::Error) -> Error {
    Error::internal("no thread can be started").with_source(error)
}

/// Appends one record to a folder as a writer of its own, as the command line does when it has read there.
///
/// # Errors
/// `Invalid`: the folder cannot be written to. `Internal`: the record cannot be written.
pub fn append(folder: &std::path::Path, secret: Option<Secret>, start: &str, event: Event) -> Result<()> {
    let refused = |error| Error::invalid("DIR", "cannot be written to").with_source(error);
    archive::list(folder).map_err(refused)?;
    let mut chain = Chain::new(format!("cli-{}", name(start)));
    let mut files = Files::open(folder, chain.writer(), secret).map_err(refused)?;
    let mut lines = Vec::new();
    let entry = Entry::Event(Box::new(event));
    chain.append(entry.record(&Redactor::new(&[], 0), &mut Stamp::default()), &mut lines)?;
    let batch = super::sink::Batch { lines, first: 1, last: 1, sync: true, ..super::sink::Batch::default() };
    files.take(&[Arc::new(batch)]).map_err(refused)
}

#[cfg(test)]
mod tests;
