//! Between kinds of stores, with the gateways stopped: numbers go on where they were.

use super::*;
use netweave_tests::harness::RedisServer;

/// The subscriptions of a backup, without the end of the lease, which a restore moves.
fn subscriptions(backup: &str) -> Vec<Value> {
    let without = |mut one: Value| {
        assert!(one["subscription"].as_object_mut().expect("a subscription").remove("expiresAt").is_some());
        one["subscription"].take()
    };
    records(backup).into_iter().map(without).collect()
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
    soon("the first notification", async || told(&consumer, "/smo") == [1]).await;
    for n in 0..20 {
        subscribe(&gateway, &format!("http://127.0.0.1:9/{n}")).await;
    }
    let (code, text) = run(gateway.folder(), &["backup", "create", "early", "-c", "netweave.yaml"]);
    assert_eq!(code, 7, "{text}");
    assert!(text.contains("stop the gateway first"), "{text}");
    end(&mut gateway).await;
    let made = create(gateway.folder(), "out");
    let file = gateway.folder().join("out");
    assert_eq!(subscriptions(&made).len(), 21);
    let parts = std::fs::read_dir(gateway.folder()).expect("the folder");
    let names: Vec<_> = parts.map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{names:?}");
    let (code, text) = run(gateway.folder(), &["backup", "create", "out", "-c", "netweave.yaml"]);
    assert_eq!(code, 7, "it is there already: {text}");

    let shared = folder(&json!({ "kind": "redis", "url": redis.url() }));
    let restored = restore(shared.path(), &file, &["--stopped"]);
    let expected =
        json!({ "dryRun": false, "read": 21, "put": 21, "known": 0, "ended": 0, "deleted": 0, "resync": 0 });
    assert_eq!(restored, expected);
    assert_eq!(subscriptions(&create(shared.path(), "out")), subscriptions(&made));

    let two = Setup::redis(&redis.url()).file("lab", &inventory).start().await;
    let path = format!("{V2}/subscriptions/{id}");
    listed(&two).await;
    two.client("smo").get(&path).await.expect(200);
    inventory.describe("server-00", "second");
    soon("the second notification", async || told(&consumer, "/smo") == [1, 2]).await;

    let running = create(shared.path(), "running");
    let back = folder(&json!({ "kind": "embedded", "path": "netweave.db" }));
    let restored = restore(back.path(), &shared.path().join("running"), &["--stopped"]);
    assert_eq!(
        (&restored["put"], &restored["resync"]),
        (&json!(21), &json!(20)),
        "nobody took what the others wait for"
    );
    assert_eq!(subscriptions(&create(back.path(), "out")), subscriptions(&running));
}

#[tokio::test]
async fn consumers_of_what_waited_are_told_to_read_again_once() {
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
    create(gateway.folder(), "out");
    let mut other = Setup::embedded().file("lab", &inventory).start().await;
    end(&mut other).await;
    let file = gateway.folder().join("out");
    assert_eq!(restore(other.folder(), &file, &["--stopped"])["resync"], 1);
    assert_eq!(restore(other.folder(), &file, &["--stopped", "--merge"])["resync"], 0, "once");
    consumer.answer("/smo", 204);
    other.restart().await;
    soon("the notice", async || told(&consumer, "/smo") == [2]).await;
}
