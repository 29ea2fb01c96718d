//! The embedded store: what was acknowledged is there after an end, orderly or not.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Client, Gateway, Inventory, Setup, soon};
use serde_json::{Value, json};
use std::time::Duration;

async fn subscribe(client: &Client, callback: &str) -> Value {
    let body = json!({ "callback": callback, "consumerSubscriptionId": "mine" });
    client.post(&format!("{V2}/subscriptions"), &body).await.expect(201).json()
}

async fn still_there(gateway: &Gateway, subscription: &Value) {
    let client = gateway.client("smo");
    let id = subscription["subscriptionId"].as_str().expect("an id");
    assert_eq!(client.get(&format!("{V2}/subscriptions/{id}")).await.expect(200).json(), *subscription);
    assert_eq!(
        client.get(&format!("{V2}/subscriptions")).await.expect(200).list(),
        std::slice::from_ref(subscription)
    );
}

#[tokio::test]
async fn a_subscription_survives_an_orderly_restart() {
    let inventory = Inventory::with_servers(2);
    let mut gateway = Setup::embedded().file("lab", &inventory).start().await;
    let subscription = subscribe(&gateway.client("smo"), "http://127.0.0.1:9/inbox").await;
    gateway.terminate();
    assert_eq!(gateway.ended(Duration::from_secs(20)).await.0.code(), Some(0));
    gateway.restart().await;
    still_there(&gateway, &subscription).await;
}

#[tokio::test]
async fn a_subscription_survives_a_kill() {
    let inventory = Inventory::with_servers(2);
    let mut gateway = Setup::embedded().file("lab", &inventory).start().await;
    let subscription = subscribe(&gateway.client("smo"), "http://127.0.0.1:9/inbox").await;
    gateway.kill9();
    gateway.restart().await;
    still_there(&gateway, &subscription).await;
}

#[tokio::test]
async fn the_inventory_is_served_from_the_store_when_its_source_is_gone_at_the_start() {
    let inventory = Inventory::with_servers(4);
    let mut gateway = Setup::embedded().file("lab", &inventory).start().await;
    let path = format!("{V2}/resourcePools/pool-a/resources");
    let before = gateway.client("smo").get(&path).await.expect(200).list();
    gateway.kill9();
    inventory.vanish();
    gateway.restart().await;
    assert_eq!(gateway.client("smo").get(&path).await.expect(200).list(), before);
}

#[tokio::test]
async fn changes_made_while_the_gateway_was_down_are_seen_after() {
    let mut inventory = Inventory::with_servers(4);
    let mut gateway = Setup::embedded().file("lab", &inventory).start().await;
    gateway.kill9();
    inventory.add("server-new", "pool-a");
    inventory.remove("server-00");
    gateway.restart().await;
    let client = gateway.client("smo");
    let path = format!("{V2}/resourcePools/pool-a/resources");
    soon("the new file is served", async || {
        client.get(&format!("{path}/server-new")).await.status == 200
            && client.get(&format!("{path}/server-00")).await.status == 404
    })
    .await;
}

#[tokio::test]
async fn a_second_gateway_on_the_same_file_does_not_start() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::embedded().file("lab", &inventory).start().await;
    let conf = std::fs::read_to_string(gateway.folder().join("netweave.yaml")).expect("the configuration");
    let other = netweave_tests::harness::ports::Port::reserve();
    let third = netweave_tests::harness::ports::Port::reserve();
    let mut conf: Value = serde_json::from_str(&conf).expect("JSON");
    conf["api"]["listen"] = json!([other.address()]);
    conf["ops"]["listen"] = json!(third.address());
    std::fs::write(gateway.folder().join("second.yaml"), conf.to_string()).expect("the second configuration");
    let output = tokio::process::Command::new(netweave_tests::harness::gateway::program())
        .args(["serve", "-c", "second.yaml"])
        .current_dir(gateway.folder())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(20), output)
        .await
        .expect("it ends by itself")
        .expect("it starts");
    assert!(!output.status.success(), "{output:?}");
    gateway.client("smo").get(V2).await.expect(200);
}
