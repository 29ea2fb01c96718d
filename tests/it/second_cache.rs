//! The second level of the response cache: what one pod made, the others find, and nobody ever waits for it.

use netweave_tests::harness::client::{Answer, V2};
use netweave_tests::harness::{Gateway, Inventory, Pki, RedisLab, RedisServer, Setup, soon, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SERVERS: &str = "/o2ims-infrastructureInventory/v2/resourcePools/pool-a/resources";
/// Where `RedisServer::start_cache` keeps within: nothing here comes near it.
const MEMORY: &str = "64mb";

/// A gateway with state of its own, so that pods agree on nothing but the contents.
fn setup(inventory: &Inventory, cache: &Value) -> Setup {
    Setup::memory().file("lab", inventory).set("/cache/redis", cache.clone())
}

async fn pod(inventory: &Inventory, cache: &Value) -> Gateway {
    setup(inventory, cache).start().await
}

/// Asks for a page that no other test query means.
async fn ask(pod: &Gateway, query: &str) -> Answer {
    pod.client("smo").get(&format!("{SERVERS}?{query}")).await.expect(200)
}

async fn count(pod: &Gateway, sample: &str) -> u64 {
    let value = pod.metric(sample).await.unwrap_or_default();
    format!("{value:.0}").parse().expect("a count")
}

async fn fills(pod: &Gateway) -> u64 {
    count(pod, "netweave_cache_second_fills_total").await
}

async fn misses_of_any(pod: &Gateway) -> u64 {
    let mut all = 0;
    for reason in ["absent", "damaged", "late", "failed", "resting"] {
        all += misses(pod, reason).await;
    }
    all
}

async fn misses(pod: &Gateway, reason: &str) -> u64 {
    count(pod, &format!("netweave_cache_second_misses_total{{reason=\"{reason}\"}}")).await
}

/// Whether a pod's cache answered when somebody last looked.
async fn pod_up(pod: &Gateway) -> Option<f64> {
    pod.metric("netweave_redis_up{role=\"cache\"}").await
}

/// How many answers were made of views.
async fn evaluations(pod: &Gateway) -> u64 {
    count(pod, "o2ims_adapter_cache_misses_total{class=\"resourceLists\"}").await
}

/// Has a pod make an answer that is stored; returns the query with it.
///
/// A look-up that a busy machine delays is given up, and nothing is stored for a moment: then another question is asked.
async fn fill(pod: &Gateway, what: &str) -> (String, Answer) {
    let mut round = 0;
    let made = until(Duration::from_secs(10), "an answer to be stored", async || {
        round += 1;
        let before = fills(pod).await;
        let query = format!("filter=(neq,description,{what}-{round})&limit=2");
        let answer = ask(pod, &query).await;
        assert_eq!(answer.header("x-cache"), "MISS", "{query}");
        let begin = Instant::now();
        while fills(pod).await == before {
            if begin.elapsed() > Duration::from_millis(200) {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Some((query, answer))
    });
    made.await.0
}

/// Asks until one pod finds what another one made; returns the query, and both answers.
async fn share(one: &Gateway, two: &Gateway, what: &str) -> (String, Answer, Answer) {
    let mut round = 0;
    let found = until(Duration::from_secs(10), "the pods to share", async || {
        round += 1;
        let (query, made) = fill(one, &format!("{what}-{round}")).await;
        let found = ask(two, &query).await;
        (found.header("x-cache") == "HIT-SHARED").then_some((query, made, found))
    });
    found.await.0
}

#[tokio::test]
async fn what_one_pod_made_the_others_find_and_evaluate_nothing() {
    let Some(cache) = RedisServer::start_cache(MEMORY).await else { return };
    let Some(state) = RedisServer::start().await else { return };
    let inventory = Inventory::with_servers(40);
    let of = || Setup::redis(&state.url()).file("lab", &inventory).set("/cache/redis", cache.section());
    let (one, two) = (of().start().await, of().start().await);
    let (query, made, found) = share(&one, &two, "a").await;
    assert_eq!((found.header("x-cache"), &found.body), ("HIT-SHARED", &made.body));
    assert!(!made.header("link").is_empty());
    for header in ["etag", "link", "cache-control", "content-type"] {
        assert_eq!(found.header(header), made.header(header), "{header}");
    }
    let given = count(&two, "netweave_cache_second_hits_total").await;
    let evaluated = evaluations(&two).await;
    assert_eq!((given, evaluated), (1, misses_of_any(&two).await), "a hit evaluates nothing");
    cache.ask(&["CONFIG", "RESETSTAT"]);
    // Another spelling of the same question.
    let (filter, limit) = query.split_once('&').expect("two parameters");
    for query in [&*query, &format!("{limit}&{filter}")].repeat(10) {
        let again = ask(&two, query).await;
        assert_eq!((again.header("x-cache"), &again.body), ("HIT", &made.body));
    }
    let calls = cache.ask(&["INFO", "commandstats"]).concat();
    assert!(!calls.contains("cmdstat_get:"), "the first level asks nobody: {calls}");
    assert_eq!(evaluations(&two).await, evaluated);
}

/// No pod ever answers from before what it has shown; what was there before is found again.
#[tokio::test]
async fn a_change_makes_old_answers_unreachable_and_a_change_back_finds_them() {
    let Some(cache) = RedisServer::start_cache(MEMORY).await else { return };
    let mut inventory = Inventory::with_servers(6);
    let pods = [pod(&inventory, &cache.section()).await, pod(&inventory, &cache.section()).await];
    let query = "filter=(neq,globalAssetId,none)";
    let shown = async |pod: &Gateway| {
        let answer = ask(pod, query).await;
        let first = answer.list().into_iter().find(|server| server["resourceId"] == "server-00");
        (first.expect("a server")["description"].as_str().expect("text").to_owned(), answer)
    };
    let before = shown(&pods[0]).await.1;
    for round in 0..10 {
        let text = format!("round {round}");
        inventory.describe("server-00", &text);
        for pod in &pods {
            let latest = std::cell::Cell::new(false);
            for _ in 0..3 {
                soon("the change", async || shown(pod).await.0 == text || latest.get()).await;
                latest.set(true);
                assert_eq!(shown(pod).await.0, text, "never older than what was shown");
            }
        }
    }
    inventory.describe("server-00", "server 0");
    for pod in &pods {
        soon("what was there before", async || shown(pod).await.0 == "server 0").await;
        let (_, answer) = shown(pod).await;
        assert_eq!((answer.header("etag"), &answer.body), (before.header("etag"), &before.body));
    }
    let mut shared = 0;
    for pod in &pods {
        shared += count(pod, "netweave_cache_second_hits_total").await;
    }
    assert!(shared > 0, "the pods shared nothing");
}

#[tokio::test]
async fn keys_hold_no_identity_and_no_query_and_end_by_themselves() {
    let Some(cache) = RedisServer::start_cache(MEMORY).await else { return };
    let inventory = Inventory::with_servers(6);
    let pod = pod(&inventory, &cache.section()).await;
    let mut query = String::new();
    for n in 0..20 {
        query = fill(&pod, &format!("secret-{n}")).await.0;
    }
    let other = pod.client("another-smo").get(&format!("{SERVERS}?{query}")).await;
    assert_eq!(other.expect(200).header("x-cache"), "HIT", "who may see the same shares");
    let keys = cache.ask(&["KEYS", "*"]);
    assert!(keys.len() >= 20, "{keys:?}");
    // The lifetime of lists and ten minutes, a tenth more or less.
    let bounds = 630_000 * 9 / 10 - 60_000..=630_000 * 11 / 10;
    let mut ends = Vec::new();
    for key in keys {
        let plain = key.starts_with("cache:v1:")
            && !["smo", "spiffe", "secret"].iter().any(|word| key.contains(word));
        assert!(plain, "{key}");
        let left: u64 = cache.ask(&["PTTL", &key])[0].parse().expect("a time");
        assert!(bounds.contains(&left), "{left}");
        ends.push(left / 1000);
        let value = &cache.ask(&["GET", &key])[0];
        assert!(value.starts_with("{\"v\":1,\"etag\":") && value.contains("\n["), "{value}");
    }
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() > 5, "they do not end together: {ends:?}");
}

#[tokio::test]
async fn a_cache_that_stops_answering_costs_one_request_fifty_milliseconds() {
    let Some(mut cache) = RedisServer::start_cache(MEMORY).await else { return };
    let inventory = Inventory::with_servers(6);
    let [one, two] = [pod(&inventory, &cache.section()).await, pod(&inventory, &cache.section()).await];
    let (before, _) = fill(&one, "before").await;
    let late = async || misses(&one, "late").await + misses(&one, "failed").await;
    let (noticed, resting) = (late().await, misses(&one, "resting").await);
    cache.pause();
    let client = one.client("smo");
    client.get("/netweave/v1/self").await.expect(200);
    let mut took = Vec::new();
    for n in 0..10 {
        let begin = Instant::now();
        let answer = client.get(&format!("{SERVERS}?filter=(neq,description,paused-{n})")).await.expect(200);
        assert_eq!(answer.header("x-cache"), "MISS");
        took.push(begin.elapsed());
    }
    // The background may have noticed before a request did.
    let (noticed, resting) = (late().await - noticed, misses(&one, "resting").await - resting);
    assert!(noticed <= 1 && noticed + resting == 10, "{noticed} {resting} {took:?}");
    assert_eq!(ask(&one, &before).await.header("x-cache"), "HIT");
    soon("somebody to look", async || pod_up(&one).await == Some(0.0)).await;
    let longest = took.iter().max().copied().unwrap_or_default();
    assert!(longest < Duration::from_secs(1), "{took:?}");
    cache.resume();
    share(&one, &two, "resumed").await;
    soon("somebody to look again", async || pod_up(&one).await == Some(1.0)).await;
    let noticed = late().await;
    cache.kill9();
    for n in 0..10 {
        assert_eq!(ask(&one, &format!("filter=(neq,description,dead-{n})")).await.header("x-cache"), "MISS");
    }
    assert!(late().await - noticed <= 1, "an outage costs the request that notices it");
    cache.start_again().await;
    share(&one, &two, "restarted").await;
}

#[tokio::test]
async fn a_gateway_starts_and_serves_without_its_cache() {
    let Some(mut cache) = RedisServer::start_cache(MEMORY).await else { return };
    let inventory = Inventory::with_servers(6);
    cache.kill9();
    let [one, two] = [pod(&inventory, &cache.section()).await, pod(&inventory, &cache.section()).await];
    assert_eq!(ask(&one, "").await.header("x-cache"), "MISS");
    assert_eq!(ask(&one, "").await.header("x-cache"), "HIT");
    ask(&two, "").await;
    cache.start_again().await;
    share(&one, &two, "started").await;
}

#[tokio::test]
async fn what_is_damaged_foreign_or_gone_is_made_again() {
    let Some(cache) = RedisServer::start_cache(MEMORY).await else { return };
    let inventory = Inventory::with_servers(6);
    let [one, two] = [pod(&inventory, &cache.section()).await, pod(&inventory, &cache.section()).await];
    for (n, value) in ["{\"v\":1}\n[]", "", "somebody else's"].into_iter().enumerate() {
        let mut round = 0;
        soon("the damage to be noticed", async || {
            round += 1;
            let known = cache.ask(&["KEYS", "*"]);
            let (query, right) = fill(&one, &format!("damaged-{n}-{round}")).await;
            let keys = cache.ask(&["KEYS", "*"]);
            let key = keys.iter().find(|key| !known.contains(key)).expect("a new key");
            cache.ask(&["SET", key, value]);
            let before = (misses(&two, "damaged").await, fills(&two).await);
            let answer = ask(&two, &query).await;
            assert_eq!((answer.header("x-cache"), &answer.body), ("MISS", &right.body));
            if misses(&two, "damaged").await == before.0 {
                return false;
            }
            soon("the right value", async || fills(&two).await > before.1).await;
            cache.ask(&["GET", key])[0].starts_with("{\"v\":1,\"etag\"")
        })
        .await;
    }
    let (query, right) = fill(&one, "flushed").await;
    cache.ask(&["FLUSHALL"]);
    let answer = ask(&two, &query).await;
    assert_eq!((answer.header("x-cache"), &answer.body), ("MISS", &right.body));
    share(&one, &two, "after").await;
}

/// One server for state and cache: the cache never fills it so far that state is refused or dropped.
#[tokio::test]
async fn a_server_that_holds_state_is_filled_to_seven_tenths() {
    let Some(redis) = RedisServer::start().await else { return };
    let inventory = Inventory::with_servers(6);
    let setup = Setup::redis(&redis.url()).file("lab", &inventory);
    let pod = setup.set("/cache/redis", json!({ "url": redis.url() })).start().await;
    let body = json!({ "callback": "http://127.0.0.1:9/smo" });
    pod.client("smo").post(&format!("{V2}/subscriptions"), &body).await.expect(201);
    fill(&pod, "roomy").await;
    let memory = redis.ask(&["INFO", "memory"]).concat();
    let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a size");
    let used: u64 = used.trim().parse().expect("a number");
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    redis.ask(&["CONFIG", "SET", "maxmemory", &(used * 10 / 8).to_string()]);
    let mut round = 0;
    soon("fills to end", async || {
        round += 1;
        ask(&pod, &format!("filter=(neq,description,tight-{round})")).await;
        count(&pod, "netweave_cache_second_skipped_total{reason=\"full\"}").await > 0
    })
    .await;
    assert_eq!(redis.ask(&["KEYS", "subscription:*"]).len(), 1);
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    until(Duration::from_secs(20), "fills to begin again", async || {
        round += 1;
        let before = fills(&pod).await;
        ask(&pod, &format!("filter=(neq,description,roomy-{round})")).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        (fills(&pod).await > before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn with_tls_and_a_user_the_pods_share() {
    let pki = Pki::new();
    let Some(cache) = RedisServer::start_cache_tls(MEMORY, &pki).await else { return };
    let inventory = Inventory::with_servers(6);
    let [one, two] = [pod(&inventory, &cache.section()).await, pod(&inventory, &cache.section()).await];
    share(&one, &two, "tls").await;
}

#[tokio::test]
async fn under_sentinels_the_cache_follows_the_primary() {
    let Some(mut lab) = RedisLab::start().await else { return };
    let mut section = lab.state();
    section.as_object_mut().expect("a section").remove("kind");
    let inventory = Inventory::with_servers(6);
    let [one, two] = [pod(&inventory, &section).await, pod(&inventory, &section).await];
    share(&one, &two, "first").await;
    let former = lab.primary();
    let primary = lab.failover().await;
    assert_ne!(primary, former);
    share(&one, &two, "planned").await;
    lab.settled().await;
    lab.kill9(primary);
    lab.replaced(primary).await;
    share(&one, &two, "killed").await;
}
