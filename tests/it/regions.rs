//! Two regions, each with gateways and servers of its own: one has the primary, the other follows until it is promoted.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::{Callbacks, Gateway, Inventory, RedisLab, Setup, soon};
use serde_json::{Value, json};

const SERVERS: &str = "/o2ims-infrastructureInventory/v2/resourcePools/pool-a/resources";

/// A gateway over a state in a region.
async fn gateway(state: Value, inventory: &Inventory) -> Gateway {
    Setup::state(state).file("lab", inventory).start().await
}

/// Waits until a gateway shows a description.
async fn shows(gateway: &Gateway, description: &str) {
    let client = gateway.client("smo");
    let is = |server: &Value| server["description"] == description;
    soon(description, async || client.get(SERVERS).await.list().iter().any(is)).await;
}

/// What readiness says about the state.
async fn state_of(gateway: &Gateway) -> String {
    let body = gateway.ops("/readyz?verbose").await.expect(200).json();
    let checks = body["checks"].as_array().expect("checks").clone();
    checks.iter().filter(|check| check["name"] == "state").map(|check| check["detail"].to_string()).collect()
}

#[tokio::test]
async fn a_replica_region_reads_until_it_is_promoted_and_then_goes_on_where_the_other_ended() {
    let Some(mut lab) = RedisLab::start().await else { return };
    let region = lab.region().await;
    let mut inventory = Inventory::with_servers(2);
    let mut state = lab.state();
    state["region"] = json!("east");
    let mut east = gateway(state, &inventory).await;
    east.client("smo").get(SERVERS).await.expect(200);
    let west = gateway(region.state("west"), &inventory).await;
    let consumer = Callbacks::start().await;
    let subscriptions = format!("{V2}/subscriptions");

    let body = json!({ "callback": consumer.url("/smo") });
    let created = east.client("smo").post(&subscriptions, &body).await.expect(201).json();
    let path = format!("{subscriptions}/{}", created["subscriptionId"].as_str().expect("an id"));
    let there = west.client("smo");
    soon("the subscription over there", async || there.get(&path).await.status == 200).await;
    assert_eq!(there.get(&path).await.expect(200).json(), created);

    let body = json!({ "callback": consumer.url("/other") });
    let refused = there.post(&subscriptions, &body).await;
    assert!(!refused.header("retry-after").is_empty());
    let problem = refused.problem(503);
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("read-only replica")), "{problem}");
    assert!(state_of(&west).await.contains("is a replica"));

    inventory.describe("server-00", "first");
    shows(&west, "first").await;
    soon("the notification", async || !consumer.received("/smo").is_empty()).await;
    let own = format!("/netweave/v1/subscriptions/{}", created["subscriptionId"].as_str().expect("an id"));
    soon("its end", async || there.get(&own).await.expect(200).json()["backlog"] == 0).await;

    east.kill9();
    lab.lose();
    region.promote();
    soon("writes", async || there.post(&subscriptions, &body).await.status == 201).await;
    there.get(&path).await.expect(200);
    inventory.describe("server-00", "second");
    soon("the next notification", async || consumer.received("/smo").len() > 1).await;
    let told = consumer.received("/smo");
    let states: Vec<_> = told.iter().map(|body| &body["postObjectState"]["description"]).collect();
    assert_eq!(states, ["first", "second"]);
    assert_eq!(told.iter().map(|body| &body["sequence"]).collect::<Vec<_>>(), [1, 2]);

    let late = gateway(region.state("east"), &inventory).await;
    soon("the other region to be known", async || state_of(&late).await.contains("another region")).await;
    let promoted =
        command(late.folder(), &["redis", "promote", "-c", "netweave.yaml"]).output().expect("a command");
    assert!(promoted.status.success(), "{promoted:?}");
    soon("the region to be its own", async || !state_of(&late).await.contains("another region")).await;
    inventory.describe("server-00", "third");
    soon("the last notification", async || consumer.received("/smo").len() > 2).await;
}
