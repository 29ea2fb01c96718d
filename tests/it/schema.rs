//! The version of what a store holds: two adjacent minor versions run side by side, anything further away does not start.
//!
//! There is one build of the program here. What a process takes for its own version of the layout is said by `STORE_SCHEMA`,
//! which only builds with fail points read; no build for use has them.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::{Callbacks, Gateway, Inventory, RedisServer, Setup, soon};
use serde_json::json;

fn of_version(redis: &RedisServer, inventory: &Inventory, version: &str) -> Setup {
    Setup::redis(&redis.url()).file("lab", inventory).variable("STORE_SCHEMA", version)
}

fn version(redis: &RedisServer) -> String {
    redis.ask(&["GET", "sys:schema"]).concat()
}

async fn refused(redis: &RedisServer, inventory: &Inventory, version: &str) -> String {
    let (code, log) = of_version(redis, inventory, version).refused().await;
    assert_eq!(code, Some(3), "{log}");
    log
}

/// What one acknowledges the other has, and what changes is told once, whoever tells it.
async fn work_together(pods: [&Gateway; 2], inventory: &mut Inventory, consumer: &Callbacks, round: usize) {
    let path = format!("/round-{round}");
    let body = json!({ "callback": consumer.url(&path) });
    let made = pods[0].client("smo").post(&format!("{V2}/subscriptions"), &body).await.expect(201).json();
    let id = made["subscriptionId"].as_str().expect("an id");
    let at = format!("{V2}/subscriptions/{id}");
    assert_eq!(pods[1].client("smo").get(&at).await.expect(200).json(), made);
    inventory.describe("server-00", &format!("round {round}"));
    soon("the notification", async || consumer.received(&path).len() == 1).await;
    pods[1].client("smo").delete(&at).await.expect(204);
    pods[0].client("smo").get(&at).await.problem(404);
}

#[tokio::test]
async fn gateways_of_adjacent_minor_versions_share_a_store() {
    let Some(redis) = RedisServer::start().await else { return };
    let (mut inventory, consumer) = (Inventory::with_servers(2), Callbacks::start().await);
    let mut older = of_version(&redis, &inventory, "1.3").start().await;
    let list = format!("{V2}/resourcePools/pool-a/resources");
    older.client("smo").get(&list).await.expect(200);
    assert_eq!(version(&redis), "1.3");
    let newer = of_version(&redis, &inventory, "1.4").start().await;
    newer.client("smo").get(&list).await.expect(200);
    assert_eq!(version(&redis), "1.4");
    work_together([&older, &newer], &mut inventory, &consumer, 1).await;
    work_together([&newer, &older], &mut inventory, &consumer, 2).await;

    // It starts beside the newer one as well, as after a downgrade, and leaves the version as it is.
    older.kill9();
    older.restart().await;
    assert_eq!(version(&redis), "1.4");
    work_together([&older, &newer], &mut inventory, &consumer, 3).await;

    let log = refused(&redis, &inventory, "1.2").await;
    assert!(log.contains("more than one minor version") && log.contains("schema 1.4"), "{log}");
    assert!(refused(&redis, &inventory, "1.6").await.contains("left out"));
    assert!(refused(&redis, &inventory, "0.4").await.contains("a newer version of netweave"));
    assert!(refused(&redis, &inventory, "2.0").await.contains("make a backup"));
    assert_eq!(version(&redis), "1.4");
    work_together([&newer, &older], &mut inventory, &consumer, 4).await;
}

#[tokio::test]
async fn an_upgrade_check_says_what_a_start_would_do_and_changes_nothing() {
    let Some(redis) = RedisServer::start().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let write = |conf: serde_json::Value| {
        std::fs::write(folder.path().join("netweave.yaml"), conf.to_string()).expect("the configuration");
    };
    let check = |flags: &[&str]| {
        let words = [&["upgrade-check", "-c", "netweave.yaml"], flags].concat();
        let output = command(folder.path(), &words).output().expect("the program starts");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let state = json!({ "kind": "redis", "url": redis.url() });
    let tls = json!({ "certificate": "a", "key": "b", "clientCa": "c" });
    write(json!({ "state": state, "api": { "tls": tls } }));
    let (code, text) = check(&["--from", "0.1.0"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("the first start writes 1.0"), "{text}");
    assert_eq!(redis.ask(&["DBSIZE"]), ["0"]);
    let (code, text) = check(&["--from", "0.7.2"]);
    assert_eq!(code, Some(1), "{text}");
    redis.ask(&["SET", "sys:schema", "1.1"]);
    let (code, text) = check(&[]);
    assert!(code == Some(0) && text.contains("runs beside the newer one"), "{text}");
    redis.ask(&["SET", "sys:schema", "2.0"]);
    let (code, text) = check(&[]);
    assert!(code == Some(1) && text.contains("schema 2.0"), "{text}");
    write(json!({ "state": state, "api": { "tls": { "minVersion": "1.3" } } }));
    let (code, text) = check(&[]);
    assert!(code == Some(3) && text.contains("api.tls.minVersion: removed in 0.1.0; write"), "{text}");

    write(json!({ "state": { "kind": "embedded", "path": "netweave.db" } }));
    let (code, text) = check(&[]);
    assert!(code == Some(0) && text.contains("no schema version yet"), "{text}");
    assert!(!folder.path().join("netweave.db").exists());
}
