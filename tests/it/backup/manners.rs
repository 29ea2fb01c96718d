//! What is refused, what stays, and what is only counted.

use super::*;
use netweave_tests::harness::RedisServer;

/// A stopped gateway whose store has those callbacks, and its backup.
async fn stopped(paths: &[&str]) -> (Gateway, String) {
    let inventory = Inventory::with_servers(1);
    let mut gateway = Setup::embedded().file("lab", &inventory).start().await;
    for path in paths {
        subscribe(&gateway, &format!("http://127.0.0.1:9/{path}")).await;
    }
    end(&mut gateway).await;
    let backup = create(gateway.folder(), "out");
    (gateway, backup)
}

fn callbacks(folder: &Path, file: &str) -> Vec<String> {
    let mut all: Vec<String> = records(&create(folder, file))
        .iter()
        .map(|one| one["subscription"]["callback"].as_str().expect("a callback").to_owned())
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_damaged_or_foreign_file_changes_nothing_and_says_where() {
    let Some(redis) = RedisServer::start().await else { return };
    let (gateway, good) = stopped(&["a", "b"]).await;
    let (code, text) = run(gateway.folder(), &["backup", "verify", "out", "-o", "json"]);
    assert_eq!(code, 0, "{text}");
    let verified: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&verified["subscriptions"], &verified["unsealed"]), (&json!(2), &json!(2)), "{verified}");
    assert_eq!((&verified["store"], &verified["schema"]), (&json!("embedded"), &json!("1.0")));
    let shared = folder(&json!({ "kind": "redis", "url": redis.url() }));
    for (text, line) in [
        (good.replace(":9/a", ":9/c"), "line 4: the checksum"),
        (good[..good.len() - 30].to_owned(), "line 4: "),
        ("{}\n".to_owned(), "line 1: "),
        (good.replacen("\"version\":1", "\"version\":9", 1), "line 1: "),
    ] {
        std::fs::write(shared.path().join("bad"), text).expect("a file");
        for words in [&["backup", "verify", "bad"][..], &["backup", "restore", "bad", "-c", "netweave.yaml"]]
        {
            let (code, text) = run(shared.path(), words);
            assert_eq!(code, 6, "{text}");
            assert!(text.contains(line), "{text}");
        }
        assert_eq!(redis.ask(&["DBSIZE"]), ["0"]);
    }
}

#[tokio::test]
async fn a_store_that_is_not_empty_is_merged_with_or_replaced_only_when_asked() {
    let (first, _) = stopped(&["a", "b"]).await;
    let (second, _) = stopped(&["c"]).await;
    let file = first.folder().join("out");
    let target = second.folder();
    let (code, text) = run(target, &["backup", "restore", &file.to_string_lossy(), "-c", "netweave.yaml"]);
    assert_eq!(code, 7, "{text}");
    assert!(text.contains("--merge"), "{text}");
    assert_eq!(callbacks(target, "refused").len(), 1);

    let counts = |restored: &Value| ["put", "known", "deleted"].map(|key| restored[key].as_u64());
    let dry = restore(target, &file, &["--replace", "--dry-run"]);
    assert_eq!(counts(&dry), [Some(2), Some(0), Some(1)]);
    assert_eq!(callbacks(target, "dry").len(), 1, "nothing was changed");

    assert_eq!(counts(&restore(target, &file, &["--merge"])), [Some(2), Some(0), Some(0)]);
    assert_eq!(counts(&restore(target, &file, &["--merge"])), [Some(0), Some(2), Some(0)]);
    let url = |path: &str| format!("http://127.0.0.1:9/{path}");
    assert_eq!(callbacks(target, "merged"), ["a", "b", "c"].map(url));

    assert_eq!(counts(&restore(target, &file, &["--replace"])), [Some(2), Some(0), Some(1)]);
    assert_eq!(callbacks(target, "replaced"), ["a", "b"].map(url));
}

/// A subscription that was deleted a moment ago is known as such for an hour; a replacement brings it back all the same.
#[tokio::test]
async fn a_replacement_brings_back_what_was_deleted_by_mistake() {
    let Some(redis) = RedisServer::start().await else { return };
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::redis(&redis.url()).file("lab", &inventory).start().await;
    let id = subscribe(&gateway, "http://127.0.0.1:9/a").await;
    create(gateway.folder(), "out");
    let file = gateway.folder().join("out");
    let path = format!("{V2}/subscriptions/{id}");
    gateway.client("smo").delete(&path).await.expect(204);
    let merged = restore(gateway.folder(), &file, &["--merge"]);
    assert_eq!(merged["ended"], 1, "a merge does not: {merged}");
    assert_eq!(restore(gateway.folder(), &file, &["--replace"])["put"], 1);
    gateway.client("smo").get(&path).await.expect(200);
}
