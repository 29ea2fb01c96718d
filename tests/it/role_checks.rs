//! The servers of state and cache: what is not as it should be is told by health and metrics, and takes no pod out of service.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Gateway, Inventory, Pki, RedisLab, RedisServer, Setup, soon};
use serde_json::{Value, json};

/// The status of readiness, and the check of the state's server.
async fn readiness(gateway: &Gateway) -> (String, Value) {
    check_of(gateway, "state").await
}

/// The status of readiness, and the check of a role's server.
async fn check_of(gateway: &Gateway, role: &str) -> (String, Value) {
    let body = gateway.ops("/readyz?verbose").await.expect(200).json();
    let checks = body["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["name"] == role).expect("the check of the role");
    (body["status"].as_str().expect("a status").to_owned(), check.clone())
}

#[tokio::test]
async fn a_server_that_keeps_nothing_degrades_until_it_is_set_right() {
    let Some(redis) = RedisServer::start().await else { return };
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::redis(&redis.url()).file("lab", &inventory).start().await;
    let (status, state) = readiness(&gateway).await;
    assert_eq!((status.as_str(), &state["ok"]), ("degraded", &json!(true)));
    let detail = state["detail"].as_str().expect("a detail");
    for part in ["set `appendonly yes`", "set `maxmemory` to"] {
        assert!(detail.contains(part), "{detail}");
    }
    assert_eq!(
        gateway.metric(r#"netweave_redis_findings{role="state",severity="warning"}"#).await,
        Some(2.0)
    );
    redis.ask(&["CONFIG", "SET", "appendonly", "yes", "maxmemory", "100mb"]);
    soon("it to be as it should be", async || readiness(&gateway).await.0 == "ready").await;
    for (sample, value) in [
        (r#"netweave_redis_up{role="state"}"#, 1.0),
        (r#"netweave_redis_primary{role="state"}"#, 1.0),
        (r#"netweave_redis_append_only{role="state"}"#, 1.0),
        (r#"netweave_redis_memory_max_bytes{role="state"}"#, 104_857_600.0),
        (r#"netweave_redis_findings{role="state",severity="warning"}"#, 0.0),
        ("netweave_redis_switches_total", 0.0),
    ] {
        assert_eq!(gateway.metric(sample).await, Some(value), "{sample}");
    }
    let told = |line: &str| line.contains("appendOnly");
    assert_eq!(gateway.log().lines().filter(|line| told(line)).count(), 1, "once, not with each look");
}

#[tokio::test]
async fn a_server_that_is_gone_degrades_and_reads_go_on() {
    let Some(redis) = RedisServer::start().await else { return };
    let inventory = Inventory::with_servers(2);
    let gateway = Setup::redis(&redis.url()).file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let pools = format!("{V2}/resourcePools");
    client.get(&pools).await.expect(200);
    redis.ask(&["CLIENT", "PAUSE", "600000", "ALL"]);
    soon("the silence to be noticed", async || {
        let (status, state) = readiness(&gateway).await;
        status == "degraded" && state["detail"].as_str().is_some_and(|text| text.contains("does not answer"))
    })
    .await;
    client.get(&pools).await.expect(200);
    assert_eq!(gateway.metric(r#"netweave_redis_up{role="state"}"#).await, Some(0.0));
    soon("time-outs to be counted", async || {
        let text = gateway.ops("/metrics").await.expect(200).body;
        let text = String::from_utf8_lossy(&text).into_owned();
        let counts = |line: &str| line.starts_with("netweave_redis_command_duration_seconds_count");
        text.lines().any(|line| counts(line) && line.contains(r#"outcome="timeout""#))
    })
    .await;
}

#[tokio::test]
async fn a_cache_that_drops_nothing_has_no_limit_or_is_gone_degrades_and_is_told() {
    let Some(mut cache) = RedisServer::start_cache("64mb").await else { return };
    let inventory = Inventory::with_servers(1);
    let setup = Setup::memory().file("lab", &inventory).set("/cache/redis", cache.section());
    let gateway = setup.start().await;
    soon("all to be well", async || check_of(&gateway, "cache").await.0 == "ready").await;
    cache.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "0"]);
    let detail = async || check_of(&gateway, "cache").await.1["detail"].to_string();
    soon("what is wrong", async || detail().await.contains("set `maxmemory-policy allkeys-lru`")).await;
    assert!(detail().await.contains("set `maxmemory` to"), "{}", detail().await);
    for (sample, value) in [
        (r#"netweave_redis_findings{role="cache",severity="warning"}"#, 2.0),
        (r#"netweave_redis_memory_max_bytes{role="cache"}"#, 0.0),
        (r#"netweave_redis_up{role="cache"}"#, 1.0),
    ] {
        assert_eq!(gateway.metric(sample).await, Some(value), "{sample}");
    }
    cache.kill9();
    soon("the silence", async || detail().await.contains("answers are made without it")).await;
    assert_eq!(gateway.metric(r#"netweave_redis_up{role="cache"}"#).await, Some(0.0));
    assert_eq!(check_of(&gateway, "cache").await.1["ok"], true);
    cache.start_again().await;
    soon("it to be as it should be", async || check_of(&gateway, "cache").await.0 == "ready").await;
}

#[tokio::test]
async fn a_cache_on_the_server_of_the_state_is_told_of_unless_it_is_safe() {
    let Some(redis) = RedisServer::start().await else { return };
    let inventory = Inventory::with_servers(1);
    let setup =
        Setup::redis(&redis.url()).file("lab", &inventory).set("/cache/redis", json!({ "url": redis.url() }));
    let gateway = setup.start().await;
    let detail = async || check_of(&gateway, "cache").await.1["detail"].to_string();
    soon("no limit", async || detail().await.contains("may take all of its memory")).await;
    redis.ask(&["CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"]);
    soon("the policy", async || detail().await.contains("drops any key when it is full")).await;
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    soon("it to be safe", async || check_of(&gateway, "cache").await.1["degraded"] == false).await;
}

/// What `prod` asks for beside the state: https to consumers, and a name that others reach.
fn prod(state: Value) -> Setup {
    Setup::state(state)
        .set("/environment", json!("prod"))
        .set("/access", json!({}))
        .set("/oCloud/serviceUri", json!("https://o2.example.net"))
        .set("/subscriptions/callback/schemes", json!(["https"]))
}

#[tokio::test]
async fn production_does_not_start_on_a_server_that_drops_subscriptions() {
    let pki = Pki::new();
    let Some(lab) = RedisLab::start_tls(&pki).await else { return };
    let inventory = Inventory::with_servers(1);
    let primary = lab.primary();
    lab.ask(primary, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let (code, log) = prod(lab.state()).file("lab", &inventory).refused().await;
    assert_eq!(code, Some(3), "{log}");
    assert!(log.contains("subscriptions too: set `maxmemory-policy noeviction`"), "{log}");
    lab.ask(primary, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let gateway = prod(lab.state()).file("lab", &inventory).start().await;
    assert_eq!(readiness(&gateway).await.1["degraded"], json!(false));
    for (sample, value) in [
        (r#"netweave_redis_connected_replicas{role="state"}"#, 2.0),
        (r#"netweave_redis_sentinels{role="state"}"#, 3.0),
    ] {
        soon(sample, async || gateway.metric(sample).await == Some(value)).await;
    }
    // While it runs it is told, and goes on.
    lab.ask(primary, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    soon("the policy to be noticed", async || readiness(&gateway).await.1["degraded"] == true).await;
    let sample = r#"netweave_redis_findings{role="state",severity="forbidden"}"#;
    assert_eq!(gateway.metric(sample).await, Some(1.0));
}
