//! `netweave state`: subscriptions move from a file to Redis and back, and go on being told where they were.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::{Callbacks, Gateway, Inventory, RedisServer, Setup, soon};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = command(folder, &[&["state"], arguments].concat()).output().expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

/// A folder with a configuration of that state.
fn folder(state: &Value) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let conf = json!({ "state": state });
    std::fs::write(folder.path().join("netweave.yaml"), conf.to_string()).expect("the configuration");
    folder
}

/// Writes what a store holds to a file and returns it.
fn export(folder: &Path, file: &str) -> String {
    let (code, text) = run(folder, &["export", file, "-c", "netweave.yaml"]);
    assert_eq!(code, 0, "{text}");
    std::fs::read_to_string(folder.join(file)).expect("the export")
}

/// Puts a file into a store; returns what the command tells.
fn import(folder: &Path, file: &Path) -> Value {
    let file = file.to_string_lossy();
    let (code, text) = run(folder, &["import", &file, "-c", "netweave.yaml", "-o", "json"]);
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// The subscriptions of an export, without what every import changes.
fn subscriptions(export: &str) -> Vec<Value> {
    let lines: Vec<&str> = export.lines().collect();
    let read = |line: &&str| {
        let mut one: Value = serde_json::from_str(line).expect("JSON");
        for key in ["rev", "expiresAt"] {
            assert!(one["subscription"].as_object_mut().expect("a subscription").remove(key).is_some());
        }
        one
    };
    lines[1..lines.len() - 1].iter().map(read).collect()
}

/// Waits for the first listing: what is changed after it is told.
async fn listed(gateway: &Gateway) {
    let list = format!("{V2}/resourcePools/pool-a/resources");
    gateway.client("smo").get(&list).await.expect(200);
}

async fn subscribe(gateway: &Gateway, callback: &str) -> String {
    let body = json!({ "callback": callback });
    let made = gateway.client("smo").post(&format!("{V2}/subscriptions"), &body).await.expect(201).json();
    made["subscriptionId"].as_str().expect("an id").to_owned()
}

/// The numbers of what a consumer was told.
fn told(consumer: &Callbacks) -> Vec<u64> {
    consumer.received("/smo").iter().filter_map(|body| body["sequence"].as_u64()).collect()
}

async fn end(gateway: &mut Gateway) {
    gateway.terminate();
    gateway.ended(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn subscriptions_move_to_redis_and_back_and_go_on_being_told() {
    let Some(redis) = RedisServer::start().await else { return };
    let mut inventory = Inventory::with_servers(2);
    let consumer = Callbacks::start().await;
    let mut gateway = Setup::embedded().file("lab", &inventory).start().await;
    listed(&gateway).await;
    let id = subscribe(&gateway, &consumer.url("/smo")).await;
    inventory.describe("server-00", "first");
    soon("the first notification", async || told(&consumer) == [1]).await;
    for n in 0..20 {
        subscribe(&gateway, &format!("http://127.0.0.1:9/{n}")).await;
    }

    let (code, text) = run(gateway.folder(), &["export", "early", "-c", "netweave.yaml"]);
    assert_eq!(code, 7, "{text}");
    assert!(text.contains("stop the gateway first"), "{text}");
    end(&mut gateway).await;
    let exported = export(gateway.folder(), "out");
    let file = gateway.folder().join("out");
    assert_eq!(std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    assert_eq!(subscriptions(&exported).len(), 21);
    assert_eq!(run(gateway.folder(), &["export", "out", "-c", "netweave.yaml"]).0, 7, "it is there already");

    let shared = folder(&json!({ "kind": "redis", "url": redis.url() }));
    let imported = import(shared.path(), &file);
    assert_eq!(imported, json!({ "read": 21, "put": 21, "known": 0, "ended": 0, "resync": 0 }));
    assert_eq!(import(shared.path(), &file)["known"], 21, "a second time changes nothing");
    assert_eq!(subscriptions(&export(shared.path(), "out")), subscriptions(&exported));
    let keys = redis.ask(&["KEYS", "subscription:*"]);
    assert_eq!(keys.len(), 21);

    let two = Setup::redis(&redis.url()).file("lab", &inventory).start().await;
    let path = format!("{V2}/subscriptions/{id}");
    listed(&two).await;
    two.client("smo").get(&path).await.expect(200);
    inventory.describe("server-00", "second");
    soon("the second notification", async || told(&consumer) == [1, 2]).await;

    // A gateway on Redis may run meanwhile.
    let running = export(shared.path(), "running");
    let back = folder(&json!({ "kind": "embedded", "path": "netweave.db" }));
    let imported = import(back.path(), &shared.path().join("running"));
    assert_eq!(
        (&imported["put"], &imported["resync"]),
        (&json!(21), &json!(20)),
        "nobody took what the others wait for"
    );
    let of = |export: &str| {
        subscriptions(export).into_iter().map(|one| one["subscription"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(&export(back.path(), "out")), of(&running));
}

#[tokio::test]
async fn consumers_of_what_waited_are_told_to_read_again() {
    let mut inventory = Inventory::with_servers(2);
    let consumer = Callbacks::start().await;
    let mut gateway = Setup::embedded().file("lab", &inventory).start().await;
    consumer.answer("/smo", 503);
    listed(&gateway).await;
    let id = subscribe(&gateway, &consumer.url("/smo")).await;
    inventory.describe("server-00", "unheard");
    let lease = format!("/netweave/v1/subscriptions/{id}");
    soon("it to wait", async || {
        let state = gateway.client("smo").get(&lease).await.expect(200).json();
        state["backlog"] == 1
    })
    .await;
    end(&mut gateway).await;
    export(gateway.folder(), "out");
    let mut other = Setup::embedded().file("lab", &inventory).start().await;
    end(&mut other).await;
    let file = gateway.folder().join("out");
    assert_eq!(import(other.folder(), &file)["resync"], 1);
    assert_eq!(import(other.folder(), &file)["resync"], 0, "once");
    consumer.answer("/smo", 204);
    other.restart().await;
    soon("the notice", async || told(&consumer) == [2]).await;
}

#[tokio::test]
async fn a_damaged_or_foreign_file_changes_nothing_and_says_where() {
    let Some(redis) = RedisServer::start().await else { return };
    let inventory = Inventory::with_servers(1);
    let mut gateway = Setup::embedded().file("lab", &inventory).start().await;
    for path in ["a", "b"] {
        subscribe(&gateway, &format!("http://127.0.0.1:9/{path}")).await;
    }
    end(&mut gateway).await;
    let good = export(gateway.folder(), "out");
    let shared = folder(&json!({ "kind": "redis", "url": redis.url() }));
    let cut = &good[..good.len() - 30];
    for (text, line) in [
        (good.replace(":9/a", ":9/c"), "line 4: the checksum"),
        (cut.to_owned(), "line 4: "),
        ("{}\n".to_owned(), "line 1: "),
        (good.replace("\"version\":1", "\"version\":9"), "line 1: "),
    ] {
        std::fs::write(shared.path().join("bad"), text).expect("a file");
        let (code, text) = run(shared.path(), &["import", "bad", "-c", "netweave.yaml"]);
        assert_eq!(code, 6, "{text}");
        assert!(text.contains(line) && text.contains("nothing was imported"), "{text}");
        assert_eq!(redis.ask(&["DBSIZE"]), ["0"]);
    }
}
