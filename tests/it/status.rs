//! `/status` and `netweave slo`: what a process says of itself, against what `/metrics` says.

use netweave_tests::harness::client::{Client, V2};
use netweave_tests::harness::gateway::{command, requests};
use netweave_tests::harness::{Gateway, Inventory, Setup, soon};
use serde_json::Value;
use std::process::Output;

/// The edges of latency histograms, in seconds.
const EDGES: [f64; 16] =
    [0.0, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

async fn busy() -> (Inventory, Gateway) {
    let inventory = Inventory::with_servers(3);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let smo = gateway.client("smo");
    for _ in 0..40 {
        smo.get(&format!("{V2}/resourceTypes")).await.expect(200);
    }
    smo.get("/unknown").await.expect(404);
    (inventory, gateway)
}

fn slo(gateway: &Gateway, arguments: &[&str]) -> Output {
    let url = format!("http://{}", gateway.ops_address());
    let arguments = [&["slo", "--url", &url], arguments].concat();
    command(gateway.folder(), &arguments).output().expect("the command runs")
}

fn objective<'a>(status: &'a Value, name: &str) -> &'a Value {
    let all = status["objectives"].as_array().expect("objectives");
    all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {status}"))
}

#[tokio::test]
async fn a_process_says_what_it_is_and_how_it_fares() {
    let (_inventory, gateway) = busy().await;
    let known = async || gateway.ops("/status").await.expect(200).json()["certificates"].to_string();
    soon("the client's certificate is told", async || known().await.contains("observed_client")).await;
    let answer = gateway.ops("/status").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    let status = answer.json();
    assert_eq!((&status["status"], &status["pod"]["environment"]), (&"ready".into(), &"dev".into()));
    assert_eq!(status["pod"]["oCloudId"], "cloud-1");
    assert_eq!(status["sources"][0]["name"], "lab");
    assert_eq!(
        (&status["sources"][0]["role"], &status["sources"][0]["failure"]),
        (&"leads".into(), &Value::Null)
    );
    let certificates = status["certificates"].as_array().expect("certificates");
    for role in ["server", "client_ca", "observed_client"] {
        let one = certificates.iter().find(|one| one["role"] == role);
        assert!(one.is_some_and(|one| one["daysLeft"].as_f64().is_some_and(|days| days > 0.0)), "{role}");
    }
    assert_eq!(status["lastReload"], Value::Null);
    let availability = objective(&status, "availability");
    assert_eq!((&availability["measured"], &availability["budgetLeft"]), (&1.0.into(), &1.0.into()));
    assert_eq!((&availability["met"], &availability["windowSeconds"]), (&true.into(), &2_592_000.into()));
    assert_eq!(objective(&status, "webhookDeliveryP99")["measured"], Value::Null, "nothing was delivered");
    assert!(objective(&status, "cacheHitRatio")["measured"].as_f64().is_some_and(|ratio| ratio > 0.9));
    gateway.ops("/status/").await.expect(200);
    let refused = Client::plain(format!("http://{}", gateway.ops_address()));
    refused.post("/status", &Value::Null).await.expect(405);
    gateway.client("smo").get("/status").await.problem(404);
}

#[tokio::test]
async fn a_browser_gets_a_page_that_can_do_nothing() {
    let (_inventory, gateway) = busy().await;
    let client = Client::plain(format!("http://{}", gateway.ops_address()));
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let answer = client.get_with("/status", &[("accept", accept)]).await.expect(200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let page = String::from_utf8(answer.body.to_vec()).expect("text");
    for part in ["<!doctype html>", "<h2>Objectives of this process</h2>", "availability", "<td>lab</td>"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    for none in ["<script", "<style", "<form", "<img", "<link", "style=", "onclick", "href="] {
        assert!(!page.contains(none), "{none} is in {page}");
    }
}

/// Reads the bucket of a quantile out of `/metrics`, as Prometheus does, for all requests since the start.
fn bucket(metrics: &str, quantile: f64) -> usize {
    let upto = |edge: &str| -> f64 {
        let lines = metrics.lines().filter(|line| {
            line.starts_with("o2ims_http_request_duration_seconds_bucket")
                && line.contains(&format!("le=\"{edge}\""))
                && !["/livez", "/healthz", "/readyz"]
                    .iter()
                    .any(|probe| line.contains(&format!("path=\"{probe}\"")))
        });
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    let rank = quantile * upto("+Inf");
    let place = EDGES.iter().skip(1).position(|edge| upto(&edge.to_string()) >= rank);
    place.expect("all requests took less than ten seconds")
}

#[tokio::test]
async fn what_a_process_measures_is_what_prometheus_calculates() {
    let (_inventory, gateway) = busy().await;
    // A request is counted once it has been answered.
    soon("all are counted", async || requests(&gateway.metrics().await) >= 41.0).await;
    let status = gateway.ops("/status").await.expect(200).json();
    let metrics = gateway.metrics().await;
    for (name, quantile) in [("latencyP95", 0.95), ("latencyP99", 0.99)] {
        let one = objective(&status, name);
        let measured = one["measured"].as_f64().expect("a latency");
        let place = bucket(&metrics, quantile);
        let (lower, upper) = (EDGES[place], EDGES[place + 1]);
        assert!(lower <= measured && measured <= upper, "{name}: {measured} is not in {lower}..{upper}");
        assert!(one["events"].as_u64().is_some_and(|events| events >= 41), "{one}");
    }
    let counted = requests(&metrics);
    let events = objective(&status, "availability")["events"].as_f64().expect("a count");
    assert!((counted - events).abs() < 0.5, "{counted} requests on /metrics, {events} on /status");
}

#[tokio::test]
async fn the_command_prints_the_objectives() {
    let (_inventory, gateway) = busy().await;
    let text = slo(&gateway, &[]);
    let lines = String::from_utf8(text.stdout).expect("text");
    assert_eq!(text.status.code(), Some(0), "{lines}");
    for name in
        ["availability", "latencyP95", "latencyP99", "errorRate", "cacheHitRatio", "webhookDeliveryP99"]
    {
        assert!(lines.contains(name), "{name} is not in\n{lines}");
    }
    let json: Value = serde_json::from_slice(&slo(&gateway, &["-o", "json"]).stdout).expect("JSON");
    assert_eq!(json[0]["name"], "availability");
}
