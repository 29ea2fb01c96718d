//! `netweave dr-drill` measures a restore into a scratch store.

use super::*;
use netweave_tests::harness::RedisServer;

#[tokio::test]
async fn a_drill_measures_rpo_and_rto_and_leaves_the_store_alone() {
    let Some(redis) = RedisServer::start().await else { return };
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::redis(&redis.url()).file("lab", &inventory).start().await;
    for n in 0..5 {
        subscribe(&gateway, &format!("http://127.0.0.1:9/{n}")).await;
    }
    let scratch = folder(&json!({ "kind": "embedded", "path": "scratch.db" }));
    std::fs::copy(gateway.folder().join("netweave.yaml"), scratch.path().join("source.yaml"))
        .expect("a copy");
    let drill = ["dr-drill", "-c", "source.yaml", "--into", "netweave.yaml", "-o", "json"];
    let (code, text) = run(scratch.path(), &drill);
    assert_eq!(code, 0, "{text}");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&report["subscriptions"], &report["met"]), (&json!(5), &json!(true)));
    let targets = [&report["rtoTargetMs"], &report["rpoTargetMs"]];
    assert_eq!(targets, [&json!(4 * 3_600_000), &json!(24 * 3_600_000)], "{report}");
    assert!(report["rtoMs"].as_u64() >= report["restoreMs"].as_u64(), "{report}");
    assert_eq!(records(&create(scratch.path(), "scratch")).len(), 5);
    assert_eq!(redis.ask(&["KEYS", "subscription:*"]).len(), 5);

    let (code, text) = run(scratch.path(), &drill);
    assert_eq!(code, 7, "the scratch store must be empty: {text}");
    let (code, text) = run(scratch.path(), &["dr-drill", "-c", "source.yaml", "--into", "source.yaml"]);
    assert_eq!(code, 2, "the store itself is no scratch store: {text}");
}

/// The same backup as if it had been made ten minutes earlier, with the checksum that it would have.
fn aged(backup: &str) -> String {
    let mut first: Value = serde_json::from_str(backup.lines().next().expect("a line")).expect("JSON");
    let made = first["createdAt"].as_i64().expect("a time");
    first["createdAt"] = json!(made - 600_000);
    let lines: Vec<&str> = backup.lines().collect();
    let body = lines[1..lines.len() - 1].join("\n");
    let all = format!("{first}\n{body}\n");
    let mut last: Value = serde_json::from_str(lines[lines.len() - 1]).expect("JSON");
    last["sha256"] = json!(netweave::digest::sha256(all.as_bytes()));
    let totals = ["subscriptions", "waiting", "deadLetters", "unsealed", "sha256"];
    let members: Vec<String> = totals.iter().map(|key| format!("{key:?}:{}", last[key])).collect();
    format!("{all}{{{}}}\n", members.join(","))
}

#[tokio::test]
async fn a_backup_that_is_older_than_promised_fails_the_drill() {
    let inventory = Inventory::with_servers(1);
    let mut gateway = Setup::embedded().file("lab", &inventory).start().await;
    subscribe(&gateway, "http://127.0.0.1:9/a").await;
    end(&mut gateway).await;
    let backup = create(gateway.folder(), "out");
    let drill = |text: &str| {
        let scratch = folder(&json!({ "kind": "embedded", "path": "scratch.db" }));
        let conf = json!({ "environment": "prod", "state": { "kind": "embedded", "path": "other.db" } });
        std::fs::write(scratch.path().join("prod.json"), conf.to_string()).expect("a configuration");
        std::fs::write(scratch.path().join("backup"), text).expect("a backup");
        let words =
            ["dr-drill", "-c", "prod.json", "--into", "netweave.yaml", "--backup", "backup", "-o", "json"];
        let (code, text) = run(scratch.path(), &words);
        assert!(!scratch.path().join("other.db").exists(), "the store is not asked");
        (code, serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    };
    let (code, report) = drill(&backup);
    assert_eq!(
        (code, &report["met"], &report["rpoTargetMs"]),
        (0, &json!(true), &json!(300_000)),
        "{report}"
    );
    let (code, report) = drill(&aged(&backup));
    assert_eq!((code, &report["met"]), (1, &json!(false)), "{report}");
    assert!(report["rpoMs"].as_u64() >= Some(600_000), "{report}");
}
