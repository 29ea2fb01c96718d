//! What each object contributes to the objects that are made of many, counted in and out.

use super::Inventory;
use crate::map::kind::TypeKey;
use crate::map::manager::Sums;
use crate::map::place::Place;
use crate::soap::{Family, Ref};
use std::collections::{BTreeMap, BTreeSet};

/// One object's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Share {
    Datacenter,
    /// A compute resource at a datacenter.
    Site(Place),
    /// A resource pool at a compute resource.
    Pool(Place),
    Resource {
        pool: Place,
        kind: TypeKey,
        sums: Sums,
    },
    /// A host or machine that is not served, but is there.
    Counted(Sums),
}

impl Inventory {
    /// Returns what an object contributes as it is now.
    fn share(&self, object: &Ref) -> Option<Share> {
        let entity = self.entities.get(object)?;
        match object.family {
            Family::Folder => None,
            Family::Datacenter => Some(Share::Datacenter),
            Family::Compute => Some(Share::Site(self.datacenter_of(object))),
            Family::Pool => (!self.is_root_pool(object)).then(|| Share::Pool(self.site_of_pool(object))),
            Family::Host | Family::Machine | Family::Datastore | Family::Network => {
                let sums = Sums::of(object.family, entity);
                Some(if self.scope.serves(object.family) {
                    let kind = TypeKey::of(object.family, entity);
                    Share::Resource { pool: self.pool_of(object), kind, sums }
                } else {
                    Share::Counted(sums)
                })
            }
        }
    }

    /// Counts an object anew, and marks what that changes.
    pub(super) fn recount(&mut self, object: &Ref) {
        let (before, now) = (self.shares.remove(object), self.share(object));
        if before != now {
            if let Some(share) = &now {
                self.join(object, share);
            }
            if let Some(share) = &before {
                self.leave(object, share);
            }
        }
        if let Some(share) = now {
            self.shares.insert(object.clone(), share);
        }
    }

    fn join(&mut self, object: &Ref, share: &Share) {
        match share {
            Share::Datacenter => {
                self.datacenters.insert(object.clone());
                self.mark_datacenters();
            }
            Share::Site(at) => {
                self.sites.entry(at.clone()).or_default().insert(object.clone());
                self.mark(at);
            }
            Share::Pool(at) => {
                self.pools.entry(at.clone()).or_default().insert(object.clone());
                self.mark(at);
            }
            Share::Resource { pool, kind, sums } => {
                let count = self.types.entry(kind.clone()).or_default();
                *count += 1;
                if *count == 1 {
                    self.dirty.types.insert(kind.clone());
                }
                self.stray(pool, true);
                self.sum(*sums, 1);
            }
            Share::Counted(sums) => self.sum(*sums, 1),
        }
    }

    fn leave(&mut self, object: &Ref, share: &Share) {
        match share {
            Share::Datacenter => {
                self.datacenters.remove(object);
                self.mark_datacenters();
            }
            Share::Site(at) => {
                remove(&mut self.sites, at, object);
                self.mark(at);
            }
            Share::Pool(at) => {
                remove(&mut self.pools, at, object);
                self.mark(at);
            }
            Share::Resource { pool, kind, sums } => {
                if let Some(count) = self.types.get_mut(kind) {
                    *count -= 1;
                    if *count == 0 {
                        self.types.remove(kind);
                        self.dirty.types.insert(kind.clone());
                    }
                }
                self.stray(pool, false);
                self.sum(*sums, -1);
            }
            Share::Counted(sums) => self.sum(*sums, -1),
        }
    }

    /// Marks a place whose list of sites or pools differs.
    fn mark(&mut self, place: &Place) {
        match place {
            Place::At(object) => drop(self.dirty.objects.insert(object.clone())),
            Place::Default => self.dirty.stand_in = true,
        }
    }

    /// The default location stands in while there is no datacenter.
    fn mark_datacenters(&mut self) {
        self.dirty.stand_in = true;
        self.dirty.manager = true;
    }

    fn stray(&mut self, pool: &Place, comes: bool) {
        if *pool == Place::Default {
            self.strays = if comes { self.strays + 1 } else { self.strays.saturating_sub(1) };
            self.dirty.stand_in = true;
        }
    }

    fn sum(&mut self, share: Sums, sign: i64) {
        if share != Sums::default() {
            self.sums.add(share, sign);
            self.dirty.manager = true;
        }
    }
}

fn remove(all: &mut BTreeMap<Place, BTreeSet<Ref>>, at: &Place, object: &Ref) {
    if let Some(members) = all.get_mut(at) {
        members.remove(object);
        if members.is_empty() {
            all.remove(at);
        }
    }
}
