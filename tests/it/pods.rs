//! Two gateways on one Redis: what one of them acknowledges or sees is true for both.

use http::StatusCode;
use netweave::webhook::inbox::Answer;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::consumer::Consumer;
use netweave_tests::harness::{Callbacks, Gateway, Inventory, RedisServer, Setup, figures, soon, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const SERVERS: &str = "/o2ims-infrastructureInventory/v2/resourcePools/pool-a/resources";
/// Longest time until a pod takes over what a dead one did, its sources and what it had claimed: about four seconds, and
/// what a busy machine needs.
const TAKE_OVER: Duration = Duration::from_secs(10);

/// Two pods over the same inventory; `None` without a Redis, unless peers are required.
async fn pods(inventory: &Inventory) -> Option<(RedisServer, [Gateway; 2])> {
    let redis = RedisServer::start().await?;
    let one = Setup::redis(&redis.url()).file("lab", inventory).start().await;
    one.client("smo").get(SERVERS).await.expect(200);
    let two = Setup::redis(&redis.url()).file("lab", inventory).start().await;
    Some((redis, [one, two]))
}

fn descriptions(list: &[Value]) -> Vec<&str> {
    list.iter().filter_map(|server| server["description"].as_str()).collect()
}

#[tokio::test]
async fn what_one_pod_acknowledged_the_other_has() {
    let inventory = Inventory::with_servers(4);
    let Some((_redis, [one, two])) = pods(&inventory).await else { return };
    let body = json!({ "callback": "http://127.0.0.1:9/smo" });
    let created = one.client("smo").post(&format!("{V2}/subscriptions"), &body).await.expect(201).json();
    let path = format!("{V2}/subscriptions/{}", created["subscriptionId"].as_str().expect("an id"));
    assert_eq!(two.client("smo").get(&path).await.expect(200).json(), created);
    two.client("smo").delete(&path).await.expect(204);
    one.client("smo").get(&path).await.problem(404);
}

/// Whichever pod watches a source begins again, also if another one is asked.
#[tokio::test]
async fn any_pod_can_have_a_source_read_anew() {
    let inventory = Inventory::with_servers(1);
    let Some((_redis, pods)) = pods(&inventory).await else { return };
    let beginnings =
        || pods.iter().map(|pod| pod.log().matches("watching the source").count()).sum::<usize>();
    for pod in &pods {
        let before = beginnings();
        let path = "/netweave/v1/sources/lab/refresh";
        let watched = async || (pod.client("smo").post(path, &Value::Null).await.status == 202).then_some(());
        until(TAKE_OVER, "the source to be watched", watched).await;
        soon("the source is read anew", async || beginnings() > before).await;
    }
}

/// An operator looks with `KEYS "subscription:*"` and `GET "subscription:<id>"`.
#[tokio::test]
async fn there_is_one_readable_key_per_subscription_and_no_secret_in_it() {
    let inventory = Inventory::with_servers(1);
    let Some((redis, [one, _two])) = pods(&inventory).await else { return };
    let mut created = Vec::new();
    for path in ["a", "b"] {
        let body =
            json!({ "callback": format!("http://127.0.0.1:9/{path}"), "consumerSubscriptionId": "mine" });
        created.push(one.client("smo").post(&format!("{V2}/subscriptions"), &body).await.expect(201).json());
    }
    let mut keys = redis.ask(&["KEYS", "subscription:*"]);
    keys.sort();
    let id =
        |document: &Value| format!("subscription:{}", document["subscriptionId"].as_str().expect("an id"));
    let mut expected: Vec<_> = created.iter().map(id).collect();
    expected.sort();
    assert_eq!(keys, expected);
    for document in &created {
        let shown: Value = serde_json::from_str(&redis.ask(&["GET", &id(document)])[0]).expect("JSON");
        assert_eq!(shown, *document);
    }
}

#[tokio::test]
async fn a_change_reaches_both_pods_and_is_told_once_also_after_the_leader_died() {
    let mut inventory = Inventory::with_servers(4);
    let Some((_redis, [mut one, two])) = pods(&inventory).await else { return };
    let consumer = Callbacks::start().await;
    let body = json!({ "callback": consumer.url("/smo") });
    let client = two.client("smo");
    let created = client.post(&format!("{V2}/subscriptions"), &body).await.expect(201).json();
    inventory.describe("server-00", "first");
    for pod in [&one, &two] {
        let client = pod.client("smo");
        soon("the change", async || descriptions(&client.get(SERVERS).await.list()).contains(&"first")).await;
    }
    soon("the notification", async || !consumer.received("/smo").is_empty()).await;
    // A pod that dies before it noted the answer has the other one say it again.
    let own = format!("/netweave/v1/subscriptions/{}", created["subscriptionId"].as_str().expect("an id"));
    soon("its end", async || client.get(&own).await.expect(200).json()["backlog"] == 0).await;
    // The first pod leads the source: it was there first.
    one.kill9();
    inventory.describe("server-00", "second");
    let told = until(TAKE_OVER, "the other pod", async || {
        let told = consumer.received("/smo");
        (told.len() > 1).then_some(told)
    });
    let (told, _) = told.await;
    let states: Vec<_> = told.iter().map(|body| &body["postObjectState"]["description"]).collect();
    assert_eq!(states, ["first", "second"]);
    assert_eq!(told.iter().map(|body| &body["sequence"]).collect::<Vec<_>>(), [1, 2]);
}

/// The claim was for a minute and a half: it is not waited for.
#[tokio::test]
async fn a_delivery_in_flight_when_its_pod_was_killed_is_made_by_another_one() {
    let mut inventory = Inventory::with_servers(1);
    let Some(redis) = RedisServer::start().await else { return };
    let pod = async |inventory: &Inventory| {
        let setup = Setup::redis(&redis.url()).file("lab", inventory);
        setup.set("/delivery/timeout", json!("30s")).start().await
    };
    let mut one = pod(&inventory).await;
    one.client("smo").get(SERVERS).await.expect(200);
    let consumer = Consumer::start().await;
    let never = Answer { status: StatusCode::NO_CONTENT, delay: Duration::from_mins(5), retry_after: None };
    consumer.answer_next([never]);
    let body = json!({ "callback": consumer.url("smo") });
    one.client("smo").post(&format!("{V2}/subscriptions"), &body).await.expect(201);
    for description in ["first", "second"] {
        inventory.describe("server-00", description);
        let client = one.client("smo");
        soon("the change", async || descriptions(&client.get(SERVERS).await.list()).contains(&description))
            .await;
    }
    consumer.wait_for(1).await;
    let _two = pod(&inventory).await;
    one.kill9();
    let again = async || (consumer.count() >= 3).then_some(());
    let ((), took) = until(TAKE_OVER, "the other pod's deliveries", again).await;
    figures::record(&format!("killed_pods_delivery_resumed_s={:.1}", took.as_secs_f64()));
    let told = consumer.received();
    assert_eq!(told.iter().map(|told| told.sequence).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(told[0].body, told[1].body, "the same notification");
}

/// How many of six sources each pod leads, by the name under which it holds their leases; what nobody leads is left out.
fn leaders(redis: &RedisServer) -> BTreeMap<String, usize> {
    let mut leaders = BTreeMap::new();
    for source in 0..6 {
        for holder in redis.ask(&["HMGET", &format!("lease:source:s{source}"), "holder"]) {
            *leaders.entry(holder).or_default() += 1;
        }
    }
    leaders.remove("");
    leaders
}

/// Waits until the sources are spread like this; returns how long that took.
async fn spread(redis: &RedisServer, wanted: &[usize], limit: Duration) -> Duration {
    let is_spread = async || leaders(redis).into_values().eq(wanted.iter().copied()).then_some(());
    until(limit, "the leases to be spread", is_spread).await.1
}

#[tokio::test]
async fn sources_are_spread_over_the_pods_and_handed_over_by_one_that_ends() {
    let inventory = Inventory::with_servers(1);
    let Some(redis) = RedisServer::start().await else { return };
    let pod = async || {
        let setup = Setup::redis(&redis.url());
        (0..6).fold(setup, |setup, n| setup.file(&format!("s{n}"), &inventory)).start().await
    };
    let mut one = pod().await;
    spread(&redis, &[6], TAKE_OVER).await;
    let first = leaders(&redis).into_keys().next().expect("a leader");
    let _others = [pod().await, pod().await];
    spread(&redis, &[2, 2, 2], 2 * TAKE_OVER).await;
    one.terminate();
    let took = spread(&redis, &[3, 3], TAKE_OVER).await;
    figures::record(&format!("sources_handed_over_s={:.2}", took.as_secs_f64()));
    assert!(!leaders(&redis).contains_key(&first));
    assert!(took < Duration::from_secs(2), "they were given back and did not run out: {took:?}");
    one.ended(TAKE_OVER).await;
}
