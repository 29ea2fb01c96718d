//! HTTP/1.1 as a client sees it that keeps to the rules.

use crate::client::{Connection, becomes};
use crate::corpus::post;
use crate::lines;
use crate::target::{POOLS, SUBSCRIPTIONS, Setup, Target};
use std::time::Duration;

const SHORT: Duration = Duration::from_secs(3);

#[test]
fn a_connection_serves_many_requests_and_says_which_was_which() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let answer = connection.get(POOLS);
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        assert!(!answer.header("date").is_empty());
        seen.insert(answer.header("x-request-id").to_owned());
    }
    assert_eq!(seen.len(), 20);
    connection.send(format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n").as_bytes());
    assert_eq!(
        connection.answer(SHORT).map(|answer| answer.header("x-request-id").to_owned()),
        Some("mine".to_owned())
    );
}

#[test]
fn head_is_get_without_a_body() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    let got = connection.get(POOLS);
    connection.send(format!("HEAD {POOLS} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    let head = connection.head(SHORT).expect("an answer");
    assert_eq!((head.status, head.header("content-length")), (200, got.body.len().to_string().as_str()));
    assert_eq!(connection.get(POOLS).status, 200, "nothing of a body is in the way");
}

#[test]
fn a_method_that_is_not_declared_is_405_and_allow_says_which_are() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    for (request, allow) in
        [(format!("OPTIONS {POOLS}"), "GET, HEAD"), (format!("PUT {SUBSCRIPTIONS}/1"), "GET, HEAD, DELETE")]
    {
        connection.send(format!("{request} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").as_bytes());
        let answer = connection.answer(SHORT).expect("an answer");
        assert_eq!((answer.status, answer.header("allow")), (405, allow));
        assert_eq!(answer.fault(), None);
    }
}

#[test]
fn an_expectation_is_answered_before_the_body_comes() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    connection.send(&post("Expect: 100-continue\r\nContent-Length: 2\r\n", b""));
    let go_ahead = connection.read_until(SHORT, |read| read.starts_with(b"HTTP/1.1 100").then_some(()));
    assert!(go_ahead.is_some());
    connection.send(b"{}");
    assert_eq!(connection.answer(SHORT).map(|answer| answer.status), Some(201));
}

#[test]
fn nothing_after_a_broken_chunk_is_taken_for_a_request() {
    let target = Target::start(Setup::default());
    for broken in ["ZZ\r\n", "ffffffffffffffffff\r\n", "2\r\n{}XX"] {
        let mut connection = Connection::open(&target);
        connection.send(&post("Transfer-Encoding: chunked\r\n", broken.as_bytes()));
        connection.send(format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let answer = connection.answer(SHORT).map(|answer| answer.status);
        connection.send(format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        assert!(connection.ends(SHORT), "{broken:?}");
        assert_eq!(answer, Some(400), "{broken:?}");
        assert!(connection.answer(Duration::ZERO).is_none(), "{broken:?}");
    }
}

#[test]
fn a_panic_in_a_route_is_a_500_problem_and_ends_nothing_else() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    for id in ["panic", "private"] {
        let answer = connection.get(&format!("/o2ims-infrastructureInventory/v1/resourceTypes/{id}"));
        assert_eq!((answer.status, answer.header("content-type")), (500, "application/problem+json"));
        assert!(!String::from_utf8_lossy(&answer.body).contains("secret"), "the private side is for the log");
        let id = answer.header("x-request-id");
        let logged = || lines::with(id).iter().any(|line| line.contains("request failed"));
        assert!(becomes(logged), "{id}");
    }
    assert_eq!(connection.get(POOLS).status, 200);
    assert_eq!(lines::with("secret host 10.0.0.1").len(), 1);
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    assert_eq!(connection.get(POOLS).status, 200);
    assert!(connection.ends(SHORT));
    assert!(connection.answer(Duration::ZERO).is_none());
}
