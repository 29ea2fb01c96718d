//! The end: what is in flight is finished, what is idle is let go, services hand over.

use crate::client::{Connection, ops, settles};
use crate::target::{POOLS, Setup, Target};
use async_trait::async_trait;
use netweave::conf::unit::Span;
use netweave::listen::Ask;
use netweave::services::Service;
use netweave_model::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SLOW: &[u8] = b"GET /o2ims-infrastructureInventory/v1/resourceTypes/slow HTTP/1.1\r\nHost: a\r\n\r\n";

#[derive(Default)]
struct Handing(AtomicBool);

#[async_trait]
impl Service for Handing {
    fn name(&self) -> &'static str {
        "handing"
    }

    async fn activate(&self) -> Result<bool> {
        Ok(false)
    }

    async fn wait(&self) {
        std::future::pending::<()>().await;
    }

    async fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_request_in_flight_is_finished_and_the_end_comes_long_before_the_grace_period_does() {
    let handing = Arc::new(Handing::default());
    let services: Vec<Arc<dyn Service>> = vec![Arc::clone(&handing) as _];
    let mut target = Target::start(Setup { services, ..Setup::default() });
    let mut idle = Connection::open(&target);
    assert_eq!(idle.get(POOLS).status, 200);
    let mut busy = Connection::open(&target);
    busy.send(SLOW);
    assert!(settles(&target, "o2ims_http_requests_in_flight", 1.0));

    let began = Instant::now();
    target.ask(Ask::Drain);
    assert!(idle.ends(Duration::from_secs(2)), "idle connections are let go");
    let answer = busy.answer(Duration::from_secs(8)).expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert!(busy.ends(Duration::from_secs(2)));
    target.join();
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    assert!(handing.0.load(Ordering::SeqCst));
}

#[test]
fn while_it_waits_for_the_world_to_know_it_is_unready_and_still_answers() {
    let mut setup = Setup::default();
    setup.shutdown.delay = Span(Duration::from_secs(10));
    let mut target = Target::start(setup);
    assert_eq!(ops(&target, "/readyz").status, 200);
    target.ask(Ask::Drain);
    let end = Instant::now() + Duration::from_secs(5);
    while ops(&target, "/readyz").status == 200 {
        assert!(Instant::now() < end, "readiness goes at once");
    }
    let answer = ops(&target, "/readyz");
    assert_eq!((answer.status, answer.header("content-type")), (503, "application/problem+json"));
    assert_eq!(ops(&target, "/livez").status, 200);
    assert_eq!(Connection::open(&target).get(POOLS).status, 200);
    target.join();
}

#[test]
fn asked_to_quit_it_ends_at_once() {
    let mut target = Target::start(Setup::default());
    let mut busy = Connection::open(&target);
    busy.send(SLOW);
    assert!(settles(&target, "o2ims_http_requests_in_flight", 1.0));
    target.ask(Ask::Quit);
    target.join();
    assert!(busy.answer(Duration::from_secs(8)).is_none(), "nothing is waited for");
}

#[test]
fn a_read_that_is_cut_off_is_counted_and_on_record() {
    let mut setup = Setup { audited: true, ..Setup::default() };
    setup.limits.write_time = Span(Duration::from_mins(1));
    let mut target = Target::start(setup);
    let (mut waiting, mut deaf) = (Connection::open(&target), Connection::open(&target));
    waiting.send(SLOW);
    deaf.send(b"GET /o2ims-infrastructureInventory/v1/resourceTypes/large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(deaf.head(Duration::from_secs(5)).expect("the head of an answer").status, 200);
    assert!(settles(&target, "o2ims_http_requests_in_flight", 2.0));
    let left = target.cut_off();
    let path = "/o2ims-infrastructureInventory/v1/resourceTypes/{resourceTypeId}";
    let counted = |status| left.metrics.http_requests.with_label_values(&["GET", path, status]).get();
    assert_eq!((counted("503"), counted("200"), left.metrics.http_in_flight.get()), (1, 1, 0));
    let mut calls: Vec<_> = left.records.iter().filter(|record| record["event"] == "api.call").collect();
    calls.sort_by_key(|call| call["id"].to_string());
    let told = calls.iter().map(|call| (&call["id"], &call["status"], &call["reason"]));
    assert_eq!(
        told.map(|told| serde_json::json!(told)).collect::<Vec<_>>(),
        [serde_json::json!(["large", 200, "cut-off"]), serde_json::json!(["slow", 503, "cut-off"])]
    );
}
