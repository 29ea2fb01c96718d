//! The conformance suite of the `deliveries` port; `dead_letters` holds the cases of what is given up.

use super::stores::{Factory, LEASE, Rig, event, pool, told_items};
use netweave_model::port::{
    Acked, Attempt, Change, Claim, DeadLetterReason, FanOut, FanOutOutcome, Item, Notice, Standing, Update,
};
use netweave_model::{ErrorKind, Id, SubscriptionState, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// An attempt at an item, now.
pub fn attempt(rig: &Rig, item: &Item, delivered: bool) -> Attempt {
    Attempt {
        sequence: item.sequence,
        notification_id: item.notification_id,
        at: rig.now(),
        duration_ms: 5,
        status: Some(if delivered { 204 } else { 503 }),
        delivered,
        error: (!delivered).then(|| "status 503".to_owned()),
    }
}

pub(super) async fn ack(rig: &Rig, claim: &Claim, item: &Item) -> bool {
    rig.deliveries.ack_head(claim, attempt(rig, item, true)).await.unwrap().removed()
}

async fn defer(rig: &Rig, claim: &Claim, by: Duration) -> Timestamp {
    assert!(rig.deliveries.defer(claim, by, attempt(rig, &claim.items[0], false)).await.unwrap());
    rig.now().plus(by)
}

pub(super) fn sequences(items: &[Item]) -> Vec<u64> {
    items.iter().map(|item| item.sequence).collect()
}

/// The cursor begins where the log began, so that nothing is passed over.
pub async fn the_cursor_begins_at_the_start_of_the_log(factory: &dyn Factory) {
    let rig = factory.make().await;
    let start = rig.log.head().await.unwrap();
    rig.happen("a").await;
    assert_eq!(rig.deliveries.cursor().await.unwrap(), start);
}

/// A step queues its items and moves the cursor, once.
pub async fn a_step_is_done_once(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    let happened = rig.happen("x").await;
    let step = rig.step(vec![(id.clone(), happened)], 10).await;
    assert_eq!(rig.deliveries.fan_out(step.clone()).await.unwrap(), FanOutOutcome::Done);
    assert_eq!(rig.deliveries.cursor().await.unwrap(), step.to);
    assert_eq!(rig.deliveries.fan_out(step.clone()).await.unwrap(), FanOutOutcome::Already);
    rig.happen("y").await;
    let overlapping = FanOut { to: rig.log.head().await.unwrap(), ..step };
    assert_eq!(rig.deliveries.fan_out(overlapping).await.unwrap(), FanOutOutcome::Already);
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().queued, 1);
}

/// A step without items moves the cursor too.
pub async fn an_empty_step_moves_the_cursor(factory: &dyn Factory) {
    let rig = factory.make().await;
    rig.happen("x").await;
    rig.fan_out(Vec::new(), 10).await;
    assert_eq!(rig.deliveries.cursor().await.unwrap(), rig.log.head().await.unwrap());
}

/// A subscription that came, or changed its filter, after the match makes the step stale, and nothing is done.
pub async fn a_match_with_old_subscriptions_is_stale(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    let happened = rig.happen("x").await;
    let step = rig.step(vec![(id.clone(), happened)], 10).await;
    let newer = rig.subscribe("smo", "b").await.id;
    assert_eq!(rig.deliveries.fan_out(step.clone()).await.unwrap(), FanOutOutcome::StaleMatcher);
    let step = FanOut { subscriptions_version: rig.subscriptions.since(0).await.unwrap().0, ..step };
    let update = Update { filter: Some(Some("f".to_owned())), ..Update::default() };
    rig.subscriptions.update(&newer, None, update).await.unwrap();
    assert_eq!(rig.deliveries.fan_out(step.clone()).await.unwrap(), FanOutOutcome::StaleMatcher);
    assert_eq!(rig.deliveries.cursor().await.unwrap(), step.from);
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().queued, 0);
    let step = FanOut { subscriptions_version: rig.subscriptions.since(0).await.unwrap().0, ..step };
    assert_eq!(rig.deliveries.fan_out(step).await.unwrap(), FanOutOutcome::Done);
}

/// Subscriptions that are unknown or ended are skipped.
pub async fn unknown_subscriptions_are_skipped(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    let gone = rig.subscribe("smo", "b").await.id;
    rig.subscriptions.delete(&gone, None).await.unwrap();
    let happened = rig.happen("x").await;
    let items = [Id::from("unknown"), gone, id].map(|id| (id, Arc::clone(&happened)));
    rig.fan_out(items.into(), 10).await;
    assert_eq!(rig.take_one().await.items.len(), 1);
}

/// Items come in the order in which they were queued, numbered from 1 per subscription, under the event's id.
pub async fn items_are_numbered_per_subscription(factory: &dyn Factory) {
    let rig = factory.make().await;
    let one = rig.subscribe("smo", "a").await.id;
    let two = rig.subscribe("smo", "b").await.id;
    let (x, y) = (rig.happen("x").await, rig.happen("y").await);
    let items =
        vec![(one.clone(), Arc::clone(&x)), (two.clone(), Arc::clone(&y)), (one.clone(), Arc::clone(&y))];
    rig.fan_out(items, 10).await;
    let claims = rig.take().await;
    let claim = |id| claims.iter().find(|claim| claim.subscription == id).unwrap();
    let (of_one, of_two) = (&claim(one).items, &claim(two).items);
    assert_eq!((told_items(of_one), sequences(of_one)), (vec!["x", "y"], vec![1, 2]));
    assert_eq!((told_items(of_two), sequences(of_two)), (vec!["y"], vec![1]));
    let first = Item {
        sequence: 1,
        notification_id: x.notification_id,
        notice: Notice::Change(x),
        queued_at: rig.now(),
        attempts: 0,
    };
    assert_eq!(of_one[0], first);
}

/// Events that a matcher made its own, as the end of what one may see, are told as given.
pub async fn an_event_is_told_as_given(factory: &dyn Factory) {
    let rig = factory.make().await;
    let one = rig.subscribe("smo", "a").await.id;
    let two = rig.subscribe("smo", "b").await.id;
    let happened = rig.happen("x").await;
    let mut cut = (*happened).clone();
    cut.post = None;
    cut.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00".parse().ok();
    let cut = Arc::new(cut);
    rig.fan_out(vec![(one, Arc::clone(&happened)), (two, Arc::clone(&cut))], 10).await;
    let notices: Vec<_> = rig.take().await.into_iter().map(|claim| claim.items[0].notice.clone()).collect();
    assert_eq!(notices, [Notice::Change(happened), Notice::Change(cut)]);
}

/// A claim gives so many items of so many subscriptions.
pub async fn take_is_bounded(factory: &dyn Factory) {
    let rig = factory.make().await;
    for callback in ["a", "b", "c"] {
        let id = rig.subscribe("smo", callback).await.id;
        rig.queue(
            &id,
            &["x", "y", "z"].map(|name| format!("{callback}{name}")).each_ref().map(String::as_str),
        )
        .await;
    }
    let claims = rig.deliveries.take(2, 2, LEASE).await.unwrap();
    assert_eq!(claims.iter().map(|claim| claim.items.len()).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(rig.take().await.len(), 1);
}

/// The queue that has waited longest is taken first, and each gets its turn.
pub async fn the_longest_waiting_comes_first(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut ids = Vec::new();
    for callback in ["a", "b", "c"] {
        ids.push(rig.subscribe("smo", callback).await.id);
    }
    ids.reverse();
    for id in &ids {
        rig.queue(id, &[&format!("{id}-1"), &format!("{id}-2")]).await;
        rig.clock.advance(Duration::from_millis(1));
    }
    let mut served = Vec::new();
    for _ in 0..6 {
        let claim = rig.deliveries.take(1, 1, LEASE).await.unwrap().remove(0);
        assert!(ack(&rig, &claim, &claim.items[0]).await);
        rig.deliveries.release(&claim).await.unwrap();
        rig.clock.advance(Duration::from_millis(1));
        served.push(claim.subscription);
    }
    assert_eq!(served, [ids.clone(), ids].concat());
}

/// A claimed queue goes to nobody else until it is let go or the claim has run out; then the old claim counts no more.
pub async fn a_claim_excludes_others_until_it_runs_out(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x", "y"]).await;
    let old = rig.take_one().await;
    rig.clock.advance(Duration::from_millis(9_999));
    assert_eq!(rig.take().await, []);
    rig.clock.advance(Duration::from_millis(1));
    let new = rig.take_one().await;
    assert_eq!(new.items, old.items);
    assert_ne!(new.token, old.token);
    assert!(!ack(&rig, &old, &old.items[0]).await);
    assert!(!rig.deliveries.defer(&old, LEASE, attempt(&rig, &old.items[0], false)).await.unwrap());
    let refused = attempt(&rig, &old.items[0], false);
    assert!(!rig.deliveries.dead_letter(&old, DeadLetterReason::Refused, refused).await.unwrap());
    rig.deliveries.release(&old).await.unwrap();
    assert_eq!(rig.take().await, []);
    assert!(ack(&rig, &new, &new.items[0]).await);
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().queued, 1);
}

/// A released queue is due at once.
pub async fn a_released_queue_is_due_at_once(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    let claim = rig.take_one().await;
    rig.deliveries.release(&claim).await.unwrap();
    assert_eq!(rig.take_one().await.items, claim.items);
}

/// Delivered items leave in order; the claim stays, and what came meanwhile waits for its end.
pub async fn acknowledged_items_leave_in_order(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x", "y"]).await;
    let claim = rig.take_one().await;
    assert!(ack(&rig, &claim, &claim.items[0]).await);
    rig.queue(&id, &["z"]).await;
    assert!(ack(&rig, &claim, &claim.items[1]).await);
    assert_eq!(rig.take().await, []);
    rig.deliveries.release(&claim).await.unwrap();
    let rest = rig.take_one().await;
    assert_eq!((told_items(&rest.items), sequences(&rest.items)), (vec!["z"], vec![3]));
    assert!(ack(&rig, &rest, &rest.items[0]).await);
    rig.deliveries.release(&rest).await.unwrap();
    assert_eq!(rig.take().await, []);
    assert_eq!(rig.deliveries.next_due().await.unwrap(), None);
    rig.queue(&id, &["later"]).await;
    assert_eq!(sequences(&rig.take_one().await.items), [4]);
}

/// The claim of a queue ends with its last item, so that what comes then is due at once.
pub async fn an_emptied_queue_is_let_go(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x", "y"]).await;
    let claim = rig.take_one().await;
    let acked = [
        rig.deliveries.ack_head(&claim, attempt(&rig, &claim.items[0], true)).await.unwrap(),
        rig.deliveries.ack_head(&claim, attempt(&rig, &claim.items[1], true)).await.unwrap(),
        rig.deliveries.ack_head(&claim, attempt(&rig, &claim.items[1], true)).await.unwrap(),
    ];
    assert_eq!(acked, [Acked::Held, Acked::Emptied, Acked::Lost]);
    rig.queue(&id, &["z"]).await;
    let next = rig.take_one().await;
    assert_eq!((told_items(&next.items), sequences(&next.items)), (vec!["z"], vec![3]));
    rig.deliveries.release(&claim).await.unwrap();
    assert_eq!(rig.take().await, [], "the former claim lets go of nothing");
}

/// Acknowledgements that come at one moment are answered each for itself, and what all of them told is forgotten once.
pub async fn acknowledgements_at_one_moment_are_answered_each(factory: &dyn Factory) {
    let rig = factory.make().await;
    let happened = rig.happen("x").await;
    let mut ids = Vec::new();
    for callback in ["a", "b", "c", "d"] {
        ids.push(rig.subscribe("smo", callback).await.id);
    }
    rig.fan_out(ids.iter().map(|id| (id.clone(), Arc::clone(&happened))).collect(), 10).await;
    rig.queue(&ids[1], &["y"]).await;
    let claims = rig.take().await;
    let of = |id: &Id| claims.iter().find(|claim| claim.subscription == *id).unwrap();
    let [a, b, c, d] = [0, 1, 2, 3].map(|n: usize| of(&ids[n]));
    rig.deliveries.release(c).await.unwrap();
    let ack =
        async |claim: &Claim| rig.deliveries.ack_head(claim, attempt(&rig, &claim.items[0], true)).await;
    let acked = tokio::join!(ack(a), ack(b), ack(c), ack(d));
    let acked = [acked.0, acked.1, acked.2, acked.3].map(Result::unwrap);
    assert_eq!(acked, [Acked::Emptied, Acked::Held, Acked::Lost, Acked::Emptied]);
    let mut left = Vec::new();
    for id in &ids {
        left.push(rig.deliveries.backlog(id).await.unwrap().queued);
    }
    assert_eq!(left, [0, 1, 1, 0]);
    let again = rig.take_one().await;
    assert_eq!(
        (&again.subscription, &again.items),
        (&c.subscription, &c.items),
        "it still knows what it tells"
    );
}

/// A claim comes with its subscription as it is then, and without one whose lease has run out.
pub async fn a_claim_comes_with_its_subscription(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    let update = Update { callback: Some("https://smo.example/new".to_owned()), ..Update::default() };
    let updated = rig.subscriptions.update(&id, None, update).await.unwrap();
    let claim = rig.take_one().await;
    assert_eq!(claim.consumer, Some(updated));
    rig.deliveries.release(&claim).await.unwrap();
    rig.clock.advance(LEASE * 2);
    let ended = rig.take().await.into_iter().all(|claim| claim.consumer.is_none());
    assert!(ended, "nobody is told any more");
}

/// A deferred head is tried again at its time, before what came later; the failures are counted until a success.
pub async fn a_deferred_head_comes_back_at_its_time(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    let until = defer(&rig, &rig.take_one().await, Duration::from_secs(5)).await;
    assert_eq!(rig.deliveries.next_due().await.unwrap(), Some(Duration::from_secs(5)));
    rig.queue(&id, &["y"]).await;
    rig.clock.advance(Duration::from_millis(4_999));
    assert_eq!(rig.take().await, []);
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.failures, backlog.next_attempt), (1, Some(until)));
    rig.clock.advance(Duration::from_millis(1));
    let claim = rig.take_one().await;
    assert_eq!(told_items(&claim.items), ["x", "y"]);
    assert_eq!(claim.items.iter().map(|item| item.attempts).collect::<Vec<_>>(), [1, 0]);
    assert!(ack(&rig, &claim, &claim.items[0]).await);
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().failures, 0);
}

/// What waits is counted over all queues, claimed or not, and its age is that of the oldest item.
pub async fn what_waits_is_counted_over_all_queues(factory: &dyn Factory) {
    let rig = factory.make().await;
    let standing = async || rig.deliveries.standing().await.unwrap();
    assert_eq!(standing().await, Standing::default());
    let (first, second) = (rig.subscribe("smo", "a").await.id, rig.subscribe("smo", "b").await.id);
    let oldest = rig.now();
    rig.queue(&first, &["x", "y"]).await;
    rig.clock.advance(Duration::from_secs(5));
    rig.queue(&second, &["z"]).await;
    assert_eq!(standing().await, Standing { items: 3, oldest: Some(oldest) });
    let claims = rig.take().await;
    let claim = claims.iter().find(|claim| claim.subscription == first).unwrap();
    assert!(ack(&rig, claim, &claim.items[0]).await);
    assert_eq!(standing().await, Standing { items: 2, oldest: Some(oldest) });
    assert!(ack(&rig, claim, &claim.items[1]).await);
    assert_eq!(standing().await, Standing { items: 1, oldest: Some(rig.now()) });
}

/// A claim let go without an attempt comes back at its time, and nothing is counted.
pub async fn a_postponed_queue_counts_no_failure(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    let claim = rig.take_one().await;
    let pause = Duration::from_secs(2);
    assert!(rig.deliveries.postpone(&claim, pause).await.unwrap());
    assert!(!rig.deliveries.postpone(&claim, pause).await.unwrap());
    let until = rig.now().plus(pause);
    assert_eq!(rig.take().await, []);
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.failures, backlog.next_attempt, backlog.attempts.len()), (0, Some(until), 0));
    rig.clock.advance(Duration::from_secs(2));
    assert_eq!(rig.take_one().await.items, claim.items);
}

/// One dead consumer does not hold up the others.
pub async fn a_deferred_queue_holds_up_nobody(factory: &dyn Factory) {
    let rig = factory.make().await;
    let dead = rig.subscribe("smo", "a").await.id;
    rig.queue(&dead, &["x"]).await;
    defer(&rig, &rig.take_one().await, Duration::from_secs(5)).await;
    let living = rig.subscribe("smo", "b").await.id;
    rig.queue(&living, &["y"]).await;
    assert_eq!(rig.take_one().await.subscription, living);
}

/// The time of the next due queue covers retries and claims.
pub async fn the_next_due_time_covers_claims(factory: &dyn Factory) {
    let rig = factory.make().await;
    assert_eq!(rig.deliveries.next_due().await.unwrap(), None);
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(rig.deliveries.next_due().await.unwrap(), Some(Duration::ZERO));
    rig.take_one().await;
    rig.clock.advance(Duration::from_secs(4));
    assert_eq!(rig.deliveries.next_due().await.unwrap(), Some(Duration::from_secs(6)));
}

/// A suspended subscription's queue waits and grows, and is served when the owner is back.
pub async fn a_suspended_subscription_is_left_alone(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    let state = SubscriptionState::Suspended { reason: "gone".to_owned() };
    let suspend = Update { state: Some(state), ..Update::default() };
    rig.subscriptions.update(&id, None, suspend).await.unwrap();
    rig.queue(&id, &["y"]).await;
    assert_eq!(rig.take().await, []);
    assert_eq!(rig.deliveries.next_due().await.unwrap(), None);
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().queued, 2);
    let activate = Update { state: Some(SubscriptionState::Active), ..Update::default() };
    rig.subscriptions.update(&id, None, activate).await.unwrap();
    assert_eq!(told_items(&rig.take_one().await.items), ["x", "y"]);
}

/// A new callback is tried at once, whatever the old one did.
pub async fn a_new_callback_is_tried_at_once(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    defer(&rig, &rig.take_one().await, LEASE).await;
    let update = Update { callback: Some("https://smo.example/new".to_owned()), ..Update::default() };
    rig.subscriptions.update(&id, None, update).await.unwrap();
    assert_eq!(rig.take_one().await.items.len(), 1);
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().failures, 0);
}

/// Notices asked for stand at the end of the queue and are returned as queued.
pub async fn notices_can_be_queued(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    let notices = vec![Notice::Test, Notice::Change(event("old"))];
    let items = rig.deliveries.enqueue(&id, notices.clone(), 20_000).await.unwrap();
    assert_eq!(items.iter().map(|item| item.notice.clone()).collect::<Vec<_>>(), notices);
    assert_eq!(items[1].notification_id, event("old").notification_id);
    assert_ne!(items[0].notification_id, items[1].notification_id);
    assert_eq!(rig.take_one().await.items[1..], items);
    let error = rig.deliveries.enqueue(&Id::from("unknown"), vec![Notice::Test], 20_000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let flood = vec![Notice::Test; 20_000];
    assert_eq!(rig.deliveries.enqueue(&id, flood, 20_000).await.unwrap_err().kind(), ErrorKind::Conflict);
}

/// The owner can read how the deliveries stand, and the latest hundred attempts.
pub async fn the_backlog_tells_how_deliveries_stand(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap(), netweave_model::port::Backlog::default());
    rig.queue(&id, &["x", "y"]).await;
    let queued_at = rig.now();
    for n in 1..=120 {
        let claim = rig.take_one().await;
        defer(&rig, &claim, Duration::from_millis(1)).await;
        rig.clock.advance(Duration::from_millis(1));
        let backlog = rig.deliveries.backlog(&id).await.unwrap();
        assert_eq!((backlog.failures, backlog.attempts.len()), (n, n.min(100) as usize));
    }
    let claim = rig.take_one().await;
    let last = attempt(&rig, &claim.items[0], true);
    assert!(rig.deliveries.ack_head(&claim, last.clone()).await.unwrap().removed());
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.queued, backlog.oldest, backlog.last_sequence), (1, Some(queued_at), 2));
    assert_eq!((backlog.attempts.len(), &backlog.attempts[0]), (100, &last));
    assert!(backlog.attempts.windows(2).all(|pair| pair[0].at >= pair[1].at));
}

/// A taker that waits is woken by a fan-out, a release and a notice, also if they came between its look and its wait.
pub async fn a_waiting_taker_is_woken(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    let long = Duration::from_secs(5);
    timeout(long, rig.deliveries.wait()).await.unwrap();
    let claim = rig.take_one().await;
    let release = async { rig.deliveries.release(&claim).await.unwrap() };
    let (woken, ()) = tokio::join!(timeout(long, rig.deliveries.wait()), release);
    woken.unwrap();
    let claim = rig.take_one().await;
    assert!(ack(&rig, &claim, &claim.items[0]).await);
    rig.deliveries.release(&claim).await.unwrap();
    let notice = async { rig.deliveries.enqueue(&id, vec![Notice::Test], 20_000).await.unwrap() };
    let (woken, _) = tokio::join!(timeout(long, rig.deliveries.wait()), notice);
    woken.unwrap();
}

/// Trimming the log does not touch what is queued.
pub async fn queued_events_outlive_the_log(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    rig.clock.advance(Duration::from_secs(1));
    let head = rig.commit(&[Change::Upsert(pool("x", "later"))]).await;
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(rig.log.trim(head, Duration::ZERO).await.unwrap(), 2);
    assert_eq!(told_items(&rig.take_one().await.items), ["x"]);
}
