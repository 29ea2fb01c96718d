//! All that is known of one server, kept so that an event costs the same in a large inventory as in a small one.
//!
//! Objects come in as the server tells them; what an event may have touched is marked, and `drain` makes anew what is
//! marked and tells only what differs. Who hangs on whom is kept both ways: when an object comes, goes or moves, what
//! hangs on it is looked at again.

mod derive;
mod places;
mod share;

use crate::entity::{Entity, Links};
use crate::map::Scope;
use crate::map::kind::TypeKey;
use crate::map::manager::Sums;
use crate::map::place::Place;
use crate::soap::answer::{About, Event, Update};
use crate::soap::{Family, Ref};
use netweave_model::{Error, ErrorKind, ObjectKey, Result};
use share::Share;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most objects of one server; more is refused rather than held.
const MAX_OBJECTS: usize = 200_000;

/// The state of one server.
pub(crate) struct Inventory {
    scope: Scope,
    about: About,
    entities: HashMap<Ref, Entity>,
    /// What hangs on an object: by parent, owner, pool or host; also on one that is not known.
    dependents: HashMap<Ref, BTreeSet<Ref>>,
    /// What each object contributes, as it was counted.
    shares: HashMap<Ref, Share>,
    /// The compute resources of each datacenter.
    sites: BTreeMap<Place, BTreeSet<Ref>>,
    /// The resource pools of each compute resource.
    pools: BTreeMap<Place, BTreeSet<Ref>>,
    datacenters: BTreeSet<Ref>,
    types: BTreeMap<TypeKey, usize>,
    /// Resources that lie in the pool that stands in where none is known.
    strays: usize,
    sums: Sums,
    /// Digests of what was told.
    told: HashMap<ObjectKey, u64>,
    dirty: Dirty,
    /// Nothing was told yet, so everything will be.
    begins: bool,
}

/// What the events since the last `drain` may have touched.
#[derive(Default)]
struct Dirty {
    objects: BTreeSet<Ref>,
    types: BTreeSet<TypeKey>,
    stand_in: bool,
    manager: bool,
}

impl Inventory {
    /// Starts with an empty server.
    pub(crate) fn new(scope: Scope, about: About) -> Self {
        Self {
            scope,
            about,
            entities: HashMap::new(),
            dependents: HashMap::new(),
            shares: HashMap::new(),
            sites: BTreeMap::new(),
            pools: BTreeMap::new(),
            datacenters: BTreeSet::new(),
            types: BTreeMap::new(),
            strays: 0,
            sums: Sums::default(),
            told: HashMap::new(),
            dirty: Dirty { stand_in: true, manager: true, ..Dirty::default() },
            begins: true,
        }
    }

    /// Takes in what was said of one object.
    ///
    /// # Errors
    /// `Internal`: it cannot be understood. `TooLarge`: there are too many. The state is of no use then.
    pub(crate) fn apply(&mut self, update: &Update) -> Result<()> {
        let object = &update.object;
        if update.event == Event::Leave {
            if let Some(gone) = self.entities.remove(object) {
                self.unlink(object, &gone.links);
                self.touch(object);
            }
            return Ok(());
        }
        let known = self.entities.remove(object);
        if known.is_none() && update.event == Event::Modify {
            // The rest of it is not known, so it could only be told wrongly.
            return Err(Error::internal("a change tells of an object that is not known"));
        }
        if self.entities.len() >= MAX_OBJECTS {
            return Err(Error::new(ErrorKind::TooLarge, "the vCenter's inventory exceeds its bound"));
        }
        let is_new = known.is_none();
        let mut entity = known.unwrap_or_default();
        let (links, name) = (entity.links.clone(), entity.name.clone());
        entity.apply(update)?;
        let renamed = object.family == Family::Datacenter && name != entity.name;
        let moved = is_new || links != entity.links || renamed;
        if moved {
            self.unlink(object, &links);
            for on in entity.links.each() {
                self.dependents.entry(on.clone()).or_default().insert(object.clone());
            }
        }
        self.entities.insert(object.clone(), entity);
        if moved {
            self.touch(object);
        } else {
            self.dirty.objects.insert(object.clone());
        }
        Ok(())
    }

    fn unlink(&mut self, object: &Ref, links: &Links) {
        for on in links.each() {
            if let Some(dependents) = self.dependents.get_mut(on) {
                dependents.remove(object);
                if dependents.is_empty() {
                    self.dependents.remove(on);
                }
            }
        }
    }

    /// Marks an object and all that hangs on it.
    fn touch(&mut self, object: &Ref) {
        if self.begins {
            // Everything is looked at anyway.
            self.dirty.objects.insert(object.clone());
            return;
        }
        let mut next = vec![object.clone()];
        let mut seen = BTreeSet::new();
        while let Some(object) = next.pop() {
            next.extend(
                self.dependents.get(&object).into_iter().flatten().filter(|on| !seen.contains(*on)).cloned(),
            );
            seen.insert(object);
        }
        self.dirty.objects.extend(seen);
    }
}

#[cfg(test)]
pub(crate) mod tests;
