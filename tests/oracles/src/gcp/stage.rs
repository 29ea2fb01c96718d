//! A project in which every field that is read is set somewhere.

use super::PROJECT;
use crate::harness::compute::{Compute, disk, instance, url};
use serde_json::{Value, json};

const CENTRAL: &str = "us-central1-f";
const WEST: &str = "europe-west3-a";

/// Puts it into the peer.
pub(super) async fn furnish(compute: &Compute) {
    compute.replace(PROJECT, "instances", instances()).await;
    compute.replace(PROJECT, "disks", disks()).await;
    for network in networks() {
        compute.put(PROJECT, "networks", Some("global"), network).await;
    }
    for (region, subnetwork) in subnetworks() {
        compute.put(PROJECT, "subnetworks", Some(&format!("regions/{region}")), subnetwork).await;
    }
    groups(compute).await;
    machine(compute).await;
}

fn zonal(zone: &str, collection: &str, name: &str) -> String {
    url(PROJECT, &format!("zones/{zone}"), collection, name)
}

fn instances() -> Vec<Value> {
    let mut metal = instance(PROJECT, WEST, "metal-1", &json!({}));
    metal["machineType"] = zonal(WEST, "machineTypes", "c3-standard-192-metal").into();
    metal["guestAccelerators"] =
        json!([{ "acceleratorType": zonal(WEST, "acceleratorTypes", "nvidia-l4"), "acceleratorCount": 2 }]);
    metal["minCpuPlatform"] = "Intel Sapphire Rapids".into();
    metal["hostname"] = "metal-1.ran.example.net".into();
    metal["canIpForward"] = true.into();
    metal["scheduling"] =
        json!({ "provisioningModel": "SPOT", "onHostMaintenance": "TERMINATE", "automaticRestart": false });
    metal["networkInterfaces"][0]["stackType"] = "IPV4_IPV6".into();
    metal["networkInterfaces"][0]["ipv6Address"] = "2600:1900:4000:1::".into();
    metal["networkInterfaces"][0]["nicType"] = "GVNIC".into();
    let second = json!({ "name": "nic1", "networkIP": "10.1.0.7", "network": url(PROJECT, "global", "networks", "auto") });
    metal["networkInterfaces"].as_array_mut().expect("interfaces").push(second);
    let local = json!({ "type": "SCRATCH", "mode": "READ_WRITE", "boot": false, "deviceName": "local", "diskSizeGb": "375", "interface": "NVME" });
    metal["disks"].as_array_mut().expect("disks").push(local);
    let mut old = instance(PROJECT, CENTRAL, "old-1", &json!({ "tier": "core" }));
    old["machineType"] = zonal(CENTRAL, "machineTypes", "n1-gone-1").into();
    old["status"] = "TERMINATED".into();
    old["deletionProtection"] = false.into();
    let all = [
        metal,
        old,
        instance(PROJECT, CENTRAL, "du-1", &json!({ "tier": "edge", "site": "" })),
        instance(PROJECT, WEST, "cu-1", &json!({})),
    ];
    all.map(described).into()
}

fn disks() -> Vec<Value> {
    let mut fast = disk(PROJECT, WEST, "metal-1");
    fast["type"] = zonal(WEST, "diskTypes", "hyperdisk-balanced").into();
    fast["provisionedIops"] = "6000".into();
    fast["provisionedThroughput"] = "290".into();
    fast["architecture"] = "X86_64".into();
    fast["accessMode"] = "READ_WRITE_MANY".into();
    fast["labels"] = json!({ "tier": "edge" });
    let mut shared = disk(PROJECT, WEST, "shared");
    shared["at"] = "regions/europe-west3".into();
    shared["type"] = url(PROJECT, "regions/europe-west3", "diskTypes", "pd-ssd").into();
    shared["replicaZones"] = ["b", "a"]
        .map(|letter| {
            url(PROJECT, "zones", &format!("europe-west3-{letter}"), "").trim_end_matches('/').to_owned()
        })
        .into();
    [fast, shared, disk(PROJECT, CENTRAL, "du-1")].map(described).into()
}

fn networks() -> [Value; 2] {
    [
        json!({
            "name": "default", "autoCreateSubnetworks": false, "mtu": 1460, "routingConfig": { "routingMode": "REGIONAL" },
            "enableUlaInternalIpv6": true, "internalIpv6Range": "fd20:1:2::/48",
        }),
        json!({ "name": "auto", "autoCreateSubnetworks": true, "mtu": 8896, "routingConfig": { "routingMode": "GLOBAL" } }),
    ]
    .map(described)
}

fn subnetworks() -> [(&'static str, Value); 2] {
    let network = url(PROJECT, "global", "networks", "default");
    [
        (
            "us-central1",
            described(json!({
                "name": "default", "network": network, "ipCidrRange": "10.0.0.0/20", "gatewayAddress": "10.0.0.1", "purpose": "PRIVATE",
                "stackType": "IPV4_IPV6", "ipv6CidrRange": "2600:1900:4000:1::/64", "privateIpGoogleAccess": true,
                "secondaryIpRanges": [
                    { "rangeName": "pods", "ipCidrRange": "10.8.0.0/14" }, { "rangeName": "services", "ipCidrRange": "10.12.0.0/20" },
                ],
            })),
        ),
        (
            "europe-west3",
            described(json!({
                "name": "proxies", "network": network, "ipCidrRange": "10.1.0.0/20", "purpose": "REGIONAL_MANAGED_PROXY", "role": "ACTIVE",
                "privateIpGoogleAccess": false,
            })),
        ),
    ]
}

/// One group in a zone, and one over the zones of a region; each has a member.
async fn groups(compute: &Compute) {
    let template = url(PROJECT, "global", "instanceTemplates", "du-v7");
    let group = |name: &str| {
        json!({
            "name": name, "description": format!("The {name}"), "baseInstanceName": "du", "targetSize": 1, "instanceTemplate": template,
            "currentActions": { "none": 1 },
        })
    };
    let zone = format!("zones/{CENTRAL}");
    compute.put(PROJECT, "instanceGroupManagers", Some(&zone), group("dus")).await;
    compute.members(PROJECT, &zone, "dus", &[(&zone, "du-1")]).await;
    let mut wide = group("cus");
    let zones = ["a", "b"].map(|letter| {
        format!("https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/europe-west3-{letter}")
    });
    wide["distributionPolicy"] = json!({ "zones": zones.map(|zone| json!({ "zone": zone })) });
    compute.put(PROJECT, "instanceGroupManagers", Some("regions/europe-west3"), wide).await;
    compute.members(PROJECT, "regions/europe-west3", "cus", &[(&format!("zones/{WEST}"), "cu-1")]).await;
}

/// A machine type with accelerators, in use by the machine of metal.
async fn machine(compute: &Compute) {
    let machine = json!({
        "name": "c3-standard-192-metal", "description": "192 vCPUs, 768 GB RAM, bare metal", "guestCpus": 192, "memoryMb": 786_432,
        "isSharedCpu": false, "architecture": "X86_64", "maximumPersistentDisks": 16, "maximumPersistentDisksSizeGb": "65536",
        "accelerators": [{ "guestAcceleratorType": "nvidia-l4", "guestAcceleratorCount": 2 }],
    });
    compute.put(PROJECT, "machineTypes", Some(&format!("zones/{WEST}")), machine).await;
}

/// Adds a description, which is served as it is.
fn described(mut object: Value) -> Value {
    object["description"] =
        format!("What {} is for: <ran> & \"more\"", object["name"].as_str().expect("a name")).into();
    object
}
