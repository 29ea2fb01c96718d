//! What Google's client listed, in the words that `docs/api-mapping.md` promises.

use super::PROJECT;
use crate::table::Stock;
use google_cloud_compute_v1::model::{
    Disk, Instance, InstanceGroupManager, MachineType, Network, Region, Subnetwork, Zone,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was listed; places as Google writes them, such as `zones/europe-west3-a`.
#[derive(Default)]
pub(super) struct Report {
    pub(super) regions: Vec<Region>,
    pub(super) zones: Vec<Zone>,
    pub(super) networks: Vec<Network>,
    pub(super) instances: Vec<(String, Instance)>,
    pub(super) disks: Vec<(String, Disk)>,
    pub(super) subnetworks: Vec<(String, Subnetwork)>,
    pub(super) groups: Vec<(String, InstanceGroupManager)>,
    /// Place and name of the group by the URL of the instance.
    pub(super) members: BTreeMap<String, (String, String)>,
    /// By name; none if the type is gone.
    pub(super) machines: BTreeMap<String, Option<MachineType>>,
}

/// Makes the stock.
pub(super) fn stock(report: &Report) -> Stock {
    let mut making = Making::default();
    for zone in &report.zones {
        making.zone(zone);
    }
    for (place, group) in &report.groups {
        making.group(place, group);
    }
    for (place, one) in &report.instances {
        making.instance(place, one, report);
    }
    for (place, one) in &report.disks {
        making.disk(place, one);
    }
    for one in &report.networks {
        making.network(one);
    }
    for (place, one) in &report.subnetworks {
        making.subnetwork(place, one);
    }
    for (name, one) in &report.machines {
        making.machine(name, one.as_ref());
    }
    making.places(&report.regions);
    making.stock
}

#[derive(Default)]
pub(super) struct Making {
    stock: Stock,
    /// Pools by region.
    pools: BTreeMap<String, BTreeSet<String>>,
}

impl Making {
    fn pool(&mut self, object: &'static str, native: String, place: &str, name: String, mut value: Value) {
        let region = region(place);
        self.pools.entry(region.to_owned()).or_default().insert(native.clone());
        value["name"] = name.into();
        value["location"] = region.into();
        value["globalLocationId"] = region.into();
        value["oCloudSiteId"] = format!("{PROJECT}/{region}").into();
        home(&mut value, &native, place);
        self.stock.insert((object, native), value);
    }

    /// Puts a resource; its pool is its group's, or its place's.
    pub(super) fn resource(
        &mut self,
        object: &'static str,
        place: &str,
        path: &str,
        kind: &str,
        pool: Option<String>,
        mut value: Value,
    ) {
        let native = format!("projects/{PROJECT}/{place}/{path}");
        let own = format!("projects/{PROJECT}/{place}");
        if pool.is_none() && !self.stock.contains_key(&("zone", own.clone())) {
            let name = format!("{PROJECT}/{}", last(Some(place)));
            self.pool("what is in no zone", own.clone(), place, name, json!({ "extensions": {} }));
        }
        value["globalAssetId"] = format!("//compute.googleapis.com/{native}").into();
        value["resourcePoolId"] = pool.unwrap_or(own).into();
        value["resourceTypeId"] = format!("Google: {kind}").into();
        home(&mut value, &native, place);
        self.stock.insert((object, native), value);
        if !kind.starts_with("machineTypes/") {
            self.kind("other type", kind, "LOGICAL", json!({ "extensions": {} }));
        }
    }

    fn kind(&mut self, object: &'static str, native: &str, kind: &str, mut value: Value) {
        let name = last(Some(native));
        value["name"] = name.into();
        value["model"] = name.into();
        value["vendor"] = "Google".into();
        value["resourceKind"] = kind.into();
        value["extensions"]["nativeId"] = native.into();
        self.stock.insert((object, format!("Google: {native}")), value);
    }

    fn zone(&mut self, zone: &Zone) {
        let name = zone.name.clone().expect("a name");
        let place = format!("zones/{name}");
        let value = json!({ "extensions": {
            "status": zone.status.as_ref().and_then(|word| word.name()), "availableCpuPlatforms": sorted(&zone.available_cpu_platforms),
        }});
        self.pool("zone", format!("projects/{PROJECT}/{place}"), &place, format!("{PROJECT}/{name}"), value);
    }

    fn group(&mut self, place: &str, one: &InstanceGroupManager) {
        let name = one.name.clone().expect("a name");
        let zones = one
            .distribution_policy
            .as_ref()
            .map(|policy| policy.zones.iter().map(|zone| last(zone.zone.as_deref())));
        let value = json!({
            "description": one.description,
            "extensions": {
                "uid": one.id.map(|id| id.to_string()), "createdAt": one.creation_timestamp, "targetSize": one.target_size,
                "baseInstanceName": one.base_instance_name, "instanceTemplate": last(one.instance_template.as_deref()),
                "zones": zones.map(Iterator::collect::<Vec<_>>),
            },
        });
        let native = format!("projects/{PROJECT}/{place}/instanceGroupManagers/{name}");
        self.pool("group", native, place, format!("{PROJECT}/{}/{name}", last(Some(place))), value);
    }

    fn machine(&mut self, name: &str, one: Option<&MachineType>) {
        let kind = if name.ends_with("-metal") { "PHYSICAL" } else { "LOGICAL" };
        let accelerators = one
            .into_iter()
            .flat_map(|one| &one.accelerators)
            .map(|one| json!({ "type": one.guest_accelerator_type, "count": one.guest_accelerator_count }));
        let value = json!({
            // Without words of Google's it is described by the backend.
            "description": one.and_then(|one| one.description.clone()).unwrap_or_else(|| format!("Machine type {name}")),
            "extensions": {
                "guestCpus": one.and_then(|one| one.guest_cpus), "memoryMb": one.and_then(|one| one.memory_mb),
                "isSharedCpu": one.and_then(|one| one.is_shared_cpu),
                "architecture": one.and_then(|one| one.architecture.as_ref()?.name()),
                "maximumPersistentDisks": one.and_then(|one| one.maximum_persistent_disks),
                "maximumPersistentDisksSizeGb": one.and_then(|one| one.maximum_persistent_disks_size_gb).map(|size| size.to_string()),
                "accelerators": accelerators.collect::<Vec<_>>(),
            },
        });
        self.kind("machine type", &format!("machineTypes/{name}"), kind, value);
    }

    /// Regions, and the project in each of them.
    fn places(&mut self, regions: &[Region]) {
        let known: BTreeMap<_, _> = regions
            .iter()
            .map(|region| (region.name.clone().expect("a name"), region.status.as_ref()))
            .collect();
        let names: BTreeSet<_> = known.keys().chain(self.pools.keys()).cloned().collect();
        for name in names {
            let site = format!("{PROJECT}/{name}");
            let status = known.get(&name).and_then(|status| status.as_ref()?.name());
            let value = json!({ "name": name, "oCloudSiteIds": [site], "extensions": { "nativeId": name, "status": status } });
            self.stock.insert(("region", name.clone()), value);
            let value = json!({
                "name": site, "globalLocationId": name, "resourcePools": self.pools.get(&name),
                "extensions": { "nativeId": site, "project": PROJECT, "region": Some(&name).filter(|name| *name != "global") },
            });
            self.stock.insert(("project", site), value);
        }
    }
}

/// Puts what an object says of where it is.
fn home(value: &mut Value, native: &str, place: &str) {
    let extensions = &mut value["extensions"];
    extensions["nativeId"] = native.into();
    extensions["project"] = PROJECT.into();
    extensions["region"] = Some(region(place)).filter(|region| *region != "global").into();
    extensions["zone"] = place.strip_prefix("zones/").into();
}

/// Returns the region of a place, or `global`.
fn region(place: &str) -> &str {
    match place.split_once('/') {
        Some(("zones", zone)) => zone.rsplit_once('-').expect("a zone").0,
        Some((_, region)) => region,
        None => place,
    }
}

pub(super) fn sorted(texts: &[String]) -> Vec<String> {
    let mut texts = texts.to_vec();
    texts.sort_unstable();
    texts
}

/// Returns the last part of a URL or path; nothing of nothing.
pub(super) fn last(url: Option<&str>) -> &str {
    url.and_then(|url| url.rsplit('/').next()).unwrap_or_default()
}
