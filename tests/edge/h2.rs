//! The corpus over HTTP/2: frames by hand, as no client library would send them.
//!
//! Refusals that stay empty because they are given below the filters, by Pingora or the `h2` crate: no authority, two
//! hosts or another one than the authority, user information in it (400), CONNECT (405), a head above its bound (431).
//!
//! Header blocks are written without Huffman codes and without the dynamic table. Of answers only the first byte of
//! their header block is read (it names the common statuses) and the body, which is a problem document or none.

mod wire;

use crate::corpus::{Case, PATIENCE};
use crate::target::{POOLS, SUBSCRIPTIONS, Setup, Target};
use netweave::conf::unit::Span;
use std::time::Duration;
use wire::{
    BOTH, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, PRIORITY,
    PUSH_PROMISE, RST_STREAM, SETTINGS, Said, WINDOW_UPDATE, Wire, block, frame, request, text,
};

/// Judges what was said: anything but silence, a fault of the server, or a refusal that is not ours.
fn judge(said: Option<Said>, may_be_empty: bool) -> Result<(), String> {
    match said {
        None => Err("silence".to_owned()),
        Some(Said::Problem(problem)) => {
            let status = problem["status"].as_u64().unwrap_or(0);
            if (400..500).contains(&status) { Ok(()) } else { Err(problem.to_string()) }
        }
        Some(Said::Empty) if !may_be_empty => Err("an empty refusal".to_owned()),
        Some(_) => Ok(()),
    }
}

fn case(
    name: impl Into<String>,
    attack: impl Fn(&Target) -> Result<(), String> + Send + Sync + 'static,
) -> Case {
    Case { name: format!("h2: {}", name.into()), attack: Box::new(attack) }
}

/// All cases over HTTP/2.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = refusals();
    all.extend(blocks());
    all.extend(frames());
    all.extend(raw_blocks());
    all.extend(floods());
    all.extend(slow());
    all
}

/// Requests that are HTTP/2 as it should be, and are refused by the filters with a problem document.
fn refusals() -> Vec<Case> {
    let json = ("content-type", "application/json");
    let long = format!("/{}", "a".repeat(9000));
    let mut all = Vec::new();
    for (status, block) in [
        (404, request("GET", "/", &[])),
        (404, request("GET", "//", &[])),
        (404, request("GET", "/o2ims-infrastructureInventory/v1/resourcePools/%00", &[])),
        (405, request("OPTIONS", POOLS, &[])),
        (405, request("TRACE", POOLS, &[])),
        (405, request("BREW", POOLS, &[])),
        (406, request("GET", POOLS, &[("accept", "text/html")])),
        (406, request("GET", POOLS, &[("version", "9")])),
        (414, request("GET", &long, &[])),
        (415, request("POST", SUBSCRIPTIONS, &[("content-type", "text/xml")])),
        (413, request("POST", SUBSCRIPTIONS, &[json, ("content-length", "999999999")])),
    ] {
        let name =
            format!("{status} for {}", block.escape_ascii().to_string().chars().take(90).collect::<String>());
        all.push(case(name, move |target| {
            let mut wire = Wire::open(target);
            wire.send(&frame(HEADERS, END_HEADERS, 1, &block));
            wire.send(&frame(DATA, END_STREAM, 1, b""));
            match wire.said(1, PATIENCE) {
                Some(Said::Problem(problem)) if problem["status"] == status => Ok(()),
                // A body that is not what its length says is also an error of the stream.
                Some(Said::Reset) if status == 413 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        }));
    }
    all.push(case("413 for a body that is too large", |target| {
        let mut wire = Wire::open(target);
        let post = request("POST", SUBSCRIPTIONS, &[("content-type", "application/json")]);
        wire.send(&frame(HEADERS, END_HEADERS, 1, &post));
        // As much as the other end gives room for without being asked: 65,535 bytes.
        for _ in 0..3 {
            wire.send(&frame(DATA, 0, 1, &[b' '; 16_384]));
        }
        wire.send(&frame(DATA, END_STREAM, 1, b" "));
        match wire.said(1, PATIENCE) {
            Some(Said::Problem(problem)) if problem["status"] == 413 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }));
    for body in [&b"{"[..], b"\xff", b"[1,]", b"<a/>", b"\0"] {
        all.push(case(format!("400 for the body {}", body.escape_ascii()), move |target| {
            let mut wire = Wire::open(target);
            wire.send(&frame(
                HEADERS,
                END_HEADERS,
                1,
                &request("POST", SUBSCRIPTIONS, &[("content-type", "application/json")]),
            ));
            wire.send(&frame(DATA, END_STREAM, 1, body));
            match wire.said(1, PATIENCE) {
                Some(Said::Problem(problem)) if problem["status"] == 400 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        }));
    }
    all
}

/// Requests whose fields are against the rules.
#[expect(clippy::too_many_lines, reason = "a table")]
fn blocks() -> Vec<Case> {
    let good = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", POOLS)];
    let with = |more: &[(&str, &str)]| block(&[&good[..], more].concat());
    let path = |path: &str| request("GET", path, &[]);
    let blocks = [
        ("no fields", block(&[])),
        ("no method", block(&good[1..])),
        ("no scheme", block(&[good[0], good[2], good[3]])),
        ("no path", block(&good[..3])),
        ("no authority", block(&[good[0], good[1], good[3]])),
        ("empty method", block(&[(":method", ""), good[1], good[2], good[3]])),
        ("empty scheme", block(&[good[0], (":scheme", ""), good[2], good[3]])),
        ("empty authority", block(&[good[0], good[1], (":authority", ""), good[3]])),
        ("empty path", path("")),
        ("two methods", with(&[(":method", "GET")])),
        ("two paths", with(&[(":path", "/")])),
        ("a status", with(&[(":status", "200")])),
        ("unknown pseudo field", with(&[(":x", "y")])),
        ("pseudo field after a field", block(&[good[0], good[1], ("x", "y"), good[2], good[3]])),
        ("capital name", with(&[("X-Y", "z")])),
        ("empty name", with(&[("", "z")])),
        ("name with a blank", with(&[("x y", "z")])),
        ("name with a line feed", with(&[("x\ny", "z")])),
        ("value with a line feed", with(&[("x", "y\nz: a")])),
        ("value with CR LF", with(&[("x", "y\r\nz: a")])),
        ("value with NUL", with(&[("x", "y\0z")])),
        ("connection", with(&[("connection", "close")])),
        ("keep-alive", with(&[("keep-alive", "300")])),
        ("transfer-encoding", with(&[("transfer-encoding", "chunked")])),
        ("upgrade", with(&[("upgrade", "h2c")])),
        ("proxy-connection", with(&[("proxy-connection", "close")])),
        ("te: gzip", with(&[("te", "gzip")])),
        ("two lengths", with(&[("content-length", "1"), ("content-length", "2")])),
        ("odd length", with(&[("content-length", "+1")])),
        ("length without a body", with(&[("content-length", "5")])),
        ("another host", with(&[("host", "elsewhere")])),
        ("two hosts", with(&[("host", "localhost"), ("host", "localhost")])),
        ("userinfo", block(&[good[0], good[1], (":authority", "a@localhost"), good[3]])),
        ("authority with a path", block(&[good[0], good[1], (":authority", "localhost/a"), good[3]])),
        ("http scheme", block(&[good[0], (":scheme", "http"), good[2], good[3]])),
        ("odd scheme", block(&[good[0], (":scheme", "1:"), good[2], good[3]])),
        ("path without a slash", path("a")),
        ("asterisk", path("*")),
        ("absolute path", path("https://localhost/")),
        ("path with a blank", path("/a b")),
        ("path with CR LF", path("/a\r\nX: y")),
        ("path with NUL", path("/\0")),
        ("path with é", path("/é")),
        ("path with a fragment", path("/#a")),
        ("CONNECT", block(&[(":method", "CONNECT"), (":authority", "localhost:443")])),
        ("CONNECT with a path", block(&[(":method", "CONNECT"), good[1], good[2], good[3]])),
        (
            "extended CONNECT",
            block(&[(":method", "CONNECT"), (":protocol", "websocket"), good[1], good[2], good[3]]),
        ),
        ("method with a blank", block(&[(":method", "GET /"), good[1], good[2], good[3]])),
    ];
    let send = |block: Vec<u8>, may_be_empty: bool| {
        move |target: &Target| {
            let mut wire = Wire::open(target);
            wire.send(&frame(HEADERS, BOTH, 1, &block));
            judge(wire.said(1, PATIENCE), may_be_empty)
        }
    };
    let empty =
        |name: &str| matches!(name, "no authority" | "another host" | "two hosts" | "userinfo" | "CONNECT");
    blocks.into_iter().map(|(name, block)| case(name, send(block, empty(name)))).collect()
}

/// Frames against the rules: each is followed by a good request, and something must be said in the end.
#[expect(clippy::too_many_lines, reason = "a table")]
fn frames() -> Vec<Case> {
    let good = request("GET", POOLS, &[]);
    let window = |increment: u32| increment.to_be_bytes().to_vec();
    let attacks = [
        ("DATA on stream 0", frame(DATA, 0, 0, b"a")),
        ("HEADERS on stream 0", frame(HEADERS, BOTH, 0, &good)),
        ("HEADERS on an even stream", frame(HEADERS, BOTH, 2, &good)),
        ("DATA on an idle stream", frame(DATA, 0, 7, b"a")),
        ("RST_STREAM on an idle stream", frame(RST_STREAM, 0, 7, &[0; 4])),
        ("RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, &[0; 4])),
        ("RST_STREAM of 3 bytes", frame(RST_STREAM, 0, 1, &[0; 3])),
        ("WINDOW_UPDATE by 0", frame(WINDOW_UPDATE, 0, 0, &window(0))),
        (
            "WINDOW_UPDATE beyond 2^31",
            [
                frame(WINDOW_UPDATE, 0, 0, &window(0x7fff_ffff)),
                frame(WINDOW_UPDATE, 0, 0, &window(0x7fff_ffff)),
            ]
            .concat(),
        ),
        ("WINDOW_UPDATE on an idle stream", frame(WINDOW_UPDATE, 0, 9, &window(1))),
        ("WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, &[0; 3])),
        ("SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, &[0; 5])),
        ("SETTINGS on a stream", frame(SETTINGS, 0, 1, &[])),
        ("an acknowledgement with a payload", frame(SETTINGS, 1, 0, &[0; 6])),
        ("an acknowledgement of nothing", frame(SETTINGS, 1, 0, &[])),
        ("push of 2", frame(SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 2])),
        ("a window of 2^32", frame(SETTINGS, 0, 0, &[0, 4, 255, 255, 255, 255])),
        ("frames of 1 byte", frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1])),
        ("frames of 2^32 bytes", frame(SETTINGS, 0, 0, &[0, 5, 255, 255, 255, 255])),
        ("a header table of 2^32 bytes", frame(SETTINGS, 0, 0, &[0, 1, 255, 255, 255, 255])),
        ("a header list of 0 bytes", frame(SETTINGS, 0, 0, &[0, 6, 0, 0, 0, 0])),
        ("unknown settings", frame(SETTINGS, 0, 0, &[255, 255, 1, 2, 3, 4])),
        ("PING of 7 bytes", frame(PING, 0, 0, &[0; 7])),
        ("PING on a stream", frame(PING, 0, 1, &[0; 8])),
        ("an answer to no PING", frame(PING, 1, 0, &[0; 8])),
        ("PRIORITY on itself", frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 0])),
        ("PRIORITY of 4 bytes", frame(PRIORITY, 0, 1, &[0; 4])),
        (
            "PUSH_PROMISE of a client",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2], &good[..]].concat()),
        ),
        ("CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 1, &good)),
        (
            "another frame inside a header block",
            [frame(HEADERS, END_STREAM, 1, &good), frame(PING, 0, 0, &[0; 8])].concat(),
        ),
        (
            "CONTINUATION of another stream",
            [frame(HEADERS, END_STREAM, 1, &good), frame(CONTINUATION, END_HEADERS, 3, &good)].concat(),
        ),
        ("an unknown frame", frame(200, 255, 0, b"anything")),
        ("an unknown frame on a stream", frame(200, 255, 5, b"anything")),
        ("GOAWAY", frame(GOAWAY, 0, 0, &[0; 8])),
        ("GOAWAY of 7 bytes", frame(GOAWAY, 0, 0, &[0; 7])),
        ("more padding than payload", frame(DATA, 8, 1, &[255, 0])),
        ("padding without length", frame(HEADERS, 8 | BOTH, 1, &[])),
        ("priority without bytes", frame(HEADERS, 0x20 | BOTH, 1, &[0; 4])),
        ("a frame above the size", frame(DATA, 0, 1, &vec![0; 20_000])),
        ("a frame of 16 MiB that does not come", vec![255, 255, 255, DATA, 0, 0, 0, 0, 1]),
        (
            "a stream that was closed",
            [frame(HEADERS, BOTH, 5, &good), frame(HEADERS, BOTH, 3, &good)].concat(),
        ),
        (
            "a second request on a stream",
            [frame(HEADERS, BOTH, 1, &good), frame(HEADERS, BOTH, 1, &good)].concat(),
        ),
        ("DATA after its end", [frame(HEADERS, BOTH, 1, &good), frame(DATA, 0, 1, b"a")].concat()),
        ("the reserved bit", frame(HEADERS, BOTH, 0x8000_0001, &good)),
        ("a second preface", PREFACE.to_vec()),
        ("HTTP/1.1", format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()),
        ("zeros", vec![0; 200]),
        ("ones", vec![255; 200]),
    ];
    let send = |bytes: Vec<u8>, good: Vec<u8>| {
        move |target: &Target| {
            let mut wire = Wire::open(target);
            wire.send(&bytes);
            wire.send(&frame(HEADERS, BOTH, 11, &good));
            judge(wire.said(11, PATIENCE), false)
        }
    };
    attacks.into_iter().map(|(name, bytes)| case(name, send(bytes, good.clone()))).collect()
}

/// Header blocks that HPACK does not allow.
fn raw_blocks() -> Vec<Case> {
    let good = request("GET", POOLS, &[]);
    // An entry of 4,000 bytes in the dynamic table, named again a thousand times.
    let entry = [vec![0x40], text(b"x"), text(&[b'y'; 4000])].concat();
    let bomb = [&good[..], &entry, &[0xbe; 1000]].concat();
    let blocks = [
        ("index 0", vec![0x80]),
        ("an index beyond the tables", vec![0xff, 0x80, 0x01]),
        ("an integer without end", vec![0xff; 200]),
        ("a string beyond the block", vec![0x40, 0x7f, 0xff, 0x7f]),
        ("a cut string", vec![0x40, 10, b'a']),
        ("a bad Huffman code", vec![0x40, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, b'a']),
        ("a table of 2^20 bytes", vec![0x3f, 0xe1, 0xff, 0x3f]),
        ("a change of size after a field", [&good[..], &[0x3f, 0xe1, 0x1f]].concat()),
        ("many changes of size", vec![0x20; 2000]),
        ("a bomb", bomb),
        ("nothing", Vec::new()),
    ];
    let send = |block: Vec<u8>| {
        move |target: &Target| {
            let mut wire = Wire::open(target);
            wire.send(&frame(HEADERS, BOTH, 1, &block));
            judge(wire.said(1, PATIENCE), false)
        }
    };
    blocks.into_iter().map(|(name, block)| case(format!("block: {name}"), send(block))).collect()
}

/// Runs a flood, then asks for something; the connection may be gone by then, but it may not hang.
fn flood(
    name: &str,
    before: Vec<u8>,
    one: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static,
    count: u32,
) -> Case {
    case(name, move |target| {
        let mut wire = Wire::open(target);
        wire.send(&before);
        for first in (0..count).step_by(50) {
            let some: Vec<u8> = (first..(first + 50).min(count)).flat_map(&one).collect();
            wire.send(&some);
        }
        wire.send(&frame(HEADERS, BOTH, 2 * count + 101, &request("GET", POOLS, &[])));
        judge(wire.said(2 * count + 101, PATIENCE), false)
    })
}

fn floods() -> Vec<Case> {
    let get = request("GET", POOLS, &[]);
    let slow = request("GET", "/o2ims-infrastructureInventory/v1/resourceTypes/slow", &[]);
    let post = request("POST", SUBSCRIPTIONS, &[("content-type", "application/json")]);
    let opened = frame(HEADERS, END_HEADERS, 1, &post);
    let (many, large) = (get.clone(), request("GET", POOLS, &[("x", &"y".repeat(12_000))]));
    let larger = block(&[("x", &"y".repeat(16_000))]);
    vec![
        flood(
            "rapid reset",
            Vec::new(),
            move |n| {
                [frame(HEADERS, BOTH, 2 * n + 3, &slow), frame(RST_STREAM, 0, 2 * n + 3, &[0, 0, 0, 8])]
                    .concat()
            },
            3000,
        ),
        flood("many streams", Vec::new(), move |n| frame(HEADERS, BOTH, 2 * n + 3, &many), 1000),
        flood("open streams", Vec::new(), move |n| frame(HEADERS, END_HEADERS, 2 * n + 3, &post), 300),
        flood("pings", Vec::new(), |_| frame(PING, 0, 0, &[1; 8]), 8000),
        flood("settings", Vec::new(), |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]), 8000),
        flood("empty settings", Vec::new(), |_| frame(SETTINGS, 0, 0, &[]), 8000),
        flood("empty data", opened.clone(), |_| frame(DATA, 0, 1, &[]), 8000),
        flood("data of padding", opened.clone(), |_| frame(DATA, 8, 1, &[3, 0, 0, 0]), 8000),
        flood(
            "empty continuations",
            frame(HEADERS, END_STREAM, 1, &get),
            |_| frame(CONTINUATION, 0, 1, &[]),
            8000,
        ),
        flood(
            "continuations",
            frame(HEADERS, END_STREAM, 1, &get),
            move |_| frame(CONTINUATION, 0, 1, &larger),
            200,
        ),
        flood("priorities", Vec::new(), |n| frame(PRIORITY, 0, 2 * n + 3, &[0, 0, 0, 0, 9]), 8000),
        flood("window updates", Vec::new(), |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]), 8000),
        flood("window updates of a stream", opened, |_| frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), 8000),
        flood("unknown frames", Vec::new(), |_| frame(99, 0, 0, &[0; 100]), 8000),
        flood("large heads", Vec::new(), move |n| frame(HEADERS, BOTH, 2 * n + 3, &large), 300),
        flood(
            "malformed requests",
            Vec::new(),
            |n| frame(HEADERS, BOTH, 2 * n + 3, &request("GET", "a", &[])),
            200,
        ),
        case("a head above the bound", |target| {
            let mut wire = Wire::open(target);
            let first = request("GET", POOLS, &[]);
            wire.send(&frame(HEADERS, END_STREAM, 1, &first));
            wire.send(&frame(CONTINUATION, 0, 1, &block(&[("x", &"y".repeat(12_000))])));
            wire.send(&frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", &"y".repeat(12_000))])));
            judge(wire.said(1, PATIENCE), true)
        }),
    ]
}

fn slow() -> Vec<Case> {
    let json = [("content-type", "application/json")];
    let begin = |bytes: Vec<u8>| {
        move |target: &Target| {
            let mut wire = Wire::bare(target);
            wire.send(&bytes);
            judge(wire.said(1, PATIENCE), false)
        }
    };
    let post = frame(HEADERS, END_HEADERS, 1, &request("POST", SUBSCRIPTIONS, &json));
    let mut all = vec![
        case("nothing is sent", begin(Vec::new())),
        case("half a preface", begin(PREFACE[..12].to_vec())),
        case("a wrong preface", begin(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec())),
        case("a preface and nothing", begin(PREFACE.to_vec())),
        case("a preface and half a frame", begin([PREFACE, &[0, 0]].concat())),
        case("HTTP/1.1 where HTTP/2 was chosen", begin(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".to_vec())),
        case("half a head", |target| {
            let mut wire = Wire::open(target);
            wire.send(&frame(HEADERS, 0, 1, &request("GET", POOLS, &[])));
            judge(wire.said(1, PATIENCE), false)
        }),
    ];
    for body in [&b""[..], b"{", b"{}"] {
        let post = post.clone();
        all.push(case(format!("408 for a body that stops after {} bytes", body.len()), move |target| {
            let mut wire = Wire::open(target);
            wire.send(&post);
            wire.send(&frame(DATA, 0, 1, body));
            match wire.said(1, PATIENCE) {
                Some(Said::Problem(problem)) if problem["status"] == 408 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        }));
    }
    all
}

#[test]
fn http_2_serves_what_http_1_does() {
    let target = Target::start(Setup::default());
    let mut wire = Wire::open(&target);
    wire.send(&frame(HEADERS, BOTH, 1, &request("GET", POOLS, &[])));
    assert!(matches!(wire.said(1, PATIENCE), Some(Said::Good(length)) if length > 10));
    wire.body.clear();
    wire.send(&frame(
        HEADERS,
        END_HEADERS,
        3,
        &request("POST", SUBSCRIPTIONS, &[("content-type", "application/json")]),
    ));
    wire.send(&frame(DATA, END_STREAM, 3, b"{\"a\":1}"));
    assert!(matches!(wire.said(3, PATIENCE), Some(Said::Good(7))));
    wire.body.clear();
    wire.send(&frame(HEADERS, BOTH, 5, &request("HEAD", POOLS, &[])));
    assert_eq!(wire.said(5, PATIENCE), Some(Said::Good(0)));
}

#[test]
fn an_answer_that_is_not_taken_in_time_is_cut_off_and_does_not_look_complete() {
    let mut setup = Setup::default();
    setup.limits.write_time = Span(Duration::from_millis(300));
    let target = Target::start(setup);
    let mut wire = Wire::open(&target);
    let large = request("GET", "/o2ims-infrastructureInventory/v1/resourceTypes/large", &[]);
    // More than the window that the client never opens further.
    wire.send(&frame(HEADERS, BOTH, 1, &large));
    assert_eq!(wire.said(1, PATIENCE), Some(Said::Reset));
    assert!(!wire.body.is_empty());
}

#[test]
fn while_draining_a_connection_is_told_to_go_away_and_its_request_is_finished() {
    let mut target = Target::start(Setup::default());
    let mut wire = Wire::open(&target);
    let slow = request("GET", "/o2ims-infrastructureInventory/v1/resourceTypes/slow", &[]);
    wire.send(&frame(HEADERS, BOTH, 1, &slow));
    assert!(crate::client::settles(&target, "o2ims_http_requests_in_flight", 1.0));
    target.ask(netweave::listen::Ask::Drain);
    assert_eq!(wire.said(1, PATIENCE), Some(Said::Goodbye));
    assert!(matches!(wire.said(1, PATIENCE), Some(Said::Good(2))));
    drop(wire);
    target.join();
}
