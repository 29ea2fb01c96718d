use super::*;
use crate::conf::Served;
use crate::soap::xml;
use netweave_model::domain::{
    DeploymentManagerInfo, LocationInfo, OCloudSiteInfo, ResourceInfo, ResourcePoolInfo, ResourceTypeInfo,
};
use netweave_model::port::{Change, fold};
use netweave_model::{Id, Kind, Object, SourceName};
use proptest::prelude::*;
use serde::de::DeserializeOwned;

pub(crate) fn scope() -> Scope {
    Scope {
        source: SourceName::from("vc"),
        o_cloud_id: Id::from("cloud"),
        service_uri: "https://vc/sdk".to_owned(),
        served: Served::all(),
    }
}

fn inventory() -> Inventory {
    Inventory::new(scope(), About { version: "8.0.3".to_owned(), ..About::default() })
}

/// What is told of an object: properties by path; a value that names an object is a reference.
fn update(event: Event, (of, name): (&str, &str), changes: &[(&str, &str)]) -> Update {
    let changes = changes.iter().map(|(path, value)| {
        let (kind, text) = value.split_once(':').unwrap_or(("", value));
        let text = if kind.is_empty() {
            format!("<val>{text}</val>")
        } else {
            format!(r#"<val type="{kind}">{text}</val>"#)
        };
        ((*path).into(), Some(xml::parse(&text).unwrap()))
    });
    Update {
        event,
        object: Ref { family: Family::of(of).unwrap(), value: name.into() },
        subtype: of.into(),
        changes: changes.collect(),
    }
}

fn enter(of: &str, name: &str, changes: &[(&str, &str)]) -> Update {
    update(Event::Enter, (of, name), changes)
}

fn leave(of: &str, name: &str) -> Update {
    update(Event::Leave, (of, name), &[])
}

/// A datacenter with one cluster, its two pools, a host, a machine in each pool, a datastore and a network.
fn building() -> Vec<Update> {
    vec![
        enter(
            "VirtualMachine",
            "vm-1",
            &[("name", "one"), ("resourcePool", "ResourcePool:root"), ("runtime.host", "HostSystem:h1")],
        ),
        enter("Datacenter", "dc", &[("name", "DC"), ("parent", "Folder:top")]),
        enter("Folder", "hosts", &[("parent", "Datacenter:dc")]),
        enter("Folder", "stores", &[("parent", "Datacenter:dc")]),
        enter("ClusterComputeResource", "c1", &[("name", "C1"), ("parent", "Folder:hosts")]),
        enter(
            "ResourcePool",
            "root",
            &[
                ("name", "Resources"),
                ("parent", "ClusterComputeResource:c1"),
                ("owner", "ClusterComputeResource:c1"),
            ],
        ),
        enter(
            "ResourcePool",
            "p1",
            &[("name", "P1"), ("parent", "ResourcePool:root"), ("owner", "ClusterComputeResource:c1")],
        ),
        enter(
            "HostSystem",
            "h1",
            &[
                ("name", "esx"),
                ("parent", "ClusterComputeResource:c1"),
                (
                    "summary.hardware",
                    "<vendor>Maker</vendor><model>M</model><numCpuCores>8</numCpuCores><memorySize>64</memorySize>",
                ),
            ],
        ),
        enter(
            "VirtualMachine",
            "vm-2",
            &[("name", "two"), ("resourcePool", "ResourcePool:p1"), ("runtime.host", "HostSystem:h1")],
        ),
        enter(
            "VirtualMachine",
            "vm-3",
            &[("name", "template"), ("runtime.host", "HostSystem:h1"), ("config.template", "true")],
        ),
        enter("Datastore", "ds", &[("name", "DS"), ("parent", "Folder:stores"), ("summary.type", "VMFS")]),
        enter("Network", "n", &[("name", "N"), ("parent", "Folder:stores")]),
    ]
}

fn filled(updates: &[Update]) -> Inventory {
    let mut inventory = inventory();
    for update in updates {
        inventory.apply(update).unwrap();
    }
    inventory
}

fn drained(inventory: &mut Inventory) -> BTreeMap<ObjectKey, Object> {
    let mut objects = BTreeMap::new();
    fold(&mut objects, inventory.drain().unwrap());
    objects
}

fn all<T: DeserializeOwned>(objects: &BTreeMap<ObjectKey, Object>, kind: Kind) -> Vec<T> {
    let of_kind = objects.values().filter(|object| object.key.kind == kind);
    of_kind.map(|object| serde_json::from_slice(&object.json).unwrap()).collect()
}

/// Returns the name of the pool of each resource.
fn pools(objects: &BTreeMap<ObjectKey, Object>) -> BTreeMap<String, String> {
    let names: BTreeMap<Id, String> = all::<ResourcePoolInfo>(objects, Kind::ResourcePool)
        .into_iter()
        .map(|pool| (pool.resource_pool_id, pool.name))
        .collect();
    let resources: Vec<ResourceInfo> = all(objects, Kind::Resource);
    let native = |resource: &ResourceInfo| resource.extensions["nativeId"].as_str().unwrap().to_owned();
    resources.iter().map(|of| (native(of), names[&of.resource_pool_id].clone())).collect()
}

#[test]
fn an_empty_server_is_a_manager_at_the_default_location() {
    let objects = drained(&mut inventory());
    let manager: DeploymentManagerInfo = all(&objects, Kind::DeploymentManager).remove(0);
    let location: LocationInfo = all(&objects, Kind::Location).remove(0);
    assert_eq!(manager.supported_locations, [location.global_location_id]);
    assert_eq!(manager.capabilities["version"], "8.0.3");
    assert_eq!(objects.len(), 2);
}

#[test]
fn clusters_and_resource_pools_are_pools_and_the_root_pool_is_the_clusters() {
    let objects = drained(&mut filled(&building()));
    let expected = [("ds", "DC"), ("h1", "C1"), ("n", "DC"), ("vm-1", "C1"), ("vm-2", "P1"), ("vm-3", "C1")];
    let expected = expected.map(|(of, pool)| (of.to_owned(), pool.to_owned()));
    assert_eq!(pools(&objects), expected.into_iter().collect());
    let sites: Vec<OCloudSiteInfo> = all(&objects, Kind::OCloudSite);
    let of = |name: &str| sites.iter().find(|site| site.name == name).unwrap().resource_pools.len();
    assert_eq!((sites.len(), of("C1"), of("DC")), (2, 2, 1));
    let location: LocationInfo = all(&objects, Kind::Location).remove(0);
    assert_eq!((location.name.as_str(), location.o_cloud_site_ids.len()), ("DC", 2));
    let pool: Vec<ResourcePoolInfo> = all(&objects, Kind::ResourcePool);
    assert!(pool.iter().all(|pool| pool.location.as_deref() == Some("DC")));
}

#[test]
fn types_say_what_their_resources_are_made_of() {
    let objects = drained(&mut filled(&building()));
    let types: Vec<ResourceTypeInfo> = all(&objects, Kind::ResourceType);
    let mut said: Vec<_> = types
        .iter()
        .map(|of| format!("{} {} {:?} {:?}", of.vendor, of.model, of.resource_kind, of.resource_class))
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            "Maker M Physical Compute",
            "VMware Network Logical Networking",
            "VMware VMFS Logical Storage",
            "VMware unknown Logical Compute",
        ]
    );
}

#[test]
fn sums_are_exact_and_taken_back() {
    let mut inventory = filled(&building());
    let manager =
        |objects: &BTreeMap<_, _>| all::<DeploymentManagerInfo>(objects, Kind::DeploymentManager).remove(0);
    let before = manager(&drained(&mut inventory));
    assert_eq!((&before.capacity["cpu"], &before.capacity["memory"]), (&"8".into(), &"64".into()));
    assert_eq!((&before.extensions["hosts"], &before.extensions["virtualMachines"]), (&1.into(), &3.into()));
    inventory.apply(&leave("HostSystem", "h1")).unwrap();
    let after = manager(&drained(&mut inventory));
    assert_eq!((&after.capacity["cpu"], &after.extensions["hosts"]), (&"0".into(), &0.into()));
}

#[test]
fn a_power_off_touches_one_resource() {
    let mut inventory = filled(&building());
    drop(inventory.drain().unwrap());
    let off = update(Event::Modify, ("VirtualMachine", "vm-2"), &[("runtime.powerState", "poweredOff")]);
    inventory.apply(&off).unwrap();
    assert_eq!(inventory.dirty.objects.len(), 1, "nothing else is looked at");
    let changes = inventory.drain().unwrap();
    assert_eq!(changes.len(), 1);
    inventory.apply(&off).unwrap();
    assert_eq!(inventory.drain().unwrap(), [], "the same again is no change");
}

#[test]
fn what_moves_takes_along_what_hangs_on_it() {
    let mut inventory = filled(&building());
    let mut objects = drained(&mut inventory);
    for update in [
        enter("Datacenter", "dc2", &[("name", "DC2"), ("parent", "Folder:top")]),
        enter("Folder", "hosts2", &[("parent", "Datacenter:dc2")]),
        update(Event::Modify, ("ClusterComputeResource", "c1"), &[("parent", "Folder:hosts2")]),
        update(Event::Modify, ("VirtualMachine", "vm-1"), &[("resourcePool", "ResourcePool:p1")]),
        update(Event::Modify, ("Datacenter", "dc2"), &[("name", "South")]),
    ] {
        inventory.apply(&update).unwrap();
        fold(&mut objects, inventory.drain().unwrap());
    }
    assert_eq!(pools(&objects)["vm-1"], "P1");
    let pools: Vec<ResourcePoolInfo> = all(&objects, Kind::ResourcePool);
    let at = |name: &str| pools.iter().find(|pool| pool.name == name).unwrap().location.clone();
    assert_eq!(
        (at("C1"), at("P1"), at("DC")),
        (Some("South".into()), Some("South".into()), Some("DC".into()))
    );
}

#[test]
fn what_lies_nowhere_that_is_known_lies_in_the_default_place() {
    let lone = [enter("VirtualMachine", "vm-9", &[("resourcePool", "ResourcePool:hidden")])];
    let objects = drained(&mut filled(&lone));
    assert_eq!(pools(&objects)["vm-9"], "default");
    let sites: Vec<OCloudSiteInfo> = all(&objects, Kind::OCloudSite);
    let location: LocationInfo = all(&objects, Kind::Location).remove(0);
    assert_eq!(location.o_cloud_site_ids, [sites[0].o_cloud_site_id.clone()]);
}

#[test]
fn only_what_is_wanted_is_a_resource_but_sums_count_all() {
    let served = [Served::Hosts].into_iter().collect();
    let mut inventory = Inventory::new(Scope { served, ..scope() }, About::default());
    for update in building() {
        inventory.apply(&update).unwrap();
    }
    let objects = drained(&mut inventory);
    assert_eq!(pools(&objects).into_keys().collect::<Vec<_>>(), ["h1"]);
    let manager: DeploymentManagerInfo = all(&objects, Kind::DeploymentManager).remove(0);
    assert_eq!(manager.extensions["virtualMachines"], 3);
    assert_eq!(all::<ResourceTypeInfo>(&objects, Kind::ResourceType).len(), 1);
}

#[test]
fn a_change_of_what_is_not_known_is_refused() {
    let unknown = update(Event::Modify, ("VirtualMachine", "vm-1"), &[("name", "x")]);
    assert!(inventory().apply(&unknown).is_err());
    inventory().apply(&leave("VirtualMachine", "vm-1")).unwrap();
}

#[test]
fn a_circle_of_parents_ends() {
    let circle = [
        enter("Folder", "a", &[("parent", "Folder:b")]),
        enter("Folder", "b", &[("parent", "Folder:a")]),
        enter("Datastore", "d", &[("parent", "Folder:a")]),
        enter("ResourcePool", "p", &[("parent", "ResourcePool:p")]),
        enter("VirtualMachine", "v", &[("resourcePool", "ResourcePool:p")]),
    ];
    let mut inventory = filled(&circle);
    assert_eq!(pools(&drained(&mut inventory))["d"], "default");
    inventory.apply(&update(Event::Modify, ("Folder", "b"), &[("parent", "Folder:b")])).unwrap();
    drop(inventory.drain().unwrap());
}

#[test]
fn references_point_backwards() {
    let mut inventory = filled(&building());
    let told = |changes: &[Change]| -> Vec<Kind> {
        changes
            .iter()
            .filter_map(|change| match change {
                Change::Upsert(object) => Some(object.key.kind),
                Change::Delete(key) => Some(key.kind),
                Change::Reset(_) | Change::Synced(_) | Change::Heartbeat => None,
            })
            .collect()
    };
    let order = |kind: &Kind| Kind::ALL.iter().position(|known| known == kind);
    let kinds = told(&inventory.drain().unwrap());
    assert!(kinds.is_sorted_by_key(order));
    for update in building() {
        inventory.apply(&Update { event: Event::Leave, ..update }).unwrap();
    }
    let changes = inventory.drain().unwrap();
    let deletes: Vec<Change> =
        changes.iter().filter(|change| matches!(change, Change::Delete(_))).cloned().collect();
    assert!(deletes.len() > 12, "{deletes:?}");
    assert!(told(&deletes).iter().rev().is_sorted_by_key(order));
}

/// One step: an object of a small world enters with random links, changes, or leaves.
fn steps() -> impl Strategy<Value = Update> {
    let world = prop::sample::select(vec![
        ("Datacenter", "dc"),
        ("Folder", "f"),
        ("ClusterComputeResource", "c"),
        ("ResourcePool", "p"),
        ("HostSystem", "h"),
        ("VirtualMachine", "v"),
        ("Datastore", "d"),
        ("Network", "n"),
    ]);
    (world, 0_u8..3, 0_u8..3, 0_u8..3, 0_u8..8).prop_map(|((of, short), which, on, other, how)| {
        let name = format!("{short}{which}");
        if how == 0 {
            return leave(of, &name);
        }
        let parent = match of {
            "Datacenter" | "Datastore" | "Network" | "ClusterComputeResource" => format!("Folder:f{on}"),
            "Folder" => format!("Datacenter:dc{on}"),
            "ResourcePool" if how < 4 => format!("ClusterComputeResource:c{on}"),
            "ResourcePool" => format!("ResourcePool:p{on}"),
            _ => format!("ClusterComputeResource:c{on}"),
        };
        let (label, pool, host) =
            (format!("name-{other}"), format!("ResourcePool:p{other}"), format!("HostSystem:h{on}"));
        let mut changes = vec![("name", label.as_str()), ("parent", parent.as_str())];
        if of == "VirtualMachine" {
            changes.push(("resourcePool", pool.as_str()));
            changes.push(("runtime.host", host.as_str()));
            changes.push(("config.hardware.numCPU", ["1", "2", "4"][usize::from(other)]));
            changes.push(("config.hardware.memoryMB", "1024"));
        }
        enter(of, &name, &changes)
    })
}

proptest! {
    /// Whatever happens, the changes add up to what a fresh look at what remains says.
    #[test]
    fn changes_add_up_to_a_fresh_look(steps in prop::collection::vec((any::<bool>(), steps()), 1..80)) {
        let mut inventory = inventory();
        let mut told = BTreeMap::new();
        let mut last: BTreeMap<Ref, Update> = BTreeMap::new();
        for (drain, step) in steps {
            inventory.apply(&step).unwrap();
            if step.event == Event::Leave {
                last.remove(&step.object);
            } else {
                last.insert(step.object.clone(), step);
            }
            if drain {
                fold(&mut told, inventory.drain().unwrap());
            }
        }
        fold(&mut told, inventory.drain().unwrap());
        let mut fresh = filled(&last.into_values().collect::<Vec<_>>());
        prop_assert_eq!(told, drained(&mut fresh));
    }
}
