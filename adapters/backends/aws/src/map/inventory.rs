//! The parts of an inventory, put together: what was read in each account and region, and what follows from it.

use super::kind::{self, Sort, TypeKey};
use super::place::{self, Place, SiteKey};
use super::pool::Pool;
use super::{Member, Scope};
use crate::wire::instance::InstanceType;
use netweave_model::{Id, Kind, Object, ObjectKey, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How a resource is asked for: its family's operation, in an account (by its place in the configuration) and a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) account: usize,
    pub(crate) region: String,
    pub(crate) sort: Sort,
    /// Such as `i-0123`.
    pub(crate) id: String,
}

/// What was read so far.
#[derive(Default)]
pub(crate) struct Inventory {
    objects: BTreeMap<ObjectKey, Object>,
    names: HashMap<Id, Name>,
    types: BTreeSet<TypeKey>,
    places: BTreeMap<String, Place>,
    /// The pools of each site.
    sites: BTreeMap<SiteKey, BTreeSet<Id>>,
}

impl Inventory {
    /// Adds a resource; its type is one of the inventory's.
    pub(crate) fn put(&mut self, member: Member, name: Name) {
        self.types.insert(member.kind);
        self.names.insert(member.object.key.id.clone(), name);
        self.objects.insert(member.object.key.clone(), member.object);
    }

    /// Adds a pool, and its site and location with it.
    pub(crate) fn put_pool(&mut self, pool: Pool, place: Place) -> Result<()> {
        let object = Object::encode(&pool.info)?;
        self.places.entry(pool.site.location.clone()).or_insert(place);
        self.sites.entry(pool.site).or_default().insert(object.key.id.clone());
        self.objects.insert(object.key.clone(), object);
        Ok(())
    }

    /// Takes in what was read elsewhere; what is there already stays as it is.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (key, object) in &other.objects {
            self.objects.entry(key.clone()).or_insert_with(|| object.clone());
        }
        for (id, name) in &other.names {
            self.names.entry(id.clone()).or_insert_with(|| name.clone());
        }
        self.types.extend(other.types.iter().cloned());
        for (name, place) in &other.places {
            self.places.entry(name.clone()).or_insert_with(|| place.clone());
        }
        for (site, pools) in &other.sites {
            self.sites.entry(site.clone()).or_default().extend(pools.iter().cloned());
        }
    }

    /// Returns the instance types that are in use.
    pub(crate) fn instance_types(&self) -> impl Iterator<Item = &str> {
        let used = self.types.iter().filter(|key| key.sort == Sort::Instance);
        used.map(|key| key.model.as_str()).filter(|model| !model.is_empty())
    }

    /// Adds what follows from the rest: locations, sites and types, with what is known of instance types.
    pub(crate) fn finish(mut self, scope: &Scope, details: &HashMap<String, InstanceType>) -> Result<Whole> {
        let mut derived = Vec::new();
        for (name, at) in &self.places {
            let sites = self.sites.keys().filter(|site| site.location == *name).map(|site| site.id(scope));
            derived.push(Object::encode(&place::location(scope, name, at, sites.collect()))?);
        }
        for (site, pools) in &self.sites {
            derived.push(Object::encode(&place::site(scope, site, pools.iter().cloned().collect()))?);
        }
        for key in &self.types {
            let known = details.get(&key.model).filter(|_| key.sort == Sort::Instance);
            derived.push(Object::encode(&kind::resource_type(scope, key, known))?);
        }
        self.objects.extend(derived.into_iter().map(|object| (object.key.clone(), object)));
        Ok(Whole { objects: self.objects, names: self.names, unsure: Vec::new() })
    }
}

/// The inventory of all parts.
pub(crate) struct Whole {
    pub(crate) objects: BTreeMap<ObjectKey, Object>,
    pub(crate) names: HashMap<Id, Name>,
    /// The kinds whose objects are told otherwise than they are, because something that makes them up could not be read.
    pub(crate) unsure: Vec<Kind>,
}
