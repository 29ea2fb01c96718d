//! Requests that two parsers could read in two ways, on raw connections: each is refused, and nothing hidden in it is done.
//!
//! Whatever might hide a request hides the same one: it would create a subscription. None may exist at the end, and the
//! gateway may have counted no more requests than it answered.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::figures::record;
use netweave_tests::harness::gateway::requests;
use netweave_tests::harness::socket::{Dialer, Said};
use netweave_tests::harness::{Gateway, Inventory, Setup, soon};
use std::time::Duration;

/// The longest that an answer or a close may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The request that asks whether a connection still serves, and ends it.
const STILL: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// One attack: its bytes, and the statuses of what must be answered before the connection ends.
struct Attack {
    name: &'static str,
    bytes: Vec<u8>,
    /// Without the one of `STILL`, which follows where the connection is still open.
    statuses: &'static [u16],
    /// Whether the connection is closed after them.
    closes: bool,
}

/// An attack after whose first answer the connection is closed.
fn closed(name: &'static str, bytes: impl Into<Vec<u8>>, status: &'static [u16]) -> Attack {
    Attack { name, bytes: bytes.into(), statuses: status, closes: true }
}

/// An attack that is answered like any request.
fn answered(name: &'static str, bytes: impl Into<Vec<u8>>, status: &'static [u16]) -> Attack {
    Attack { name, bytes: bytes.into(), statuses: status, closes: false }
}

/// The hidden request.
fn hidden() -> String {
    let body = "{\"callback\":\"http://127.0.0.1:9/smuggled\"}";
    let head = format!("POST {V2}/subscriptions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A POST whose framing is in question, with the hidden request behind what one reading takes for its end.
fn post(lines: &str, body: &str) -> String {
    let head = format!("POST {V2}/subscriptions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
    format!("{head}{lines}\r\n{body}{}", hidden())
}

fn get(path: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{lines}\r\n")
}

fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}

fn framing() -> Vec<Attack> {
    let te = "Transfer-Encoding: chunked\r\n";
    vec![
        closed("CL.TE", post(&format!("Content-Length: 5\r\n{te}"), "0\r\n\r\n"), &[400]),
        closed("TE.CL", post(&format!("{te}Content-Length: 5\r\n"), "0\r\n\r\n"), &[400]),
        closed("TE.TE", post(&format!("{te}Transfer-Encoding: identity\r\n"), "0\r\n\r\n"), &[400]),
        closed(
            "TE of another case and coding",
            post("Transfer-Encoding: Chunked, identity\r\n", "0\r\n\r\n"),
            &[400],
        ),
        closed("TE with a vertical tab", post("Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n"), &[400]),
        closed("TE that is folded", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), &[400]),
        closed("TE in HTTP/1.0", chunked("0\r\n\r\n").replacen("HTTP/1.1", "HTTP/1.0", 1), &[400]),
        closed("two lengths", post("Content-Length: 2\r\nContent-Length: 0\r\n", "{}"), &[400]),
        closed("two equal lengths", post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), &[400]),
        closed("a list of lengths", post("Content-Length: 2, 2\r\n", "{}"), &[400]),
        closed("a signed length", post("Content-Length: +2\r\n", "{}"), &[400]),
        closed("a length beyond 64 bits", post("Content-Length: 18446744073709551616\r\n", "{}"), &[400]),
        closed("a length with a blank before its colon", post("Content-Length : 2\r\n", "{}"), &[400]),
        closed("a chunk size that is none", chunked("zz\r\n{}\r\n0\r\n\r\n"), &[400]),
        closed("a negative chunk size", chunked("-2\r\n{}\r\n0\r\n\r\n"), &[400]),
        closed("a chunk size beyond 64 bits", chunked("10000000000000002\r\n{}\r\n0\r\n\r\n"), &[400]),
        closed("a chunk that is longer than it says", chunked("2\r\n{}XX\r\n0\r\n\r\n"), &[400]),
        closed(
            "chunk extensions of 20 KB",
            chunked(&format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(20_000))),
            &[400],
        ),
        closed("trailers of 120 KB", chunked(&format!("0\r\n{}\r\n", "X: y\r\n".repeat(20_000))), &[400]),
    ]
}

fn lines() -> Vec<Attack> {
    let pools = format!("{V2}/resourcePools");
    let with = |lines: &str| get(&pools, &format!("Host: a\r\n{lines}")) + &hidden();
    vec![
        closed(
            "lines that end with LF",
            get(&pools, "Host: a\r\n").replace("\r\n", "\n") + &hidden(),
            &[400],
        ),
        closed("a bare CR in a value", with("X: y\rTransfer-Encoding: chunked\r\n"), &[400]),
        closed("a folded line", with("X: y\r\n Host: b\r\n"), &[400]),
        closed("NUL in a value", with("X: y\0z\r\n"), &[400]),
        closed("a blank before the colon", with("X : y\r\n"), &[400]),
        closed("a line without a colon", with("Host\r\n"), &[400]),
        closed("two hosts", with("Host: b\r\n"), &[400]),
        closed("no host", get(&pools, "X: y\r\n") + &hidden(), &[400]),
        closed("a target of another host", get("https://b/healthz", "Host: a\r\n") + &hidden(), &[400]),
        closed("HTTP/0.9", format!("GET {pools}\r\n{}", hidden()), &[400]),
        closed("HTTP/1.2", with("").replacen("HTTP/1.1", "HTTP/1.2", 1), &[400]),
        closed("HTTP/2 in words", with("").replacen("HTTP/1.1", "HTTP/2.0", 1), &[400]),
        closed("a line end in the path", get("/a\r\nX: y", "Host: a\r\n") + &hidden(), &[400]),
        closed("a target of 9 KB", get(&format!("/{}", "a".repeat(9000)), "Host: a\r\n") + &hidden(), &[414]),
        closed("a hundred and fifty header lines", with(&"X: y\r\n".repeat(150)), &[431]),
        closed("a header of 20 KB", with(&format!("X: {}\r\n", "y".repeat(20_000))), &[431]),
        closed(
            "CONNECT",
            format!("CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n{}", hidden()),
            &[405],
        ),
    ]
}

/// What is well-formed and must not do what it hopes for.
fn tricks() -> Vec<Attack> {
    let pools = format!("{V2}/resourcePools");
    let with = |lines: &str| get(&pools, &format!("Host: a\r\n{lines}"));
    let path = |path: &str| get(path, "Host: a\r\n");
    let trailers = format!("2\r\n{{}}\r\n0\r\nContent-Length: {}\r\nHost: b\r\n\r\n", hidden().len());
    let head = format!("POST {V2}/subscriptions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
    vec![
        closed(
            "a request as the body of a GET",
            with(&format!("Content-Length: {}\r\n", hidden().len())) + &hidden(),
            &[200],
        ),
        answered(
            "a length and a host as trailers",
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{trailers}"),
            &[400],
        ),
        answered("an expectation without a body", with("Expect: 100-continue\r\n"), &[200]),
        answered("an expectation nobody knows", with("Expect: 200-ok\r\n"), &[200]),
        closed(
            "an expected body that is too large",
            format!("{head}Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n{}", hidden()),
            &[413],
        ),
        closed(
            "an upgrade to h2c, and HTTP/2 behind it",
            with(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            ) + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            &[200],
        ),
        closed(
            "an upgrade to a WebSocket, and a request behind it",
            with("Connection: Upgrade\r\nUpgrade: websocket\r\n") + "\x01\x02",
            &[200],
        ),
        answered("another method by header", with("X-HTTP-Method-Override: DELETE\r\n"), &[200]),
        answered("TRACE", format!("TRACE {pools} HTTP/1.1\r\nHost: a\r\n\r\n"), &[405]),
        answered("up the path", path("/o2ims-infrastructureInventory/v2/../../netweave/v1/self"), &[404]),
        answered("up the path, in escapes", path("/%2e%2e/%2e%2e/etc/passwd"), &[404]),
        answered("a slash in escapes", path("/o2ims-infrastructureInventory%2fv2%2fresourcePools"), &[404]),
        answered("NUL in escapes", path(&format!("{pools}/%00")), &[404]),
        answered("overlong UTF-8", path(&format!("{pools}/%c0%af")), &[404]),
        answered("a line end in escapes", path(&format!("{pools}/a%0d%0aHost:%20b")), &[404]),
        answered("two slashes", path(&pools.replace("/v2", "//v2")), &[404]),
    ]
}

/// Sends an attack and reads everything until the connection ends; returns all statuses, and whether it had to be asked to.
async fn outcome(dialer: &Dialer, attack: &Attack) -> (Vec<u16>, bool) {
    let mut socket = dialer.open().await.expect("a connection");
    socket.send(&attack.bytes, PATIENCE).await;
    let mut statuses = Vec::new();
    while statuses.len() < attack.statuses.len() {
        let Some(Said { status, .. }) = socket.answer(PATIENCE).await else { break };
        statuses.push(status);
    }
    if attack.closes {
        while let Some(said) = socket.answer(PATIENCE).await {
            statuses.push(said.status);
        }
        return (statuses, socket.closed);
    }
    socket.send(STILL, PATIENCE).await;
    while let Some(said) = socket.answer(PATIENCE).await {
        statuses.push(said.status);
    }
    (statuses, socket.closed)
}

/// Returns how many requests the gateway has counted.
async fn counted(gateway: &Gateway) -> f64 {
    requests(&gateway.metrics().await)
}

#[tokio::test]
async fn no_ambiguous_request_is_served_and_nothing_hidden_in_one_is_done() {
    let inventory = Inventory::with_servers(2);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let (dialer, honest) = (Dialer::new(&gateway, "smo", "http/1.1"), gateway.client("smo"));
    honest.get(&format!("{V2}/resourcePools")).await.expect(200);
    // A request is counted once it has been answered.
    soon("the first is counted", async || counted(&gateway).await >= 1.0).await;
    let before = counted(&gateway).await;
    let (mut faults, mut answers, mut checks) = (Vec::new(), 0_u32, 0);
    for attack in framing().iter().chain(&lines()).chain(&tricks()) {
        let (statuses, ended) = outcome(&dialer, attack).await;
        let still: &[u16] = if attack.closes { &[] } else { &[200] };
        if statuses != [attack.statuses, still].concat() || !ended {
            faults.push(format!("{}: {statuses:?}, closed: {ended}", attack.name));
        }
        answers += u32::try_from(statuses.len()).expect("few answers");
        honest.get(&format!("{V2}/resourcePools")).await.expect(200);
        answers += 1;
        checks += 1;
    }
    assert!(faults.is_empty(), "{} of {checks}:\n{}", faults.len(), faults.join("\n"));
    assert!(checks >= 48, "{checks}");
    let made = honest.get(&format!("{V2}/subscriptions")).await.expect(200).list();
    assert!(made.is_empty(), "{made:?}");
    let all = before + f64::from(answers + 1);
    soon("all are counted", async || counted(&gateway).await > all - 0.5).await;
    let counted = counted(&gateway).await - before;
    assert!((counted - f64::from(answers + 1)).abs() < 0.5, "{counted} were counted, {answers} answered");
    record(&format!("checks={checks}"));
}
