//! What `vim_rs` retrieved, in the words that `docs/api-mapping.md` promises.

use super::sdk::{Host, Machine, Report};
use super::tree::Tree;
use crate::table::Stock;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use vim_rs::types::structs::{HostSystemInfo, ManagedObjectReference, ResourceAllocationInfo};

const MIB_PER_GIB: i32 = 1024;

/// Makes the stock.
pub(super) fn stock(report: &Report) -> Stock {
    let mut making = Making {
        stock: Stock::new(),
        tree: Tree::of(report),
        pools: BTreeMap::new(),
        sites: BTreeMap::new(),
    };
    making.places(report);
    for one in &report.hosts {
        making.host(one);
    }
    for one in &report.machines {
        making.machine(one);
    }
    for one in &report.datastores {
        let value = json!({
            "globalAssetId": one.url, "extensions": {
                "type": one.kind, "url": one.url, "capacityBytes": one.capacity, "accessible": one.accessible,
                "maintenanceMode": one.maintenance, "multipleHostAccess": one.shared,
            },
        });
        let kind = one.kind.as_deref().unwrap_or("unknown");
        making.resource("datastore", &one.id, one.name.as_deref(), None, ("VMware", kind, "LOGICAL"), value);
    }
    for one in &report.networks {
        let value = json!({ "extensions": { "accessible": one.accessible } });
        making.resource(
            "network",
            &one.id,
            one.name.as_deref(),
            None,
            ("VMware", one.id.r#type.as_str(), "LOGICAL"),
            value,
        );
    }
    making.derived(report);
    making.stock
}

struct Making {
    stock: Stock,
    tree: Tree,
    /// Pools by site.
    pools: BTreeMap<String, BTreeSet<String>>,
    /// Sites by datacenter.
    sites: BTreeMap<String, BTreeSet<String>>,
}

impl Making {
    /// Datacenters, compute resources and resource pools.
    fn places(&mut self, report: &Report) {
        for one in &report.datacenters {
            self.site(&one.id.value, Some(&one.id), &one.id.value);
        }
        for one in &report.computes {
            let datacenter = self.tree.datacenter(&one.id.value);
            self.site(&one.id.value, Some(&one.id), &datacenter);
        }
        for one in &report.pools {
            let id = &one.id.value;
            if self.tree.is_root(id) {
                continue;
            }
            let site = self.tree.owners[id].clone();
            let limits = |of: &Option<ResourceAllocationInfo>| {
                (of.as_ref().and_then(|of| of.reservation), of.as_ref().and_then(|of| of.limit))
            };
            let (cpu, memory) = (limits(&one.cpu), limits(&one.memory));
            let extensions = json!({
                "nativeId": id, "managedType": one.id.r#type.as_str(), "cpuReservationMhz": cpu.0, "cpuLimitMhz": cpu.1,
                "memoryReservationMiB": memory.0, "memoryLimitMiB": memory.1,
            });
            self.pool("resource pool", id, &named(one.name.as_deref(), &one.id), &site, &extensions);
        }
    }

    /// Puts a site with its own pool.
    fn site(&mut self, id: &str, of: Option<&ManagedObjectReference>, datacenter: &str) {
        let name = self.tree.name(id);
        let extensions = json!({ "nativeId": id, "managedType": of.map(|of| of.r#type.as_str()) });
        self.sites.entry(datacenter.to_owned()).or_default().insert(id.to_owned());
        let value = json!({ "name": name, "globalLocationId": datacenter, "extensions": extensions });
        self.stock.insert(("site", id.to_owned()), value);
        self.pool("whole of a site", id, &name, id, &extensions);
    }

    fn pool(&mut self, object: &'static str, id: &str, name: &str, site: &str, extensions: &Value) {
        let datacenter = self.stock[&("site", site.to_owned())]["globalLocationId"]
            .as_str()
            .expect("a datacenter")
            .to_owned();
        self.pools.entry(site.to_owned()).or_default().insert(id.to_owned());
        let value = json!({
            "name": name, "location": self.tree.name(&datacenter), "globalLocationId": datacenter, "oCloudSiteId": site,
            "extensions": extensions,
        });
        self.stock.insert((object, id.to_owned()), value);
    }

    /// Puts a resource and its type; without a pool it lies in its datacenter's.
    fn resource(
        &mut self,
        object: &'static str,
        id: &ManagedObjectReference,
        name: Option<&str>,
        pool: Option<String>,
        (vendor, model, kind): (&str, &str, &str),
        mut value: Value,
    ) {
        let pool = pool.unwrap_or_else(|| self.tree.datacenter(&id.value));
        if pool == "default" && !self.stock.contains_key(&("site", pool.clone())) {
            self.site(&pool, None, &pool);
        }
        value["resourcePoolId"] = pool.into();
        value["resourceTypeId"] = format!("{vendor}: {model}").into();
        value["extensions"]["nativeId"] = id.value.clone().into();
        value["extensions"]["managedType"] = id.r#type.as_str().into();
        value["extensions"]["name"] = named(name, id).into();
        self.stock.insert((object, id.value.clone()), value);
        let value = json!({ "name": model, "vendor": vendor, "model": model, "resourceKind": kind, "extensions": { "nativeId": model } });
        self.stock.insert(("type", format!("{vendor}: {model}")), value);
    }

    fn host(&mut self, one: &Host) {
        let hardware = one.hardware.as_ref();
        let system = one.system.as_ref().map(marks).unwrap_or_default();
        let asset = system.get("serialNumber").or_else(|| system.get("serviceTag")).cloned();
        let urn = || hardware.map(|of| format!("urn:uuid:{}", of.uuid.to_lowercase()).into());
        let mut nics: Vec<_> = one.nics.iter().flatten().collect();
        nics.sort_by(|one, other| one.device.cmp(&other.device));
        let nics = nics
            .into_iter()
            .map(|one| json!({ "device": one.device, "mac": one.mac, "driver": one.driver, "pci": one.pci }));
        let value = json!({
            "globalAssetId": asset.or_else(urn),
            "extensions": {
                "connectionState": one.connection.as_ref().map(|word| word.as_str()), "powerState": one.power.as_ref().map(|word| word.as_str()),
                "inMaintenanceMode": one.maintenance, "system": system, "nics": nics.collect::<Vec<_>>(),
                "hardware": hardware.map(|of| json!({
                    "vendor": of.vendor, "model": of.model, "uuid": of.uuid, "memoryBytes": of.memory_size, "cpuModel": of.cpu_model,
                    "cpuMhz": of.cpu_mhz, "cpuPackages": of.num_cpu_pkgs, "cpuCores": of.num_cpu_cores, "cpuThreads": of.num_cpu_threads,
                    "nicCount": of.num_nics, "storageAdapterCount": of.num_hb_as,
                })),
                "bios": one.bios.as_ref().map(|of| json!({ "version": of.bios_version, "releaseDate": of.release_date })),
                "software": one.product.as_ref().map(|of| json!({ "name": of.name, "version": of.version, "build": of.build })),
            },
        });
        let pool = self.tree.first_above(&one.id.value, &self.tree.computes);
        let (vendor, model) =
            hardware.map_or(("unknown", "unknown"), |of| (of.vendor.as_str(), of.model.as_str()));
        self.resource("host", &one.id, one.name.as_deref(), pool, (vendor, model, "PHYSICAL"), value);
    }

    fn machine(&mut self, one: &Machine) {
        let names = |all: &Option<Vec<ManagedObjectReference>>| {
            all.iter().flatten().map(|of| of.value.clone()).collect::<BTreeSet<_>>()
        };
        let value = json!({
            "globalAssetId": one.instance_uuid.as_ref().map(|uuid| format!("urn:uuid:{}", uuid.to_lowercase())),
            "extensions": {
                "powerState": one.power.as_ref().map(|word| word.as_str()), "connectionState": one.connection.as_ref().map(|word| word.as_str()),
                "template": one.template, "cpus": one.cpus, "memoryMiB": one.memory, "uuid": one.uuid, "instanceUuid": one.instance_uuid,
                "guestId": one.guest, "guestName": one.guest_name, "nicCount": one.nics, "diskCount": one.disks,
                "host": one.host.as_ref().map(|of| &of.value), "datastores": names(&one.datastores), "networks": names(&one.networks),
            },
        });
        // A template has no pool, so it lies where its host does.
        let own = one.pool.as_ref().map(|pool| &pool.value);
        let pool = own
            .map(|pool| if self.tree.is_root(pool) { self.tree.owners[pool].clone() } else { pool.clone() });
        let pool = pool.or_else(|| self.tree.first_above(&one.host.as_ref()?.value, &self.tree.computes));
        let (cpus, memory) = (one.cpus.expect("processors"), one.memory.expect("memory"));
        let shape = if memory % MIB_PER_GIB == 0 {
            format!("{cpus} CPU, {} GiB", memory / MIB_PER_GIB)
        } else {
            format!("{cpus} CPU, {memory} MiB")
        };
        self.resource("machine", &one.id, one.name.as_deref(), pool, ("VMware", &shape, "LOGICAL"), value);
    }

    /// Locations, pools of sites, and the server.
    fn derived(&mut self, report: &Report) {
        for (site, pools) in &self.pools {
            let value = self.stock.get_mut(&("site", site.clone())).expect("a site");
            value["resourcePools"] = json!(pools);
        }
        let locations: Vec<_> = self.sites.keys().cloned().collect();
        for (id, sites) in &self.sites {
            let of =
                report.datacenters.iter().find(|one| one.id.value == *id).map(|one| one.id.r#type.as_str());
            let name = self.tree.name(id);
            let value = json!({
                "name": name, "address": name, "oCloudSiteIds": sites, "extensions": { "nativeId": id, "managedType": of },
            });
            self.stock.insert(("datacenter", id.clone()), value);
        }
        let sum = |part: fn(&Host) -> i64| report.hosts.iter().map(part).sum::<i64>().to_string();
        let about = report.about.iter().map(|(key, text)| (*key, text.as_str()));
        let value = json!({
            "supportedLocations": locations,
            "capabilities": about.chain([("profile", "vsphere")]).collect::<BTreeMap<_, _>>(),
            "capacity": {
                "cpu": sum(|one| one.hardware.as_ref().map_or(0, |of| of.num_cpu_cores.into())),
                "memory": sum(|one| one.hardware.as_ref().map_or(0, |of| of.memory_size)),
            },
            "extensions": { "hosts": report.hosts.len(), "virtualMachines": report.machines.len() },
        });
        self.stock.insert(("server", "server".to_owned()), value);
    }
}

/// Returns what the maker wrote on a machine.
fn marks(system: &HostSystemInfo) -> Map<String, Value> {
    let mut marks = Map::new();
    for mark in system.other_identifying_info.iter().flatten() {
        let key = match mark.identifier_type.key.as_str() {
            "ServiceTag" => "serviceTag",
            "AssetTag" => "assetTag",
            "EnclosureSerialNumberTag" => "enclosureSerialNumber",
            "SerialNumberTag" => "serialNumber",
            _ => continue,
        };
        let value = mark.identifier_value.trim();
        if !value.is_empty() {
            marks.entry(key).or_insert_with(|| value.into());
        }
    }
    if let Some(serial) = system.serial_number.as_deref().filter(|serial| !serial.is_empty()) {
        marks.insert("serialNumber".to_owned(), serial.into());
    }
    marks
}

/// Returns the name that people gave, without the server's escapes, or the server's own.
pub(super) fn named(name: Option<&str>, id: &ManagedObjectReference) -> String {
    let unescaped = |name: &str| name.replace("%2f", "/").replace("%5c", "\\").replace("%25", "%");
    name.map_or_else(|| id.value.clone(), unescaped)
}
