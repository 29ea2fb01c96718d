//! Makes the derived objects anew that events may have touched, and tells what differs.

use super::{Cluster, Dirty, digest};
use crate::map::place::{self, SiteKey};
use crate::map::{DEFAULT, manager};
use netweave_model::domain::Info;
use netweave_model::port::Change;
use netweave_model::{Id, Kind, Object, ObjectKey, Result};

/// Changes of derived objects: what appears is told before the resources that refer to it, what goes after them.
#[derive(Default)]
struct Batch {
    upserts: Vec<Change>,
    deletes: Vec<Change>,
}

impl Cluster {
    /// Returns what changed since the last call, in an order in which references point backwards.
    pub(crate) fn drain(&mut self) -> Result<Vec<Change>> {
        let dirty = std::mem::take(&mut self.dirty);
        let mut batch = Batch::default();
        self.derive(&dirty, &mut batch)?;
        let mut changes = batch.upserts;
        changes.append(&mut self.ready);
        if dirty.manager {
            let info = self.manager();
            let mut last = Batch::default();
            self.settle(Kind::DeploymentManager, info.id().clone(), Some(Object::encode(&info)?), &mut last);
            changes.append(&mut last.upserts);
        }
        batch.deletes.reverse();
        changes.append(&mut batch.deletes);
        Ok(changes)
    }

    fn derive(&mut self, dirty: &Dirty, batch: &mut Batch) -> Result<()> {
        for region in &dirty.regions {
            let object = self.location(region)?;
            self.settle(Kind::Location, place::location_id(&self.scope, region), object, batch);
        }
        for key in &dirty.sites {
            let object = self.site(key)?;
            self.settle(Kind::OCloudSite, key.id(&self.scope), object, batch);
        }
        for key in &dirty.types {
            let known = self.types.contains_key(key);
            let object = known.then(|| Object::encode(&key.info(&self.scope))).transpose()?;
            self.settle(Kind::ResourceType, key.id(&self.scope), object, batch);
        }
        for name in &dirty.pools {
            let site = self.pools.get(name).and_then(|pool| pool.at.as_ref());
            let object =
                site.map(|site| Object::encode(&place::pool(&self.scope, name, site))).transpose()?;
            self.settle(Kind::ResourcePool, place::pool_id(&self.scope, name), object, batch);
        }
        Ok(())
    }

    fn location(&self, region: &str) -> Result<Option<Object>> {
        let sites = self.regions.get(region);
        if sites.is_none() && (region != DEFAULT || !self.regions.is_empty()) {
            return Ok(None);
        }
        let ids = sites.into_iter().flatten().map(|key| key.id(&self.scope));
        Object::encode(&place::location(&self.scope, region, sorted(ids))).map(Some)
    }

    fn site(&self, key: &SiteKey) -> Result<Option<Object>> {
        let Some(site) = self.sites.get(key) else { return Ok(None) };
        let ids = site.pools.iter().map(|name| place::pool_id(&self.scope, name));
        Object::encode(&place::site(&self.scope, key, sorted(ids))).map(Some)
    }

    fn manager(&self) -> netweave_model::domain::DeploymentManagerInfo {
        let stand_in = self.regions.is_empty().then_some(DEFAULT);
        let regions = self.regions.keys().map(String::as_str).chain(stand_in);
        manager::manager(
            &self.scope,
            &self.version,
            &self.sums,
            regions,
            self.classes.iter().map(String::as_str),
        )
    }

    /// Tells a derived object if it differs from what was told.
    fn settle(&mut self, kind: Kind, id: Id, object: Option<Object>, batch: &mut Batch) {
        let key = ObjectKey { kind, id };
        match object {
            Some(object) => {
                let now = digest(&object);
                if self.told.insert(key, now) != Some(now) {
                    batch.upserts.push(Change::Upsert(object));
                }
            }
            None => {
                if self.told.remove(&key).is_some() {
                    batch.deletes.push(Change::Delete(key));
                }
            }
        }
    }
}

fn sorted(ids: impl Iterator<Item = Id>) -> Vec<Id> {
    let mut ids: Vec<Id> = ids.collect();
    ids.sort_unstable();
    ids
}
