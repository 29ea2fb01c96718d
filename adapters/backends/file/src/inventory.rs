//! The objects of one file, by kind and id, and the difference between two states.

use netweave_model::port::{Change, Listing};
use netweave_model::{Id, Kind, Object, ObjectKey};
use std::collections::BTreeMap;

/// Everything that one inventory file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    kinds: BTreeMap<Kind, BTreeMap<Id, Object>>,
}

impl Inventory {
    /// Adds an object; returns `false` if its kind already has one of that id.
    pub(crate) fn add(&mut self, object: Object) -> bool {
        self.kinds.entry(object.key.kind).or_default().insert(object.key.id.clone(), object).is_none()
    }

    /// Returns an object, if it exists.
    pub fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.kinds.get(&key.kind)?.get(&key.id)
    }

    /// Returns the objects of a kind in the order of their ids.
    pub fn objects(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        self.kinds.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// Returns the complete list of a kind.
    pub(crate) fn listing(&self, kind: Kind) -> Listing {
        Listing { objects: self.objects(kind).cloned().collect() }
    }

    /// Names everything of a kind, as a stream begins.
    pub(crate) fn baseline(&self, kind: Kind) -> impl Iterator<Item = Change> {
        let objects = self.objects(kind).cloned().map(Change::Upsert);
        std::iter::once(Change::Reset(kind)).chain(objects).chain(std::iter::once(Change::Synced(kind)))
    }

    /// Returns what must happen to the objects of a kind so that `self` becomes `next`.
    pub(crate) fn difference(&self, next: &Self, kind: Kind) -> Vec<Change> {
        let upserts = next
            .objects(kind)
            .filter(|object| self.get(&object.key) != Some(*object))
            .map(|object| Change::Upsert(object.clone()));
        let deletes = self
            .objects(kind)
            .filter(|object| next.get(&object.key).is_none())
            .map(|object| Change::Delete(object.key.clone()));
        upserts.chain(deletes).collect()
    }
}
