//! All that is known of one cluster, kept so that an event costs the same in a large cluster as in a small one.
//!
//! Resources come in whole; pools, sites, locations, types and the deployment manager follow from them by counting.
//! What an event may have touched is marked, and `drain` makes anew what is marked and tells only what differs.

mod derive;

use crate::map::kind::{Family, TypeKey};
use crate::map::manager::Sums;
use crate::map::place::SiteKey;
use crate::map::quantity::Amount;
use crate::map::{DEFAULT, Member, Scope, Share, class, dictionary};
use netweave_model::port::Change;
use netweave_model::{Id, Kind, Object, ObjectKey, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The state of one cluster.
pub(crate) struct Cluster {
    scope: Scope,
    version: String,
    members: HashMap<Id, Known>,
    pools: BTreeMap<String, Pool>,
    sites: BTreeMap<SiteKey, Site>,
    /// The sites of each region, with the number of members in each.
    regions: BTreeMap<String, BTreeSet<SiteKey>>,
    types: BTreeMap<TypeKey, usize>,
    classes: BTreeSet<String>,
    sums: Sums,
    /// Digests of the derived objects that were told.
    told: HashMap<ObjectKey, u64>,
    dirty: Dirty,
    /// Changes of resources and storage types that wait for `drain`.
    ready: Vec<Change>,
}

/// What is kept of a resource: enough to see a change and to take its share back.
struct Known {
    digest: u64,
    share: Share,
}

#[derive(Default)]
struct Pool {
    /// How many members are where.
    members: BTreeMap<SiteKey, usize>,
    /// The site where most are.
    at: Option<SiteKey>,
}

#[derive(Default)]
struct Site {
    members: usize,
    /// The pools whose site this is.
    pools: BTreeSet<String>,
}

/// What the events since the last `drain` may have touched.
#[derive(Default)]
struct Dirty {
    pools: BTreeSet<String>,
    sites: BTreeSet<SiteKey>,
    regions: BTreeSet<String>,
    types: BTreeSet<TypeKey>,
    manager: bool,
}

impl Cluster {
    /// Starts with an empty cluster of a version.
    pub(crate) fn new(scope: Scope, version: String) -> Result<Self> {
        let ready = vec![
            Change::Upsert(dictionary::alarms(&scope)?),
            Change::Upsert(dictionary::performance(&scope)?),
        ];
        let regions = [DEFAULT.to_owned()].into_iter().collect();
        Ok(Self {
            scope,
            version,
            members: HashMap::new(),
            pools: BTreeMap::new(),
            sites: BTreeMap::new(),
            regions: BTreeMap::new(),
            types: BTreeMap::new(),
            classes: BTreeSet::new(),
            sums: Sums::default(),
            told: HashMap::new(),
            dirty: Dirty { regions, manager: true, ..Dirty::default() },
            ready,
        })
    }

    /// Notes that a resource exists and looks like this.
    pub(crate) fn put(&mut self, member: Member) {
        let Member { object, share } = member;
        let digest = digest(&object);
        let id = object.key.id.clone();
        let before = self.members.insert(id, Known { digest, share: share.clone() });
        if before.as_ref().map(|known| &known.share) != Some(&share) {
            // In before out, so that a pool that only loses and gains does not vanish in between.
            self.join(&share);
            if let Some(known) = &before {
                self.leave(&known.share);
            }
        }
        if before.map(|known| known.digest) != Some(digest) {
            self.ready.push(Change::Upsert(object));
        }
    }

    /// Notes that a resource is gone.
    pub(crate) fn remove(&mut self, id: &Id) {
        if let Some(known) = self.members.remove(id) {
            self.leave(&known.share);
            self.ready.push(Change::Delete(ObjectKey { kind: Kind::Resource, id: id.clone() }));
        }
    }

    /// Notes that all resources of a family are unknown again.
    pub(crate) fn clear(&mut self, family: Family) {
        let of_family = |known: &Known| known.share.kind.family == family;
        let ids: Vec<Id> =
            self.members.iter().filter(|(_, known)| of_family(known)).map(|(id, _)| id.clone()).collect();
        for id in &ids {
            self.remove(id);
        }
    }

    /// Notes that a storage class exists and looks like this.
    pub(crate) fn put_class(&mut self, name: &str, object: Object) {
        self.dirty.manager |= self.classes.insert(name.to_owned());
        if self.told.insert(object.key.clone(), digest(&object)) != Some(digest(&object)) {
            self.ready.push(Change::Upsert(object));
        }
    }

    /// Notes that a storage class is gone.
    pub(crate) fn remove_class(&mut self, name: &str) {
        if self.classes.remove(name) {
            self.dirty.manager = true;
            let key = ObjectKey { kind: Kind::ResourceType, id: class::id(&self.scope, name) };
            self.told.remove(&key);
            self.ready.push(Change::Delete(key));
        }
    }

    /// Notes that all storage classes are unknown again.
    pub(crate) fn clear_classes(&mut self) {
        for name in self.classes.clone() {
            self.remove_class(&name);
        }
    }

    /// Notes the version that the cluster runs now.
    pub(crate) fn set_version(&mut self, version: String) {
        self.dirty.manager |= self.version != version;
        self.version = version;
    }

    /// Adds a resource's share.
    fn join(&mut self, share: &Share) {
        let site = self.sites.entry(share.site.clone()).or_default();
        site.members += 1;
        if site.members == 1 {
            self.dirty.sites.insert(share.site.clone());
            self.regions.entry(share.site.region.clone()).or_default().insert(share.site.clone());
            self.mark_region(&share.site.region);
        }
        *self.pools.entry(share.pool.clone()).or_default().members.entry(share.site.clone()).or_default() +=
            1;
        self.settle_pool(&share.pool);
        let count = self.types.entry(share.kind.clone()).or_default();
        *count += 1;
        if *count == 1 {
            self.dirty.types.insert(share.kind.clone());
        }
        self.sum(share, 1);
    }

    /// Takes a resource's share back.
    fn leave(&mut self, share: &Share) {
        if let Some(pool) = self.pools.get_mut(&share.pool) {
            decrease(&mut pool.members, &share.site);
        }
        self.settle_pool(&share.pool);
        if let Some(site) = self.sites.get_mut(&share.site) {
            site.members -= 1;
            if site.members == 0 {
                self.sites.remove(&share.site);
                self.dirty.sites.insert(share.site.clone());
                self.leave_region(&share.site);
            }
        }
        decrease(&mut self.types, &share.kind);
        if !self.types.contains_key(&share.kind) {
            self.dirty.types.insert(share.kind.clone());
        }
        self.sum(share, -1);
    }

    fn leave_region(&mut self, site: &SiteKey) {
        if let Some(sites) = self.regions.get_mut(&site.region) {
            sites.remove(site);
            if sites.is_empty() {
                self.regions.remove(&site.region);
            }
        }
        self.mark_region(&site.region);
    }

    /// The default location stands in while there is no other, so it may come or go with any region.
    fn mark_region(&mut self, region: &str) {
        self.dirty.regions.insert(region.to_owned());
        self.dirty.regions.insert(DEFAULT.to_owned());
        self.dirty.manager = true;
    }

    /// Puts a pool where most of its members are, the first by name among equals; drops it when it has none.
    fn settle_pool(&mut self, name: &str) {
        let Some(pool) = self.pools.get_mut(name) else { return };
        let most = pool.members.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        let at = most.map(|(site, _)| site.clone());
        if at == pool.at {
            return;
        }
        let before = std::mem::replace(&mut pool.at, at.clone());
        self.dirty.pools.insert(name.to_owned());
        if let Some(site) = before {
            if let Some(known) = self.sites.get_mut(&site) {
                known.pools.remove(name);
            }
            self.dirty.sites.insert(site);
        }
        match at {
            Some(site) => {
                self.sites.entry(site.clone()).or_default().pools.insert(name.to_owned());
                self.dirty.sites.insert(site);
            }
            None => drop(self.pools.remove(name)),
        }
    }

    fn sum(&mut self, share: &Share, sign: i128) {
        if share.kind.family == Family::Host {
            return;
        }
        self.dirty.manager = true;
        self.sums.nodes = if sign > 0 { self.sums.nodes + 1 } else { self.sums.nodes.saturating_sub(1) };
        for (name, amount) in &share.capacity {
            let (sum, count) = self.sums.capacity.entry(name.clone()).or_default();
            *sum = Amount { milli: sum.milli + sign * amount.milli, binary: sum.binary || amount.binary };
            *count = if sign > 0 { *count + 1 } else { count.saturating_sub(1) };
            if *count == 0 {
                self.sums.capacity.remove(name);
            }
        }
    }
}

fn decrease<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

fn digest(object: &Object) -> u64 {
    let mut hasher = DefaultHasher::new();
    object.json.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
