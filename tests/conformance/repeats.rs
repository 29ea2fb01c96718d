//! A call whose answer was lost is made again by the Redis store: nothing is done twice, and it is answered as before, or as one
//! whose claim has ended.
#![expect(clippy::unwrap_used, reason = "code of tests: a panic says what is not as it must be")]

use crate::lossy::Line;
use crate::stores::{InRedis, rig};
use netweave_model::port::{Acked, DeadLetterReason, FanOutOutcome, Ids, Notice};
use netweave_model::{ErrorKind, Id};
use netweave_redis::{Conf, open};
use netweave_tests::conformance::deliveries::attempt;
use netweave_tests::conformance::stores::Rig;
use netweave_tests::harness::clock::{TestClock, TestIds};
use netweave_tests::harness::{RedisServer, until};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const HOLD: Duration = Duration::from_secs(10);
/// How long the server may be away for the store once the line stands again: reconnecting takes a second at most.
const SOON: Duration = Duration::from_secs(10);

/// Gives the same identifier to all who ask, as a call has that is made again; or a new one to each.
#[derive(Default)]
struct Calls {
    fresh: TestIds,
    same: Mutex<Option<Uuid>>,
}

impl Calls {
    /// From here on there is only one call.
    fn one(&self) {
        *self.same.lock().unwrap() = Some(self.fresh.uuid());
    }

    /// From here on each call is another one.
    fn many(&self) {
        *self.same.lock().unwrap() = None;
    }
}

impl Ids for Calls {
    fn uuid(&self) -> Uuid {
        self.same.lock().unwrap().unwrap_or_else(|| self.fresh.uuid())
    }

    fn secret(&self) -> [u8; 32] {
        self.fresh.secret()
    }
}

/// Makes a call twice, as one call; returns both answers.
macro_rules! twice {
    ($calls:expr, $call:expr) => {{
        $calls.one();
        let answers = ($call.await.unwrap(), $call.await.unwrap());
        $calls.many();
        answers
    }};
}

/// A store with one subscription that has a queue.
async fn queued(names: &[&str]) -> Option<(Rig, Arc<Calls>, Id)> {
    let calls = Arc::new(Calls::default());
    let rig = InRedis::found()?.make_with(Arc::clone(&calls) as Arc<dyn Ids>).await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, names).await;
    Some((rig, calls, id))
}

#[tokio::test]
async fn an_acknowledgement_removes_one_item() {
    let Some((rig, calls, id)) = queued(&["x", "y"]).await else { return };
    let claim = rig.take_one().await;
    let head = || rig.deliveries.ack_head(&claim, attempt(&rig, &claim.items[0], true));
    assert_eq!(twice!(calls, head()), (Acked::Held, Acked::Held));
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.queued, backlog.attempts.len()), (1, 1));
    assert!(!head().await.unwrap().removed(), "another call finds another head");
}

#[tokio::test]
async fn an_acknowledgement_that_emptied_a_queue_finds_no_claim_when_it_comes_again() {
    let Some((rig, calls, id)) = queued(&["x"]).await else { return };
    let claim = rig.take_one().await;
    let head = || rig.deliveries.ack_head(&claim, attempt(&rig, &claim.items[0], true));
    assert_eq!(twice!(calls, head()), (Acked::Emptied, Acked::Lost));
    rig.queue(&id, &["y"]).await;
    let next = rig.take_one().await;
    assert_eq!(head().await.unwrap(), Acked::Lost);
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.queued, backlog.attempts.len()), (1, 1));
    assert!(rig.deliveries.ack_head(&next, attempt(&rig, &next.items[0], true)).await.unwrap().removed());
}

#[tokio::test]
async fn a_deferral_counts_one_failure() {
    let Some((rig, calls, id)) = queued(&["x"]).await else { return };
    let claim = rig.take_one().await;
    let defer = || rig.deliveries.defer(&claim, HOLD, attempt(&rig, &claim.items[0], false));
    assert_eq!(twice!(calls, defer()), (true, true));
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.failures, backlog.attempts.len()), (1, 1));
    rig.clock.advance(HOLD);
    assert_eq!(rig.take_one().await.items[0].attempts, 1);
}

#[tokio::test]
async fn one_item_becomes_a_dead_letter() {
    let Some((rig, calls, id)) = queued(&["x", "y"]).await else { return };
    let claim = rig.take_one().await;
    let refused = || attempt(&rig, &claim.items[0], false);
    let bury = || rig.deliveries.dead_letter(&claim, DeadLetterReason::Refused, refused());
    assert_eq!(twice!(calls, bury()), (true, true));
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.queued, backlog.dead, backlog.failures), (1, 1, 1));
}

#[tokio::test]
async fn a_claim_is_let_go_once() {
    let Some((rig, calls, _)) = queued(&["x"]).await else { return };
    let claim = rig.take_one().await;
    assert_eq!(twice!(calls, rig.deliveries.postpone(&claim, HOLD)), (true, true));
    rig.clock.advance(HOLD);
    let next = rig.take_one().await;
    rig.deliveries.release(&claim).await.unwrap();
    assert_eq!(rig.take().await, [], "the former holder lets go of nothing");
    assert_eq!(twice!(calls, rig.deliveries.release(&next)), ((), ()));
    assert_eq!(rig.take_one().await.items, next.items);
}

#[tokio::test]
async fn a_taker_gets_its_claims_again() {
    let Some((rig, calls, id)) = queued(&["x", "y"]).await else { return };
    for callback in ["b", "c"] {
        let other = rig.subscribe("smo", callback).await.id;
        rig.queue(&other, &[callback]).await;
    }
    let (first, again) = twice!(calls, rig.deliveries.take(2, 10, HOLD));
    assert_eq!(first, again);
    assert_eq!((first.len(), first[0].items.len()), (2, 2));
    assert_eq!(rig.take_one().await.items.len(), 1, "nobody holds the third");
    rig.deliveries.release(&first[0]).await.unwrap();
    calls.one();
    let second = rig.deliveries.take(2, 10, HOLD).await.unwrap();
    assert_eq!(second[0].subscription, id);
    rig.deliveries.ack_head(&second[0], attempt(&rig, &second[0].items[0], true)).await.unwrap();
    let rest = rig.deliveries.take(2, 10, HOLD).await.unwrap();
    assert_eq!(rest[0].token, second[0].token);
    assert_eq!(rest[0].items, second[0].items[1..], "as far as they are still to be delivered");
}

#[tokio::test]
async fn notices_are_queued_once() {
    let Some((rig, calls, id)) = queued(&["x"]).await else { return };
    let enqueue = || rig.deliveries.enqueue(&id, vec![Notice::Test, Notice::Test], 10);
    let (first, again) = twice!(calls, enqueue());
    assert_eq!(first, again);
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().queued, 3);
    enqueue().await.unwrap();
    assert_eq!(rig.take_one().await.items[1..3], first);
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().queued, 5);
}

#[tokio::test]
async fn dead_letters_are_queued_again_once() {
    let Some((rig, calls, id)) = queued(&["x", "y", "z"]).await else { return };
    let claim = rig.take_one().await;
    for item in &claim.items {
        let refused = attempt(&rig, item, false);
        assert!(rig.deliveries.dead_letter(&claim, DeadLetterReason::Refused, refused).await.unwrap());
    }
    let (first, again) = twice!(calls, rig.deliveries.replay(&id, 0, 2));
    assert_eq!(first, again);
    assert_eq!((first.queued, first.left), (2, 1));
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.queued, backlog.dead), (2, 1));
}

#[tokio::test]
async fn a_fan_out_is_done_once() {
    let Some((rig, calls, id)) = queued(&["x"]).await else { return };
    let happened = rig.happen("y").await;
    let step = rig.step(vec![(id.clone(), happened)], 10).await;
    let answers = twice!(calls, rig.deliveries.fan_out(step.clone()));
    assert_eq!(answers, (FanOutOutcome::Done, FanOutOutcome::Done));
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().queued, 2);
    assert_eq!(rig.deliveries.fan_out(step).await.unwrap(), FanOutOutcome::Already);
}

/// A store at the end of a line, with one subscription that has a queue.
async fn far(names: &[&str]) -> Option<(Rig, Line, Id)> {
    InRedis::found()?;
    let server = RedisServer::start().await?;
    let line = Line::to_server(&server).await;
    let clock = Arc::new(TestClock::new());
    let store = open(&Conf::of_url(line.url()), Some(clock.shared()), Arc::new(TestIds::default())).await;
    let rig = rig(store.unwrap(), clock, Box::new(server));
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, names).await;
    Some((rig, line, id))
}

/// Here the store itself makes the calls again, as their answers do not come.
#[tokio::test]
async fn a_call_whose_answer_is_lost_on_the_way_is_made_again_and_does_its_work_once() {
    let Some((rig, line, id)) = far(&["x", "y"]).await else { return };
    line.lose_answer_to("7654321");
    let claims = rig.deliveries.take(10, 10, Duration::from_millis(7_654_321)).await.unwrap();
    assert!(line.has_lost());
    assert_eq!(claims[0].items.len(), 2, "they would have come back at the end of the claim only");

    line.lose_answer_to(id.as_str());
    let delivered = attempt(&rig, &claims[0].items[0], true);
    assert!(rig.deliveries.ack_head(&claims[0], delivered).await.unwrap().removed());
    assert!(line.has_lost());
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().queued, 1);

    line.lose_answer_to(id.as_str());
    let items = rig.deliveries.enqueue(&id, vec![Notice::Test], 10).await.unwrap();
    assert!(line.has_lost());
    assert_eq!((items[0].sequence, rig.deliveries.backlog(&id).await.unwrap().queued), (3, 2));
}

#[tokio::test]
async fn what_was_claimed_as_the_line_broke_is_had_when_it_stands_again() {
    let Some((rig, line, _)) = far(&["x"]).await else { return };
    line.break_after("7654321");
    let taken = rig.deliveries.take(1, 1, Duration::from_millis(7_654_321)).await;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Unavailable);
    line.mend();
    rig.clock.advance(Duration::from_secs(9));
    until(SOON, "the server", async || rig.log.head().await.ok()).await;
    let claim = rig.take_one().await;
    assert_eq!(claim.items.len(), 1);
    rig.clock.advance(Duration::from_secs(9));
    assert_eq!(rig.take().await, [], "it is claimed for as long as it was asked for the second time");
    rig.clock.advance(Duration::from_secs(1));
    assert_ne!(rig.take_one().await.token, claim.token);
}

#[tokio::test]
async fn what_could_not_be_let_go_is_let_go_when_the_line_stands_again() {
    let Some((rig, line, _)) = far(&["x"]).await else { return };
    let claim = rig.deliveries.take(1, 1, Duration::from_hours(1)).await.unwrap().remove(0);
    line.cut();
    assert_eq!(rig.deliveries.release(&claim).await.unwrap_err().kind(), ErrorKind::Unavailable);
    line.mend();
    let given = async || rig.deliveries.take(1, 1, HOLD).await.ok().and_then(|mut claims| claims.pop());
    let (again, _) = until(SOON, "the queue", given).await;
    assert_eq!(again.items, claim.items);
}
