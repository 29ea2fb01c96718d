//! The objects of one file, by kind and id, and the difference to an earlier state, of which only digests are known.

use netweave_model::port::{self, Change};
use netweave_model::{Id, Kind, Object, ObjectKey};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Everything that one inventory file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    kinds: BTreeMap<Kind, BTreeMap<Id, Object>>,
}

/// What an inventory said, without the objects themselves.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    kinds: BTreeMap<Kind, BTreeMap<Id, u64>>,
}

impl Outline {
    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&Id, &u64)> {
        self.kinds.get(&kind).into_iter().flatten()
    }

    fn has(&self, object: &Object) -> bool {
        let digests = self.kinds.get(&object.key.kind);
        digests.and_then(|digests| digests.get(&object.key.id)) == Some(&digest(object))
    }
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

    /// Names everything of a kind, as a stream begins.
    pub(crate) fn baseline(&self, kind: Kind) -> impl Iterator<Item = Change> {
        port::baseline(kind, self.objects(kind).cloned())
    }

    /// Returns the digests of all objects.
    pub(crate) fn outline(&self) -> Outline {
        let digests = |objects: &BTreeMap<Id, Object>| {
            objects.iter().map(|(id, object)| (id.clone(), digest(object))).collect()
        };
        Outline { kinds: self.kinds.iter().map(|(kind, objects)| (*kind, digests(objects))).collect() }
    }

    /// Returns what must happen to the objects of a kind so that they become these.
    pub(crate) fn since(&self, told: &Outline, kind: Kind) -> impl Iterator<Item = Change> {
        let upserts = self.objects(kind).filter(|object| !told.has(object));
        let gone = told.of_kind(kind).map(move |(id, _)| ObjectKey { kind, id: id.clone() });
        let deletes = gone.filter(|key| self.get(key).is_none()).map(Change::Delete);
        upserts.map(|object| Change::Upsert(object.clone())).chain(deletes)
    }
}

fn digest(object: &Object) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&object.parent, &object.json).hash(&mut hasher);
    hasher.finish()
}
