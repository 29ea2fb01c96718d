//! One source's way into the log: commits that cannot tread on each other.
//!
//! The watcher's stream and the fill's lists of one source both write through here, one commit at a time. A list that
//! was begun before the stream wrote something newer is dropped, and a list that would delete much of a kind at once takes
//! no effect before a second complete list confirms it. So does one that would delete anything, if the source can only be
//! asked: some answer from replicas that lag behind. Decides nothing about when to ask a source.

use super::catalog::Catalog;
use super::lease::Lease;
use super::per_kind::PerKind;
use super::sources::Sources;
use netweave_model::port::{Backend, Change, Clock, InventoryLog, Leases, baseline};
use netweave_model::{
    Causes, Context, ErrorKind, Id, Kind, Object, ObjectKey, Result, SourceName, Timestamp,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::{info, warn};

/// How many changes one commit holds at most.
pub const CHUNK: usize = 512;
/// A complete list may delete this share of a kind at once, in percent, before it must be confirmed.
const DROP_PERCENT: usize = 30;
/// Kinds with fewer objects may lose all at once.
const DROP_FLOOR: usize = 10;
/// How long after a suspicious list a second one is asked for.
pub const CONFIRM_AFTER: Duration = Duration::from_secs(5);

/// What all feeds write with.
#[derive(Clone)]
pub struct Desk {
    /// The change log.
    pub log: Arc<dyn InventoryLog>,
    /// Leadership.
    pub leases: Arc<dyn Leases>,
    /// The store's time: sources are confirmed by it.
    pub clock: Arc<dyn Clock>,
    /// What is known now.
    pub catalog: Arc<Catalog>,
    /// The sources' health.
    pub sources: Arc<Sources>,
    /// Names this process to the other pods.
    pub holder: Arc<str>,
}

/// One source: its backend and its way into the log.
pub struct Feed {
    /// The source.
    pub name: SourceName,
    /// The infrastructure behind it.
    pub backend: Arc<dyn Backend>,
    desk: Desk,
    lease: Lease,
    gate: Mutex<Gate>,
    causes: Arc<Causes>,
}

/// What commits must know of each other.
#[derive(Default)]
struct Gate {
    /// Counts the commits of each kind.
    writes: PerKind<u64>,
    /// Objects that one complete list lacked and that wait for a second one.
    held: PerKind<Option<Held>>,
}

struct Held {
    missing: BTreeSet<Id>,
    since: Timestamp,
}

/// What came of a complete list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// It is committed: what is known of the kind is this list.
    Committed,
    /// It would delete too much, or anything without being sure; what it holds is committed, what it lacks is kept until a second list.
    Held,
    /// The change stream wrote something newer in the meantime; nothing was committed.
    Outdated,
}

/// Remembers how far a kind was written when a list was begun.
#[derive(Clone, Copy, Debug)]
pub struct Begun(u64);

impl Feed {
    /// Makes the feed of one source.
    pub fn new(name: SourceName, backend: Arc<dyn Backend>, desk: Desk) -> Self {
        let lease = Lease::new(
            name.clone(),
            Arc::clone(&desk.holder),
            Arc::clone(&desk.leases),
            Arc::clone(&desk.sources),
        );
        let causes = desk.sources.causes(&name).map(Arc::clone).unwrap_or_default();
        Self { name, backend, desk, lease, gate: Mutex::default(), causes }
    }

    /// Returns what makes the source be asked.
    pub fn causes(&self) -> &Causes {
        &self.causes
    }

    /// Asks the source for something on behalf of what wants it to be asked; what is committed then belongs to that trace.
    pub async fn asking<T>(&self, question: impl Future<Output = T>) -> T {
        let context = Context { causes: Some(Arc::clone(&self.causes)), ..Context::default() };
        context.within(question).await
    }

    /// Returns what this feed writes with.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Returns the source's lease.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Commits single changes, in order.
    ///
    /// # Errors
    /// `Conflict`: the lease is lost. `Unavailable`: the store did not take them.
    pub async fn commit(&self, changes: &[Change]) -> Result<()> {
        let mut gate = self.gate.lock().await;
        for change in changes {
            gate.note(change);
        }
        self.write(changes).await
    }

    /// Remembers what is written of a kind, before a list of it is asked for.
    pub async fn begin(&self, kind: Kind) -> Begun {
        Begun(*self.gate.lock().await.writes.get(kind))
    }

    /// Commits a complete list of a kind.
    ///
    /// `begun` is given for a list that was asked for beside the change stream.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn commit_list(
        &self,
        kind: Kind,
        objects: Vec<Object>,
        begun: Option<Begun>,
    ) -> Result<Listed> {
        let mut gate = self.gate.lock().await;
        let listed: BTreeSet<Id> = objects.iter().map(|object| object.key.id.clone()).collect();
        let held = gate.held.get_mut(kind).take();
        if let (Some(held), Some(_)) = (&held, begun) {
            return self.confirm(&mut gate, kind, objects, &held.missing, &listed).await;
        }
        if begun.is_some_and(|begun| begun.0 != *gate.writes.get(kind)) {
            return Ok(Listed::Outdated);
        }
        *gate.writes.get_mut(kind) += 1;
        let (known, missing) = self.compare(kind, &listed);
        let lacked_before = |id: &&Id| held.as_ref().is_some_and(|held| held.missing.contains(*id));
        let doubtful = missing.iter().filter(|id| !lacked_before(id)).count();
        let much = known >= DROP_FLOOR && doubtful * 100 > known * DROP_PERCENT;
        if doubtful == 0 || (!much && self.backend.capabilities().native_watch) {
            self.replace(kind, objects).await?;
            return Ok(Listed::Committed);
        }
        if much {
            warn!(
                source = %self.name, %kind, known, missing = missing.len(),
                "a list lacks much of what is known; nothing is deleted before a second list confirms it"
            );
        }
        *gate.held.get_mut(kind) = Some(Held { missing, since: self.desk.clock.now() });
        self.write(&objects.into_iter().map(Change::Upsert).collect::<Vec<_>>()).await?;
        Ok(Listed::Held)
    }

    /// Returns the kinds whose list must be confirmed, and when each is due.
    pub async fn held(&self) -> Vec<(Kind, Timestamp)> {
        let gate = self.gate.lock().await;
        let held = gate
            .held
            .iter()
            .filter_map(|(kind, held)| Some((kind, held.as_ref()?.since.plus(CONFIRM_AFTER))));
        held.collect()
    }

    /// Deletes what two complete lists lacked, and takes back what the second one has.
    ///
    /// All else in the second list is older than what the change stream wrote, or the same.
    async fn confirm(
        &self,
        gate: &mut Gate,
        kind: Kind,
        objects: Vec<Object>,
        missing: &BTreeSet<Id>,
        listed: &BTreeSet<Id>,
    ) -> Result<Listed> {
        *gate.writes.get_mut(kind) += 1;
        let back = objects.into_iter().filter(|object| missing.contains(&object.key.id)).map(Change::Upsert);
        let gone = missing.difference(listed).map(|id| Change::Delete(ObjectKey { kind, id: id.clone() }));
        let changes: Vec<_> = back.chain(gone).chain(std::iter::once(Change::Heartbeat)).collect();
        self.write(&changes).await?;
        info!(source = %self.name, %kind, changes = changes.len(), "a second list confirmed what is gone");
        Ok(Listed::Committed)
    }

    /// Returns how many objects of a kind are known, and which of them a list lacks.
    fn compare(&self, kind: Kind, listed: &BTreeSet<Id>) -> (usize, BTreeSet<Id>) {
        let views = self.desk.catalog.views();
        let Some(view) = views.view(&self.name, kind).filter(|view| view.known) else {
            return (0, BTreeSet::new());
        };
        let missing = view.keys().map(|key| &key.id).filter(|id| !listed.contains(*id)).cloned().collect();
        (view.len(), missing)
    }

    async fn replace(&self, kind: Kind, objects: Vec<Object>) -> Result<()> {
        self.write(&baseline(kind, objects).collect::<Vec<_>>()).await
    }

    /// Writes changes in bounded chunks, keeping the lease meanwhile.
    async fn write(&self, changes: &[Change]) -> Result<()> {
        for chunk in changes.chunks(CHUNK) {
            let fence = self.lease.fence().await?;
            let trace = Context::of(self.causes.done());
            let committed = trace.within(self.desk.log.commit(&self.name, fence, chunk)).await;
            if committed.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict) {
                self.lease.lost();
            }
            self.desk.catalog.expect(committed?);
        }
        Ok(())
    }
}

impl Gate {
    /// Takes note of a single change: lists that are on their way are older, and what is named again is not missing.
    fn note(&mut self, change: &Change) {
        let (kind, id) = match change {
            Change::Upsert(object) => (object.key.kind, Some(&object.key.id)),
            Change::Delete(key) => (key.kind, Some(&key.id)),
            Change::Reset(kind) | Change::Synced(kind) => (*kind, None),
            Change::Heartbeat => return,
        };
        *self.writes.get_mut(kind) += 1;
        if let (Some(id), Some(held)) = (id, self.held.get_mut(kind)) {
            held.missing.remove(id);
        }
    }
}

#[cfg(test)]
mod tests;
