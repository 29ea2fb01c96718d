//! SIGTERM: unready at once, what runs is finished, exit 0.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Inventory, Setup, soon};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn an_idle_gateway_ends_with_0_within_its_delay_and_a_little() {
    let inventory = Inventory::with_servers(1);
    let mut gateway = Setup::memory().file("lab", &inventory).start().await;
    gateway.client("smo").get(V2).await.expect(200);
    gateway.terminate();
    let (status, _) = gateway.ended(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(0), "{}", gateway.log());
}

#[tokio::test]
async fn it_is_unready_at_once_and_still_accepts_during_the_delay() {
    let inventory = Inventory::with_servers(1);
    let mut gateway =
        Setup::memory().file("lab", &inventory).set("/shutdown/delay", json!("3s")).start().await;
    gateway.terminate();
    soon("it is unready", async || gateway.ops("/readyz").await.status == 503).await;
    // A new connection, made after the signal.
    gateway.client("late").get(&format!("{V2}/resourceTypes")).await.expect(200);
    assert_eq!(gateway.ended(Duration::from_secs(20)).await.0.code(), Some(0));
}

#[tokio::test]
async fn a_slow_request_is_finished_before_the_end() {
    let inventory = Inventory::with_servers(1);
    let mut gateway = Setup::memory().file("lab", &inventory).start().await;
    let leaf = gateway.pki().client("slow");
    let mut stream =
        netweave_tests::harness::client::raw(gateway.pki(), Some(&leaf), gateway.api_address()).await;
    let body = json!({ "callback": "http://127.0.0.1:9/inbox" }).to_string();
    let head = format!(
        "POST {V2}/subscriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    stream.flush().await.expect("the head is sent");
    soon("the request is counted as in flight", async || {
        gateway.metric("o2ims_http_requests_in_flight").await.is_some_and(|count| count >= 1.0)
    })
    .await;
    gateway.terminate();
    soon("it drains", async || gateway.log().contains("draining")).await;
    stream.write_all(body.as_bytes()).await.expect("the body is sent");
    stream.flush().await.expect("the body is sent");
    let mut answer = Vec::new();
    // The connection may end without TLS's own farewell.
    stream.read_to_end(&mut answer).await.ok();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert_eq!(gateway.ended(Duration::from_secs(20)).await.0.code(), Some(0));
}
