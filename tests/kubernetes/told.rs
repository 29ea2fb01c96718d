//! A change of a node is told within a second.

use crate::stage::{self, label, name};
use netweave_tests::harness::{Delays, delay, until};
use serde_json::{Value, json};
use std::time::Duration;

/// How soon a subscriber must be told of a change.
const WITHIN: Duration = Duration::from_secs(1);
/// How long the first list may take.
const START: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_labelled_node_is_told_within_a_second() {
    let size = stage::size();
    let Some(stage) = stage::set(size, false, |setup| setup).await else { return };
    until(START, "the first list", async || (stage::nodes(&stage.smo).await.len() == size).then_some(()))
        .await;
    let mut delays = Delays::subscribe(&stage.smo).await;
    for round in 0..delay::changes() {
        let (node, round) = (name(usize::try_from(round).expect("an index") % size), round.to_string());
        let patch = json!({ "metadata": { "labels": { "example.com/round": round } } });
        let is_it = |post: &Value| {
            post["extensions"]["nativeId"] == node && label(post, "example.com/round") == round
        };
        delays.measure(stage.cluster.patch(&node, &patch), is_it).await;
    }
    delays.hold("kubernetes", WITHIN);
}
