//! Clients that take their time, two hundred at once: what they hold is bounded, and is given back after the time-out.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::figures::record;
use netweave_tests::harness::h2::{BOTH, HEADERS, PREFACE, SETTINGS, frame, request};
use netweave_tests::harness::memory::Growth;
use netweave_tests::harness::socket::{Dialer, Socket};
use netweave_tests::harness::{Gateway, Inventory, Setup, soon, until};
use serde_json::json;
use std::time::Duration;

/// Slow clients at once.
const CLIENTS: usize = 200;
/// The time that they have for a head, a body and the reading of an answer: long against what it takes to open all of them.
const TIME: &str = "10s";
/// The longest that the gateway may hold what they hold: that time, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the gateway may need for each of them, in KiB: TLS, a task, buffers of the kernel's not counted.
const EACH_KIB: usize = 256;
const CONNECTIONS: &str = "netweave_connections";
/// The largest answer of the inventory.
const LARGE: &str = "/o2ims-infrastructureInventory/v2/resourcePools/pool-a/resources?limit=1000";
const IN_FLIGHT: &str = "o2ims_http_requests_in_flight";
/// Connections of HTTP/2 whose windows stay shut, and the requests on each.
const SHUT: u32 = 20;
const STREAMS: u32 = 10;
/// What the gateway may need for all of these, in KiB.
const MEMORY_KIB: usize = 64 << 10;

async fn gateway(inventory: &Inventory) -> Gateway {
    let mut setup =
        Setup::memory().file("lab", inventory).set("/limits/connectionsPerIp", json!(CLIENTS + 10));
    for key in ["headerTime", "bodyTime", "writeTime", "idle"] {
        setup = setup.set(&format!("/limits/{key}"), json!(TIME));
    }
    setup.start().await
}

/// Opens all connections; each sends its beginning.
async fn begin(dialer: &Dialer, beginning: &[u8]) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for _ in 0..CLIENTS {
        let mut socket = dialer.open().await.expect("a connection");
        assert!(socket.send(beginning, PATIENCE).await);
        sockets.push(socket);
    }
    sockets
}

/// One kind of slowness.
struct Slow<'a> {
    /// What the figures are called.
    what: &'a str,
    /// The gauge on which what is held is seen.
    gauge: &'a str,
    /// What each client sends at once, and what it sends a little later: that earns no more time.
    sends: (&'a str, &'a str),
}

/// Opens all connections, and has them held and let go.
async fn hold(slow: Slow<'_>, inventory: &Inventory) {
    let Slow { what, gauge, sends: (beginning, drip) } = slow;
    let gateway = gateway(inventory).await;
    // The answer is in the cache from then on, so that it is there once, not for each.
    soon("the inventory is read", async || gateway.client("smo").get(LARGE).await.status == 200).await;
    let gone = async || (gateway.metric(CONNECTIONS).await == Some(0.0)).then_some(());
    until(PATIENCE, "the first client is gone", &gone).await;
    let growth = Growth::of(gateway.pid());
    let dialer = Dialer::new(&gateway, "slow", "http/1.1").window(4096);
    let opening = tokio::spawn({
        let beginning = beginning.as_bytes().to_vec();
        async move { begin(&dialer, &beginning).await }
    });
    let mut held = 0.0_f64;
    while !opening.is_finished() {
        held = held.max(gateway.metric(gauge).await.expect("a gauge"));
    }
    let mut sockets = opening.await.expect("all are open");
    held = held.max(gateway.metric(gauge).await.expect("a gauge"));
    for socket in &mut sockets {
        socket.send(drip.as_bytes(), Duration::from_secs(1)).await;
    }
    gateway.client("smo").get(&format!("{V2}/resourcePools")).await.expect(200);
    let ((), freed) = until(PATIENCE, "they are let go", gone).await;
    soon("no request is left", async || gateway.metric(IN_FLIGHT).await == Some(0.0)).await;
    let (memory, freed) = (growth.peak_kib(), freed.as_millis());
    let most = f64::from(u32::try_from(CLIENTS).expect("a small number"));
    assert!(held > most / 2.0, "{what}: only {held} were held at the same time");
    assert!(memory < CLIENTS * EACH_KIB, "{what}: {memory} KiB");
    record(&format!("checks=1 {what}_held={held} {what}_memory_kib={memory} {what}_freed_ms={freed}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_come_slowly_are_ended_and_what_they_held_is_given_back() {
    let sends = ("GET /healthz HTTP/1.1\r\nHost: a\r\n", "X");
    hold(Slow { what: "slow_heads", gauge: CONNECTIONS, sends }, &Inventory::with_servers(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_come_slowly_are_ended_and_what_they_held_is_given_back() {
    let head = format!("POST {V2}/subscriptions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
    let beginning = format!("{head}Content-Length: 1000000\r\n\r\n{{");
    let sends = (&*beginning, " ");
    hold(Slow { what: "slow_bodies", gauge: IN_FLIGHT, sends }, &Inventory::with_servers(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_not_read_are_ended_and_what_they_held_is_given_back() {
    // More than the kernel keeps for each.
    let mut inventory = Inventory::with_servers(600);
    inventory.edit(|document| {
        for entry in document["resources"].as_array_mut().expect("resources") {
            entry["extensions"]["note"] = "x".repeat(20_000).into();
        }
    });
    let beginning = format!("GET {LARGE} HTTP/1.1\r\nHost: a\r\n\r\n");
    hold(Slow { what: "slow_readers", gauge: IN_FLIGHT, sends: (&beginning, "") }, &inventory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_of_http_2_that_stay_shut_are_ended_and_what_they_held_is_given_back() {
    let inventory = Inventory::with_servers(2000);
    let gateway = gateway(&inventory).await;
    gateway.client("smo").get(LARGE).await.expect(200);
    let growth = Growth::of(gateway.pid());
    let dialer = Dialer::new(&gateway, "slow", "h2");
    let ask = request("GET", LARGE, &[]);
    // SETTINGS_INITIAL_WINDOW_SIZE is 0.
    let mut opening = [PREFACE, &frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])].concat();
    (0..STREAMS).for_each(|stream| opening.extend(frame(HEADERS, BOTH, 2 * stream + 1, &ask)));
    let mut sockets = Vec::new();
    for _ in 0..SHUT {
        let mut socket = dialer.open().await.expect("a connection");
        assert!(socket.send(&opening, PATIENCE).await);
        sockets.push(socket);
    }
    let most = SHUT * STREAMS;
    soon("they are held", async || gateway.metric(IN_FLIGHT).await >= Some(f64::from(most / 2))).await;
    gateway.client("smo").get(&format!("{V2}/resourcePools")).await.expect(200);
    let freed = async || (gateway.metric(IN_FLIGHT).await == Some(0.0)).then_some(());
    until(PATIENCE, "the streams are let go", freed).await;
    let closed = async || (gateway.metric(CONNECTIONS).await == Some(0.0)).then_some(());
    until(PATIENCE, "the connections are let go", closed).await;
    let memory = growth.peak_kib();
    assert!(memory < MEMORY_KIB, "{memory} KiB");
    record(&format!("checks=1 shut_windows_held={most} shut_windows_memory_kib={memory}"));
}
