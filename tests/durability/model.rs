//! A simple model of what the stores must show: rows by hand, and the numbers of the items of each queue.

use netweave_model::port::{Change, Claim, Item, Notice};
use netweave_model::{Id, Kind, Object, ObjectKey, SourceName};
use std::collections::BTreeMap;

/// The inventory of one source.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: BTreeMap<ObjectKey, Object>,
    staged: BTreeMap<Kind, BTreeMap<ObjectKey, Object>>,
}

impl Rows {
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Reset(kind) => {
                self.staged.insert(*kind, BTreeMap::new());
            }
            Change::Upsert(object) => {
                self.table(object.key.kind).insert(object.key.clone(), object.clone());
            }
            Change::Delete(key) => {
                self.table(key.kind).remove(key);
            }
            Change::Synced(kind) => {
                if let Some(staged) = self.staged.remove(kind) {
                    self.rows.retain(|key, _| key.kind != *kind);
                    self.rows.extend(staged);
                }
            }
            Change::Heartbeat => {}
        }
    }

    /// What a new leader finds: nothing staged.
    pub(crate) fn take_over(&mut self) {
        self.staged.clear();
    }

    pub(crate) fn objects(&self) -> Vec<Object> {
        self.rows.values().cloned().collect()
    }

    fn table(&mut self, kind: Kind) -> &mut BTreeMap<ObjectKey, Object> {
        self.staged.get_mut(&kind).unwrap_or(&mut self.rows)
    }
}

/// The inventory of all sources.
pub(crate) type Inventory = BTreeMap<SourceName, Rows>;

/// The numbers of the items that left each queue at its head.
#[derive(Debug, Default)]
pub(crate) struct Numbers(BTreeMap<Id, u64>);

impl Numbers {
    /// Checks that a claim goes on where the queue was left, without a gap that no resync notice explains.
    pub(crate) fn check(&self, claim: &Claim) {
        let last = self.0.get(&claim.subscription).copied().unwrap_or_default();
        let mut expected = last + 1;
        for item in &claim.items {
            if matches!(item.notice, Notice::Resync { .. }) {
                assert!(item.sequence >= expected, "{claim:?} after {last}");
            } else {
                assert_eq!(item.sequence, expected, "{claim:?} after {last}");
            }
            expected = item.sequence + 1;
        }
    }

    /// An item left the head of its queue: delivered, or dead.
    pub(crate) fn left(&mut self, claim: &Claim, item: &Item) {
        self.0.insert(claim.subscription.clone(), item.sequence);
    }
}
