//! Health and metrics, on the operations port and, without a certificate, on the API port.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Inventory, Setup, soon};

/// Families that have a source from the first release on; the rest of their names is tested where they are defined.
const FAMILIES: &[&str] = &[
    "o2ims_up",
    "netweave_build_info",
    "o2ims_http_requests_total",
    "o2ims_http_request_duration_seconds_bucket",
    "o2ims_http_requests_in_flight",
    "netweave_connections",
];

#[tokio::test]
async fn health_is_told_on_both_ports() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let nobody = gateway.nobody();
    for path in ["/healthz", "/livez", "/readyz", "/readyz?verbose", "/health", "/ready"] {
        gateway.ops(path).await.expect(200);
    }
    for path in ["/healthz", "/livez", "/readyz"] {
        nobody.get(path).await.expect(200);
    }
    let verbose = gateway.ops("/readyz?verbose").await.expect(200);
    assert!(String::from_utf8_lossy(&verbose.body).contains("lab"), "the source is named: {verbose:?}");
}

#[tokio::test]
async fn the_operations_port_answers_unknown_paths_by_a_problem() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    for path in ["/unknown", &format!("{V2}/resourceTypes")] {
        let answer = gateway.ops(path).await.expect(404);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["status"], 404);
    }
}

#[tokio::test]
async fn metrics_have_the_promised_families_and_count_requests() {
    let inventory = Inventory::with_servers(3);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    for _ in 0..3 {
        client.get(&format!("{V2}/resourceTypes")).await.expect(200);
    }
    // A request is counted once it has been answered.
    let counted = r#"o2ims_http_requests_total{method="GET",path="/o2ims-infrastructureInventory/v2/resourceTypes",status="200"}"#;
    soon("all are counted", async || gateway.metric(counted).await >= Some(3.0)).await;
    let text = gateway.metrics().await;
    for family in FAMILIES {
        assert!(text.lines().any(|line| line.starts_with(family)), "{family} is missing in:\n{text}");
    }
    for edge in ["0.1", "0.5", "1"] {
        assert!(text.contains(&format!("le=\"{edge}\"")), "no bucket edge at {edge} s");
    }
    let counted = text
        .lines()
        .filter(|line| line.starts_with("o2ims_http_requests_total") && line.contains("resourceTypes"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum::<f64>();
    assert!((counted - 3.0).abs() < f64::EPSILON, "{counted} requests were counted, 3 were sent");
    assert!(
        !text.contains("server-00") && !text.contains("spiffe://"),
        "a label carries an id or an identity"
    );
}

#[tokio::test]
async fn log_lines_are_json_and_name_the_request() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    client.get_with("/unknown", &[("x-request-id", "find-me")]).await.problem(404);
    soon("the refusal is logged", async || gateway.log().contains("find-me")).await;
    for line in gateway.log().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok_and(|line| line.is_object()), "{line}");
        assert!(line.len() <= 4096, "a line of {} bytes", line.len());
    }
}
