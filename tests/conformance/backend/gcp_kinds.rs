//! What the Compute Engine backend says of every kind, held against what the official client lists.

use super::gcp::{GcpBench, PROJECT, id};
use netweave_gcp::Pools;
use netweave_model::port::Backend;
use netweave_model::{ErrorKind, Kind, Object};
use netweave_tests::harness::compute::{Compute, disk, instance, url};
use netweave_tests::harness::figures::record;
use netweave_tests::harness::memory::Growth;
use netweave_tests::harness::pace;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// What is expected of the extensions of an object, made from what the official client lists.
type Rule = fn(&Value) -> Vec<(&'static str, Value)>;

/// Something of everything: machines of two types, disks, networks, a group.
async fn furnish(compute: &Compute, project: &str) {
    let (west, central) = ("europe-west3-a", "us-central1-f");
    let mut metal = instance(project, west, "metal-1", &json!({}));
    metal["machineType"] =
        json!(url(project, "zones/europe-west3-a", "machineTypes", "c3-standard-192-metal"));
    metal["guestAccelerators"] = json!([{
        "acceleratorType": url(project, "zones/europe-west3-a", "acceleratorTypes", "nvidia-l4"), "acceleratorCount": 2,
    }]);
    metal["description"] = json!("Central unit");
    let du = instance(project, central, "du-1", &json!({ "tier": "edge" }));
    let gone = json!(url(project, "zones/us-central1-f", "machineTypes", "n1-gone-1"));
    let mut old = instance(project, central, "old-1", &json!({}));
    old["machineType"] = gone;
    old["status"] = json!("TERMINATED");
    compute.replace(project, "instances", vec![metal, du, old]).await;
    compute
        .replace(
            project,
            "disks",
            vec![disk(project, west, "metal-1"), disk(project, central, "du-1"), regional(project)],
        )
        .await;
    compute.put(project, "networks", Some("global"), network()).await;
    compute.put(project, "subnetworks", Some("regions/us-central1"), subnetwork(project)).await;
    let group = json!({
        "name": "dus", "baseInstanceName": "du", "targetSize": 1, "instanceGroup": url(project, "zones/us-central1-f", "instanceGroups", "dus"),
        "instanceTemplate": url(project, "global", "instanceTemplates", "du-v7"), "currentActions": { "none": 1 }, "fingerprint": "YWJj",
    });
    compute.put(project, "instanceGroupManagers", Some("zones/us-central1-f"), group).await;
    compute.members(project, "zones/us-central1-f", "dus", &[("zones/us-central1-f", "du-1")]).await;
}

fn regional(project: &str) -> Value {
    let zones = ["b", "a"].map(|letter| url(project, "zones", &format!("europe-west3-{letter}"), ""));
    let zones = zones.map(|zone| zone.trim_end_matches('/').to_owned());
    json!({
        "at": "regions/europe-west3", "name": "shared", "status": "READY", "sizeGb": "200", "replicaZones": zones,
        "type": url(project, "regions/europe-west3", "diskTypes", "pd-ssd"),
    })
}

fn network() -> Value {
    json!({ "name": "default", "autoCreateSubnetworks": false, "mtu": 1460, "routingConfig": { "routingMode": "REGIONAL" } })
}

fn subnetwork(project: &str) -> Value {
    json!({
        "name": "default", "network": url(project, "global", "networks", "default"), "ipCidrRange": "10.0.0.0/20",
        "gatewayAddress": "10.0.0.1", "purpose": "PRIVATE", "stackType": "IPV4_ONLY", "privateIpGoogleAccess": true,
        "secondaryIpRanges": [{ "rangeName": "pods", "ipCidrRange": "10.8.0.0/14" }], "fingerprint": "YWJj",
    })
}

/// Returns the objects of a kind as JSON, by `nativeId`.
async fn listed(backend: &dyn Backend, kind: Kind) -> BTreeMap<String, Value> {
    let value = |object: Object| -> Value { serde_json::from_slice(&object.json).unwrap() };
    let objects = backend.list(kind).await.unwrap().objects.into_iter().map(value);
    objects.map(|value| (value["extensions"]["nativeId"].as_str().unwrap().to_owned(), value)).collect()
}

/// Starts a furnished cloud, and the backend alone.
async fn scene(pools: Pools) -> Option<GcpBench> {
    let bench = GcpBench::start(|mut conf| {
        conf.pools = pools;
        conf.projects.push("ran-edge".to_owned());
        conf
    })
    .await?;
    furnish(&bench.compute, PROJECT).await;
    Some(bench)
}

/// Returns the last segment of a URL of the oracle's object.
fn last(value: &Value) -> Value {
    value.as_str().map_or(Value::Null, |text| text.rsplit('/').next().unwrap().into())
}

/// Says how one object differs from what is expected of it: attribute, found, expected.
fn differences(name: &str, found: &Value, expected: &[(&str, Value)]) -> Vec<String> {
    let differs = |(key, right): &&(&str, Value)| found.get(key).unwrap_or(&Value::Null) != right;
    let said =
        |(key, right): &(&str, Value)| format!("{name}.{key}: {:?} instead of {right}", found.get(key));
    expected.iter().filter(differs).map(said).collect()
}

/// What is expected of an instance's extensions.
fn of_instance(raw: &Value) -> Vec<(&'static str, Value)> {
    let interface = &raw["networkInterfaces"][0];
    let disk = &raw["disks"][0];
    let scheduling = &raw["scheduling"];
    let labels = raw["labels"].as_object().filter(|labels| !labels.is_empty());
    let accelerators = raw["guestAccelerators"].as_array().map_or(Value::Null, |all| {
        all.iter()
            .map(|one| json!({ "type": last(&one["acceleratorType"]), "count": one["acceleratorCount"] }))
            .collect()
    });
    vec![
        ("uid", raw["id"].clone()),
        ("name", raw["name"].clone()),
        ("zone", last(&raw["zone"])),
        ("createdAt", raw["creationTimestamp"].clone()),
        ("status", raw["status"].clone()),
        ("machineType", last(&raw["machineType"])),
        ("cpuPlatform", raw["cpuPlatform"].clone()),
        ("labels", labels.map_or(Value::Null, |labels| json!(labels))),
        ("canIpForward", raw["canIpForward"].clone()),
        ("deletionProtection", raw["deletionProtection"].clone()),
        ("provisioningModel", scheduling["provisioningModel"].clone()),
        ("onHostMaintenance", scheduling["onHostMaintenance"].clone()),
        ("automaticRestart", scheduling["automaticRestart"].clone()),
        ("accelerators", accelerators),
        (
            "disks",
            json!([{
                "deviceName": disk["deviceName"], "disk": last(&disk["source"]), "type": disk["type"], "mode": disk["mode"],
                "sizeGb": disk["diskSizeGb"], "interface": disk["interface"], "boot": disk["boot"],
            }]),
        ),
        (
            "networkInterfaces",
            json!([{
                "name": interface["name"], "network": last(&interface["network"]), "subnetwork": last(&interface["subnetwork"]),
                "networkIp": interface["networkIP"], "stackType": interface["stackType"],
            }]),
        ),
    ]
}

/// What is expected of a disk's extensions.
fn of_disk(raw: &Value) -> Vec<(&'static str, Value)> {
    let names = |key: &str| {
        let mut names: Vec<_> =
            raw[key].as_array()?.iter().map(|url| last(url).as_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        Some(json!(names))
    };
    vec![
        ("uid", raw["id"].clone()),
        ("name", raw["name"].clone()),
        ("zone", last(&raw["zone"])),
        ("status", raw["status"].clone()),
        ("sizeGb", raw["sizeGb"].clone()),
        ("physicalBlockSizeBytes", raw["physicalBlockSizeBytes"].clone()),
        ("replicaZones", names("replicaZones").unwrap_or_default()),
        ("instances", names("users").unwrap_or_default()),
    ]
}

/// What is expected of the extensions of networks and subnetworks.
fn of_network(raw: &Value) -> Vec<(&'static str, Value)> {
    vec![
        ("uid", raw["id"].clone()),
        ("name", raw["name"].clone()),
        ("mtu", raw["mtu"].clone()),
        ("autoCreateSubnetworks", raw["autoCreateSubnetworks"].clone()),
        ("routingMode", raw["routingConfig"]["routingMode"].clone()),
    ]
}

fn of_subnetwork(raw: &Value) -> Vec<(&'static str, Value)> {
    let ranges = raw["secondaryIpRanges"].as_array().map_or(Value::Null, |ranges| {
        ranges
            .iter()
            .map(|range| json!({ "name": range["rangeName"], "ipCidrRange": range["ipCidrRange"] }))
            .collect()
    });
    vec![
        ("uid", raw["id"].clone()),
        ("region", last(&raw["region"])),
        ("network", last(&raw["network"])),
        ("ipCidrRange", raw["ipCidrRange"].clone()),
        ("gatewayAddress", raw["gatewayAddress"].clone()),
        ("purpose", raw["purpose"].clone()),
        ("stackType", raw["stackType"].clone()),
        ("privateIpGoogleAccess", raw["privateIpGoogleAccess"].clone()),
        ("secondaryIpRanges", ranges),
    ]
}

/// The peer refuses what Google's discovery document does not know: that is what makes the other cases say something.
#[test]
fn the_peer_holds_itself_to_the_document() {
    match Compute::own_tests() {
        None => skipped(),
        Some(outcome) => outcome.unwrap(),
    }
}

/// Every object that the official client lists is listed, no other, and every field that is read says the same.
#[tokio::test]
async fn the_official_client_lists_the_same() {
    let Some(bench) = scene(Pools::Zones).await else { return skipped() };
    let raw = bench.compute.oracle(PROJECT);
    let resources = listed(&*bench.backend, Kind::Resource).await;
    let mut native = BTreeSet::new();
    let mut differing = Vec::new();
    let rules: [(&str, Rule); 4] = [
        ("instances", of_instance),
        ("disks", of_disk),
        ("networks", of_network),
        ("subnetworks", of_subnetwork),
    ];
    for (collection, expected) in rules {
        assert_ne!(raw[collection], json!([]), "the stage has {collection}");
        for object in raw[collection].as_array().unwrap() {
            let path = object["selfLink"].as_str().unwrap().split_once("/v1/").unwrap().1;
            let found = resources.get(path).unwrap_or_else(|| panic!("{path} is not listed"));
            differing.extend(differences(path, &found["extensions"], &expected(object)));
            assert_eq!(found["globalAssetId"], format!("//compute.googleapis.com/{path}"));
            native.insert(path.to_owned());
        }
    }
    assert_eq!(resources.keys().cloned().collect::<BTreeSet<_>>(), native);
    assert_eq!(differing, [""; 0]);
    let zones = listed(&*bench.backend, Kind::ResourcePool).await;
    for zone in raw["zones"].as_array().unwrap() {
        let pool = &zones[&format!("projects/{PROJECT}/zones/{}", zone["name"].as_str().unwrap())];
        assert_eq!(pool["extensions"]["status"], zone["status"]);
    }
    let locations = listed(&*bench.backend, Kind::Location).await;
    let regions = raw["regions"].as_array().unwrap();
    assert!(regions.iter().all(|region| locations.contains_key(region["name"].as_str().unwrap())));
}

/// Each reference of an object leads to an object, and those that belong to a place are named by it.
#[tokio::test]
async fn references_lead_to_what_they_name() {
    let Some(bench) = scene(Pools::ManagedInstanceGroups).await else { return skipped() };
    let backend = &*bench.backend;
    let mut all = BTreeMap::new();
    for kind in backend.capabilities().kinds.clone() {
        all.insert(kind, listed(backend, kind).await);
    }
    let ids = |kind: Kind| -> BTreeSet<&str> {
        all[&kind].values().map(|value| value[kind.id_attribute()].as_str().unwrap()).collect()
    };
    let leads = |kind: Kind, value: &Value, key: &str| {
        assert!(ids(kind).contains(value[key].as_str().unwrap()), "{key} of {value}");
    };
    for value in all[&Kind::Resource].values() {
        leads(Kind::ResourcePool, value, "resourcePoolId");
        leads(Kind::ResourceType, value, "resourceTypeId");
    }
    for value in all[&Kind::ResourcePool].values() {
        leads(Kind::OCloudSite, value, "oCloudSiteId");
        leads(Kind::Location, value, "globalLocationId");
        assert_eq!(value["oCloudId"], "cloud");
    }
    for value in all[&Kind::OCloudSite].values() {
        leads(Kind::Location, value, "globalLocationId");
    }
    let named = |kind: Kind, key: &str| -> BTreeSet<&str> {
        all[&kind]
            .values()
            .flat_map(|value| value[key].as_array().unwrap())
            .map(|id| id.as_str().unwrap())
            .collect()
    };
    assert_eq!(named(Kind::OCloudSite, "resourcePools"), ids(Kind::ResourcePool));
    assert_eq!(named(Kind::Location, "oCloudSiteIds"), ids(Kind::OCloudSite));
}

/// Types mean the same in every zone; hardware is what is bare metal; a type that is gone has its name.
#[tokio::test]
async fn types_have_kind_class_and_facts() {
    let Some(bench) = scene(Pools::Zones).await else { return skipped() };
    let types = listed(&*bench.backend, Kind::ResourceType).await;
    let facts: Vec<_> = types
        .iter()
        .map(|(name, value)| {
            let text = |key: &str| value[key].as_str().unwrap().to_owned();
            (
                name.as_str(),
                text("vendor"),
                text("resourceKind"),
                text("resourceClass"),
                value["extensions"]["guestCpus"].clone(),
            )
        })
        .collect();
    let google = |name, kind: &str, class: &str, cpus| {
        (name, "Google".to_owned(), kind.to_owned(), class.to_owned(), cpus)
    };
    assert_eq!(
        facts,
        [
            google("diskTypes/pd-balanced", "LOGICAL", "STORAGE", Value::Null),
            google("diskTypes/pd-ssd", "LOGICAL", "STORAGE", Value::Null),
            google("machineTypes/c3-standard-192-metal", "PHYSICAL", "COMPUTE", json!(192)),
            google("machineTypes/n1-gone-1", "LOGICAL", "COMPUTE", Value::Null),
            google("machineTypes/n2-standard-4", "LOGICAL", "COMPUTE", json!(4)),
            google("network", "LOGICAL", "NETWORKING", Value::Null),
            google("subnetwork", "LOGICAL", "NETWORKING", Value::Null),
        ]
    );
}

/// By choice a managed instance group is the pool of its members, and nothing else moves.
#[tokio::test]
async fn groups_make_pools_by_choice() {
    let Some(bench) = scene(Pools::ManagedInstanceGroups).await else { return skipped() };
    let pools = listed(&*bench.backend, Kind::ResourcePool).await;
    let resources = listed(&*bench.backend, Kind::Resource).await;
    let zone = format!("projects/{PROJECT}/zones/us-central1-f");
    let group = &pools[&format!("{zone}/instanceGroupManagers/dus")];
    assert_eq!(
        (&group["extensions"]["targetSize"], &group["extensions"]["instanceTemplate"]),
        (&json!(1), &json!("du-v7"))
    );
    let member = &resources[&format!("{zone}/instances/du-1")];
    assert_eq!((&member["resourcePoolId"], &member["groups"]), (&group["resourcePoolId"], &json!(["dus"])));
    let other = &resources[&format!("{zone}/instances/old-1")];
    assert_eq!((&other["resourcePoolId"], &other["groups"]), (&pools[&zone]["resourcePoolId"], &json!([])));
    // One object that is asked for says the same.
    let key = netweave_model::ObjectKey { kind: Kind::Resource, id: id(&format!("{zone}/instances/du-1")) };
    let got: Value = serde_json::from_slice(&bench.backend.get(&key).await.unwrap().json).unwrap();
    assert_eq!(got, *member);
}

/// Only the chosen regions are read, and what is in no region.
#[tokio::test]
async fn regions_are_read_by_choice() {
    let chosen = |mut conf: netweave_gcp::Conf| {
        conf.regions = vec!["europe-west3".to_owned()];
        conf
    };
    let Some(bench) = GcpBench::start(chosen).await else { return skipped() };
    furnish(&bench.compute, PROJECT).await;
    let locations = listed(&*bench.backend, Kind::Location).await;
    assert_eq!(locations.keys().collect::<Vec<_>>(), ["europe-west3", "global"]);
    let coordinates = &locations["europe-west3"]["coordinate"]["coordinates"];
    assert_eq!(coordinates, &json!([8.6821, 50.1109]), "longitude, then latitude");
    let resources = listed(&*bench.backend, Kind::Resource).await;
    let names: BTreeSet<_> =
        resources.values().map(|value| value["extensions"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["default", "metal-1", "shared"]));
}

/// A region that does not exist is told, and does not pass for an empty one.
#[tokio::test]
async fn a_region_that_does_not_exist_is_an_error() {
    let misspelt = |mut conf: netweave_gcp::Conf| {
        conf.regions = vec!["europe-west3".to_owned(), "europe-west33".to_owned()];
        conf
    };
    let Some(bench) = GcpBench::start(misspelt).await else { return skipped() };
    let error = bench.backend.list(Kind::Location).await.unwrap_err();
    assert_eq!((error.kind(), error.params()[0].name.as_ref()), (ErrorKind::Invalid, "regions"));
}

/// Metadata, accounts, keys and licences are neither asked for nor sent on.
#[tokio::test]
async fn nothing_secret_or_paid_for_is_asked_for() {
    let Some(bench) = scene(Pools::ManagedInstanceGroups).await else { return skipped() };
    for kind in bench.backend.capabilities().kinds.clone() {
        for object in bench.backend.list(kind).await.unwrap().objects {
            let text = String::from_utf8(object.json.to_vec()).unwrap();
            for word in ["hidden-", "startup-script", "licen", "gserviceaccount", "ingerprint"] {
                assert!(!text.contains(word), "{word} in {text}");
            }
        }
    }
    let calls = bench.wire.calls();
    assert!(calls.iter().all(|call| call.text.contains("fields=")), "every call names its fields");
    for word in ["metadata", "serviceAccounts", "EncryptionKey", "licenses"] {
        assert_eq!(bench.wire.count(word), 0, "{word}");
    }
}

/// A look at all kinds reads no list twice.
#[tokio::test]
async fn one_look_serves_every_kind_once() {
    let Some(bench) = scene(Pools::Zones).await else { return skipped() };
    for _ in 0..2 {
        assert!(bench.backend.look(&bench.backend.capabilities().kinds).await.unwrap().gap.is_none());
    }
    let calls = bench.compute.calls().await;
    // Two projects, two looks; the three machine types are asked for in the first.
    assert_eq!(
        (calls["compute.instances.aggregatedList"], calls["compute.regions.list"]),
        (4, 4),
        "{calls:?}"
    );
    assert_eq!(calls["compute.machineTypes.get"], 3, "{calls:?}");
    assert!(!calls.contains_key("compute.instanceGroupManagers.aggregatedList"), "{calls:?}");
}

/// How many instances there are, each with a disk, and more memory than a look at them needs without optimisation.
const MANY: usize = 10_000;
const MOST_MIB: usize = 250;

/// What a look at a large project costs: a page for each 500 instances and disks, and what there is once.
#[tokio::test]
async fn ten_thousand_instances_cost_their_pages() {
    let Some(bench) = GcpBench::start(|conf| conf).await else { return skipped() };
    let (zone, place) = ("us-central1-a", "zones/us-central1-a");
    bench.compute.fill(PROJECT, "instances", place, instance(PROJECT, zone, "du", &json!({})), MANY).await;
    bench.compute.fill(PROJECT, "disks", place, disk(PROJECT, zone, "du"), MANY).await;
    let (growth, began) = (Growth::begin(), Instant::now());
    let found = bench.backend.look(&bench.backend.capabilities().kinds).await.unwrap();
    let (took, peak_mib) = (began.elapsed(), growth.peak_mib());
    assert_eq!(found.objects[&Kind::Resource].len(), 2 * MANY, "instances and disks");
    let calls = bench.compute.calls().await;
    let pages = |method: &str| calls[&format!("compute.{method}.aggregatedList")];
    assert_eq!((pages("instances"), pages("disks")), (20, 20), "{calls:?}");
    // Regions, zones, networks, subnetworks, and one machine type, which is known from then on.
    let first = calls.values().sum::<u64>();
    assert_eq!(first, 40 + 5, "{calls:?}");
    bench.wire.forget();
    bench.backend.look(&bench.backend.capabilities().kinds).await.unwrap();
    let usual: netweave_gcp::Conf =
        serde_json::from_value(json!({ "name": "gcp-1", "projects": [PROJECT] })).unwrap();
    let per_minute = pace::per_minute(bench.wire.count(""), usual.poll.0);
    record(&format!(
        "gcp_instances={MANY} gcp_disks={MANY} gcp_list_ms={} gcp_calls={first} gcp_peak_mib={peak_mib} gcp_calls_per_minute={per_minute:.0}",
        took.as_millis()
    ));
    assert!(per_minute <= pace::SHARE * pace::COMPUTE, "{per_minute} calls a minute");
    assert!(peak_mib < MOST_MIB, "{peak_mib} MiB");
}

/// The role that the documentation hands out allows the calls that are made, and nothing else.
#[tokio::test]
async fn the_role_allows_what_is_called_and_nothing_else() {
    let Some(bench) = scene(Pools::ManagedInstanceGroups).await else { return skipped() };
    let mut look = bench.backend.look(&bench.backend.capabilities().kinds).await.unwrap();
    for object in look.objects.remove(&Kind::Resource).unwrap() {
        assert_eq!(bench.backend.get(&object.key).await.unwrap(), object);
    }
    let permission = |method: &String| match method.rsplit_once('.').unwrap() {
        // Source: the IAM permissions that the reference of each method names.
        (resource, "aggregatedList") => format!("{resource}.list"),
        (resource, "listManagedInstances") => format!("{resource}.get"),
        ("compute.regionDisks", verb) => format!("compute.disks.{verb}"),
        _ => method.clone(),
    };
    let needed: BTreeSet<String> = bench.compute.calls().await.keys().map(permission).collect();
    let role = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/iam/gcp-role.yaml");
    let role = std::fs::read_to_string(role).unwrap();
    let granted = role.lines().filter_map(|line| line.strip_prefix("- ")).map(str::to_owned);
    assert_eq!(granted.collect::<BTreeSet<_>>(), needed);
}

pub(super) fn skipped() {
    eprintln!("SKIPPED: no Compute Engine; run tests/peers/compute.sh");
}
