use super::*;
use netweave_model::domain::{
    DeploymentManagerInfo, LocationInfo, OCloudSiteInfo, ResourceInfo, ResourcePoolInfo,
};
use netweave_model::{Kind, ObjectKey};
use serde::de::DeserializeOwned;

const SMALL: &str = "apiVersion: netweave-inventory/v1
locations:
  - {key: oslo, address: Oslo}
sites:
  - {key: edge, location: oslo}
resourceTypes:
  - {key: server, vendor: V, model: M, version: 1, resourceKind: PHYSICAL, resourceClass: COMPUTE}
resourcePools:
  - key: pool
    site: edge
    resources:
      - key: s1
        type: server
        elements: [{key: nic, type: server}]
resources:
  - {key: s2, pool: pool, type: server, id: given-2, tags: [a, 1]}
deploymentManagers:
  - {key: dm, serviceUri: 'https://dm', supportedLocations: [oslo]}
";

fn source() -> SourceName {
    SourceName::from("lab")
}

fn parse(text: &str) -> Result<Inventory, Faults> {
    read(text, &source(), &Id::from("cloud"))
}

fn one<T: DeserializeOwned>(inventory: &Inventory, kind: Kind, id: Id) -> T {
    serde_json::from_slice(&inventory.get(&ObjectKey { kind, id }).unwrap().json).unwrap()
}

/// Returns `line: path: message` of every fault.
fn faults(text: &str) -> Vec<String> {
    let faults = parse(text).unwrap_err();
    faults.list().iter().map(|fault| format!("{}: {}: {}", fault.line, fault.path, fault.message)).collect()
}

#[test]
fn references_become_ids_and_places_know_what_they_hold() {
    let inventory = parse(SMALL).unwrap();
    let id = |kind, key| Id::stable(&source(), kind, key);
    let (oslo, edge, pool_id) =
        (id(Kind::Location, "oslo"), id(Kind::OCloudSite, "edge"), id(Kind::ResourcePool, "pool"));
    let location: LocationInfo = one(&inventory, Kind::Location, oslo.clone());
    assert_eq!(location.o_cloud_site_ids, std::slice::from_ref(&edge));
    let site: OCloudSiteInfo = one(&inventory, Kind::OCloudSite, edge.clone());
    assert_eq!((site.global_location_id, site.resource_pools), (oslo.clone(), vec![pool_id.clone()]));
    let pool: ResourcePoolInfo = one(&inventory, Kind::ResourcePool, pool_id.clone());
    assert_eq!(
        (pool.o_cloud_site_id, pool.global_location_id, pool.o_cloud_id),
        (edge, oslo.clone(), Id::from("cloud"))
    );
    assert_eq!(pool.location.as_deref(), Some("Oslo"));
    let resource: ResourceInfo = one(&inventory, Kind::Resource, id(Kind::Resource, "s1"));
    assert_eq!((&resource.resource_pool_id, resource.elements.len()), (&pool_id, 1));
    assert_eq!(resource.elements[0].resource_id, id(Kind::Resource, "s1/nic"));
    assert_eq!(resource.extensions["nativeId"], "s1");
    let manager: DeploymentManagerInfo =
        one(&inventory, Kind::DeploymentManager, id(Kind::DeploymentManager, "dm"));
    assert_eq!(manager.supported_locations, [oslo]);
}

#[test]
fn a_given_id_is_kept_and_the_parent_is_the_pool() {
    let inventory = parse(SMALL).unwrap();
    let key = ObjectKey { kind: Kind::Resource, id: Id::from("given-2") };
    let object = inventory.get(&key).unwrap();
    assert_eq!(object.parent, Some(Id::stable(&source(), Kind::ResourcePool, "pool")));
    let resource: ResourceInfo = serde_json::from_slice(&object.json).unwrap();
    assert_eq!(resource.tags, ["a", "1"]);
}

#[test]
fn ids_do_not_depend_on_the_order_of_entries() {
    let reordered = SMALL.replace(
        "resources:\n  - {key: s2",
        "resources:\n  - {key: s0, pool: pool, type: server}\n  - {key: s2",
    );
    let (before, after) = (parse(SMALL).unwrap(), parse(&reordered).unwrap());
    assert_eq!(after.since(&before.outline(), Kind::Resource).count(), 1);
}

#[test]
fn all_faults_are_found_at_once_with_their_lines() {
    let text = "apiVersion: netweave-inventory/v2
locations:
  - {key: a, address: x}
  - {key: a, address: y}
  - {key: b}
sites:
  - {key: s, locaton: a}
resourceTypes:
  - {key: t, vendor: V, model: M, version: 1, resourceKind: WOODEN}
resourcePools:
  - {key: p, site: nowhere}
resources:
  - {key: r, pool: q, type: u}
extra: 1
";
    assert_eq!(
        faults(text),
        [
            "14: extra: unknown key; known are apiVersion, locations, sites, alarmDictionaries, performanceDictionaries, resourceTypes, resourcePools, resources, deploymentManagers",
            "1: apiVersion: must be netweave-inventory/v1",
            "4: locations[1].key: \"a\" is already the key of the entry at line 3",
            "7: sites[0].locaton: unknown key; did you mean location?",
            "11: resourcePools[0].site: there is no \"nowhere\" among the oCloudSites of this file",
            "7: sites[0].location: is missing",
            "4: locations[1]: another entry has the same id",
            "5: locations[2]: needs a coordinate, a civicAddress or an address",
            "9: resourceTypes[0].resourceKind: must be one of UNDEFINED, PHYSICAL, LOGICAL",
            "13: resources[0].pool: there is no \"q\" among the resourcePools of this file",
            "13: resources[0].type: there is no \"u\" among the resourceTypes of this file",
        ]
    );
}

#[test]
fn each_faulty_value_is_named() {
    let head = "apiVersion: netweave-inventory/v1\n";
    for (text, expected) in [
        ("locations: 1", "2: locations: expected a list, found a number"),
        ("locations: [a]", "2: locations[0]: expected a mapping, found text"),
        (
            "locations: [{key: a, coordinate: {longitude: 181, latitude: 0}}]",
            "2: locations[0].coordinate.longitude: must be a number from -180 to 180",
        ),
        (
            "locations: [{key: a, civicAddress: [{caType: 256, caValue: x}]}]",
            "2: locations[0].civicAddress[0].caType: must be a whole number from 0 to 255",
        ),
        (
            "locations: [{key: a, address: x, id: 'a/b'}]",
            "2: locations[0].id: must be at most 253 letters, digits or any of -._~:",
        ),
        (
            "locations: [{key: a, address: x, id: '..'}]",
            "2: locations[0].id: must be at most 253 letters, digits or any of -._~:",
        ),
        ("locations: [{key: a, address: ' '}]", "2: locations[0].address: must not be empty"),
        (
            "locations: [{key: a, address: x, extensions: [1]}]",
            "2: locations[0].extensions: expected a mapping, found a list",
        ),
        ("locations: [{key: [], address: x}]", "2: locations[0].key: expected text, found a list"),
        (
            "locations: [{key: a, address: x, id: z}, {key: b, address: x, id: z}]",
            "2: locations[1]: another entry has the same id",
        ),
        (
            "deploymentManagers: [{key: a, serviceUri: 'http://x', supportedLocations: ['']}]",
            "2: deploymentManagers[0].supportedLocations[0]: must not be empty",
        ),
        (
            "deploymentManagers: [{key: a, serviceUri: 'ftp://x', supportedLocations: []}]",
            "2: deploymentManagers[0].serviceUri: must be an http or https URI",
        ),
        (
            "alarmDictionaries: [{key: a, version: 1, entityType: e, vendor: v, probableCauses: [{code: 1, description: d}]}]",
            "2: alarmDictionaries[0].alarms: must hold at least one alarm",
        ),
        (
            "performanceDictionaries: [{key: a, version: 1, vendorSoftwareProduct: v, measurements: [{key: m}]}]",
            "2: performanceDictionaries[0].measurements[0].measurementDefinition: must say at least name and unit",
        ),
    ] {
        let found = faults(&format!("{head}{text}\n"));
        assert!(found.iter().any(|fault| fault == expected), "{text}: {found:?}");
    }
}

#[test]
fn an_empty_or_foreign_file_is_a_fault() {
    for text in ["", "null\n", "[]\n", "just text\n", "apiVersion: netweave/v1\nbackends: []\n"] {
        assert!(!parse(text).unwrap_err().is_empty(), "{text:?}");
    }
}

#[test]
fn too_many_faults_are_counted_only() {
    let text = format!("apiVersion: netweave-inventory/v1\nlocations:\n{}", "  - {key: a}\n".repeat(300));
    let faults = parse(&text).unwrap_err();
    assert_eq!(faults.list().len(), 100);
    assert!(faults.to_string().ends_with(" more"), "{faults}");
}
