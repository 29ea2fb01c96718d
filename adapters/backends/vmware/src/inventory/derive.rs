//! Makes anew what events may have touched, and tells what differs.

use super::Inventory;
use crate::map::place::{self, Known, Place};
use crate::map::{manager, resource};
use crate::soap::{Family, Ref};
use netweave_model::domain::Info;
use netweave_model::port::Change;
use netweave_model::{Id, Kind, Object, ObjectKey, Result};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Changes: what appears is told before what refers to it, what goes after that.
#[derive(Default)]
struct Batch {
    upserts: Vec<Object>,
    deletes: Vec<ObjectKey>,
}

impl Inventory {
    /// Returns what changed since the last call, in an order in which references point backwards.
    pub(crate) fn drain(&mut self) -> Result<Vec<Change>> {
        for object in std::mem::take(&mut self.dirty.objects) {
            self.recount(&object);
            self.dirty.objects.insert(object);
        }
        let dirty = std::mem::take(&mut self.dirty);
        self.begins = false;
        let mut batch = Batch::default();
        for object in &dirty.objects {
            self.render(object, &mut batch)?;
        }
        for kind in &dirty.types {
            let info = self.types.contains_key(kind).then(|| kind.info(&self.scope));
            self.settle(Kind::ResourceType, kind.id(&self.scope), encoded(info)?, &mut batch);
        }
        if dirty.stand_in {
            self.stand_in(&mut batch)?;
        }
        if dirty.manager {
            let info = self.manager();
            self.settle(Kind::DeploymentManager, info.id().clone(), encoded(Some(info))?, &mut batch);
        }
        Ok(batch.ordered())
    }

    /// Makes what an object stands for.
    fn render(&mut self, object: &Ref, batch: &mut Batch) -> Result<()> {
        match object.family {
            Family::Folder => Ok(()),
            Family::Datacenter => self.datacenter(object, batch),
            Family::Compute => self.compute(object, batch),
            Family::Pool => self.pool(object, batch),
            Family::Host | Family::Machine | Family::Datastore | Family::Network => {
                let id = resource::id(&self.scope, object);
                let entity = self.entities.get(object).filter(|_| self.scope.serves(object.family));
                let made = entity
                    .map(|entity| resource::resource(&self.scope, object, entity, &self.pool_of(object)));
                self.settle(Kind::Resource, id, made.transpose()?, batch);
                Ok(())
            }
        }
    }

    /// A datacenter is a location, and a site with a pool for what belongs to no cluster.
    fn datacenter(&mut self, object: &Ref, batch: &mut Batch) -> Result<()> {
        let place = Place::At(object.clone());
        let exists = self.entities.contains_key(object);
        self.location(&place, exists, true, batch)?;
        self.site_and_pool(&place, exists, batch)
    }

    /// Stands in for a datacenter: as location while there is none, as site and pool while something lies there.
    fn stand_in(&mut self, batch: &mut Batch) -> Result<()> {
        let place = Place::Default;
        let used = self.strays > 0 || self.sites.contains_key(&place) || self.pools.contains_key(&place);
        self.location(&place, used || self.datacenters.is_empty(), used, batch)?;
        self.site_and_pool(&place, used, batch)
    }

    fn location(&mut self, place: &Place, exists: bool, is_site: bool, batch: &mut Batch) -> Result<()> {
        let scope = &self.scope;
        let location = exists.then(|| {
            let computes = self.sites.get(place).into_iter().flatten();
            let sites = computes.map(|compute| Place::At(compute.clone()).site_id(scope));
            let own = is_site.then(|| place.site_id(scope));
            place::location(scope, &self.known(place), sorted(sites.chain(own)))
        });
        self.settle(Kind::Location, place.location_id(scope), encoded(location)?, batch);
        Ok(())
    }

    /// Makes the site and the pool of a place that is a location, too.
    fn site_and_pool(&mut self, place: &Place, exists: bool, batch: &mut Batch) -> Result<()> {
        let (scope, known) = (&self.scope, self.known(place));
        let site = exists.then(|| place::site(scope, &known, place, self.pools_at(place)));
        let pool = exists.then(|| place::pool(scope, &known, place, &known));
        let (site_id, pool_id) = (place.site_id(scope), place.pool_id(scope));
        self.settle(Kind::OCloudSite, site_id, encoded(site)?, batch);
        self.settle(Kind::ResourcePool, pool_id, encoded(pool)?, batch);
        Ok(())
    }

    /// A compute resource is a site, and a pool.
    fn compute(&mut self, object: &Ref, batch: &mut Batch) -> Result<()> {
        let (place, scope) = (Place::At(object.clone()), &self.scope);
        let (known, datacenter) = (self.known(&place), self.datacenter_of(object));
        let exists = known.entity.is_some();
        let site = exists.then(|| place::site(scope, &known, &datacenter, self.pools_at(&place)));
        let pool = exists.then(|| place::pool(scope, &known, &place, &self.known(&datacenter)));
        let (site_id, pool_id) = (place.site_id(scope), place.pool_id(scope));
        self.settle(Kind::OCloudSite, site_id, encoded(site)?, batch);
        self.settle(Kind::ResourcePool, pool_id, encoded(pool)?, batch);
        Ok(())
    }

    /// Returns the pools of a site: its own, and the resource pools there.
    fn pools_at(&self, site: &Place) -> Vec<Id> {
        let inside = self.pools.get(site).into_iter().flatten();
        let ids = inside.map(|pool| Place::At(pool.clone()).pool_id(&self.scope));
        sorted(ids.chain([site.pool_id(&self.scope)]))
    }

    fn pool(&mut self, object: &Ref, batch: &mut Batch) -> Result<()> {
        let place = Place::At(object.clone());
        let id = place.pool_id(&self.scope);
        let mut pool = None;
        if self.entities.contains_key(object) && !self.is_root_pool(object) {
            let site = self.site_of_pool(object);
            let datacenter = match &site {
                Place::At(compute) => self.datacenter_of(compute),
                Place::Default => Place::Default,
            };
            pool = Some(place::pool(&self.scope, &self.known(&place), &site, &self.known(&datacenter)));
        }
        self.settle(Kind::ResourcePool, id, encoded(pool)?, batch);
        Ok(())
    }

    fn manager(&self) -> netweave_model::domain::DeploymentManagerInfo {
        let datacenters = self.datacenters.iter().cloned().map(Place::At);
        let stand_in = self.datacenters.is_empty().then_some(Place::Default);
        manager::manager(&self.scope, &self.about, &self.sums, datacenters.chain(stand_in))
    }

    fn known<'a>(&'a self, place: &'a Place) -> Known<'a> {
        let entity = match place {
            Place::At(object) => self.entities.get(object),
            Place::Default => None,
        };
        Known { place, entity }
    }

    /// Tells an object if it differs from what was told.
    fn settle(&mut self, kind: Kind, id: Id, object: Option<Object>, batch: &mut Batch) {
        let key = ObjectKey { kind, id };
        match object {
            Some(object) => {
                let now = digest(&object);
                if self.told.insert(key, now) != Some(now) {
                    batch.upserts.push(object);
                }
            }
            None => {
                if self.told.remove(&key).is_some() {
                    batch.deletes.push(key);
                }
            }
        }
    }
}

impl Batch {
    fn ordered(mut self) -> Vec<Change> {
        let order = |kind: Kind| Kind::ALL.iter().position(|known| *known == kind);
        self.upserts.sort_by_key(|object| order(object.key.kind));
        self.deletes.sort_by_key(|key| std::cmp::Reverse(order(key.kind)));
        let upserts = self.upserts.into_iter().map(Change::Upsert);
        upserts.chain(self.deletes.into_iter().map(Change::Delete)).collect()
    }
}

fn encoded<T: Info>(info: Option<T>) -> Result<Option<Object>> {
    info.map(|info| Object::encode(&info)).transpose()
}

fn sorted(ids: impl Iterator<Item = Id>) -> Vec<Id> {
    ids.collect::<BTreeSet<_>>().into_iter().collect()
}

fn digest(object: &Object) -> u64 {
    let mut hasher = DefaultHasher::new();
    object.parent.hash(&mut hasher);
    object.json.hash(&mut hasher);
    hasher.finish()
}
