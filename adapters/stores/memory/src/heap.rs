//! The backing on the heap: large data in ordered maps, nothing recorded, everything visible at once.

use crate::backing::{Backing, Fingerprint, Gate, RowsReader, Urgency};
use crate::fact::{Fact, FactKey};
use crate::signals::{Publication, Signals};
use netweave_model::{Entry, Error, Event, Object, ObjectKey, Result, SourceName, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Keeps the large data in maps.
#[derive(Debug)]
pub struct Heap {
    rows: BTreeMap<SourceName, BTreeMap<ObjectKey, Object>>,
    entries: BTreeMap<u64, Entry>,
    bodies: HashMap<u64, Arc<Event>>,
    signals: Arc<Signals>,
}

/// A gate that is always open.
#[derive(Clone, Copy, Debug)]
pub struct Open;

impl Heap {
    pub(crate) fn new(signals: Arc<Signals>) -> Self {
        Self { rows: BTreeMap::new(), entries: BTreeMap::new(), bodies: HashMap::new(), signals }
    }
}

impl Gate for Open {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    async fn passed(&self, _ticket: u64) -> Result<()> {
        Ok(())
    }
}

impl Backing for Heap {
    type Gate = Open;

    fn gate(&self) -> Open {
        Open
    }

    fn row(&mut self, source: &SourceName, key: &ObjectKey) -> Result<Option<Object>> {
        Ok(self.rows.get(source).and_then(|rows| rows.get(key)).cloned())
    }

    fn rows(&mut self, source: &SourceName) -> Result<RowsReader> {
        let rows: Vec<Object> =
            self.rows.get(source).map(|rows| rows.values().cloned().collect()).unwrap_or_default();
        Ok(Box::new(move || Ok(rows)))
    }

    fn put_row(&mut self, source: &SourceName, object: &Object, _fingerprint: Fingerprint) {
        self.rows.entry(source.clone()).or_default().insert(object.key.clone(), object.clone());
    }

    fn drop_row(&mut self, source: &SourceName, key: &ObjectKey) {
        if let Some(rows) = self.rows.get_mut(source) {
            rows.remove(key);
        }
    }

    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        let from = after.saturating_add(1);
        Ok(self.entries.range(from..).take(limit).map(|(_, entry)| entry.clone()).collect())
    }

    fn put_entry(&mut self, sequence: u64, _at: Timestamp, entry: Entry) {
        self.entries.insert(sequence, entry);
    }

    fn drop_entries(&mut self, _first: u64, last: u64) {
        self.entries = self.entries.split_off(&last.saturating_add(1));
    }

    fn body(&mut self, number: u64) -> Result<Arc<Event>> {
        self.bodies.get(&number).cloned().ok_or_else(|| Error::internal("a queued event has no body"))
    }

    fn put_body(&mut self, number: u64, event: &Arc<Event>) {
        self.bodies.insert(number, Arc::clone(event));
    }

    fn drop_body(&mut self, number: u64) {
        self.bodies.remove(&number);
    }

    fn record(&mut self, _key: FactKey, _fact: Option<Fact>, _urgency: Urgency) {}

    fn settle(&mut self, publication: Publication) -> u64 {
        self.signals.publish(&publication);
        0
    }
}
