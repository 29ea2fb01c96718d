//! `netweave redis`: what it says of a server that is as it should be, of one that is not, and of none.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::{Inventory, RedisLab, RedisServer, Setup};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// A folder with a configuration of that state.
fn folder(state: &Value) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let conf = json!({ "state": state });
    std::fs::write(folder.path().join("netweave.yaml"), conf.to_string()).expect("the configuration");
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = command(folder, &[&["redis"], arguments, &["-c", "netweave.yaml"]].concat()).output();
    let output = output.expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

fn state(redis: &RedisServer) -> Value {
    let mut section = redis.section();
    section["kind"] = json!("redis");
    section
}

#[tokio::test]
async fn a_server_is_judged_and_counted() {
    let Some(redis) = RedisServer::start().await else { return };
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::redis(&redis.url()).file("lab", &inventory).start().await;
    let body = json!({ "callback": "http://127.0.0.1:9/smo" });
    gateway.client("smo").post(&format!("{V2}/subscriptions"), &body).await.expect(201);
    let folder = folder(&state(&redis));
    let ask = |arguments: &[&str]| run(folder.path(), arguments);
    let (code, text) = ask(&["ping"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("answers in"), "{text}");
    let (code, text) = ask(&["status", "-o", "json"]);
    assert_eq!(code, 0, "{text}");
    let status: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&status["server"]["primary"], &status["stored"]["subscriptions"]), (&json!(true), &json!(1)));
    let (_, text) = ask(&["status"]);
    assert!(text.contains("subscriptions          1\n"), "{text}");
    let (code, text) = ask(&["check"]);
    assert_eq!(code, 8, "{text}");
    assert!(text.contains("warning: ") && text.contains("set `appendonly yes`"), "{text}");
    redis.ask(&["CONFIG", "SET", "appendonly", "yes", "maxmemory", "100mb"]);
    assert_eq!(ask(&["check"]), (0, "ok\n".to_owned()));
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let (code, text) = ask(&["check", "-o", "json"]);
    assert_eq!(code, 1, "{text}");
    let findings: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(findings["findings"][0]["code"], "evictionPolicy");
}

#[tokio::test]
async fn a_cache_is_judged_as_one_and_by_its_own_name() {
    let Some(cache) = RedisServer::start_cache("64mb").await else { return };
    let Some(redis) = RedisServer::start().await else { return };
    redis.ask(&["CONFIG", "SET", "appendonly", "yes", "maxmemory", "100mb"]);
    let folder = tempfile::tempdir().expect("a folder");
    let write = |state: &Value| {
        let conf = json!({ "state": state, "cache": { "redis": cache.section() } });
        std::fs::write(folder.path().join("netweave.yaml"), conf.to_string()).expect("the configuration");
    };
    let ask = |arguments: &[&str]| run(folder.path(), arguments);
    write(&state(&redis));
    assert_eq!(ask(&["check"]), (0, "ok\n".to_owned()));
    let (code, text) = ask(&["ping"]);
    assert_eq!((code, text.matches("answers in").count()), (0, 2), "{text}");
    let (_, text) = ask(&["status", "-o", "json"]);
    let status: Value = serde_json::from_str(&text).expect("JSON");
    let policies = [&status["server"]["eviction"], &status["cache"]["server"]["eviction"]];
    assert_eq!(policies, [&json!("noeviction"), &json!("allkeys-lru")]);
    let (_, text) = ask(&["status"]);
    assert!(text.contains("cache when full") && text.contains("dead letters"), "{text}");
    cache.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let (code, text) = ask(&["check"]);
    assert_eq!(code, 8, "{text}");
    assert!(text.starts_with("cache: warning: ") && text.lines().count() == 1, "{text}");
    let (_, text) = ask(&["check", "-o", "json"]);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&found["findings"], &found["cache"][0]["code"]), (&json!([]), &json!("evictionPolicy")));
    // Without a Redis for the state there is still the cache, and nothing to promote.
    write(&json!({ "kind": "memory" }));
    assert_eq!(ask(&["check"]).0, 8);
    assert_eq!(ask(&["status"]).0, 0);
    assert_eq!(ask(&["promote"]).0, 2);
}

/// A look does not make the server one of another generation, as the first process of an installation does.
#[tokio::test]
async fn a_look_writes_nothing() {
    let Some(redis) = RedisServer::start().await else { return };
    let folder = folder(&state(&redis));
    for command in ["ping", "status", "check"] {
        run(folder.path(), &[command]);
    }
    assert_eq!(redis.ask(&["DBSIZE"]), ["0"]);
}

#[tokio::test]
async fn sentinels_are_asked_too() {
    let Some(lab) = RedisLab::start().await else { return };
    let folder = folder(&lab.state());
    let (code, text) = run(folder.path(), &["status", "-o", "json"]);
    assert_eq!(code, 0, "{text}");
    let status: Value = serde_json::from_str(&text).expect("JSON");
    let named = status["server"]["watchers"].as_array().expect("Sentinels");
    let primary = lab.server(lab.primary()).address.to_string();
    assert_eq!(named.iter().map(|one| &one["primary"]).collect::<Vec<_>>(), [primary.as_str(); 3]);
    assert_eq!(status["server"]["replicas"].as_array().expect("replicas").len(), 2);
    // The file of the role leaves the limit of memory to the operator.
    let (code, text) = run(folder.path(), &["check"]);
    assert_eq!((code, text.as_str()), (0, "ok\n"));
}

#[tokio::test]
async fn a_server_that_is_not_there_and_a_store_without_one_are_told_apart() {
    let folder_of_none = folder(&json!({ "kind": "redis", "url": "redis://127.0.0.1:1" }));
    let (code, text) = run(folder_of_none.path(), &["ping"]);
    assert_eq!(code, 4, "{text}");
    let (code, text) = run(folder(&json!({ "kind": "memory" })).path(), &["ping"]);
    assert_eq!(code, 2, "{text}");
    let (code, text) = run(folder(&json!({ "kind": "redis" })).path(), &["ping"]);
    assert_eq!(code, 3, "{text}");
}
