//! `netweave backup` and `netweave dr-drill`: subscriptions come back after a store was lost, and move between stores.

mod drill;
mod manners;
mod moving;

use netweave_tests::harness::client::V2;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::{Callbacks, Gateway, Inventory, RedisLab, Setup, figures, soon, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How many subscriptions are lost and restored.
const MANY: usize = 300;
/// What production is promised: all is back within this, and misses no more than that.
const RTO: Duration = Duration::from_mins(15);
const RPO: Duration = Duration::from_mins(5);

/// Runs a command in a folder; returns its exit code and all that it wrote.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = command(folder, arguments).output().expect("the program starts");
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

/// Writes what a store holds to a file and returns its text.
fn create(folder: &Path, file: &str) -> String {
    let (code, text) = run(folder, &["backup", "create", file, "-c", "netweave.yaml"]);
    assert_eq!(code, 0, "{text}");
    std::fs::read_to_string(folder.join(file)).expect("the backup")
}

/// Puts a file into a store; returns what the command tells.
fn restore(folder: &Path, file: &Path, flags: &[&str]) -> Value {
    let file = file.to_string_lossy();
    let words = ["backup", "restore", &file, "-c", "netweave.yaml", "-o", "json"];
    let output = command(folder, &[&words, flags].concat()).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The lines of subscriptions in a backup.
fn records(backup: &str) -> Vec<Value> {
    let lines: Vec<&str> = backup.lines().collect();
    lines[1..lines.len() - 1].iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
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

/// The numbers of what a consumer was told at a path.
fn told(consumer: &Callbacks, path: &str) -> Vec<u64> {
    consumer.received(path).iter().filter_map(|body| body["sequence"].as_u64()).collect()
}

async fn end(gateway: &mut Gateway) {
    gateway.terminate();
    gateway.ended(Duration::from_secs(20)).await;
}

/// What lies in the primary under each `subscription:<id>`, as bytes.
fn stored(lab: &RedisLab) -> BTreeMap<String, String> {
    let primary = lab.primary();
    let keys = lab.ask(primary, &["KEYS", "subscription:*"]);
    keys.into_iter().map(|key| (key.clone(), lab.ask(primary, &["GET", &key]).concat())).collect()
}

/// Two gateways on the lab, whose secrets are sealed with a key of the folder.
async fn gateways(lab: &RedisLab, inventory: &Inventory, keys: &TempDir) -> [Gateway; 2] {
    let key = keys.path().join("key");
    std::fs::write(&key, [7; 32]).expect("a key");
    let mut both = Vec::new();
    for _ in 0..2 {
        let setup = Setup::state(lab.state())
            .file("lab", inventory)
            .set("/subscriptions/perOwner", json!(MANY))
            .set("/subscriptions/secretKeyFiles", json!([key]));
        both.push(setup.start().await);
    }
    both.try_into().unwrap_or_else(|_| panic!("two gateways"))
}

/// Waits until each consumer was told so many times.
async fn all_are_told(consumer: &Callbacks, times: usize) {
    let all = async || (0..MANY).all(|n| told(consumer, &path(n)).len() >= times).then_some(());
    until(Duration::from_mins(1), "every consumer to be told", all).await;
}

fn path(n: usize) -> String {
    format!("/smo-{n}")
}

/// The whole of it: two gateways run while the backup is made, go on, and are lost with all that the servers had.
#[tokio::test]
async fn what_a_lab_lost_is_back_byte_for_byte_and_is_told_once() {
    let Some(lab) = RedisLab::start().await else { return };
    let (mut inventory, consumer) = (Inventory::with_servers(2), Callbacks::start().await);
    let keys = tempfile::tempdir().expect("a folder");
    let mut gateways = gateways(&lab, &inventory, &keys).await;
    listed(&gateways[0]).await;
    for n in 0..MANY {
        subscribe(&gateways[n % 2], &consumer.url(&path(n))).await;
    }
    inventory.describe("server-00", "first");
    all_are_told(&consumer, 1).await;

    let begun = Instant::now();
    let folder = gateways[0].folder().to_owned();
    let backup = create(&folder, "backup");
    let took = begun.elapsed();
    let file = folder.join("backup");
    assert_eq!(std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    assert!(backup.contains("sealed:1:") && !backup.contains("whsec_"), "secrets stay sealed");
    let before = stored(&lab);
    assert_eq!((before.len(), records(&backup).len()), (MANY, MANY));
    inventory.describe("server-00", "second");
    all_are_told(&consumer, 2).await;

    for gateway in &mut gateways {
        gateway.kill9();
    }
    let missed = begun.elapsed();
    lab.ask(lab.primary(), &["FLUSHALL"]);
    assert_eq!(lab.ask(lab.primary(), &["DBSIZE"]), ["0"]);
    let lost = Instant::now();
    let restored = restore(&folder, &file, &[]);
    assert_eq!((&restored["put"], &restored["resync"]), (&json!(MANY), &json!(MANY)), "{restored}");
    assert_eq!(stored(&lab), before);
    for gateway in &mut gateways {
        gateway.restart().await;
    }
    listed(&gateways[0]).await;
    let rto = lost.elapsed();
    // The notice to read again, and then what is new.
    all_are_told(&consumer, 3).await;
    inventory.describe("server-00", "third");
    all_are_told(&consumer, 4).await;
    for n in 0..MANY {
        let told = told(&consumer, &path(n));
        assert!(told.len() == 4 && told.is_sorted_by(|a, b| a < b), "{n}: {told:?}");
    }
    assert!(rto < RTO && missed < RPO, "{rto:?} {missed:?}");
    figures::record(&format!(
        "backup_subscriptions={MANY} backup_create_ms={} backup_rpo_ms={} backup_rpo_target_ms={} backup_rto_ms={} \
         backup_rto_target_ms={}",
        took.as_millis(),
        missed.as_millis(),
        RPO.as_millis(),
        rto.as_millis(),
        RTO.as_millis()
    ));
}
