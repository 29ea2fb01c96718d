//! Bounds of tenants: what all identities that act for one use together, while others go on.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Callbacks, Client, Gateway, Inventory, Setup, soon};
use serde_json::{Value, json};
use std::time::Duration;

/// A gateway on which `a-*` act for a tenant with these bounds, and everybody else for none.
async fn gateway(bounds: Value, inventory: &Inventory) -> Gateway {
    let mut tenant = bounds;
    tenant["name"] = "acme".into();
    let rule = json!({ "match": "spiffe://test/a-*", "roles": ["reader", "subscriber"], "tenant": "acme" });
    let access = json!({ "tenants": [tenant], "rules": [rule] });
    Setup::memory().file("lab", inventory).set("/access", access).start().await
}

async fn subscribe(client: &Client, callback: &str) -> u16 {
    client.post(&format!("{V2}/subscriptions"), &json!({ "callback": callback })).await.status
}

#[tokio::test]
async fn a_tenants_identities_share_its_rate_and_nobody_else_does() {
    let inventory = Inventory::with_servers(1);
    let gateway = gateway(json!({ "rate": { "rate": 1, "burst": 6 } }), &inventory).await;
    let (one, two) = (gateway.client("a-1"), gateway.client("a-2"));
    let mut refused = 0;
    for _ in 0..10 {
        for client in [&one, &two] {
            let answer = client.get("/netweave/v1/self").await;
            if answer.status != 200 {
                answer.problem(429);
                refused += 1;
            }
        }
    }
    assert!(refused >= 8, "{refused} of 20 were refused, with a burst of 6");
    assert!(refused <= 14, "{refused} of 20 were refused, with a burst of 6");
    gateway.client("somebody").get("/netweave/v1/self").await.expect(200);
    let counted = gateway.metric("netweave_requests_limited_total{limit=\"tenant\"}").await;
    assert_eq!(counted, Some(f64::from(refused)));
}

#[tokio::test]
async fn a_tenants_identities_share_its_subscriptions() {
    let inventory = Inventory::with_servers(1);
    let gateway = gateway(json!({ "subscriptions": 2 }), &inventory).await;
    let callbacks = Callbacks::start().await;
    let (one, two) = (gateway.client("a-1"), gateway.client("a-2"));
    assert_eq!(subscribe(&one, &callbacks.url("/1")).await, 201);
    assert_eq!(subscribe(&two, &callbacks.url("/2")).await, 201);
    assert_eq!(subscribe(&one, &callbacks.url("/3")).await, 429);
    assert_eq!(subscribe(&gateway.client("somebody"), &callbacks.url("/4")).await, 201);
    let told = one.get("/netweave/v1/self").await.expect(200).json();
    assert_eq!(told["tenantLimits"], json!({ "subscriptions": { "used": 2, "allowed": 2 } }));
    assert_eq!(told["subscriptions"]["used"], 1);
    let its = one.get(&format!("{V2}/subscriptions")).await.expect(200).list();
    let id = its[0]["subscriptionId"].as_str().expect("an id");
    one.ask(http::Method::DELETE, &format!("{V2}/subscriptions/{id}"), &[], "").await.expect("an answer");
    assert_eq!(subscribe(&two, &callbacks.url("/3")).await, 201);
}

#[tokio::test]
async fn a_tenants_notifications_wait_for_each_other_and_keep_nobody_else_waiting() {
    let mut inventory = Inventory::with_servers(1);
    let gateway = gateway(json!({ "notifications": 1 }), &inventory).await;
    let (slow, quick) = (Callbacks::start().await, Callbacks::start().await);
    let paths = ["/1", "/2", "/3"];
    for (client, path) in ["a-1", "a-2", "a-2"].into_iter().zip(paths) {
        // Longer than a worker waits for its turn, so that one which comes too early is seen.
        slow.hold(path, Duration::from_millis(600));
        assert_eq!(subscribe(&gateway.client(client), &slow.url(path)).await, 201);
    }
    assert_eq!(subscribe(&gateway.client("somebody"), &quick.url("/")).await, 201);
    inventory.describe("server-00", "changed");
    soon("everybody else is told", async || quick.received("/").len() == 1).await;
    soon("the tenant is told", async || paths.iter().all(|path| slow.received(path).len() == 1)).await;
    assert_eq!(slow.most_at_once(), 1);
}
