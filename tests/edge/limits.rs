//! Limits at their edges: who is refused, how, and that everybody else is not.

use crate::client::{Answer, Connection, becomes, config, ops, settles};
use crate::target::{POOLS, Setup, Target};
use netweave::conf::tree::Rate;
use netweave::conf::unit::Span;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_secs(6);

#[test]
fn above_its_share_an_identity_gets_429_and_another_does_not() {
    let mut setup = Setup::default();
    setup.limits.per_identity = Rate { rate: 1, burst: 3 };
    let target = Target::start(setup);
    let mut smo = Connection::open(&target);
    let begun = Instant::now();
    let (burst, _) = until_refused(&mut smo);
    let mut again = Connection::open(&target);
    let (more, refused) = until_refused(&mut again);
    // One for each second that went by meanwhile.
    let most = 3 + begun.elapsed().as_secs();
    assert!(burst >= 3 && burst + more <= most, "{burst} and {more} of {most}");
    assert_eq!(refused.fault(), None);
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|pause| pause >= 1));
    assert_eq!(again.get("/healthz").status, 200);
    let dms = config(&target.certs, Some("dms"), "http/1.1");
    assert_eq!(Connection::with(target.api, &dms).expect("a connection").get(POOLS).status, 200);
    let metrics = String::from_utf8(ops(&target, "/metrics").body).expect("text");
    assert!(metrics.contains(r#"netweave_requests_limited_total{limit="identity"} 2"#));
}

/// Asks until an answer is 429; returns it, and how many requests were let through.
fn until_refused(connection: &mut Connection) -> (u64, Answer) {
    for passed in 0..20 {
        let answer = connection.get(POOLS);
        if answer.status == 429 {
            return (passed, answer);
        }
        assert_eq!(answer.status, 200);
    }
    panic!("nothing is refused");
}

#[test]
fn requests_above_those_in_flight_are_shed_with_503() {
    let mut setup = Setup::default();
    setup.limits.in_flight = 1;
    let target = Target::start(setup);
    let mut slow = Connection::open(&target);
    slow.send(b"GET /o2ims-infrastructureInventory/v1/resourceTypes/slow HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(settles(&target, "o2ims_http_requests_in_flight", 1.0));
    let shed = Connection::open(&target).get(POOLS);
    assert_eq!(
        (shed.status, shed.header("retry-after"), shed.header("content-type")),
        (503, "1", "application/problem+json")
    );
    assert_eq!(slow.answer(SHORT).map(|answer| answer.status), Some(200));
    assert_eq!(slow.get(POOLS).status, 200);
}

#[test]
fn connections_are_bounded_per_address_and_given_back() {
    let mut setup = Setup::default();
    setup.limits.connections_per_ip = 2;
    setup.limits.idle = Span(Duration::from_secs(10));
    let target = Target::start(setup);
    let mut open: Vec<_> = (0..2).map(|_| Connection::open(&target)).collect();
    let smo = config(&target.certs, Some("smo"), "http/1.1");
    assert!(Connection::with(target.api, &smo).is_err());
    open.truncate(1);
    assert!(settles(&target, "netweave_connections", 1.0));
    assert_eq!(open[0].get(POOLS).status, 200);
    let mut another = None;
    assert!(becomes(|| {
        another = Connection::with(target.api, &smo).ok();
        another.is_some()
    }));
    assert_eq!(another.map(|mut another| another.get(POOLS).status), Some(200));
}

#[test]
fn a_handshake_that_stalls_is_ended() {
    let target = Target::start(Setup::default());
    let mut socket = std::net::TcpStream::connect(target.api).expect("a connection");
    socket.set_read_timeout(Some(SHORT)).expect("a time-out");
    std::io::Write::write_all(&mut socket, b"\x16\x03\x01").expect("some bytes");
    let mut rest = Vec::new();
    assert_eq!(std::io::Read::read_to_end(&mut socket, &mut rest).ok(), Some(0));
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let mut setup = Setup::default();
    setup.limits.write_time = Span(Duration::from_secs(3));
    let target = Target::start(setup);
    let mut deaf = Connection::open(&target);
    deaf.send(b"GET /o2ims-infrastructureInventory/v1/resourceTypes/large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(settles(&target, "o2ims_http_requests_in_flight", 1.0));
    assert!(settles(&target, "o2ims_http_requests_in_flight", 0.0));
    assert!(settles(&target, "netweave_connections", 0.0));
}

#[test]
fn a_large_answer_arrives_whole() {
    let target = Target::start(Setup::default());
    let answer = Connection::open(&target).get("/o2ims-infrastructureInventory/v1/resourceTypes/large");
    assert_eq!((answer.status, answer.body.len()), (200, 8 << 20));
}
