//! Scopes hold for notifications and replays: who may not see an object is not told of it.

use crate::scopes;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Callbacks, Client, soon};
use serde_json::{Value, json};

async fn subscribe(client: &Client, callback: &str) -> String {
    let created =
        client.post(&format!("{V2}/subscriptions"), &json!({ "callback": callback })).await.expect(201);
    created.json()["subscriptionId"].as_str().expect("an id").to_owned()
}

/// What was told about resources: event type and id of each, in order.
fn resources(bodies: &[Value]) -> Vec<(u64, String)> {
    let of = bodies.iter().filter(|body| body["objectType"] == "ResourceInfo");
    of.map(|body| {
        let kind = body["notificationEventType"].as_u64().expect("a type");
        let state = if kind == 2 { &body["priorObjectState"] } else { &body["postObjectState"] };
        (kind, state["resourceId"].as_str().expect("an id").to_owned())
    })
    .collect()
}

#[tokio::test]
async fn a_resource_that_leaves_or_enters_what_may_be_seen_is_deleted_or_created() {
    let (gateway, mut lab, mut far) = scopes::gateway().await;
    let callbacks = Callbacks::start().await;
    let mut ids = Vec::new();
    for name in ["all", "a", "one", "none"] {
        let client = gateway.client(name);
        client.get("/netweave/v1/self").await.expect(200);
        ids.push(subscribe(&client, &callbacks.url(&format!("/{name}"))).await);
    }
    gateway.client("all").get(&format!("{V2}/resourcePools/pool-a/resources")).await.expect(200);
    gateway.client("all").get(&format!("{V2}/resourcePools/pool-c/resources")).await.expect(200);
    let move_to = |lab: &mut netweave_tests::harness::Inventory, key: &str, pool: &str| {
        lab.edit(|document| {
            let all = document["resources"].as_array_mut().expect("resources");
            let server = all.iter_mut().find(|server| server["key"] == key).expect("a known server");
            server["pool"] = pool.into();
        });
    };
    move_to(&mut lab, "a-0", "pool-b");
    let of = |name: &str| resources(&callbacks.received(&format!("/{name}")));
    soon("the first move is told", async || !of("all").is_empty() && !of("one").is_empty()).await;
    move_to(&mut lab, "b-0", "pool-a");
    far.describe("c-0", "changed");
    lab.describe("a-1", "changed");
    soon("the last change is told", async || {
        of("all").len() == 4 && of("a").len() == 3 && of("one").len() == 2
    })
    .await;
    let event = |kind: u64, id: &str| (kind, id.to_owned());
    let sorted = |name: &str| {
        let mut told = of(name);
        told.sort();
        told
    };
    assert_eq!(sorted("a"), [event(0, "b-0"), event(1, "a-1"), event(2, "a-0")]);
    assert_eq!(sorted("one"), [event(0, "a-0"), event(2, "b-0")]);
    assert!(of("none").is_empty());

    // A replay tells no more than there was to tell.
    let before = of("one").len();
    let path = format!("/netweave/v1/subscriptions/{}/replay", ids[2]);
    let replayed =
        gateway.client("one").post(&path, &json!({ "since": "2020-01-01T00:00:00Z" })).await.expect(202);
    assert_eq!(replayed.json()["changes"], 2, "{replayed:?}");
    soon("the replay is told", async || of("one").len() == before + 2).await;
    assert!(of("one").iter().all(|(_, id)| ["a-0", "b-0"].contains(&id.as_str())));
}

#[tokio::test]
async fn a_dry_run_says_what_is_out_of_scope() {
    let (gateway, _lab, _far) = scopes::gateway().await;
    let ask = async |name: &str, pool: &str| {
        let change =
            json!({ "objectType": "ResourceInfo", "post": { "resourceId": "x", "resourcePoolId": pool } });
        let answer =
            gateway.client(name).post("/netweave/v1/subscriptions/dry-run", &change).await.expect(200).json();
        (
            answer["sent"].as_bool().expect("a verdict"),
            answer["reason"].as_str().expect("a reason").to_owned(),
        )
    };
    assert_eq!(ask("a", "pool-a").await, (true, "notExcluded".to_owned()));
    assert_eq!(ask("a", "pool-b").await, (false, "outOfScope".to_owned()));
    assert_eq!(ask("all", "pool-b").await, (true, "notExcluded".to_owned()));
}
