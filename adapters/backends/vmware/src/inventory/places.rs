//! Where objects lie, by following who belongs to whom. An answer names only what is known.

use super::Inventory;
use crate::map::place::Place;
use crate::soap::{Family, Ref};

/// Longest way up; folders can be nested, and a circle must end.
const MAX_STEPS: usize = 64;

impl Inventory {
    fn exists(&self, object: &Ref) -> bool {
        self.entities.contains_key(object)
    }

    /// Follows parents, and owners of pools, up to the first known object of a family.
    fn above(&self, object: &Ref, family: Family) -> Option<Ref> {
        let mut at = object.clone();
        for _ in 0..MAX_STEPS {
            let links = &self.entities.get(&at)?.links;
            at = links.parent.clone().or_else(|| links.owner.clone())?;
            if at.family == family && self.exists(&at) {
                return Some(at);
            }
        }
        None
    }

    /// Returns the datacenter of an object.
    pub(super) fn datacenter_of(&self, object: &Ref) -> Place {
        self.above(object, Family::Datacenter).map_or(Place::Default, Place::At)
    }

    /// Returns the compute resource of a resource pool.
    pub(super) fn site_of_pool(&self, pool: &Ref) -> Place {
        let owner = self.entities.get(pool).and_then(|entity| entity.links.owner.clone());
        let owner = owner.filter(|owner| owner.family == Family::Compute && self.exists(owner));
        owner.or_else(|| self.above(pool, Family::Compute)).map_or(Place::Default, Place::At)
    }

    /// Tells whether a resource pool is the one that stands for all of a compute resource; it is served as one with it.
    pub(super) fn is_root_pool(&self, pool: &Ref) -> bool {
        let parent = self.entities.get(pool).and_then(|entity| entity.links.parent.as_ref());
        parent.is_some_and(|parent| parent.family == Family::Compute && self.exists(parent))
    }

    /// Returns the pool that a resource lies in.
    pub(super) fn pool_of(&self, object: &Ref) -> Place {
        let inside = match object.family {
            Family::Host => self.above(object, Family::Compute),
            Family::Machine => self.pool_of_machine(object),
            Family::Folder
            | Family::Datacenter
            | Family::Compute
            | Family::Pool
            | Family::Datastore
            | Family::Network => None,
        };
        inside.map_or_else(|| self.datacenter_of(object), Place::At)
    }

    /// A machine lies in its pool. A template has none, so it lies where its host does.
    fn pool_of_machine(&self, machine: &Ref) -> Option<Ref> {
        let links = &self.entities.get(machine)?.links;
        if let Some(pool) = links.pool.as_ref().filter(|pool| self.exists(pool)) {
            if !self.is_root_pool(pool) {
                return Some(pool.clone());
            }
            if let Place::At(site) = self.site_of_pool(pool) {
                return Some(site);
            }
        }
        links
            .host
            .as_ref()
            .filter(|host| self.exists(host))
            .and_then(|host| self.above(host, Family::Compute))
    }
}
