//! The objects of one kind of one source: sorted, serialised once, patched in O(log n).
//!
//! Keys are (pool, id), so lists come in id order and the resources of a pool are a range. A clone shares all nodes, so
//! a reader keeps what it has while the writer patches its own. The version of what is held is kept with it, so reading it is a
//! look-up. Does not know the log, nor other sources.

use super::version::Version;
use equivalent::{Comparable, Equivalent};
use imbl::OrdMap;
use netweave_model::query::Indexed;
use netweave_model::{Id, Position};
use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

/// What sorts an object: its pool if it is a resource, then its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The pool of a resource; `None` for other kinds.
    pub parent: Option<Id>,
    /// The identifier.
    pub id: Id,
}

/// A key that borrows, for look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRef<'a> {
    /// See [`Key::parent`].
    pub parent: Option<&'a str>,
    /// See [`Key::id`].
    pub id: &'a str,
}

/// The objects of one kind of one source.
#[derive(Clone, Default)]
pub struct View {
    /// A complete list of the kind was committed at least once.
    pub known: bool,
    /// The position of the last entry that changed something here.
    pub changed: Position,
    /// Entries up to here are contained, although the log may still be read from further back.
    pub applied: Position,
    objects: OrdMap<Key, Held>,
    /// The objects without a parent.
    apart: Members,
    /// The objects of each parent that has some.
    of_parents: OrdMap<Id, Members>,
}

/// An object and its version.
#[derive(Clone)]
pub struct Held {
    /// The object.
    pub object: Arc<Indexed>,
    /// Its version.
    pub version: Version,
}

/// Objects with the same parent.
#[derive(Clone, Copy, Default)]
struct Members {
    count: usize,
    version: Version,
}

impl Members {
    fn put(&mut self, object: Version) {
        (self.count, self.version) = (self.count.saturating_add(1), self.version.with(object));
    }

    fn take(&mut self, object: Version) {
        (self.count, self.version) = (self.count.saturating_sub(1), self.version.without(object));
    }
}

impl Key {
    fn borrow(&self) -> KeyRef<'_> {
        KeyRef { parent: self.parent.as_ref().map(Id::as_str), id: self.id.as_str() }
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.borrow()
    }
}

impl Comparable<Key> for KeyRef<'_> {
    fn compare(&self, key: &Key) -> Ordering {
        self.cmp(&key.borrow())
    }
}

/// Where a range begins or ends.
enum Place<'a> {
    /// At a key.
    At(KeyRef<'a>),
    /// Behind all keys with this parent, so that keys on the way there need not be looked at.
    Behind(Option<&'a str>),
}

impl Equivalent<Key> for Place<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.compare(key).is_eq()
    }
}

impl Comparable<Key> for Place<'_> {
    fn compare(&self, key: &Key) -> Ordering {
        match self {
            Self::At(place) => place.compare(key),
            Self::Behind(parent) => parent.cmp(&key.borrow().parent).then(Ordering::Greater),
        }
    }
}

impl View {
    /// Makes the empty view of a kind whose rows, as they were at this position, are put in next.
    pub fn at(position: Position) -> Self {
        Self { known: true, changed: position, applied: position, ..Self::default() }
    }

    /// Returns how many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Returns one object.
    pub fn get(&self, key: KeyRef<'_>) -> Option<&Arc<Indexed>> {
        self.objects.get(&key).map(|held| &held.object)
    }

    /// Returns the version of one object.
    pub fn version(&self, key: KeyRef<'_>) -> Option<Version> {
        self.objects.get(&key).map(|held| held.version)
    }

    /// Returns the version of all objects with this parent; `None` if there are none.
    pub fn version_of_members(&self, parent: Option<&str>) -> Option<Version> {
        let members = parent.map_or(Some(&self.apart), |parent| self.of_parents.get(parent))?;
        (members.count > 0).then_some(members.version)
    }

    /// Returns the objects with this parent whose ids come after `after`, ordered by id ascending.
    pub fn range<'a>(
        &'a self,
        parent: Option<&'a str>,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Id, &'a Held)> + use<'a> {
        let start = match after {
            Some(id) => Bound::Excluded(Place::At(KeyRef { parent, id })),
            None => Bound::Included(Place::At(KeyRef { parent, id: "" })),
        };
        let end = Bound::Excluded(Place::Behind(parent));
        self.objects.range((start, end)).map(|(key, held)| (&key.id, held))
    }

    /// Returns the keys of all objects, by parent, then by id.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.objects.keys()
    }

    /// Puts an object in its place, over an older one with the same key.
    pub fn insert(&mut self, parent: Option<Id>, id: Id, object: Arc<Indexed>) {
        let parent = parent.map(|pool| self.shared(pool));
        let version = Version::of(id.as_str(), object.json());
        self.count(parent.as_ref(), |members| members.put(version));
        let key = Key { parent: parent.clone(), id };
        if let Some(old) = self.objects.insert(key, Held { object, version }) {
            self.count(parent.as_ref(), |members| members.take(old.version));
        }
    }

    /// Removes an object; returns whether it was there.
    pub fn remove(&mut self, key: KeyRef<'_>) -> bool {
        let Some((key, held)) = self.objects.remove_with_key(&key) else { return false };
        self.count(key.parent.as_ref(), |members| members.take(held.version));
        true
    }

    fn count(&mut self, parent: Option<&Id>, change: impl FnOnce(&mut Members)) {
        let Some(parent) = parent else { return change(&mut self.apart) };
        let mut members = self.of_parents.get(parent).copied().unwrap_or_default();
        change(&mut members);
        if members.count > 0 {
            self.of_parents.insert(parent.clone(), members);
        } else {
            self.of_parents.remove(parent);
        }
    }

    /// Returns the pool's id as its other resources hold it already, so that it is in memory once.
    fn shared(&self, pool: Id) -> Id {
        let first = KeyRef { parent: Some(pool.as_str()), id: "" };
        let neighbour = self.objects.get_next(&first).and_then(|(key, _)| key.parent.clone());
        neighbour.filter(|known| *known == pool).unwrap_or(pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::query::Paths;

    fn view(keys: &[(&str, &str)]) -> View {
        let paths = Paths::new();
        let mut view = View::default();
        for (pool, id) in keys {
            let json = format!("{{\"resourceId\":\"{id}\"}}");
            let object = Arc::new(Indexed::new(json.into(), &paths).unwrap());
            view.insert(Some(Id::from(*pool)), Id::from(*id), object);
        }
        view
    }

    #[test]
    fn a_pools_resources_are_a_range_in_id_order() {
        let view = view(&[("b", "2"), ("a", "9"), ("b", "1"), ("c", "0"), ("b", "3")]);
        let ids =
            |after| view.range(Some("b"), after).map(|(id, _)| id.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(None), ["1", "2", "3"]);
        assert_eq!(ids(Some("1")), ["2", "3"]);
        assert_eq!(ids(Some("10")), ["2", "3"], "the key to start after need not exist");
        assert!(ids(Some("3")).is_empty());
    }

    #[test]
    fn the_pool_id_is_held_once() {
        let view = view(&[("pool", "1"), ("pool", "2"), ("pool", "0")]);
        let pools: Vec<_> = view.keys().map(|key| key.parent.as_ref().unwrap().as_str().as_ptr()).collect();
        assert!(pools.iter().all(|pool| *pool == pools[0]));
    }

    #[test]
    fn the_version_of_members_is_that_of_what_they_are_and_not_of_how_they_came() {
        let mut one = view(&[("a", "1"), ("a", "2"), ("b", "1")]);
        let two = view(&[("b", "1"), ("a", "2"), ("a", "2"), ("a", "1")]);
        let versions = |view: &View| ["a", "b", "c"].map(|pool| view.version_of_members(Some(pool)));
        assert_eq!(versions(&one), versions(&two));
        assert_eq!((versions(&one)[2], one.version_of_members(None)), (None, None));
        assert!(one.remove(KeyRef { parent: Some("a"), id: "2" }));
        assert_ne!(versions(&one)[0], versions(&two)[0]);
        assert_eq!(versions(&one)[1], versions(&two)[1], "a change of one pool is none of another");
        assert_eq!(versions(&one)[0], versions(&view(&[("a", "1")]))[0]);
        assert!(one.remove(KeyRef { parent: Some("a"), id: "1" }));
        assert_eq!(versions(&one)[0], None);
    }

    #[test]
    fn a_clone_keeps_what_it_has() {
        let mut view = view(&[("a", "1")]);
        let old = view.clone();
        assert!(view.remove(KeyRef { parent: Some("a"), id: "1" }));
        assert!(!view.remove(KeyRef { parent: Some("a"), id: "1" }));
        assert_eq!((old.len(), view.len()), (1, 0));
    }
}
