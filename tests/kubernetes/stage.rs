//! What the tests of this suite have in common: a cluster with nodes, a gateway before it, the nodes as it lists them.

use netweave_tests::harness::client::{Client, V2};
use netweave_tests::harness::figures::full;
use netweave_tests::harness::kube::{Cluster, node};
use netweave_tests::harness::{Gateway, Setup};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// Zones that the nodes are spread over; each is a pool.
pub(crate) const ZONES: usize = 3;

/// A cluster with its gateway.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    _gateway: Gateway,
    pub(crate) smo: Client,
}

/// Returns how many nodes the cluster has at the start.
pub(crate) fn size() -> usize {
    if full() { 1000 } else { 100 }
}

/// Starts a cluster with nodes and a gateway before it; `None` if the peers are not built and not asked for.
pub(crate) async fn set(nodes: usize, kwok: bool, adjust: impl FnOnce(Setup) -> Setup) -> Option<Stage> {
    let Some(cluster) = Cluster::start().await else {
        warn("SKIPPED: no kube-apiserver; run tests/peers/build.sh");
        return None;
    };
    cluster.add((0..nodes).map(plain).collect()).await;
    if kwok {
        cluster.kwok();
    }
    let setup = Setup::embedded()
        .kubernetes("edge", &cluster.gateway_kubeconfig())
        .set("/subscriptions/perOwner", json!(1000));
    let gateway = adjust(setup).start().await;
    let smo = gateway.client("smo");
    Some(Stage { cluster, _gateway: gateway, smo })
}

/// Describes the node of a number.
pub(crate) fn plain(number: usize) -> Value {
    let tier = ["gold", "silver", "lead"][number % 3];
    let labels = json!({ "example.com/tier": tier, "example.com/number": number.to_string() });
    node(
        &name(number),
        &format!("zone-{}", number % ZONES),
        &labels,
        8 + u32::try_from(number % 5).unwrap_or_default(),
    )
}

/// Returns the name of the node of a number.
pub(crate) fn name(number: usize) -> String {
    format!("node-{number:04}")
}

/// Reads all resources that are nodes, by the nodes' names.
pub(crate) async fn nodes(smo: &Client) -> BTreeMap<String, Value> {
    let mut nodes = BTreeMap::new();
    for pool in smo.all(&format!("{V2}/resourcePools?limit=1000")).await {
        let pool = pool["resourcePoolId"].as_str().expect("a pool's id");
        for resource in smo.all(&format!("{V2}/resourcePools/{pool}/resources?limit=1000")).await {
            let twice = nodes.insert(node_name(&resource).to_owned(), resource);
            assert!(twice.is_none(), "a node is listed twice: {twice:?}");
        }
    }
    nodes
}

/// Returns the name of the node that a resource stands for.
pub(crate) fn node_name(resource: &Value) -> &str {
    resource["extensions"]["nativeId"].as_str().unwrap_or_else(|| panic!("no node's name: {resource}"))
}

/// Returns a label of the node that a resource stands for.
pub(crate) fn label<'a>(resource: &'a Value, key: &str) -> &'a str {
    resource["extensions"]["labels"][key].as_str().unwrap_or_default()
}

/// Says so even where the test's own output is captured.
fn warn(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).ok();
}
