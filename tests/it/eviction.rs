//! Keys that vanish from a Redis while gateways live, by a hand or because memory is full: subscriptions come back by
//! themselves, and go on being told.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::{Callbacks, Client, Gateway, Inventory, RedisServer, Setup, soon, until};
use serde_json::{Value, json};
use std::time::Duration;

const SERVERS: &str = "/o2ims-infrastructureInventory/v2/resourcePools/pool-a/resources";
/// Longest time until what vanished is back: a comparison each five seconds, on a busy machine.
const BACK: Duration = Duration::from_secs(30);

/// How many subscriptions there are.
fn count() -> usize {
    if std::env::var_os("NETWEAVE_FULL").is_some() { 500 } else { 50 }
}

/// Whether a notification tells its consumer to read the inventory again.
fn is_resync(body: &Value) -> bool {
    body["notice"] == "resync"
}

struct Stage {
    redis: RedisServer,
    gateway: Gateway,
    inventory: Inventory,
    consumer: Callbacks,
    client: Client,
    ids: Vec<String>,
}

impl Stage {
    /// A gateway with subscriptions, each with a callback path of its own; `None` without a Redis.
    async fn new(arguments: &[&str]) -> Option<Self> {
        let redis = RedisServer::start_with(arguments).await?;
        let setup = Setup::redis(&redis.url());
        Some(Self::on(redis, setup).await)
    }

    async fn on(redis: RedisServer, setup: Setup) -> Self {
        let inventory = Inventory::with_servers(2);
        let setup = setup.set("/subscriptions/perOwner", json!(1000));
        let gateway = setup.file("lab", &inventory).start().await;
        let (consumer, client) = (Callbacks::start().await, gateway.client("smo"));
        client.get(SERVERS).await.expect(200);
        let mut ids = Vec::new();
        for n in 0..count() {
            let body = json!({ "callback": consumer.url(&format!("/{n}")) });
            let made = client.post(&format!("{V2}/subscriptions"), &body).await.expect(201).json();
            ids.push(made["subscriptionId"].as_str().expect("an id").to_owned());
        }
        Self { redis, gateway, inventory, consumer, client, ids }
    }

    /// Waits until a change has been told to every subscription.
    async fn tell(&mut self, text: &str) {
        self.inventory.describe("server-00", text);
        let told = |body: &Value| body["postObjectState"]["description"] == text;
        until(BACK, "the change to be told to all", async || {
            let heard = |n: &usize| self.consumer.received(&format!("/{n}")).iter().any(told);
            (0..self.ids.len()).all(|n| heard(&n)).then_some(())
        })
        .await;
    }

    /// Makes a change and waits until it is served.
    async fn seen(&mut self, text: &str) {
        self.inventory.describe("server-00", text);
        until(BACK, "the change to be seen", async || {
            let servers = self.client.get(SERVERS).await.list();
            servers.iter().any(|server| server["description"] == text).then_some(())
        })
        .await;
    }

    /// Waits until the keys that an operator looks at are all there.
    async fn whole(&self) {
        let mut expected: Vec<String> = self.ids.iter().map(|id| format!("subscription:{id}")).collect();
        expected.sort();
        until(BACK, "the subscriptions to be back", async || {
            let mut keys = self.redis.ask(&["KEYS", "subscription:*"]);
            keys.sort();
            (keys == expected).then_some(())
        })
        .await;
    }

    async fn readable(&self) {
        for id in &self.ids {
            self.client.get(&format!("{V2}/subscriptions/{id}")).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_server_that_lost_everything_has_all_subscriptions_again() {
    let Some(mut stage) = Stage::new(&[]).await else { return };
    stage.tell("before").await;
    stage.redis.ask(&["FLUSHALL"]);
    stage.whole().await;
    stage.readable().await;
    assert_eq!(stage.gateway.metric("netweave_redis_switches_total").await, Some(1.0));
    // The log is gone with the rest: all are told to read again, and changes are told from the next listing on.
    until(BACK, "the notices", async || {
        let told = |n: usize| stage.consumer.received(&format!("/{n}")).iter().any(is_resync);
        (0..count()).all(told).then_some(())
    })
    .await;
    let listings = || stage.gateway.log().matches("watching the source").count();
    until(BACK, "the next listing", async || (listings() > 1).then_some(())).await;
    stage.seen("first").await;
    stage.tell("after").await;
}

#[tokio::test]
async fn keys_deleted_by_hand_are_put_back() {
    let Some(mut stage) = Stage::new(&[]).await else { return };
    stage.tell("before").await;
    let keys = ["subscription", "submeta", "qmeta"];
    for (key, id) in keys.iter().zip(&stage.ids) {
        stage.redis.ask(&["DEL", &format!("{key}:{id}")]);
    }
    stage.redis.ask(&["ZREM", "subs:all", &stage.ids[3]]);
    stage.redis.ask(&["DEL", "subs:exp"]);
    stage.whole().await;
    let indices = ["subs:all", "subs:exp"];
    for index in indices {
        soon(index, async || stage.redis.ask(&["ZCARD", index]) == [count().to_string()]).await;
    }
    stage.readable().await;
    // What happened while it was not there was not told, so its consumer is told to read again.
    soon("the notice", async || stage.consumer.received("/1").iter().any(is_resync)).await;
    stage.tell("after").await;
    assert!(!stage.consumer.received("/5").iter().any(is_resync), "nobody else missed anything");
}

/// One that was deleted by its owner stays deleted, although the process knew it.
#[tokio::test]
async fn what_its_owner_deleted_does_not_come_back() {
    let Some(mut stage) = Stage::new(&[]).await else { return };
    let gone = stage.ids.remove(0);
    stage.client.delete(&format!("{V2}/subscriptions/{gone}")).await.expect(204);
    stage.redis.ask(&["DEL", &format!("submeta:{}", stage.ids[0]), "subs:all"]);
    soon("a comparison", async || stage.gateway.metric("netweave_redis_mended_total").await > Some(0.0))
        .await;
    stage.whole().await;
    stage.client.get(&format!("{V2}/subscriptions/{gone}")).await.problem(404);
}

/// A server that is full may drop everything of subscriptions but the history of their changes, which then names what is not there.
#[tokio::test]
async fn what_the_history_alone_remembers_comes_back() {
    let Some(mut stage) = Stage::new(&[]).await else { return };
    stage.tell("before").await;
    let script = "for _, key in ipairs(redis.call('KEYS', 'sub*')) do if key ~= 'subs:hist' then redis.call('DEL', key) end end";
    stage.redis.ask(&["EVAL", script, "0"]);
    stage.whole().await;
    stage.readable().await;
    stage.tell("after").await;
}

/// A full server drops each key by itself, so of what is written together a half may be left.
#[tokio::test]
async fn the_half_that_is_left_is_no_error() {
    let Some(mut stage) = Stage::new(&[]).await else { return };
    let id = stage.ids[0].clone();
    let own = format!("/netweave/v1/subscriptions/{id}");
    // The end of held leases without the time at which they are held, and the other way round.
    for half in ["sys:hold", "sys:held"] {
        stage.redis.ask(&["SET", half, "9007199254740992"]);
        stage.client.get(&own).await.expect(200);
        stage.redis.ask(&["DEL", half]);
    }
    // A queue without what is known of it.
    stage.consumer.answer("/0", 503);
    stage.inventory.describe("server-00", "waits");
    let queue = format!("q:{id}");
    soon("an item that waits", async || stage.redis.ask(&["LLEN", &queue]) == ["1"]).await;
    stage.redis.ask(&["DEL", &format!("qmeta:{id}")]);
    stage.client.get(&own).await.expect(200);
}

/// Fills the server with what a cache would hold, in steps that leave room for others.
fn flood(redis: &RedisServer) {
    let script =
        "for n = 1, 200 do redis.call('SET', 'flood:' .. ARGV[1] .. ':' .. n, string.rep('x', 1000)) end";
    for step in 0..100 {
        redis.ask(&["EVAL", script, "0", &step.to_string()]);
    }
}

/// The installation that the seed describes: one server for everything, which drops what was not used for long.
#[tokio::test]
async fn a_full_server_that_drops_keys_is_named_and_loses_no_subscription() {
    let limits = ["--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(mut stage) = Stage::new(&limits).await else { return };
    stage.tell("before").await;
    // The worst case: the subscriptions are the first that go.
    for id in &stage.ids {
        stage.redis.ask(&["DEL", &format!("subscription:{id}"), &format!("submeta:{id}")]);
    }
    flood(&stage.redis);
    let evicted = r#"netweave_redis_evicted_keys{role="state"}"#;
    soon("the evictions to be counted", async || stage.gateway.metric(evicted).await > Some(0.0)).await;
    let ready = stage.gateway.ops("/readyz?verbose").await.expect(200).json();
    assert_eq!(ready["status"], "degraded");
    assert!(ready.to_string().contains("drops any key when its memory is full (allkeys-lru)"), "{ready}");
    let check = command(stage.gateway.folder(), &["redis", "check", "-c", "netweave.yaml"]).output();
    assert_eq!(check.expect("the program starts").status.code(), Some(1));
    // As long as it is full it may drop anything again, also what was put back just now: nothing holds by a certain time.
    stage.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    stage.whole().await;
    stage.readable().await;
    // What the server dropped of the inventory is read again, so the first change may not be told as one.
    stage.seen("first").await;
    stage.tell("after").await;
}

/// The installation that is recommended: what may be dropped is on a server of its own.
#[tokio::test]
async fn a_full_cache_costs_no_subscription() {
    let Some(cache) = RedisServer::start_cache("8mb").await else { return };
    let Some(redis) = RedisServer::start().await else { return };
    let setup = Setup::redis(&redis.url()).set("/cache/redis", cache.section());
    let mut stage = Stage::on(redis, setup).await;
    flood(&cache);
    let dropped = cache.ask(&["INFO", "stats"]).concat();
    assert!(!dropped.contains("evicted_keys:0\r"), "{dropped}");
    stage.whole().await;
    stage.readable().await;
    stage.tell("after").await;
    assert_eq!(stage.gateway.metric("netweave_redis_mended_total").await, Some(0.0));
    assert_eq!(stage.gateway.metric(r#"netweave_redis_evicted_keys{role="state"}"#).await, Some(0.0));
}
