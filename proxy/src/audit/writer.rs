//! The writer: one thread that makes records of what comes, chains them, and hands them to the sinks in batches.
//!
//! Each minute, when a segment ends and at the end it signs a checkpoint; each hour it looks for what retention takes. Both
//! are records of the chain themselves.

use super::chain::Chain;
use super::checkpoint::{Checkpoint, Head};
use super::entry::{Entry, Event, Stamp};
use super::keys::Signer;
use super::others::Others;
use super::prune::{PRUNED, Plan, Rule};
use super::queue::{Item, Queue, Taken};
use super::sink::{Batch, Lane};
use super::{body::Redactor, keys::Secret};
use crate::telemetry::metrics::Metrics;
use netweave_model::Timestamp;
use netweave_model::port::Clock;
use serde_json::json;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tracing::{error, warn};

/// Size after which a batch is handed over although more waits.
const MAX_BATCH: usize = 1 << 20;
/// How often retention is looked after, beside the end of each segment.
const PRUNING: Duration = Duration::from_hours(1);
/// How long the end waits for what retention takes.
const LAST_PLAN: Duration = Duration::from_secs(2);

/// The times and sizes of the writer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Time between two checkpoints.
    pub(super) checkpoint: Duration,
    /// Size of a segment.
    pub(super) segment_size: usize,
    /// Time of a segment.
    pub(super) segment_time: Duration,
}

/// What the writer does for the folder of the sink `file`.
pub(super) struct Keeper {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The key of its segments.
    pub(super) secret: Option<Secret>,
    /// How long records are kept.
    pub(super) kept: Duration,
    /// The other chains in it.
    pub(super) others: Others,
}

/// What the writer works with.
pub(super) struct Parts {
    /// What comes.
    pub(super) queue: Arc<Queue>,
    /// The chain.
    pub(super) chain: Chain,
    /// Makes the shown form of bodies.
    pub(super) redactor: Redactor,
    /// The sinks.
    pub(super) lanes: Vec<Lane>,
    /// Signs checkpoints.
    pub(super) signer: Option<Signer>,
    /// The folder, if there is one.
    pub(super) keeper: Option<Keeper>,
    /// Times and sizes.
    pub(super) pace: Pace,
    /// The time of day.
    pub(super) clock: Arc<dyn Clock>,
    /// The metrics.
    pub(super) metrics: Arc<Metrics>,
}

/// The writer on its thread.
pub(super) struct Writer {
    parts: Parts,
    batch: Batch,
    stamp: Stamp,
    /// Bytes of the segment so far, and when it was begun.
    segment: (usize, Instant),
    checkpoint_due: Instant,
    pruning_due: Instant,
    /// Looks for what retention takes.
    planning: Option<Receiver<Plan>>,
    /// The last record that a checkpoint covers.
    signed: u64,
}

impl Keeper {
    /// Begins to look for what retention takes.
    fn plan(&self, parts: &Parts) -> Option<Receiver<Plan>> {
        let rule = Rule {
            folder: self.folder.clone(),
            secret: self.secret.clone(),
            own: parts.chain.writer().to_owned(),
            before: parts.clock.now().minus(self.kept),
        };
        let known: Vec<Head> = self.others.all().cloned().collect();
        let (sender, planning) = sync_channel(1);
        let look = move || match rule.plan(&known) {
            // Nobody waits any more if the process has ended.
            Ok(plan) => drop(sender.send(plan)),
            Err(error) => warn!(%error, "the folder of the audit log cannot be looked after"),
        };
        let started = std::thread::Builder::new().name("audit-retention".to_owned()).spawn(look);
        started.inspect_err(|error| warn!(%error, "the folder of the audit log is not looked after")).ok()?;
        Some(planning)
    }
}

impl Writer {
    /// Makes the writer; the first checkpoint, and the first look for what retention takes, are due at once.
    pub(super) fn new(parts: Parts) -> Self {
        let now = Instant::now();
        Self {
            parts,
            batch: Batch::default(),
            stamp: Stamp::default(),
            segment: (0, now),
            checkpoint_due: now,
            pruning_due: now,
            planning: None,
            signed: 0,
        }
    }

    /// Works until the queue is closed and empty; blocks.
    pub(super) fn run(mut self) {
        let mut taken = Taken::default();
        loop {
            taken = self.parts.queue.take(self.checkpoint_due, taken);
            for item in taken.items.drain(..) {
                self.item(item);
            }
            if taken.lost > 0 {
                self.event(Event::new("audit.lost", self.parts.clock.now()).with("records", taken.lost));
            }
            self.conclude(taken.closed);
            self.hand_over();
            if taken.closed {
                return;
            }
        }
    }

    fn item(&mut self, item: Item) {
        self.append(&item.entry);
        if let Some(waiter) = item.waiter {
            self.batch.sync = true;
            self.batch.waiters.get_mut().unwrap_or_else(PoisonError::into_inner).push(waiter);
        }
        if self.batch.lines.len() >= MAX_BATCH {
            self.hand_over();
        }
    }

    fn event(&mut self, event: Event) {
        self.append(&Entry::Event(Box::new(event)));
    }

    fn append(&mut self, entry: &Entry) {
        let before = self.batch.lines.len();
        let record = entry.record(&self.parts.redactor, &mut self.stamp);
        if let Err(error) = self.parts.chain.append(record, &mut self.batch.lines) {
            self.batch.lines.truncate(before);
            self.parts.metrics.audit_dropped.with_label_values(&["record"]).inc();
            return error!(%error, "an audit record is lost");
        }
        let seq = self.parts.chain.seq();
        if before == 0 {
            self.batch.first = seq;
        }
        self.batch.last = seq;
        self.segment.0 += self.batch.lines.len() - before;
    }

    /// Does what is due: ends a segment, looks after retention, signs.
    fn conclude(&mut self, closed: bool) {
        let now = Instant::now();
        let grown = !self.batch.lines.is_empty();
        let old = now.saturating_duration_since(self.segment.1) >= self.parts.pace.segment_time;
        let rotate = grown && (old || self.segment.0 >= self.parts.pace.segment_size);
        if rotate {
            self.pruning_due = now;
        }
        let remove = self.prune(now, closed);
        if !rotate && !closed && remove.is_empty() && now < self.checkpoint_due {
            return;
        }
        self.checkpoint_due = now + self.parts.pace.checkpoint;
        self.sign();
        self.batch.sync = true;
        self.batch.remove.extend(remove);
        if rotate {
            self.batch.rotate = true;
            self.segment = (0, now);
        }
    }

    /// Looks for what retention takes, on a thread of its own because that reads whole segments, and records what was found;
    /// returns the files, which go once the record is safe. At the end it waits for what it looks for.
    fn prune(&mut self, now: Instant, closed: bool) -> Vec<PathBuf> {
        let mut remove = Vec::new();
        loop {
            if self.planning.is_none() && now >= self.pruning_due {
                self.pruning_due = now + PRUNING;
                self.planning = self.parts.keeper.as_ref().and_then(|keeper| keeper.plan(&self.parts));
            }
            let Some(planning) = &self.planning else { return remove };
            let patience = if closed { LAST_PLAN } else { Duration::ZERO };
            match planning.recv_timeout(patience) {
                Ok(plan) => remove.extend(self.pruned(plan)),
                Err(RecvTimeoutError::Timeout) => return remove,
                Err(RecvTimeoutError::Disconnected) => {}
            }
            self.planning = None;
        }
    }

    /// Records what retention takes.
    fn pruned(&mut self, plan: Plan) -> Vec<PathBuf> {
        for path in &plan.damaged {
            error!(path = %path.display(), "a segment of the audit log does not hold and is kept beyond its time");
        }
        if plan.is_empty() {
            return Vec::new();
        }
        if let Some(keeper) = &mut self.parts.keeper {
            plan.gone.iter().for_each(|writer| keeper.others.forget(writer));
        }
        let ends: Vec<_> = plan.ends.values().collect();
        let event = Event::new(PRUNED, self.parts.clock.now())
            .with("before", plan.before.to_string())
            .with("records", plan.records)
            .with("segments", plan.remove.len())
            .with("writers", json!(ends));
        self.event(event);
        plan.remove
    }

    /// Signs how far this chain has come, and the others that have grown; the file beside the segments names all.
    fn sign(&mut self) {
        let time = self.parts.clock.now();
        let changed = self.look();
        let news = self.parts.chain.seq() > self.signed || !changed.is_empty();
        let Some(signer) = self.parts.signer.as_ref().filter(|_| news) else { return };
        let own = own_head(&self.parts.chain, time);
        let heads = std::iter::once(own).chain(changed).collect();
        let checkpoint = Checkpoint::sign(signer, self.parts.chain.writer(), &time.to_string(), heads);
        self.event(Event::new("audit.checkpoint", time).with("checkpoint", json!(checkpoint)));
        self.signed = self.parts.chain.seq();
        let Some((keeper, signer)) = self.parts.keeper.as_ref().zip(self.parts.signer.as_ref()) else {
            return;
        };
        let own = own_head(&self.parts.chain, time);
        let heads = std::iter::once(own).chain(keeper.others.all().cloned()).collect();
        let checkpoint = Checkpoint::sign(signer, self.parts.chain.writer(), &time.to_string(), heads);
        self.batch.checkpoint = serde_json::to_string(&checkpoint).ok();
    }

    fn look(&mut self) -> Vec<Head> {
        let Some(keeper) = &mut self.parts.keeper else { return Vec::new() };
        if let Err(error) = keeper.others.look() {
            warn!(%error, "the folder of the audit log cannot be read");
        }
        keeper.others.changed()
    }

    fn hand_over(&mut self) {
        // The next batch will be about as large.
        let lines = Vec::with_capacity(self.batch.lines.len().min(MAX_BATCH));
        let batch = std::mem::replace(&mut self.batch, Batch { lines, ..Batch::default() });
        if batch.lines.is_empty() {
            return;
        }
        let batch = Arc::new(batch);
        for lane in &self.parts.lanes {
            lane.give(&batch);
        }
    }
}

fn own_head(chain: &Chain, time: Timestamp) -> Head {
    let (hash, writer) = (chain.head().to_owned(), chain.writer().to_owned());
    Head { hash, seq: chain.seq(), time: time.to_string(), writer }
}
