//! What a real Kubernetes API server shows beyond the suite: other kinds, heartbeats, refused rights, a hard restart.

use super::cluster::connect;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, PostParams};
use kube::{Api, Client};
use netweave_model::{ErrorKind, Kind};
use netweave_tests::conformance::backend::Told;
use netweave_tests::harness::figures;
use netweave_tests::harness::kube::{Cluster, node};
use netweave_tests::harness::memory::Growth;
use serde_json::{Value, json};
use std::time::Instant;

async fn start() -> Option<Cluster> {
    let cluster = Cluster::start().await;
    if cluster.is_none() {
        eprintln!("SKIPPED: no kube-apiserver; run tests/peers/build.sh");
    }
    cluster
}

fn parsed<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn names(told: &Told, kind: Kind, pointer: &str) -> Vec<String> {
    let name = |json: &[u8]| {
        let value: Value = serde_json::from_slice(json).unwrap();
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    told.of(kind).iter().map(|object| name(&object.json)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_are_no_changes_and_storage_classes_are_types() {
    let Some(cluster) = start().await else { return };
    cluster.add(vec![node("n1", "z1", &json!({}), 8)]).await;
    let backend = connect(&cluster.gateway_kubeconfig()).await;
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    let before = told.upserts;
    for _ in 0..3 {
        cluster.heartbeat("n1").await;
    }
    cluster.patch("n1", &json!({"spec": {"unschedulable": true}})).await;
    told.until("the cordon is told", |told| told.upserts > before).await;
    assert_eq!(
        (told.upserts - before, told.deletes),
        (1, 0),
        "one change, though the node was written four times"
    );

    let classes: Api<StorageClass> = Api::all(cluster.nodes().into_client());
    let fast = parsed(json!({"metadata": {"name": "fast"}, "provisioner": "csi.example.com"}));
    classes.create(&PostParams::default(), &fast).await.unwrap();
    let has = |told: &Told| names(told, Kind::ResourceType, "/name").iter().any(|name| name == "fast");
    told.until("the class is a type", has).await;
    told.until("the manager names the class", |told| {
        let manager = told.of(Kind::DeploymentManager).remove(0);
        String::from_utf8_lossy(&manager.json).contains("\"storageClasses\":[\"fast\"]")
    })
    .await;
    classes.delete("fast", &DeleteParams::default()).await.unwrap();
    told.until("the type is gone", |told| !has(told)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_rights_is_forbidden_and_the_stream_says_so() {
    let Some(cluster) = start().await else { return };
    let nobody = cluster.gateway_kubeconfig().with_file_name("kube").join("nobody.kubeconfig");
    let backend = connect(&nobody).await;
    assert_eq!(backend.probe().await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(backend.list(Kind::Resource).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let mut told = Told::by(&backend);
    told.until("an error item", |told| !told.errors.is_empty()).await;
    assert_eq!(told.errors[0].kind(), ErrorKind::Forbidden, "{}", told.errors[0]);
    assert_eq!(told.baselines, 0, "what may not be read is not told to be empty");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_hard_deletes_nothing() {
    let Some(mut cluster) = start().await else { return };
    let nodes = (0..20).map(|n| node(&format!("n{n}"), &format!("z{}", n % 3), &json!({}), 8)).collect();
    cluster.add(nodes).await;
    let backend = connect(&cluster.gateway_kubeconfig()).await;
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    cluster.kill9();
    told.until("the loss is told", |told| !told.errors.is_empty()).await;
    cluster.up().await;
    cluster.remove("n3").await;
    cluster.add(vec![node("n20", "z9", &json!({}), 8)]).await;
    let settled = |told: &Told| {
        let names = names(told, Kind::Resource, "/extensions/nativeId");
        names.len() == 20 && names.iter().any(|name| name == "n20")
    };
    told.until("the changes made meanwhile arrive", settled).await;
    assert!(told.deletes <= 1, "{} deletes for one removed node", told.deletes);
    told.until("the new zone is a site", |told| {
        names(told, Kind::OCloudSite, "/name").contains(&"z9".to_owned())
    })
    .await;
}

/// Nodes that are made at the same time, and more memory than reading all of them needs without optimisation.
const BATCH: usize = 500;
const MOST_MIB: usize = 250;

/// What a large cluster costs: time and memory until it was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_are_read_in_bounded_memory() {
    let Some(cluster) = start().await else { return };
    let count = if figures::full() { 10_000 } else { 1_000 };
    for from in (0..count).step_by(BATCH) {
        let nodes = from..from + BATCH;
        cluster
            .add(nodes.map(|n| node(&format!("n{n:05}"), &format!("z{}", n % 3), &json!({}), 8)).collect())
            .await;
    }
    let backend = connect(&cluster.gateway_kubeconfig()).await;
    let (growth, start) = (Growth::begin(), Instant::now());
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    // The first list comes from the server's cache, which may be a moment behind; what it lacks follows.
    told.until("every node is told", |told| told.of(Kind::Resource).len() == count).await;
    let (streamed, peak_mib) = (start.elapsed(), growth.peak_mib());
    figures::record(&format!(
        "kubernetes_nodes={count} kubernetes_streamed_ms={} kubernetes_peak_mib={peak_mib}",
        streamed.as_millis()
    ));
    assert!(peak_mib < MOST_MIB, "{peak_mib} MiB");
}

/// Takes a minute, so only with the full counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bare_metal_hosts_come_and_go_with_their_api() {
    if std::env::var_os("NETWEAVE_FULL").is_none() {
        return eprintln!("SKIPPED: NETWEAVE_FULL is not set");
    }
    let Some(cluster) = start().await else { return };
    let backend = connect(&cluster.gateway_kubeconfig()).await;
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    let client = cluster.nodes().into_client();
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &parsed(definition())).await.unwrap();
    let host = parsed(json!({
        "apiVersion": "metal3.io/v1alpha1", "kind": "BareMetalHost", "metadata": {"name": "h1", "namespace": "default"},
        "spec": {"online": true, "bmc": {"address": "redfish://10.0.0.1", "credentialsName": "secret"}},
    }));
    create_host(&client, &host).await;
    let known = |told: &Told| names(told, Kind::Resource, "/extensions/nativeId") == ["default/h1"];
    told.until("the host is a resource", known).await;
    let key = told.of(Kind::Resource).remove(0).key;
    assert_eq!(backend.get(&key).await.unwrap().key, key);
    definitions.delete("baremetalhosts.metal3.io", &DeleteParams::default()).await.unwrap();
    told.until("the host goes with its API", |told| told.of(Kind::Resource).is_empty()).await;
}

/// Creates a host, as soon as the server serves its API.
async fn create_host(client: &Client, host: &DynamicObject) {
    let kind = GroupVersionKind::gvk("metal3.io", "v1alpha1", "BareMetalHost");
    let resource = ApiResource::from_gvk_with_plural(&kind, "baremetalhosts");
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource);
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while api.create(&PostParams::default(), host).await.is_err() {
        assert!(tokio::time::Instant::now() < end, "the API of the definition is served");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "baremetalhosts.metal3.io", "annotations": {
            "api-approved.kubernetes.io": "unapproved, for a test",
        }},
        "spec": {
            "group": "metal3.io", "scope": "Namespaced",
            "names": {"plural": "baremetalhosts", "singular": "baremetalhost", "kind": "BareMetalHost"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            }}}],
        },
    })
}
