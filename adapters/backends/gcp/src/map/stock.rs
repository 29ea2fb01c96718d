//! All that was read of all projects -> the objects of every kind, and the places that they are in.

use super::kind::Plain;
use super::{Home, Place, Scope, group, machine, place, storage};
use crate::wire::{Disk, Group, Instance, MachineType, Network, Region, Subnetwork, Zone};
use netweave_model::domain::{Info, ResourcePoolInfo};
use netweave_model::{Id, Kind, Object, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What was read of one project.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) project: String,
    pub(crate) regions: Vec<Region>,
    pub(crate) zones: Vec<Zone>,
    pub(crate) instances: Vec<(Place, Instance)>,
    pub(crate) disks: Vec<(Place, Disk)>,
    pub(crate) networks: Vec<Network>,
    pub(crate) subnetworks: Vec<(Place, Subnetwork)>,
    /// Each group with the paths of its members; none unless groups make the pools.
    pub(crate) groups: Vec<(Place, Group, Vec<String>)>,
    /// The places that could not be read.
    pub(crate) missing: BTreeSet<Place>,
    /// Those of them that never were.
    pub(crate) unknown: BTreeSet<Place>,
}

impl Report {
    /// Puts in what was there, when they were read last, of the places that could not be read.
    pub(crate) fn bridge(&mut self, last: Option<&Self>) {
        let missing = &self.missing;
        self.unknown = missing
            .iter()
            .filter(|place| last.is_none_or(|last| last.unknown.contains(*place)))
            .cloned()
            .collect();
        stay(&mut self.instances, last.map(|last| &last.instances), |(place, _)| missing.contains(place));
        stay(&mut self.disks, last.map(|last| &last.disks), |(place, _)| missing.contains(place));
        stay(&mut self.subnetworks, last.map(|last| &last.subnetworks), |(place, _)| missing.contains(place));
        stay(&mut self.groups, last.map(|last| &last.groups), |(place, ..)| missing.contains(place));
    }
}

/// Takes what is missing from what was there last.
fn stay<T: Clone>(now: &mut Vec<T>, last: Option<&Vec<T>>, missing: impl Fn(&T) -> bool) {
    now.retain(|item| !missing(item));
    now.extend(last.into_iter().flatten().filter(|item| missing(item)).cloned());
}

/// What a resource is in the words of the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Instance,
    Disk,
    Network,
    Subnetwork,
}

/// What is needed to ask for a resource that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) family: Family,
    pub(crate) home: Home,
    pub(crate) own: String,
}

/// Everything there is.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    /// Per kind its objects, ordered by id, each id once.
    pub(crate) objects: BTreeMap<Kind, Vec<Object>>,
    /// The resources by id, which cannot be turned back into a name.
    pub(crate) names: HashMap<Id, Name>,
    /// The kinds whose objects are told otherwise than they are, because something that makes them up could not be read.
    pub(crate) unsure: Vec<Kind>,
}

/// The facts of machine types by name; `None` for one that does not exist any more.
pub(crate) type Facts = BTreeMap<String, Option<Arc<MachineType>>>;

/// Maps everything.
///
/// # Errors
/// `Internal`: an object cannot be serialised.
pub(crate) fn stock<'a>(
    scope: &Scope,
    reports: impl IntoIterator<Item = &'a Report>,
    facts: &Facts,
) -> Result<Stock> {
    let mut builder = Builder::empty(scope);
    for report in reports {
        builder.places(report)?;
        builder.resources(report)?;
    }
    builder.finish(facts)
}

struct Builder<'a> {
    scope: &'a Scope,
    regions: BTreeMap<String, Option<Region>>,
    /// By project and region: the pools.
    sites: BTreeMap<(String, String), BTreeSet<Id>>,
    machines: BTreeSet<String>,
    plain: BTreeSet<Plain>,
    objects: BTreeMap<Kind, BTreeMap<Id, Object>>,
    names: HashMap<Id, Name>,
}

impl<'a> Builder<'a> {
    fn empty(scope: &'a Scope) -> Self {
        Self {
            scope,
            regions: BTreeMap::new(),
            sites: BTreeMap::new(),
            machines: BTreeSet::new(),
            plain: BTreeSet::new(),
            objects: BTreeMap::new(),
            names: HashMap::new(),
        }
    }

    /// Takes the regions, zones and groups of a project.
    fn places(&mut self, report: &Report) -> Result<()> {
        for region in &report.regions {
            self.regions.insert(region.name.clone(), Some(region.clone()));
            self.sites.entry((report.project.clone(), region.name.clone())).or_default();
        }
        for zone in &report.zones {
            if let Some(place) = Place::parse(&format!("zones/{}", zone.name)) {
                let home = Home { project: report.project.clone(), place, group: None };
                self.pool(&home, &place::pool(self.scope, &home, Some(zone)))?;
            }
        }
        for (place, item, _) in &report.groups {
            let home = Home { project: report.project.clone(), place: place.clone(), group: None };
            self.pool(&home, &group::pool(self.scope, &home, item))?;
        }
        Ok(())
    }

    fn resources(&mut self, report: &Report) -> Result<()> {
        let mut groups = HashMap::new();
        for (place, item, members) in &report.groups {
            let home = Home { project: report.project.clone(), place: place.clone(), group: None };
            let path = group::path(&home, item);
            groups.extend(members.iter().map(|member| (member.as_str(), path.clone())));
        }
        let home =
            |place: &Place| Home { project: report.project.clone(), place: place.clone(), group: None };
        for (place, item) in &report.instances {
            let mut home = home(place);
            home.group = groups.get(home.path("instances", &item.name).as_str()).cloned();
            self.machines.insert(machine::type_name(item).to_owned());
            let object = super::instance(self.scope, &home, item)?;
            self.resource(Family::Instance, home, &item.name, object)?;
        }
        for (place, item) in &report.disks {
            self.plain.insert(storage::type_of(item));
            let object = super::disk(self.scope, &home(place), item)?;
            self.resource(Family::Disk, home(place), &item.name, object)?;
        }
        for item in &report.networks {
            self.plain.insert(Plain::Network);
            let object = super::network(self.scope, &home(&Place::Global), item)?;
            self.resource(Family::Network, home(&Place::Global), &item.name, object)?;
        }
        for (place, item) in &report.subnetworks {
            self.plain.insert(Plain::Subnetwork);
            let object = super::subnetwork(self.scope, &home(place), item)?;
            self.resource(Family::Subnetwork, home(place), &item.name, object)?;
        }
        Ok(())
    }

    /// Takes a resource; its place has a pool from now on.
    fn resource(&mut self, family: Family, home: Home, name: &str, object: Object) -> Result<()> {
        if home.group.is_none() && !self.has(Kind::ResourcePool, &home.pool_id(self.scope)) {
            self.pool(&home, &place::pool(self.scope, &home, None))?;
        }
        self.names.insert(object.key.id.clone(), Name { family, home, own: name.to_owned() });
        self.put(object);
        Ok(())
    }

    fn pool(&mut self, home: &Home, info: &ResourcePoolInfo) -> Result<()> {
        let region = home.place.region().to_owned();
        self.regions.entry(region.clone()).or_default();
        let site = self.sites.entry((home.project.clone(), region)).or_default();
        site.insert(info.resource_pool_id.clone());
        self.put(Object::encode(info)?);
        Ok(())
    }

    fn has(&self, kind: Kind, id: &Id) -> bool {
        self.objects.get(&kind).is_some_and(|objects| objects.contains_key(id))
    }

    fn put(&mut self, object: Object) {
        self.objects.entry(object.key.kind).or_default().insert(object.key.id.clone(), object);
    }

    fn encode(&mut self, info: &impl Info) -> Result<()> {
        self.put(Object::encode(info)?);
        Ok(())
    }

    /// Adds what follows from the rest: locations, sites and types.
    fn finish(mut self, facts: &Facts) -> Result<Stock> {
        let scope = self.scope;
        let mut of_region: BTreeMap<&str, Vec<Id>> = BTreeMap::new();
        let sites = std::mem::take(&mut self.sites);
        for ((project, region), pools) in &sites {
            of_region.entry(region).or_default().push(place::site_id(scope, project, region));
            self.encode(&place::site(scope, project, region, pools.iter().cloned().collect()))?;
        }
        for (name, region) in std::mem::take(&mut self.regions) {
            let mut sites = of_region.remove(name.as_str()).unwrap_or_default();
            sites.sort_unstable();
            self.encode(&place::location(scope, &name, region.as_ref(), sites))?;
        }
        for name in std::mem::take(&mut self.machines) {
            let facts = facts.get(&name).and_then(Option::as_deref);
            self.encode(&machine::info(scope, &name, facts))?;
        }
        for plain in std::mem::take(&mut self.plain) {
            self.encode(&plain.info(scope))?;
        }
        let sorted = |(kind, objects): (Kind, BTreeMap<Id, Object>)| (kind, objects.into_values().collect());
        Ok(Stock {
            objects: self.objects.into_iter().map(sorted).collect(),
            names: self.names,
            unsure: Vec::new(),
        })
    }
}
