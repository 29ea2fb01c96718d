//! The inventory: rows of each source, changed only together with the log entries that tell of it.

use super::log::LogIndex;
use super::{SourceRows, State};
use crate::backing::{Backing, Fingerprint, RowsReader, Urgency};
use crate::fact::{Fact, FactKey, SourceFact};
use netweave_model::port::{Change, Fence, Snapshot, refusal};
use netweave_model::{
    Entry, Error, Event, Id, Kind, Object, ObjectKey, Position, Result, SourceName, Timestamp,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A confirmation of a source is recorded at once if the recorded one is older than this.
const SEEN_RECORD_INTERVAL: Duration = Duration::from_mins(1);

/// What is held of one source.
#[derive(Debug, Default)]
pub(super) struct Source {
    fact: SourceFact,
    recorded_seen: Option<Timestamp>,
    pub(super) rows: SourceRows,
    staged: BTreeMap<Kind, BTreeMap<Id, Staged>>,
}

/// An object named between `Reset` and `Synced`.
#[derive(Debug)]
enum Staged {
    /// It equals its row, so its JSON need not be held.
    Same,
    /// It is new or differs.
    Put(Object),
}

impl Source {
    pub(super) fn restore(&mut self, fact: SourceFact) {
        self.recorded_seen = fact.seen_at;
        self.fact = fact;
    }

    fn fingerprint(&self, key: &ObjectKey) -> Option<Fingerprint> {
        self.rows.get(&key.kind).and_then(|rows| rows.get(&key.id)).copied()
    }
}

impl<B: Backing> State<B> {
    /// See `InventoryLog::commit`.
    ///
    /// # Errors
    /// As there.
    pub fn commit(
        &mut self,
        name: &SourceName,
        fence: Fence,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<Position> {
        let source = self.sources.entry(name.clone()).or_default();
        if fence.0 < source.fact.fence {
            return Err(refusal::fenced()
                .with_private(format!("{name}: fence {} after {}", fence.0, source.fact.fence)));
        }
        let mut commit =
            Commit { name, source, log: &mut self.log, backing: &mut self.backing, now, seen: false };
        commit.take_over(fence);
        for change in changes {
            commit.apply(change)?;
        }
        if commit.seen {
            commit.see();
            Arc::make_mut(&mut self.seen).insert(name.clone(), now);
        }
        Ok(self.head())
    }

    /// See `InventoryLog::snapshot`; the objects are read by the returned function.
    ///
    /// # Errors
    /// As there.
    pub fn snapshot(&mut self, name: &SourceName) -> Result<(Snapshot, RowsReader)> {
        let rows = self.backing.rows(name)?;
        let fact = self.sources.get(name).map(|source| source.fact.clone()).unwrap_or_default();
        let snapshot = Snapshot {
            objects: Vec::new(),
            known: fact.known.into_iter().collect(),
            seen_at: fact.seen_at,
            position: self.head(),
        };
        Ok((snapshot, rows))
    }
}

/// One commit to one source.
struct Commit<'a, B> {
    name: &'a SourceName,
    source: &'a mut Source,
    log: &'a mut LogIndex,
    backing: &'a mut B,
    now: Timestamp,
    seen: bool,
}

impl<B: Backing> Commit<'_, B> {
    /// A new holder starts over: what its predecessor staged may be older than what it knows.
    fn take_over(&mut self, fence: Fence) {
        if fence.0 > self.source.fact.fence {
            self.source.fact.fence = fence.0;
            self.source.staged.clear();
            self.record(Urgency::Now);
        }
    }

    fn apply(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Reset(kind) => {
                self.source.staged.insert(*kind, BTreeMap::new());
                Ok(())
            }
            Change::Upsert(object) => self.upsert(object),
            Change::Delete(key) => match self.source.staged.get_mut(&key.kind) {
                Some(staged) => {
                    staged.remove(&key.id);
                    Ok(())
                }
                None => self.delete(key),
            },
            Change::Synced(kind) => {
                self.seen = true;
                match self.source.staged.remove(kind) {
                    Some(staged) if self.source.fact.known.contains(kind) => self.reconcile(*kind, staged),
                    Some(staged) => {
                        self.baseline(*kind, staged);
                        Ok(())
                    }
                    None => Ok(()),
                }
            }
            Change::Heartbeat => {
                self.seen = true;
                Ok(())
            }
        }
    }

    fn upsert(&mut self, object: &Object) -> Result<()> {
        let unchanged = self.source.fingerprint(&object.key) == Some(Fingerprint::of(object));
        match self.source.staged.get_mut(&object.key.kind) {
            Some(staged) => {
                let change = if unchanged { Staged::Same } else { Staged::Put(object.clone()) };
                staged.insert(object.key.id.clone(), change);
                Ok(())
            }
            None if unchanged => Ok(()),
            None => self.put(object),
        }
    }

    /// Logs the difference between the rows of a kind and its complete list, ordered by id.
    fn reconcile(&mut self, kind: Kind, staged: BTreeMap<Id, Staged>) -> Result<()> {
        let mut steps: BTreeMap<Id, Option<Object>> =
            self.missing(kind, &staged).map(|id| (id, None)).collect();
        for (id, change) in staged {
            if let Staged::Put(object) = change {
                steps.insert(id, Some(object));
            }
        }
        for (id, step) in steps {
            match step {
                Some(object) => self.put(&object)?,
                None => self.delete(&ObjectKey { kind, id })?,
            }
        }
        Ok(())
    }

    /// Takes over the first complete list of a kind: one entry, and nobody is notified.
    fn baseline(&mut self, kind: Kind, staged: BTreeMap<Id, Staged>) {
        let missing: Vec<Id> = self.missing(kind, &staged).collect();
        for id in missing {
            self.drop_row(&ObjectKey { kind, id });
        }
        for change in staged.into_values() {
            if let Staged::Put(object) = change {
                self.put_row(&object);
            }
        }
        self.source.fact.known.insert(kind);
        self.record(Urgency::Now);
        let position = self.log.append(self.now);
        let entry = Entry::Baseline { position, source: self.name.clone(), kind };
        self.backing.put_entry(position.sequence, self.now, entry);
    }

    fn missing(&self, kind: Kind, staged: &BTreeMap<Id, Staged>) -> impl Iterator<Item = Id> {
        let rows = self.source.rows.get(&kind);
        rows.into_iter().flat_map(BTreeMap::keys).filter(|id| !staged.contains_key(*id)).cloned()
    }

    fn put(&mut self, object: &Object) -> Result<()> {
        let prior = if self.source.fingerprint(&object.key).is_some() {
            Some(self.prior(&object.key)?)
        } else {
            None
        };
        self.put_row(object);
        self.log_change(&object.key, prior.as_ref(), Some(object));
        Ok(())
    }

    fn delete(&mut self, key: &ObjectKey) -> Result<()> {
        if self.source.fingerprint(key).is_none() {
            return Ok(());
        }
        let prior = self.prior(key)?;
        self.drop_row(key);
        self.log_change(key, Some(&prior), None);
        Ok(())
    }

    fn prior(&mut self, key: &ObjectKey) -> Result<Object> {
        let row = self.backing.row(self.name, key)?;
        row.ok_or_else(|| Error::internal(format!("{} has lost the row of {}", self.name, key.id)))
    }

    fn put_row(&mut self, object: &Object) {
        let fingerprint = Fingerprint::of(object);
        let ObjectKey { kind, id } = object.key.clone();
        self.source.rows.entry(kind).or_default().insert(id, fingerprint);
        self.backing.put_row(self.name, object, fingerprint);
    }

    fn drop_row(&mut self, key: &ObjectKey) {
        if let Some(rows) = self.source.rows.get_mut(&key.kind) {
            rows.remove(&key.id);
        }
        self.backing.drop_row(self.name, key);
    }

    /// Appends the event.
    fn log_change(&mut self, key: &ObjectKey, prior: Option<&Object>, post: Option<&Object>) {
        let position = self.log.append(self.now);
        let event = Event::of((self.name, key, position, self.now), prior, post);
        self.backing.put_entry(position.sequence, self.now, Entry::Changed(event));
    }

    fn see(&mut self) {
        self.source.fact.seen_at = Some(self.now);
        let fresh = self.source.recorded_seen.is_some_and(|at| self.now.since(at) < SEEN_RECORD_INTERVAL);
        if fresh {
            self.record(Urgency::Lazy);
        } else {
            self.source.recorded_seen = Some(self.now);
            self.record(Urgency::Now);
        }
    }

    fn record(&mut self, urgency: Urgency) {
        let fact = Fact::Source(self.source.fact.clone());
        self.backing.record(FactKey::Source(self.name.clone()), Some(fact), urgency);
    }
}
