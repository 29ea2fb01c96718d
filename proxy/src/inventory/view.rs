//! The objects of one kind of one source: sorted, serialised once, patched in O(log n).
//!
//! Keys are (pool, id), so lists come in id order and the resources of a pool are a range. A clone shares all nodes, so
//! a reader keeps what it has while the writer patches its own. Does not know the log, nor other sources.

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
    objects: OrdMap<Key, Arc<Indexed>>,
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

impl View {
    /// Makes the empty view of a kind whose rows, as they were at this position, are put in next.
    pub fn at(position: Position) -> Self {
        Self { known: true, changed: position, applied: position, objects: OrdMap::new() }
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
        self.objects.get(&key)
    }

    /// Returns the objects with this parent whose ids come after `after`, ordered by id ascending.
    pub fn range<'a>(
        &'a self,
        parent: Option<&'a str>,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Id, &'a Arc<Indexed>)> + use<'a> {
        let start = match after {
            Some(id) => Bound::Excluded(KeyRef { parent, id }),
            None => Bound::Included(KeyRef { parent, id: "" }),
        };
        self.objects
            .range((start, Bound::<KeyRef<'_>>::Unbounded))
            .take_while(move |(key, _)| key.parent.as_ref().map(Id::as_str) == parent)
            .map(|(key, object)| (&key.id, object))
    }

    /// Returns the keys of all objects, by parent, then by id.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.objects.keys()
    }

    /// Puts an object in its place, over an older one with the same key.
    pub fn insert(&mut self, parent: Option<Id>, id: Id, object: Arc<Indexed>) {
        let parent = parent.map(|pool| self.shared(pool));
        self.objects.insert(Key { parent, id }, object);
    }

    /// Removes an object; returns whether it was there.
    pub fn remove(&mut self, key: KeyRef<'_>) -> bool {
        self.objects.remove(&key).is_some()
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
    fn a_clone_keeps_what_it_has() {
        let mut view = view(&[("a", "1")]);
        let old = view.clone();
        assert!(view.remove(KeyRef { parent: Some("a"), id: "1" }));
        assert!(!view.remove(KeyRef { parent: Some("a"), id: "1" }));
        assert_eq!((old.len(), view.len()), (1, 0));
    }
}
