//! Every limit at its edge, where a request is served, and one beyond, where it is refused with its own status and a
//! problem document.

use http::Method;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::figures::record;
use netweave_tests::harness::socket::{Dialer, Said};
use netweave_tests::harness::{Client, Gateway, Inventory, Setup, soon};
use serde_json::json;
use std::time::Duration;

/// Size of a head, and of a target, in bytes.
const HEADER: usize = 4 << 10;
const URL: usize = 2 << 10;
/// Size of a body, in bytes.
const BODY: usize = 8 << 10;
/// Header lines of a request.
const FIELDS: usize = 100;
/// Depth of a filter's paths.
const DEPTH: usize = 4;
/// Expressions of a filter, and values of one.
const EXPRESSIONS: usize = 32;
const VALUES: usize = 64;
/// Names in `fields`.
const NAMES: usize = 100;
/// Items of a page.
const PAGE: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(15);

/// One limit: its name in `docs/security.md`, a request at its edge and one beyond, and the status of each.
struct Limit {
    name: &'static str,
    edge: (Vec<u8>, u16),
    beyond: (Vec<u8>, u16),
}

/// Writes a GET whose head has so many bytes, by one more header.
fn head_of(bytes: usize) -> Vec<u8> {
    let start = format!("GET {V2}/resourcePools HTTP/1.1\r\nHost: a\r\nX: ");
    let fill = bytes - start.len() - 4;
    format!("{start}{}\r\n\r\n", "y".repeat(fill)).into_bytes()
}

/// Writes a GET with so many header lines.
fn lines(count: usize) -> Vec<u8> {
    format!("GET {V2}/resourcePools HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1)).into_bytes()
}

/// Writes a GET whose target has so many bytes; the path is unknown.
fn target_of(bytes: usize) -> Vec<u8> {
    get(&format!("/{}", "a".repeat(bytes - 1)))
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
}

/// Writes the JSON of a subscription, of so many bytes.
fn subscription(callback: &str, bytes: usize) -> Vec<u8> {
    let body = format!("{{\"callback\":\"http://127.0.0.1:9/{callback}\"}}").into_bytes();
    let fill = vec![b' '; bytes - body.len()];
    [body, fill].concat()
}

fn post(lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {V2}/subscriptions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
    [format!("{head}{lines}\r\n").as_bytes(), body].concat()
}

fn sized(bytes: usize) -> Vec<u8> {
    post(&format!("Content-Length: {bytes}\r\n"), &subscription("sized", bytes))
}

/// Writes the same in chunks of at most 1,000 bytes, so that no length announces it.
fn chunked(bytes: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in subscription("chunked", bytes).chunks(1000) {
        body.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    post("Transfer-Encoding: chunked\r\n", &body)
}

fn resources(query: &str) -> Vec<u8> {
    get(&format!("{V2}/resourcePools/pool-a/resources?{query}"))
}

/// Writes a filter of so many expressions on paths of so many names with so many values.
fn filter(expressions: usize, depth: usize, values: usize) -> Vec<u8> {
    let path = match depth {
        1 => "resourceTypeId".to_owned(),
        _ => format!("extensions{}", "/a".repeat(depth - 1)),
    };
    let one =
        if values == 1 { format!("(eq,{path},1)") } else { format!("(in,{path}{})", ",1".repeat(values)) };
    resources(&format!("filter={}", vec![one; expressions].join(";")))
}

/// Writes `fields` with so many names.
fn names(count: usize) -> Vec<u8> {
    let names: Vec<String> = (0..count).map(|number| format!("extensions/{number}")).collect();
    resources(&format!("fields={}", names.join(",")))
}

/// The limits that one request shows.
fn table() -> Vec<Limit> {
    let limit = |name, edge, beyond| Limit { name, edge, beyond };
    vec![
        limit("limits.header", (head_of(HEADER), 200), (head_of(HEADER + 1), 431)),
        limit("header lines", (lines(FIELDS), 200), (lines(FIELDS + 1), 431)),
        limit("limits.url", (target_of(URL), 404), (target_of(URL + 1), 414)),
        limit("limits.body", (sized(BODY), 201), (sized(BODY + 1), 413)),
        limit("limits.body in chunks", (chunked(BODY), 201), (chunked(BODY + 1), 413)),
        limit("limits.filterDepth", (filter(1, DEPTH, 1), 200), (filter(1, DEPTH + 1, 1), 400)),
        limit(
            "expressions of a filter",
            (filter(EXPRESSIONS, 1, 1), 200),
            (filter(EXPRESSIONS + 1, 1, 1), 400),
        ),
        limit("values of an expression", (filter(1, 1, VALUES), 200), (filter(1, 1, VALUES + 1), 400)),
        limit("names in fields", (names(NAMES), 200), (names(NAMES + 1), 400)),
        limit(
            "page size",
            (resources(&format!("limit={PAGE}")), 200),
            (resources(&format!("limit={}", PAGE + 1)), 400),
        ),
    ]
}

async fn gateway(inventory: &Inventory) -> Gateway {
    Setup::memory()
        .file("lab", inventory)
        .set("/limits/header", json!("4KiB"))
        .set("/limits/url", json!("2KiB"))
        .set("/limits/body", json!("8KiB"))
        .set("/limits/filterDepth", json!(DEPTH))
        .start()
        .await
}

async fn ask(dialer: &Dialer, request: &[u8]) -> Option<Said> {
    let mut socket = dialer.open().await.expect("a connection");
    socket.send(request, PATIENCE).await;
    socket.answer(PATIENCE).await
}

/// Says what is wrong with an answer.
fn fault(said: Option<Said>, status: u16, problem: bool) -> Option<String> {
    let Some(said) = said else { return Some("no answer".to_owned()) };
    let is_problem = said.head.contains("content-type: application/problem+json")
        && serde_json::from_slice::<serde_json::Value>(&said.body)
            .is_ok_and(|body| body["status"] == said.status);
    let right = said.status == status && (!problem || is_problem);
    (!right).then(|| {
        format!("{} instead of {status}: {} {}", said.status, said.head, String::from_utf8_lossy(&said.body))
    })
}

#[tokio::test]
async fn every_limit_of_a_request_holds_at_its_edge_and_one_beyond() {
    let inventory = Inventory::with_servers(2);
    let gateway = gateway(&inventory).await;
    let dialer = Dialer::new(&gateway, "smo", "http/1.1");
    let (mut faults, mut checks) = (Vec::new(), 0);
    for Limit { name, edge, beyond } in table() {
        for (place, (request, status)) in [("at its edge", edge), ("beyond", beyond)] {
            let said = ask(&dialer, &request).await;
            faults.extend(
                fault(said, status, place == "beyond").map(|fault| format!("{name} {place}: {fault}")),
            );
            checks += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    record(&format!("checks={checks}"));
}

#[tokio::test]
async fn connections_of_one_address_and_of_all_are_bounded_and_one_beyond_is_closed() {
    for (key, reason) in [("connectionsPerIp", "address"), ("connections", "connections")] {
        let setup = Setup::memory().set(&format!("/limits/{key}"), json!(4));
        let gateway = setup.start().await;
        let dialer = Dialer::new(&gateway, "smo", "http/1.1");
        let mut open = Vec::new();
        for _ in 0..4 {
            let mut socket = dialer.open().await.expect("a connection at the edge");
            socket.send(&get("/healthz"), PATIENCE).await;
            assert!(socket.answer(PATIENCE).await.is_some_and(|said| said.status == 200));
            open.push(socket);
        }
        assert!(dialer.open().await.is_err(), "one beyond limits.{key}");
        let refused = format!("netweave_connections_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(gateway.metric(&refused).await, Some(1.0));
        open.pop();
        soon("its place is given back", async || dialer.open().await.is_ok()).await;
    }
    record("checks=4");
}

#[tokio::test]
async fn streams_of_one_connection_are_bounded_and_one_beyond_is_refused() {
    use netweave_tests::harness::h2::{
        END_HEADERS, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame, request, take,
    };
    const STREAMS: u32 = 5;
    let gateway = Setup::memory().set("/limits/h2Streams", json!(STREAMS)).start().await;
    let mut socket = Dialer::new(&gateway, "smo", "h2").open().await.expect("a connection");
    let post = request("POST", &format!("{V2}/subscriptions"), &[("content-type", "application/json")]);
    // They stay open, because their bodies do not come.
    let mut bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    (0..=STREAMS).for_each(|stream| bytes.extend(frame(HEADERS, END_HEADERS, 2 * stream + 1, &post)));
    socket.send(&bytes, PATIENCE).await;
    let reset = socket.read_until(PATIENCE, |read| {
        while let Some((kind, _, stream, payload)) = take(read) {
            if kind == RST_STREAM {
                return Some((stream, payload));
            }
        }
        None
    });
    // REFUSED_STREAM, which tells the client that it may try again. Source: RFC 9113, section 7.
    assert_eq!(reset.await, Some((2 * STREAMS + 1, vec![0, 0, 0, 7])));
    let in_flight = gateway.metric("o2ims_http_requests_in_flight").await;
    assert_eq!(in_flight, Some(f64::from(STREAMS)), "those at the edge are being served");
    record("checks=2");
}

#[tokio::test]
async fn rates_of_one_identity_of_all_and_of_new_subscriptions_hold_at_their_edge_and_one_beyond() {
    // So slow that nothing comes back while the test asks.
    let slow = json!({ "rate": 1, "burst": 40 });
    let (pools, subscriptions) = (format!("{V2}/resourcePools"), format!("{V2}/subscriptions"));
    let new = "{\"callback\":\"http://127.0.0.1:9/NUMBER\"}";
    for (key, value, asked, (edge, other), least) in [
        ("perIdentity", slow.clone(), (Method::GET, &*pools, ""), (200, 200), 40),
        ("newSubscriptions", slow, (Method::POST, &*subscriptions, new), (201, 201), 40),
        ("requestsPerSecond", json!(10), (Method::GET, &*pools, ""), (200, 429), 10),
    ] {
        let gateway = Setup::memory().set(&format!("/limits/{key}"), value).start().await;
        let (one, another) = (gateway.client("one"), gateway.client("another"));
        // What comes back each second is more than nothing, so the burst may be passed by some.
        let ask = async |client: &Client, number: u32| {
            let json = [("content-type", "application/json")];
            client
                .send(asked.0.clone(), asked.1, &json, &asked.2.replace("NUMBER", &number.to_string()))
                .await
        };
        let mut statuses = Vec::new();
        let mut advice = String::new();
        for number in 0..400 {
            let answer = ask(&one, number).await;
            statuses.push(answer.status);
            if answer.status == 429 {
                answer.problem(429);
                answer.header("retry-after").clone_into(&mut advice);
                break;
            }
        }
        let (last, before) = statuses.split_last().expect("statuses");
        assert!(
            *last == 429 && before.len() >= least && before.iter().all(|status| *status == edge),
            "{key}: {statuses:?}"
        );
        assert!(advice.parse::<u32>().is_ok_and(|pause| pause >= 1), "{key}: {advice}");
        let status = ask(&another, 400).await.status;
        assert!(status == other || other == 429 && status == 200, "{key}: another identity gets {status}");
        // What is limited is not everything: a new subscription above its rate keeps no reading away.
        if key == "newSubscriptions" {
            one.get(&pools).await.expect(200);
        }
    }
    record("checks=9");
}
