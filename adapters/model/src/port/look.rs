//! What a backend holds at one time, and what of it could not be read.

use super::backend::Change;
use crate::error::{Error, ErrorKind, Result};
use crate::kind::Kind;
use crate::object::{Object, ObjectKey};
use std::collections::BTreeMap;

/// A complete list of one kind, ordered by id ascending, each id once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The objects.
    pub objects: Vec<Object>,
}

/// The objects of some kinds at one time.
#[derive(Debug, Default)]
pub struct Look {
    /// The objects of each kind, ordered by id ascending, each id once. Of a kind that is not here nothing is said; that
    /// takes a gap.
    pub objects: BTreeMap<Kind, Vec<Object>>,
    /// What could not be read; `None` if this is all that there is.
    pub gap: Option<Gap>,
}

/// Parts of an infrastructure, such as regions, could not be read while others could.
#[derive(Debug)]
pub struct Gap {
    /// What went wrong with the first of them.
    pub error: Error,
    /// Each of them was read before, and is here as it was then. Otherwise what is not named may exist all the same.
    pub bridged: bool,
}

impl Listing {
    /// Returns one object of the list.
    ///
    /// # Errors
    /// `NotFound`: it has no such object.
    pub fn find(self, key: &ObjectKey) -> Result<Object> {
        let found = self.objects.into_iter().find(|object| object.key == *key);
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such object"))
    }
}

impl Look {
    /// Sorts objects, which come ordered by id, by the kinds that were asked for; others are dropped.
    pub fn of(kinds: &[Kind], objects: impl IntoIterator<Item = Object>) -> Self {
        let mut of_kind: BTreeMap<Kind, Vec<Object>> = kinds.iter().map(|kind| (*kind, Vec::new())).collect();
        for object in objects {
            if let Some(objects) = of_kind.get_mut(&object.key.kind) {
                objects.push(object);
            }
        }
        Self { objects: of_kind, gap: None }
    }

    /// Says what could not be read.
    #[must_use]
    pub fn with_gap(mut self, gap: Option<Gap>) -> Self {
        self.gap = Gap::join(self.gap, gap);
        self
    }

    /// Returns the list of one kind.
    ///
    /// # Errors
    /// That of the gap, if there is one: a list is complete.
    pub fn complete(mut self, kind: Kind) -> Result<Listing> {
        match self.gap {
            Some(gap) => Err(gap.error),
            None => Ok(Listing { objects: self.objects.remove(&kind).unwrap_or_default() }),
        }
    }

    /// Tells everything, kind by kind in the order that is asked for, as a stream begins.
    pub fn baseline(mut self, kinds: &[Kind]) -> impl Iterator<Item = Change> {
        kinds.iter().flat_map(move |kind| baseline(*kind, self.objects.remove(kind).unwrap_or_default()))
    }
}

impl Gap {
    /// Puts two gaps together; the first error stays.
    pub fn join(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        match (first, second) {
            (Some(first), Some(second)) => {
                Some(Self { error: first.error, bridged: first.bridged && second.bridged })
            }
            (first, second) => first.or(second),
        }
    }
}

/// Tells everything of a kind.
pub fn baseline(kind: Kind, objects: impl IntoIterator<Item = Object>) -> impl Iterator<Item = Change> {
    let upserts = objects.into_iter().map(Change::Upsert);
    std::iter::once(Change::Reset(kind)).chain(upserts).chain(std::iter::once(Change::Synced(kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: Kind, id: &str) -> Object {
        Object { key: ObjectKey { kind, id: id.into() }, parent: None, json: "{}".into() }
    }

    fn gap(text: &'static str, bridged: bool) -> Gap {
        Gap { error: Error::new(ErrorKind::Unavailable, text), bridged }
    }

    #[test]
    fn every_kind_that_was_asked_for_is_there_and_no_other() {
        let objects = [object(Kind::Resource, "a"), object(Kind::Location, "b"), object(Kind::Resource, "c")];
        let kinds = [Kind::ResourcePool, Kind::Resource];
        let look = Look::of(&kinds, objects);
        let counts = look.objects.iter().map(|(kind, objects)| (*kind, objects.len()));
        assert_eq!(counts.collect::<Vec<_>>(), [(Kind::ResourcePool, 0), (Kind::Resource, 2)]);
        assert_eq!(look.baseline(&kinds).count(), 2 + 4);
    }

    #[test]
    fn with_a_gap_there_is_no_complete_list() {
        let look = || Look::of(&[Kind::Resource], [object(Kind::Resource, "a")]);
        assert_eq!(look().complete(Kind::Resource).unwrap().objects.len(), 1);
        let error = look().with_gap(Some(gap("first", true))).with_gap(Some(gap("second", false)));
        assert!(!error.gap.as_ref().unwrap().bridged);
        assert_eq!(error.complete(Kind::Resource).unwrap_err().public(), "first");
    }
}
