//! Many subscribers with random filters: each gets exactly what an independent evaluator says, in the log's order.

use crate::evaluator::{Exclusion, exclusions};
use crate::stage::{self, Stage, name, plain};
use netweave_tests::harness::Callbacks;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::figures::{self, full};
use netweave_tests::harness::until;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Changes of nodes while the subscribers listen.
const CHANGES: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_subscribers_gets_exactly_what_its_filter_lets_through() {
    let (size, count) = (stage::size(), if full() { 200 } else { 40 });
    let Some(stage) = stage::set(size, false, |setup| setup).await else { return };
    let consumer = Callbacks::start().await;
    assert_eq!(stage::nodes(&stage.smo).await.len(), size);
    // One listens to everything: what the others may get is a part of that.
    subscribe(&stage, &consumer.url("/all"), None).await;
    let filters = random_filters(count);
    for (number, filter) in filters.iter().enumerate() {
        subscribe(&stage, &consumer.url(&format!("/{number}")), Some(filter)).await;
    }

    let touched = change(&stage, size).await;

    let expected = |all: &[Value], filter: &Exclusion| -> Vec<Value> {
        all.iter().filter(|body| !filter.excludes(body)).map(change_of).collect()
    };
    let got = |path: &str| -> Vec<Value> { consumer.received(path).iter().map(change_of).collect() };
    until(Duration::from_mins(1), "every subscriber to have exactly its notifications", async || {
        let all = consumer.received("/all");
        let complete = told_nodes(&all) == touched;
        let each = filters.iter().enumerate();
        let right = complete
            && each.into_iter().all(|(number, filter)| got(&format!("/{number}")) == expected(&all, filter));
        (right && backlog(&stage).await == 0).then_some(())
    })
    .await;

    let all = consumer.received("/all");
    in_sequence(&all);
    let (mut sent, mut held) = (0, 0);
    for number in 0..count {
        let received = consumer.received(&format!("/{number}"));
        in_sequence(&received);
        sent += received.len();
        held += all.len() - received.len();
    }
    assert!(sent > 0 && held > 0, "the filters tell nothing apart: {sent} sent, {held} held back");
    figures::record(&format!(
        "subscribers={count} changes={} sent={sent} held_back={held} wrong=0",
        all.len()
    ));
}

/// Adds, labels, cordons and removes nodes; returns what was done to which node, in the words of notifications.
async fn change(stage: &Stage, size: usize) -> BTreeSet<(u64, String)> {
    let mut done = BTreeSet::new();
    for step in 0..CHANGES {
        let (old, new) = (name(step), name(size + step));
        match step % 4 {
            0 => {
                stage.cluster.add(vec![plain(size + step)]).await;
                done.insert((0, new));
            }
            1 => {
                stage
                    .cluster
                    .patch(&old, &json!({ "metadata": { "labels": { "example.com/tier": "platinum" } } }))
                    .await;
                done.insert((1, old));
            }
            2 => {
                stage.cluster.patch(&old, &json!({ "spec": { "unschedulable": true } })).await;
                done.insert((1, old));
            }
            _ => {
                stage.cluster.remove(&old).await;
                done.insert((2, old));
            }
        }
    }
    done
}

async fn subscribe(stage: &Stage, callback: &str, filter: Option<&Exclusion>) {
    let body = json!({ "callback": callback, "filter": filter.map(Exclusion::text).unwrap_or_default() });
    let answer = stage.smo.post(&format!("{V2}/subscriptions"), &body).await;
    assert_eq!(answer.status, 201, "{body}: {answer:?}");
}

/// Random filters, the same in every run, so that a failure can be repeated.
fn random_filters(count: usize) -> Vec<Exclusion> {
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(proptest::test_runner::Config::default(), random);
    (0..count).map(|_| exclusions().new_tree(&mut runner).expect("a filter").current()).collect()
}

/// What all subscribers of one change are told alike.
fn change_of(body: &Value) -> Value {
    json!([
        body["objectType"],
        body["notificationEventType"],
        body["priorObjectState"],
        body["postObjectState"]
    ])
}

/// The nodes that notifications tell of. A node is created before its status is set, which is a second change: that a
/// new node is also told to have changed is not counted.
fn told_nodes(all: &[Value]) -> BTreeSet<(u64, String)> {
    let resources = all.iter().filter(|body| body["objectType"] == "ResourceInfo");
    let told: BTreeSet<(u64, String)> = resources
        .map(|body| {
            let kind = body["notificationEventType"].as_u64().expect("a type");
            let state = if kind == 2 { &body["priorObjectState"] } else { &body["postObjectState"] };
            (kind, stage::node_name(state).to_owned())
        })
        .collect();
    told.iter().filter(|(kind, name)| *kind != 1 || !told.contains(&(0, name.clone()))).cloned().collect()
}

/// Sequence numbers of a subscription count from one, without gaps: nothing was lost, repeated or disordered.
fn in_sequence(received: &[Value]) {
    let numbers: Vec<u64> =
        received.iter().map(|body| body["sequence"].as_u64().expect("a sequence")).collect();
    let wanted: Vec<u64> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, wanted);
}

/// How many notifications still wait, over all subscriptions.
async fn backlog(stage: &Stage) -> u64 {
    let mut waiting = 0;
    for subscription in stage.smo.all(&format!("{V2}/subscriptions?limit=1000")).await {
        let id = subscription["subscriptionId"].as_str().expect("an id");
        let lease = stage.smo.get(&format!("/netweave/v1/subscriptions/{id}")).await.expect(200).json();
        waiting += lease["backlog"].as_u64().expect("a backlog");
    }
    waiting
}
