//! Subscriptions from creation to deletion, and what arrives at the callback in between.

use netweave_tests::harness::Callbacks;
use netweave_tests::harness::client::{V1, V2};
use netweave_tests::harness::{Client, Gateway, Inventory, Setup, soon, until};
use serde_json::{Value, json};
use std::time::Duration;

/// A gateway that has read its inventory, a client, and callbacks.
async fn scene(servers: usize) -> (Gateway, Client, Inventory, Callbacks) {
    let inventory = Inventory::with_servers(servers);
    let gateway = Setup::embedded().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    // What changes before a source was first read is no change.
    client.get(&format!("{V2}/resourcePools/pool-a/resources")).await.expect(200);
    (gateway, client, inventory, Callbacks::start().await)
}

async fn subscribe(client: &Client, body: &Value) -> String {
    let created = client.post(&format!("{V2}/subscriptions"), body).await.expect(201).json();
    created["subscriptionId"].as_str().expect("an id").to_owned()
}

/// What a consumer was told about resources: event type and id of each.
fn told(received: &[Value]) -> Vec<(u64, String)> {
    let resources = received.iter().filter(|body| body["objectType"] == "ResourceInfo");
    resources
        .map(|body| {
            let kind = body["notificationEventType"].as_u64().expect("a type");
            let state = if kind == 2 { &body["priorObjectState"] } else { &body["postObjectState"] };
            (kind, state["resourceId"].as_str().expect("an id").to_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_subscription_is_created_read_listed_and_deleted() {
    let (_gateway, client, _inventory, consumer) = scene(1).await;
    let body = json!({ "callback": consumer.url("/a"), "consumerSubscriptionId": "mine", "filter": "(eq,resourcePoolId,pool-b)" });
    let created = client.post(&format!("{V2}/subscriptions"), &body).await.expect(201);
    let document = created.json();
    let id = document["subscriptionId"].as_str().expect("an id");
    let path = format!("{V2}/subscriptions/{id}");
    assert!(created.header("location").ends_with(&path), "{created:?}");
    assert!(
        !created.header("etag").is_empty() && created.header("x-o2ims-webhook-secret").starts_with("whsec_")
    );
    for (attribute, value) in body.as_object().expect("an object") {
        assert_eq!(document[attribute], *value);
    }
    let read = client.get(&path).await.expect(200);
    assert_eq!((read.json(), read.header("x-o2ims-webhook-secret")), (document.clone(), ""));
    assert_eq!(client.get(&format!("{V2}/subscriptions")).await.expect(200).list(), [document]);
    client.post(&format!("{V2}/subscriptions"), &body).await.problem(409);
    assert!(client.delete(&path).await.expect(204).body.is_empty());
    client.get(&path).await.problem(404);
    assert!(client.get(&format!("{V2}/subscriptions")).await.expect(200).list().is_empty());
}

#[tokio::test]
async fn what_belongs_to_another_does_not_exist() {
    let (gateway, client, _inventory, consumer) = scene(1).await;
    let id = subscribe(&client, &json!({ "callback": consumer.url("/a") })).await;
    let other = gateway.client("another");
    assert!(other.get(&format!("{V2}/subscriptions")).await.expect(200).list().is_empty());
    for path in [format!("{V2}/subscriptions/{id}"), format!("/netweave/v1/subscriptions/{id}")] {
        other.get(&path).await.problem(404);
        other.delete(&path).await.problem(404);
    }
    client.get(&format!("{V2}/subscriptions/{id}")).await.expect(200);
}

#[tokio::test]
async fn field_compatibility_answers_duplicates_and_deletions_as_v1_clients_expect() {
    let inventory = Inventory::with_servers(1);
    let gateway =
        Setup::memory().file("lab", &inventory).set("/api/compatibility", json!("field")).start().await;
    let client = gateway.client("smo");
    let body = json!({ "callback": "http://127.0.0.1:9/a" });
    let created = client.post(&format!("{V1}/subscriptions"), &body).await.expect(201).json();
    client.post(&format!("{V1}/subscriptions"), &body).await.problem(400);
    let id = created["subscriptionId"].as_str().expect("an id");
    client.delete(&format!("{V1}/subscriptions/{id}")).await.expect(200);
}

#[tokio::test]
async fn a_changed_file_is_told_within_a_second_in_order_and_signed() {
    let (_gateway, client, mut inventory, consumer) = scene(4).await;
    let created = client
        .post(&format!("{V2}/subscriptions"), &json!({ "callback": consumer.url("/a") }))
        .await
        .expect(201);
    consumer.trust("/a", created.header("x-o2ims-webhook-secret"));
    inventory.describe("server-00", "new words");
    let (first, _) =
        until(Duration::from_secs(1), "the notification", async || consumer.received("/a").first().cloned())
            .await;
    assert_eq!(told(std::slice::from_ref(&first)), [(1, "server-00".to_owned())]);
    assert_eq!(first["priorObjectState"]["description"], "server 0");
    assert_eq!(first["postObjectState"]["description"], "new words");
    assert!(
        first["objectRef"]
            .as_str()
            .is_some_and(|path| path.ends_with("/resourcePools/pool-a/resources/server-00")),
        "{first}"
    );
    assert_eq!(first["subscriptionId"], created.json()["subscriptionId"]);

    inventory.add("server-04", "pool-b");
    soon("the new server is told", async || consumer.received("/a").len() == 2).await;
    inventory.remove("server-01");
    soon("the removed server is told", async || consumer.received("/a").len() == 3).await;
    let received = consumer.received("/a");
    assert_eq!(told(&received)[1..], [(0, "server-04".to_owned()), (2, "server-01".to_owned())]);
    assert!(received[2].get("objectRef").is_none(), "a deleted object has no reference: {}", received[2]);
    let sequence: Vec<&Value> = received.iter().map(|body| &body["sequence"]).collect();
    assert_eq!(sequence, [1, 2, 3]);
    assert_eq!(consumer.badly_signed("/a"), 0, "a signature does not fit");
}

#[tokio::test]
async fn a_v1_subscriber_gets_states_as_text() {
    let (_gateway, client, mut inventory, consumer) = scene(1).await;
    client
        .post(&format!("{V1}/subscriptions"), &json!({ "callback": consumer.url("/v1") }))
        .await
        .expect(201);
    inventory.describe("server-00", "new words");
    soon("the notification", async || !consumer.received("/v1").is_empty()).await;
    let received = consumer.received("/v1");
    let state = received[0]["postObjectState"].as_str().expect("text");
    assert_eq!(serde_json::from_str::<Value>(state).expect("JSON in it")["description"], "new words");
}

#[tokio::test]
async fn a_filter_holds_back_what_it_matches() {
    let (_gateway, client, mut inventory, consumer) = scene(4).await;
    subscribe(&client, &json!({ "callback": consumer.url("/all") })).await;
    subscribe(&client, &json!({ "callback": consumer.url("/b"), "filter": "(eq,resourcePoolId,pool-a)" }))
        .await;
    subscribe(
        &client,
        &json!({ "callback": consumer.url("/types"), "filter": "(in,objectType,ResourceInfo)" }),
    )
    .await;
    for (server, words) in
        [("server-00", "one"), ("server-01", "two"), ("server-02", "three"), ("server-03", "four")]
    {
        inventory.describe(server, words);
        soon("the change is told", async || {
            consumer.received("/all").iter().any(|body| body["postObjectState"]["description"] == words)
        })
        .await;
    }
    soon("the filtered ones", async || consumer.received("/b").len() == 2).await;
    assert_eq!(told(&consumer.received("/b")), [(1, "server-01".to_owned()), (1, "server-03".to_owned())]);
    assert!(consumer.received("/types").is_empty());
}

#[tokio::test]
async fn a_consumer_that_was_down_gets_all_in_order_when_it_is_back() {
    let (_gateway, client, mut inventory, consumer) = scene(2).await;
    consumer.answer("/a", 503);
    let id = subscribe(&client, &json!({ "callback": consumer.url("/a") })).await;
    for words in ["one", "two", "three"] {
        inventory.describe("server-00", words);
        let path = format!("{V2}/resourcePools/pool-a/resources/server-00");
        soon("the change is served", async || client.get(&path).await.json()["description"] == words).await;
    }
    let own = format!("/netweave/v1/subscriptions/{id}");
    soon("three wait", async || client.get(&own).await.expect(200).json()["backlog"] == 3).await;
    consumer.answer("/a", 204);
    until(Duration::from_secs(30), "all three", async || (consumer.received("/a").len() == 3).then_some(()))
        .await;
    let words: Vec<Value> =
        consumer.received("/a").iter().map(|body| body["postObjectState"]["description"].clone()).collect();
    assert_eq!(words, ["one", "two", "three"]);
    soon("nothing waits", async || client.get(&own).await.expect(200).json()["backlog"] == 0).await;
}

#[tokio::test]
async fn a_callback_that_is_gone_suspends_and_a_replacement_delivers() {
    let (_gateway, client, mut inventory, consumer) = scene(2).await;
    consumer.answer("/gone", 410);
    let id = subscribe(&client, &json!({ "callback": consumer.url("/gone") })).await;
    inventory.describe("server-00", "one");
    let own = format!("/netweave/v1/subscriptions/{id}");
    soon("it is suspended", async || {
        client.get(&own).await.expect(200).json().to_string().contains("suspended")
    })
    .await;
    client.put(&own, &json!({ "callback": consumer.url("/here") })).await.expect(200);
    soon("what waited is delivered", async || consumer.received("/here").len() == 1).await;
    assert_eq!(told(&consumer.received("/here")), [(1, "server-00".to_owned())]);
}

#[tokio::test]
async fn a_refused_notification_is_a_dead_letter_that_can_be_replayed_under_its_old_id() {
    let (_gateway, client, mut inventory, consumer) = scene(2).await;
    consumer.answer("/a", 400);
    let id = subscribe(&client, &json!({ "callback": consumer.url("/a") })).await;
    inventory.describe("server-00", "one");
    let own = format!("/netweave/v1/subscriptions/{id}");
    // Five tries with growing pauses.
    until(Duration::from_mins(1), "the dead letter", async || {
        (client.get(&own).await.expect(200).json()["dead"] == 1).then_some(())
    })
    .await;
    let deliveries = client.get(&format!("{own}/deliveries")).await.expect(200).json().to_string();
    consumer.answer("/a", 204);
    client.post(&format!("{own}/replay"), &json!({})).await;
    soon("the replayed notification", async || !consumer.received("/a").is_empty()).await;
    let received = consumer.received("/a");
    let notification = received[0]["notificationId"].as_str().expect("an id");
    assert!(deliveries.contains(notification), "{notification} is not among {deliveries}");
}

#[tokio::test]
async fn a_dry_run_says_what_a_filter_would_hold_back() {
    let (_gateway, client, _inventory, consumer) = scene(1).await;
    let id = subscribe(
        &client,
        &json!({ "callback": consumer.url("/a"), "filter": "(eq,resourcePoolId,pool-a)" }),
    )
    .await;
    let change = |pool: &str| json!({ "objectType": "ResourceInfo", "post": { "resourceId": "x", "resourcePoolId": pool } });
    for (pool, sent) in [("pool-a", false), ("pool-b", true)] {
        let answer = client
            .post(&format!("/netweave/v1/subscriptions/{id}/dry-run"), &change(pool))
            .await
            .expect(200)
            .json();
        assert_eq!(answer["sent"], sent, "{answer}");
        let mut free = change(pool);
        free["filter"] = "(eq,resourcePoolId,pool-a)".into();
        let answer = client.post("/netweave/v1/subscriptions/dry-run", &free).await.expect(200).json();
        assert_eq!(answer["sent"], sent, "{answer}");
    }
}

#[tokio::test]
async fn a_lease_can_be_read_and_renewed_and_a_test_notice_sent() {
    let (_gateway, client, _inventory, consumer) = scene(1).await;
    let id = subscribe(&client, &json!({ "callback": consumer.url("/a") })).await;
    let own = format!("/netweave/v1/subscriptions/{id}");
    let before = client.get(&own).await.expect(200).json();
    assert!(before["expiresAt"].is_string() && before["backlog"] == 0, "{before}");
    let renewed = client.post(&format!("{own}/renew"), &json!({})).await.expect(200).json();
    assert!(renewed["expiresAt"].as_str() >= before["expiresAt"].as_str(), "{renewed}");
    let answer = client.post(&format!("{own}/test"), &json!({})).await;
    assert!([200, 202].contains(&answer.status), "{answer:?}");
    soon("the test notice", async || consumer.received("/a").len() == 1).await;
    let received = consumer.received("/a");
    assert_eq!(received[0]["notice"], "test");
    assert!(received[0].get("notificationEventType").is_none());
}

#[tokio::test]
async fn a_pending_notification_survives_a_kill_of_the_gateway() {
    let (mut gateway, client, mut inventory, consumer) = scene(2).await;
    consumer.answer("/a", 503);
    let id = subscribe(&client, &json!({ "callback": consumer.url("/a") })).await;
    inventory.describe("server-00", "one");
    let own = format!("/netweave/v1/subscriptions/{id}");
    soon("one waits", async || client.get(&own).await.expect(200).json()["backlog"] == 1).await;
    gateway.kill9();
    consumer.answer("/a", 204);
    gateway.restart().await;
    until(Duration::from_secs(30), "the notification", async || {
        (consumer.received("/a").len() == 1).then_some(())
    })
    .await;
    assert_eq!(told(&consumer.received("/a")), [(1, "server-00".to_owned())]);
}

#[tokio::test]
async fn a_callback_to_a_forbidden_address_is_refused() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory()
        .file("lab", &inventory)
        .set("/subscriptions/callback", json!({ "schemes": ["https", "http"], "allow": [] }))
        .start()
        .await;
    let client = gateway.client("smo");
    for callback in [
        "http://127.0.0.1:8080/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://0x7f000001/",
        "https://10.0.0.1/",
    ] {
        let problem =
            client.post(&format!("{V2}/subscriptions"), &json!({ "callback": callback })).await.problem(400);
        assert!(problem["invalidParams"].to_string().contains("callback"), "{problem}");
    }
}
