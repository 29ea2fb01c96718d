//! Traces: from a client's request to the calls of a backend, and from a change to the callback that is told of it.

use netweave::webhook::inbox::{self, Inbox, Options};
use netweave_tests::harness::client::V2;
use netweave_tests::harness::compute::{Compute, instance};
use netweave_tests::harness::consumer::Wall;
use netweave_tests::harness::otlp::{Otlp, OtlpGrpc, Span};
use netweave_tests::harness::{Client, Gateway, Inventory, Pki, Setup, soon};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const PROJECT: &str = "ran-core";
const ZONE: &str = "europe-west3-a";
const PLACE: &str = "zones/europe-west3-a";

fn traceparent(sampled: bool) -> String {
    format!("00-{TRACE}-{CALLER}-{:02}", u8::from(sampled))
}

fn machine(name: &str) -> Value {
    instance(PROJECT, ZONE, name, &json!({}))
}

/// The lines of `OpenMetrics` text that name the trace of the tests.
async fn exemplars(gateway: &Gateway) -> Vec<String> {
    let ops = Client::plain(format!("http://{}", gateway.ops_address()));
    let answer = ops.get_with("/metrics", &[("accept", "application/openmetrics-text; version=1.0.0")]).await;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!((answer.status, answer.header("content-type")), (200, media_type));
    let text = String::from_utf8(answer.body.to_vec()).expect("text");
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let of_trace = format!(" # {{trace_id=\"{TRACE}\"}} ");
    text.lines().filter(|line| line.contains(&of_trace)).map(str::to_owned).collect()
}

/// Whether a span is part of the trace of the tests and has a name.
fn is(name: &str) -> impl Fn(&Span) -> bool {
    move |span| span.trace == TRACE && span.name == name
}

#[tokio::test]
async fn a_request_leads_to_the_backend_and_a_change_to_its_callback() {
    let Some(compute) = Compute::start(&[PROJECT]) else {
        return eprintln!("SKIPPED: no Compute Engine; run tests/peers/compute.sh");
    };
    compute.replace(PROJECT, "instances", vec![machine("du-1")]).await;
    let otlp = Otlp::start().await;
    let callbacks = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let callback = format!("http://{}/smo", callbacks.local_addr().expect("an address"));
    let inbox = Inbox::new(Options::default(), Arc::new(Wall));
    let consumer = tokio::spawn(inbox::serve(callbacks, Arc::clone(&inbox)));
    let backend = json!({
        "kind": "gcp", "name": "gcp-1", "projects": [PROJECT], "regions": ["europe-west3"], "poll": "1h",
        "endpoint": format!("http://{}", compute.address()), "credentialsFile": compute.credentials(),
    });
    let setup = Setup::memory().backend(backend);
    let gateway = setup.set("/tracing", json!({ "url": otlp.url(), "oneIn": 1_000_000 })).start().await;
    let smo = gateway.client("smo");
    soon("the cloud is read", async || !smo.all(&format!("{V2}/resourcePools")).await.is_empty()).await;
    smo.post(&format!("{V2}/subscriptions"), &json!({ "callback": callback })).await.expect(201);

    let mut item = machine("du-2");
    item.as_object_mut().expect("an object").remove("at");
    compute.put(PROJECT, "instances", Some(PLACE), item).await;
    let headers = [("traceparent", &*traceparent(true)), ("x-request-id", "find-me")];
    let path = "/netweave/v1/sources/gcp-1/refresh";
    smo.send(http::Method::POST, path, &headers, "").await.expect(202);

    let route = "/netweave/v1/sources/{source}/refresh";
    let request = otlp.wait("the request's span", is(&format!("POST {route}"))).await;
    assert_eq!((request.parent.as_str(), request.kind, request.failed), (CALLER, 2, false));
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", route),
        ("http.response.status_code", "202"),
        ("netweave.request.id", "find-me"),
        ("url.scheme", "https"),
    ] {
        assert_eq!(request.attributes.get(name).map(String::as_str), Some(value), "{request:?}");
    }
    let list = otlp.wait("the backend's span", is("adapter list")).await;
    assert_eq!((&list.parent, list.kind), (&request.id, 1), "{list:?}");
    assert_eq!(list.attributes["adapter.name"], "gcp-1");
    assert_eq!(list.attributes["adapter.operation"], "list");
    assert!(list.attributes.contains_key("resource.count"), "{list:?}");
    let call = otlp.wait("a call's span", is("GET instances")).await;
    assert_eq!((&call.parent, call.kind), (&list.id, 3), "{call:?}");
    assert_eq!(call.attributes["http.response.status_code"], "200");
    assert_eq!(call.attributes["server.address"], "127.0.0.1");
    assert_eq!(call.attributes["server.port"], compute.address().port().to_string());
    assert!(list.times.0 <= call.times.0 && call.times.1 <= list.times.1, "{list:?} {call:?}");

    let delivery = otlp.wait("a delivery's span", is("POST notification")).await;
    assert_eq!((&delivery.parent, delivery.kind), (&list.id, 3), "{delivery:?}");
    assert_eq!(delivery.attributes["http.response.status_code"], "204");
    let told = inbox.received(0);
    let named = |id: &str| format!("00-{TRACE}-{id}-01");
    let told: Vec<&str> =
        told.iter().filter_map(|one| one.headers.get("traceparent")?.to_str().ok()).collect();
    assert!(told.contains(&named(&delivery.id).as_str()), "{told:?} {delivery:?}");
    consumer.abort();

    // They are counted when the collector has answered.
    let sent = async || gateway.metric("netweave_trace_spans_total{outcome=\"sent\"}").await;
    soon("all that was sent is counted", async || sent().await.is_some_and(|sent| sent >= 4.0)).await;
    measured(&gateway).await;
}

/// Looks for what is counted of calls and deliveries.
async fn measured(gateway: &Gateway) {
    let calls = "o2ims_adapter_backend_requests_total{adapter=\"gcp-1\",endpoint=\"instances\",method=\"GET\",status=\"200\"}";
    assert!(gateway.metric(calls).await.is_some_and(|calls| calls >= 2.0));
    let of_delivery = "o2ims_webhook_latency_seconds_bucket{attempt=\"first\",le=";
    let lines = exemplars(gateway).await;
    assert!(lines.iter().any(|line| line.starts_with(of_delivery)), "{lines:?}");
}

#[tokio::test]
async fn the_bucket_of_a_recorded_request_names_its_trace_to_who_asks_for_openmetrics() {
    let otlp = Otlp::start().await;
    let inventory = Inventory::with_servers(1);
    let setup = Setup::memory().file("lab", &inventory);
    let gateway = setup.set("/tracing", json!({ "url": otlp.url(), "oneIn": 1_000_000 })).start().await;
    let smo = gateway.client("smo");
    let path = format!("{V2}/resourceTypes");
    smo.get_with(&path, &[("traceparent", &traceparent(false))]).await.expect(200);
    assert_eq!(exemplars(&gateway).await, Vec::<String>::new(), "that trace is not recorded");
    smo.get_with(&path, &[("traceparent", &traceparent(true))]).await.expect(200);
    soon("the request is counted", async || !exemplars(&gateway).await.is_empty()).await;
    let lines = exemplars(&gateway).await;
    let series = format!("o2ims_http_request_duration_seconds_bucket{{method=\"GET\",path=\"{path}\",le=");
    assert!(matches!(&lines[..], [line] if line.starts_with(&series)), "{lines:?}");
    let plain = gateway.ops("/metrics").await.expect(200);
    assert_eq!(plain.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(
        !String::from_utf8_lossy(&plain.body).contains("trace_id"),
        "the older format has no place for it"
    );
}

#[tokio::test]
async fn spans_go_by_grpc_over_tls_and_without_and_what_is_refused_is_counted() {
    let inventory = Inventory::with_servers(1);
    let path = format!("{V2}/resourceTypes");
    let name = "GET /o2ims-infrastructureInventory/v2/resourceTypes";
    let pki = Pki::new();
    for leaf in [None, Some(pki.server())] {
        let otlp = OtlpGrpc::start(leaf.as_ref()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("otlp-ca.crt");
        std::fs::write(&ca, pki.authority()).expect("a file");
        let tracing = json!({ "url": otlp.url(), "protocol": "grpc", "ca": ca, "oneIn": 1_000_000 });
        let gateway = Setup::memory().file("lab", &inventory).set("/tracing", tracing).start().await;
        let smo = gateway.client("smo");
        let counted = async |outcome: &str| {
            gateway.metric(&format!("netweave_trace_spans_total{{outcome=\"{outcome}\"}}")).await
        };
        otlp.refuse(Some("14"));
        smo.get_with(&path, &[("traceparent", &traceparent(true))]).await.expect(200);
        soon("spans are refused", async || counted("failed").await.is_some_and(|count| count > 0.0)).await;
        assert!(otlp.refused() > 0);
        assert_eq!(counted("sent").await, None);
        let told = "the collector answered with the gRPC status 14";
        soon("it is told", async || gateway.log().contains(told)).await;
        otlp.refuse(None);
        smo.get_with(&path, &[("traceparent", &traceparent(true))]).await.expect(200);
        let request = otlp.wait("the request's span", is(name)).await;
        assert_eq!((request.parent.as_str(), request.kind, request.failed), (CALLER, 2, false));
        soon("spans are counted", async || counted("sent").await.is_some_and(|count| count > 0.0)).await;
    }
}

#[tokio::test]
async fn a_look_into_the_cache_is_a_span_and_what_a_client_does_not_record_is_none() {
    let otlp = Otlp::start().await;
    let inventory = Inventory::with_servers(1);
    let setup = Setup::memory().file("lab", &inventory);
    let mut gateway = setup.set("/tracing", json!({ "url": otlp.url(), "oneIn": 1_000_000 })).start().await;
    let smo = gateway.client("smo");
    let path = format!("{V2}/resourceTypes");
    smo.get_with(&path, &[("traceparent", &traceparent(false))]).await.expect(200);
    for _ in 0..2 {
        smo.get_with(&path, &[("traceparent", &traceparent(true))]).await.expect(200);
    }
    let hit = |span: &Span| is("cache")(span) && span.attributes["cache.hit"] == "true";
    let hit = otlp.wait("a hit", hit).await;
    let name = "GET /o2ims-infrastructureInventory/v2/resourceTypes";
    let request = otlp.wait("its request", |span| is(name)(span) && span.id == hit.parent).await;
    assert_eq!(request.attributes["http.response.status_code"], "200");
    // What waits when the process ends is sent before it does.
    smo.get_with("/unknown", &[("traceparent", &traceparent(true))]).await.expect(404);
    gateway.terminate();
    gateway.ended(std::time::Duration::from_secs(30)).await;
    let spans = otlp.spans();
    assert!(spans.iter().any(is("GET unmatched")), "{spans:?}");
    assert_eq!(spans.iter().filter(|span| is(name)(span)).count(), 2, "the first was not to be recorded");
}

#[tokio::test]
async fn without_a_collector_a_trace_is_named_in_log_and_answers() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let smo = gateway.client("smo");
    let headers = [("traceparent", &*traceparent(true)), ("x-request-id", "find-me")];
    let problem = smo.get_with("/unknown", &headers).await.problem(404);
    assert_eq!(problem["traceId"], TRACE);
    soon("the refusal is logged", async || gateway.log().contains("find-me")).await;
    let log = gateway.log();
    let line = log.lines().find(|line| line.contains("find-me") && line.contains("request answered"));
    let line: Value = serde_json::from_str(line.expect("the line")).expect("JSON");
    assert_eq!((&line["traceId"], &line["spanId"]), (&json!(TRACE), &json!(CALLER)));
    let of_trace = format!("\"traceId\":\"{TRACE}\"");
    let audited =
        |line: &str| line.starts_with("{\"audit\":") && line.contains("find-me") && line.contains(&of_trace);
    soon("the audit record names the trace", async || gateway.log().lines().any(audited)).await;
    // What is no traceparent is nobody's.
    for wrong in ["00-1-2-3", &traceparent(true).to_uppercase(), &"0".repeat(4000)] {
        let problem = smo.get_with("/unknown", &[("traceparent", wrong)]).await.problem(404);
        assert!(problem.get("traceId").is_none(), "{problem}");
    }
    assert_eq!(gateway.metric("netweave_trace_spans_total{outcome=\"sent\"}").await, None);
}
