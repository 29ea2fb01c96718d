//! What the real simulator shows beyond the suite: all kinds over TLS, changes of each, a standalone host, a restart.

use super::vmware::{conf, connect};
use netweave_model::port::Backend;
use netweave_model::{ErrorKind, Kind};
use netweave_tests::conformance::backend::Told;
use netweave_tests::harness::vcsim::Vcsim;
use netweave_vmware::{Conf, Served};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

async fn start(options: &[&str]) -> Option<Vcsim> {
    let vcsim = Vcsim::start(options).await;
    if vcsim.is_none() {
        eprintln!("SKIPPED: no vcsim; run tests/peers/build.sh vcsim");
    }
    vcsim
}

fn all(vcsim: &Vcsim) -> Conf {
    Conf { ca: Some(vcsim.ca()), resources: Served::all(), ..conf(&vcsim.url(), &vcsim.password_file()) }
}

fn values(told: &Told, kind: Kind) -> Vec<Value> {
    told.of(kind).iter().map(|object| serde_json::from_slice(&object.json).unwrap()).collect()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Counts resources by the type of the managed object.
fn counts(told: &Told) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for resource in values(told, Kind::Resource) {
        let of = text(&resource, "/extensions/managedType");
        *counts.entry(of).or_default() += 1;
    }
    counts
}

async fn synced(backend: &Arc<dyn Backend>) -> Told {
    let mut told = Told::by(backend);
    told.until_synced(backend).await;
    told
}

fn resource(told: &Told, name: &str) -> Value {
    let mut resources = values(told, Kind::Resource).into_iter();
    resources.find(|resource| text(resource, "/extensions/name") == name).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_in_a_vcenter_is_told_and_its_changes_too() {
    let options = ["-dc", "2", "-cluster", "2", "-host", "3", "-vm", "2", "-pool", "1", "-folder", "1"];
    let Some(vcsim) = start(&options).await else { return };
    let backend = connect(&all(&vcsim)).await;
    let mut told = synced(&backend).await;
    for kind in backend.capabilities().kinds.clone() {
        assert_eq!(told.of(kind), backend.list(kind).await.unwrap().objects, "{kind}");
    }
    let counts = counts(&told);
    // Two datacenters with two clusters of three hosts and one host alone, and two machines in each of these.
    assert_eq!((counts["HostSystem"], counts["VirtualMachine"]), (14, 12), "{counts:?}");
    assert_eq!((counts["Datastore"], counts["Network"]), (2, 2), "{counts:?}");
    let count = |kind| values(&told, kind).len();
    assert_eq!((count(Kind::Location), count(Kind::OCloudSite)), (2, 8));
    assert_eq!(count(Kind::ResourcePool), 12, "each site, and one pool in each cluster");
    let manager = &values(&told, Kind::DeploymentManager)[0];
    assert_eq!(manager["supportedLocations"].as_array().unwrap().len(), 2);
    assert_eq!(manager["capacity"]["cpu"], "28", "{manager}");
    let host = resource(&told, "DC0_C0_H0");
    assert_eq!(host["extensions"]["hardware"]["cpuCores"], 2, "{host}");
    assert!(host["globalAssetId"].as_str().is_some_and(|asset| asset.starts_with("VMware-56 4d")), "{host}");
    let types = values(&told, Kind::ResourceType);
    assert!(types.iter().any(|of| of["resourceKind"] == "PHYSICAL" && of["vendor"] == "VMware, Inc."));
    every_reference_leads_somewhere(&told);

    let admin = vcsim.admin().await;
    let (name, machine) = admin.machines().await.pop_first().unwrap();
    let before = told.of(Kind::Resource).len();
    admin.power(&machine.reference, false).await;
    let state = |told: &Told| resource(told, &name)["extensions"]["powerState"].clone();
    told.until("the machine is off", |told| state(told) == "poweredOff").await;
    admin.destroy(vec![machine.reference]).await;
    told.until("the machine is gone", |told| told.of(Kind::Resource).len() == before - 1).await;
    assert_eq!(told.errors.len(), 0);
}

/// Pools, sites, locations and types that objects name are there.
fn every_reference_leads_somewhere(told: &Told) {
    let ids = |kind: Kind| -> Vec<Value> {
        values(told, kind).iter().map(|object| object[kind.id_attribute()].clone()).collect()
    };
    let named = |kind: Kind, attribute: &str, of: Kind| {
        let known = ids(of);
        for object in values(told, kind) {
            let value = object.get(attribute).unwrap();
            let all = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            assert!(all.iter().all(|id| known.contains(id)), "{attribute} of {object}");
        }
    };
    named(Kind::Resource, "resourcePoolId", Kind::ResourcePool);
    named(Kind::Resource, "resourceTypeId", Kind::ResourceType);
    named(Kind::ResourcePool, "oCloudSiteId", Kind::OCloudSite);
    named(Kind::ResourcePool, "globalLocationId", Kind::Location);
    named(Kind::OCloudSite, "globalLocationId", Kind::Location);
    named(Kind::OCloudSite, "resourcePools", Kind::ResourcePool);
    named(Kind::Location, "oCloudSiteIds", Kind::OCloudSite);
    named(Kind::DeploymentManager, "supportedLocations", Kind::Location);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standalone_host_is_a_server_of_its_own() {
    let Some(vcsim) = start(&["-esx"]).await else { return };
    let backend = connect(&all(&vcsim)).await;
    let told = synced(&backend).await;
    let counts = counts(&told);
    assert_eq!((counts["HostSystem"], counts["VirtualMachine"]), (1, 2), "{counts:?}");
    let manager = &values(&told, Kind::DeploymentManager)[0];
    assert_eq!(manager["capabilities"]["apiType"], "HostAgent");
    every_reference_leads_somewhere(&told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_any_object_and_no_server_is_trusted_by_chance() {
    let Some(vcsim) = start(&[]).await else { return };
    let conf = all(&vcsim);
    let told = synced(&connect(&conf).await).await;
    let password = std::fs::read_to_string(vcsim.password_file()).unwrap();
    for object in told.state.values() {
        let text = String::from_utf8_lossy(&object.json).into_owned();
        for secret in [password.as_str(), conf.username.as_str(), "vmware_soap_session", "session["] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    let stranger = Conf { ca: None, ..conf.clone() };
    let error = connect(&stranger).await.probe().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let wrong = Conf { username: "nobody".to_owned(), ..conf };
    let error = connect(&wrong).await.probe().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_that_comes_back_is_followed_again() {
    let Some(mut vcsim) = start(&["-cluster", "1", "-vm", "1"]).await else { return };
    let backend = connect(&all(&vcsim)).await;
    let mut told = synced(&backend).await;
    let before = told.state.clone();
    vcsim.kill9();
    told.until("the loss is told", |told| !told.errors.is_empty()).await;
    assert_eq!((told.deletes, &told.state), (0, &before));
    let baselines = told.baselines;
    vcsim.start_again().await;
    told.until("everything is told again", |told| told.baselines >= baselines + 6).await;
    assert_eq!(told.of(Kind::Resource).len(), before.keys().filter(|key| key.kind == Kind::Resource).count());
}
