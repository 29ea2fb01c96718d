//! The API server is killed: what was known is served with its age, and what changed meanwhile arrives after.

use crate::stage::{self, name, plain};
use netweave_tests::harness::Callbacks;
use netweave_tests::harness::client::{Client, V2};
use netweave_tests::harness::figures::{self, full};
use netweave_tests::harness::{Setup, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_api_server_costs_freshness_and_nothing_else() {
    let (size, outage) = (stage::size(), Duration::from_secs(if full() { 60 } else { 10 }));
    let Some(mut stage) = stage::set(size, false, impatient).await else { return };
    let consumer = Callbacks::start().await;
    let smo = stage.smo.clone();
    smo.post(&format!("{V2}/subscriptions"), &json!({ "callback": consumer.url("/all") })).await.expect(201);
    let before = stage::nodes(&smo).await;
    assert_eq!(before.len(), size);

    stage.cluster.kill9();
    let (asked, age) = stays(&smo, &before, outage).await;
    assert!(consumer.received("/all").is_empty(), "a notification came while the source was gone");

    // Meanwhile, and unseen by the gateway: another API server on the same etcd takes changes.
    stage.cluster.up_elsewhere().await;
    stage.cluster.add(vec![plain(size)]).await;
    stage
        .cluster
        .patch(&name(1), &json!({ "metadata": { "labels": { "example.com/tier": "platinum" } } }))
        .await;
    stage.cluster.remove(&name(2)).await;
    stage.cluster.kill9();

    stage.cluster.up().await;
    let mut expected: Vec<String> = before.into_keys().filter(|node| *node != name(2)).collect();
    expected.push(name(size));
    let ((), took) = until(Duration::from_mins(1), "the changes made meanwhile", async || {
        let nodes = stage::nodes(&smo).await;
        let label = nodes.get(&name(1)).map(|node| stage::label(node, "example.com/tier").to_owned());
        (nodes.keys().eq(&expected) && label.as_deref() == Some("platinum")).then_some(())
    })
    .await;
    until(Duration::from_secs(20), "the notifications of exactly these three nodes", async || {
        let right = [(0, name(size)), (1, name(1)), (2, name(2))];
        (told(&consumer.received("/all")) == right).then_some(())
    })
    .await;
    figures::record(&format!(
        "outage_s={} lists_while_down={asked} age_s={age} lost=0 caught_up_ms={}",
        outage.as_secs(),
        took.as_millis()
    ));
}

/// Lifetimes that even the short outage outlives.
fn impatient(setup: Setup) -> Setup {
    setup.set("/cache/ttl/resourceLists", json!("2s")).set("/cache/ttl/resources", json!("2s"))
}

/// Reads all nodes for as long as the outage lasts: they stay as they were, and in the end the lists say that they are
/// old. Returns how often a list was read and the last age in seconds.
async fn stays(smo: &Client, before: &BTreeMap<String, Value>, outage: Duration) -> (usize, u64) {
    let start = Instant::now();
    let pools = smo.get(&format!("{V2}/resourcePools")).await.expect(200).list();
    let pool = pools[0]["resourcePoolId"].as_str().expect("an id");
    let list = format!("{V2}/resourcePools/{pool}/resources?limit=1000");
    let mut asked = 0;
    loop {
        assert_eq!(stage::nodes(smo).await, *before, "an object changed while its source was gone");
        let answer = smo.get(&list).await.expect(200);
        asked += 1;
        if start.elapsed() > outage {
            let age = answer.header("age").parse().unwrap_or_default();
            assert!(
                answer.header("x-cache") == "STALE" && age >= 2,
                "the list does not say that it is old: {:?}",
                answer.headers
            );
            return (asked, age);
        }
    }
}

/// The resources that notifications tell of, with what happened to them, sorted.
fn told(received: &[Value]) -> Vec<(u64, String)> {
    let resources = received.iter().filter(|body| body["objectType"] == "ResourceInfo");
    let mut told: Vec<(u64, String)> = resources
        .map(|body| {
            let kind = body["notificationEventType"].as_u64().expect("a type");
            let of = if kind == 2 { &body["priorObjectState"] } else { &body["postObjectState"] };
            (kind, stage::node_name(of).to_owned())
        })
        .collect();
    told.sort_unstable();
    told
}
