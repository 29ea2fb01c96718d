//! A source that is gone changes the age of what is served, never its existence.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Client, Gateway, Inventory, Setup, soon};
use serde_json::{Value, json};

/// Lifetimes short enough to be outlived in a test.
fn impatient() -> Setup {
    Setup::memory().set("/cache/ttl/resourceLists", json!("1s")).set("/cache/ttl/resources", json!("1s"))
}

async fn source(client: &Client, name: &str) -> Value {
    let sources = client.get("/netweave/v1/sources").await.expect(200).list();
    sources.into_iter().find(|source| source["name"] == name).unwrap_or_else(|| panic!("no source {name}"))
}

async fn stays_and_says_so(gateway: &Gateway, servers: usize) {
    let client = gateway.client("smo");
    let path = format!("{V2}/resourcePools/pool-a/resources");
    soon("the list says that it is old", async || {
        let answer = client.get(&path).await.expect(200);
        assert_eq!(answer.list().len(), servers, "objects went with their source");
        answer.header("x-cache") == "STALE" && answer.header("age").parse::<u64>().is_ok_and(|age| age >= 1)
    })
    .await;
    client.get(&format!("{path}/server-00")).await.expect(200);
    assert!(!source(&client, "lab").await["live"].as_bool().unwrap_or(true));
}

#[tokio::test]
async fn a_broken_file_leaves_the_last_objects_and_is_named() {
    let mut inventory = Inventory::with_servers(4);
    let gateway = impatient().file("lab", &inventory).start().await;
    gateway.client("smo").get(&format!("{V2}/resourcePools/pool-a/resources")).await.expect(200);
    inventory.spoil();
    stays_and_says_so(&gateway, 2).await;
    let verbose = gateway.ops("/readyz?verbose").await.expect(200);
    assert!(String::from_utf8_lossy(&verbose.body).contains("lab"), "{verbose:?}");

    inventory.add("server-04", "pool-a");
    let client = gateway.client("smo");
    soon("the mended file is served", async || {
        let answer = client.get(&format!("{V2}/resourcePools/pool-a/resources")).await.expect(200);
        answer.list().len() == 3 && answer.header("x-cache") != "STALE"
    })
    .await;
}

#[tokio::test]
async fn a_removed_file_leaves_the_last_objects() {
    let inventory = Inventory::with_servers(6);
    let gateway = impatient().file("lab", &inventory).start().await;
    gateway.client("smo").get(&format!("{V2}/resourceTypes")).await.expect(200);
    inventory.vanish();
    stays_and_says_so(&gateway, 3).await;
}

#[tokio::test]
async fn a_source_that_was_never_read_is_503_with_a_time_to_try_again() {
    let inventory = Inventory::with_servers(1);
    inventory.vanish();
    let gateway = Setup::memory().file("lab", &inventory).ready_at("/livez").start().await;
    let client = gateway.client("smo");
    let answer = client.get(&format!("{V2}/resourceTypes")).await;
    answer.problem(503);
    assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1), "{answer:?}");
    client.get(V2).await.expect(200);

    inventory.write();
    soon("the file is read", async || client.get(&format!("{V2}/resourceTypes")).await.status == 200).await;
}
