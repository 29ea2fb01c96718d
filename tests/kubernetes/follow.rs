//! What happens to the cluster's nodes is in the list within a second.

use crate::stage::{self, Stage, label, name, plain};
use netweave_tests::harness::{figures, soon, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How soon the list must be right after the API server acknowledged a change.
const WITHIN: Duration = Duration::from_secs(1);
/// Nodes of each change.
const TOUCHED: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn added_labelled_cordoned_and_removed_nodes_are_listed_within_a_second() {
    let size = stage::size();
    let Some(stage) = stage::set(size, true, |setup| setup).await else { return };
    let ((), start) = until(Duration::from_mins(1), "the first list", async || {
        (stage::nodes(&stage.smo).await.len() == size).then_some(())
    })
    .await;

    let numbers = 0..TOUCHED;
    stage.cluster.add(numbers.clone().map(|number| plain(size + number)).collect()).await;
    let added = settles(&stage, "the new nodes", |nodes| {
        nodes.len() == size + TOUCHED
            && numbers.clone().all(|number| nodes.contains_key(&name(size + number)))
    })
    .await;

    for number in numbers.clone() {
        let patch = json!({ "metadata": { "labels": { "example.com/tier": "platinum" } } });
        stage.cluster.patch(&name(number), &patch).await;
    }
    let labelled = settles(&stage, "the new labels", |nodes| {
        let platinum = nodes.iter().filter(|(_, node)| label(node, "example.com/tier") == "platinum");
        platinum.map(|(name, _)| name).eq(numbers.clone().map(name).collect::<Vec<_>>().iter())
    })
    .await;

    for number in numbers.clone() {
        stage.cluster.patch(&name(number), &json!({ "spec": { "unschedulable": true } })).await;
    }
    let cordoned = settles(&stage, "the cordoned nodes", |nodes| {
        let held = nodes.iter().filter(|(_, node)| node["extensions"]["schedulable"] == false);
        held.map(|(name, _)| name).eq(numbers.clone().map(name).collect::<Vec<_>>().iter())
    })
    .await;

    for number in numbers.clone() {
        stage.cluster.remove(&name(number)).await;
    }
    let removed = settles(&stage, "the removal", |nodes| {
        nodes.len() == size && numbers.clone().all(|number| !nodes.contains_key(&name(number)))
    })
    .await;

    let slowest = [added, labelled, cordoned, removed].into_iter().max().unwrap_or_default();
    figures::record(&format!(
        "nodes={size} first_list_ms={} list_right_ms={}",
        start.as_millis(),
        slowest.as_millis()
    ));
}

/// Waits at most a second until the list of all nodes is as it should be; returns how long it took.
async fn settles(stage: &Stage, what: &str, right: impl Fn(&BTreeMap<String, Value>) -> bool) -> Duration {
    until(WITHIN, what, async || right(&stage::nodes(&stage.smo).await).then_some(())).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_of_nodes_are_no_changes() {
    let Some(stage) = stage::set(10, false, |setup| setup).await else { return };
    let before = stage::nodes(&stage.smo).await;
    assert_eq!(before.len(), 10);
    for number in 0..10 {
        stage.cluster.heartbeat(&name(number)).await;
    }
    // A real change after the heartbeats: when it is visible, the heartbeats have been read, too.
    stage.cluster.patch(&name(0), &json!({ "metadata": { "labels": { "example.com/last": "yes" } } })).await;
    let label_is_there =
        |nodes: &BTreeMap<String, Value>| label(&nodes[&name(0)], "example.com/last") == "yes";
    soon("the change after the heartbeats", async || label_is_there(&stage::nodes(&stage.smo).await)).await;
    let mut after = stage::nodes(&stage.smo).await;
    after.insert(name(0), before[&name(0)].clone());
    assert_eq!(after, before);
}
