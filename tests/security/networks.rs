//! From where clients may connect at all.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::figures::record;
use netweave_tests::harness::ports::Port;
use netweave_tests::harness::socket::Dialer;
use netweave_tests::harness::{Gateway, Inventory, Setup, until};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::AsyncReadExt;

const REFUSED: &str = "netweave_connections_refused_total{reason=\"network\"}";
const PATIENCE: Duration = Duration::from_secs(10);

fn loopback(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

/// Says whether a client is served over TLS.
async fn served(dialer: &Dialer) -> bool {
    let Ok(mut socket) = dialer.open().await else { return false };
    socket.send(format!("GET {V2}/resourcePools HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes(), PATIENCE).await;
    socket.answer(PATIENCE).await.is_some_and(|said| said.status == 200)
}

/// Says whether a connection is closed before a byte of TLS was sent.
async fn closed_at_once(dialer: &Dialer) -> bool {
    let Ok(mut stream) = dialer.bare().await else { return false };
    let mut read = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await;
    ended.is_ok() && read.is_empty()
}

/// Waits for a record of the audit log.
pub(crate) async fn recorded(gateway: &Gateway, holds: impl Fn(&Value) -> bool) -> Value {
    let look = async || {
        let folder = std::fs::read_dir(gateway.folder().join("audit")).ok()?;
        let text: String =
            folder.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok()).collect();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).find(|record| holds(record))
    };
    until(PATIENCE, "the record", look).await.0
}

#[tokio::test]
async fn only_clients_of_the_allowed_networks_are_spoken_with_and_others_are_counted_and_on_record() {
    let inventory = Inventory::with_servers(1);
    let setup =
        Setup::memory().file("lab", &inventory).set("/api/allow", json!(["127.0.0.2", "192.0.2.0/24"]));
    let setup = setup.set("/ops/allow", json!(["127.0.0.1"])).set("/audit/sinks", json!(["file"]));
    let gateway = setup.set("/audit/file/directory", json!("audit")).start().await;
    let api = Dialer::new(&gateway, "smo", "http/1.1");
    assert!(served(&api.clone().from(loopback(2))).await);
    for _ in 0..5 {
        assert!(closed_at_once(&api.clone().from(loopback(3))).await);
    }
    assert!(!served(&api.clone().from(loopback(3))).await);
    let ops = api.clone().to(gateway.ops_address()).from(loopback(3));
    assert!(closed_at_once(&ops).await);
    assert_eq!(gateway.metric(REFUSED).await, Some(7.0));
    for listener in ["api", "ops"] {
        let refused = |record: &Value| {
            record["event"] == "connection.refused" && record["detail"]["listener"] == listener
        };
        let record = recorded(&gateway, refused).await;
        assert_eq!(
            (&record["sourceIp"], &record["reason"]),
            (&json!("127.0.0.3"), &json!("network")),
            "{record}"
        );
    }
    // One line for each listener, whatever the number of strangers.
    assert_eq!(gateway.log().matches("no network of `allow` has its address").count(), 2);
    record("checks=10");
}

#[tokio::test]
async fn an_ipv4_client_of_an_ipv6_socket_is_judged_by_its_ipv4_address_however_the_network_is_spelled() {
    for entry in ["127.0.0.2", "127.0.0.2/32", "::ffff:127.0.0.2", "::ffff:127.0.0.2/128"] {
        let (inventory, port) = (Inventory::with_servers(1), Port::reserve());
        let setup = Setup::memory().file("lab", &inventory).set("/api/allow", json!([entry]));
        let gateway = setup.variable("NETWEAVE_API_LISTEN", format!("[::]:{}", port.number())).start().await;
        let dialer = Dialer::new(&gateway, "smo", "http/1.1").to(port.address());
        assert!(served(&dialer.clone().from(loopback(2))).await, "{entry}");
        assert!(closed_at_once(&dialer.clone().from(loopback(3))).await, "{entry}");
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port.number()));
        assert!(closed_at_once(&dialer.to(v6)).await, "{entry}");
        assert_eq!(gateway.metric(REFUSED).await, Some(2.0), "{entry}");
    }
    record("checks=16");
}

#[tokio::test]
async fn a_gateway_whose_list_has_a_fault_does_not_start() {
    for (key, entry) in
        [("/api/allow", "127.0.0.1/33"), ("/ops/allow", "10.1.0.0/8"), ("/api/allow", "localhost")]
    {
        let (code, log) = Setup::memory().set(key, json!([entry])).refused().await;
        assert_eq!(code, Some(3), "{log}");
        assert!(log.contains("must be "), "{log}");
    }
}
