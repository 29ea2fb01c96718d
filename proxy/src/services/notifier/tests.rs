//! Deliveries to a consumer on loopback, with a clock that moves by hand.

use super::*;
use crate::conf::unit::Span;
use crate::services::fakes::{Names, Rig, delivery, loopback};
use crate::webhook::inbox::{Answer, Received};
use http::StatusCode;
use netweave_http::{FORBIDDEN_ADDRESS, Settings};
use netweave_model::port::{DeadLetterReason, Update};
use netweave_model::subscription::Major;
use netweave_model::{Id, SubscriptionState};
use std::collections::BTreeMap;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn order_is_kept_within_each_subscription() {
    let rig = Rig::start().await;
    for _ in 0..3 {
        rig.subscribe(None).await;
    }
    rig.changes(40).await;
    rig.deliver().await;
    let mut by_subscription = BTreeMap::<String, Vec<u64>>::new();
    for (received, (_, sequence, _)) in rig.inbox.received(0).iter().zip(rig.told()) {
        let id = received.header(&crate::webhook::notification::SUBSCRIPTION_ID).unwrap().to_owned();
        by_subscription.entry(id).or_default().push(sequence);
    }
    assert_eq!(by_subscription.len(), 3);
    for sequences in by_subscription.values() {
        assert_eq!(*sequences, (1..=40).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_failure_is_tried_again_after_its_pause_under_the_same_id() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    rig.answer_next(&[503, 500]);
    rig.changes(2).await;
    rig.deliver().await;
    assert_eq!(rig.sequences(), [1], "the next item waits behind the failed one");
    let backlog = rig.backlog(&subscription).await;
    assert_eq!((backlog.queued, backlog.failures), (2, 1));
    assert!(backlog.next_attempt.is_some());
    rig.clock.advance(SECOND);
    rig.deliver().await;
    rig.clock.advance(2 * SECOND);
    rig.deliver().await;
    let told = rig.told();
    assert_eq!(rig.sequences(), [1, 1, 1, 2]);
    assert!(told[0].2 == told[1].2 && told[1].2 == told[2].2 && told[2].2 != told[3].2);
    assert_eq!(rig.metrics.webhook_retries.get(), 2);
    let attempts = rig.backlog(&subscription).await.attempts;
    assert_eq!(
        attempts.iter().map(|attempt| attempt.status).collect::<Vec<_>>(),
        [Some(204), Some(204), Some(500), Some(503)]
    );
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let rig = Rig::start().await;
    rig.subscribe(None).await;
    let busy = Answer { status: StatusCode::TOO_MANY_REQUESTS, delay: Duration::ZERO, retry_after: Some(30) };
    rig.answers.lock().unwrap().push_back(busy);
    rig.changes(1).await;
    rig.deliver().await;
    rig.clock.advance(29 * SECOND);
    rig.deliver().await;
    assert_eq!(rig.sequences(), [1]);
    rig.clock.advance(SECOND);
    rig.deliver().await;
    assert_eq!(rig.sequences(), [1, 1]);
}

#[tokio::test]
async fn a_callback_that_is_gone_suspends_and_the_queue_waits_for_the_owner() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    rig.answer_next(&[410]);
    rig.changes(2).await;
    rig.deliver().await;
    rig.clock.advance(600 * SECOND);
    rig.deliver().await;
    assert_eq!(rig.sequences(), [1]);
    let state = rig.store.get(&subscription.id).await.unwrap().state;
    assert!(matches!(state, SubscriptionState::Suspended { .. }), "{state:?}");
    let update = Update { state: Some(SubscriptionState::Active), ..Update::default() };
    rig.store.update(&subscription.id, None, update).await.unwrap();
    rig.deliver().await;
    assert_eq!(rig.sequences(), [1, 1, 2]);
}

#[tokio::test]
async fn a_refused_item_becomes_a_dead_letter_after_five_tries_and_can_be_replayed() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    rig.answer_next(&[400, 404, 302, 422, 413]);
    rig.changes(2).await;
    for _ in 0..5 {
        rig.deliver().await;
        rig.clock.advance(100 * SECOND);
    }
    assert_eq!(rig.sequences(), [1, 1, 1, 1, 1, 2], "and the queue goes on");
    let dead = rig.store.dead_letters(Some(&subscription.id), 10).await.unwrap();
    assert_eq!(dead.iter().map(|letter| letter.reason).collect::<Vec<_>>(), [DeadLetterReason::Refused]);
    assert_eq!(rig.metrics.webhook_dead.get(), 1);
    assert_eq!(rig.store.replay(&subscription.id, 0, 100).await.unwrap().queued, 1);
    rig.deliver().await;
    let told = rig.told();
    assert_eq!(told[6].2, told[0].2, "under its old id");
    assert_eq!(told[6].1, 3, "at the end of the queue");
}

#[tokio::test]
async fn an_item_that_is_too_old_becomes_a_dead_letter() {
    let rig =
        Rig::with(delivery_with(|delivery| delivery.retention = Span::seconds(100)), &loopback(), names())
            .await;
    let subscription = rig.subscribe(None).await;
    rig.answer_next(&[500]);
    rig.changes(1).await;
    rig.deliver().await;
    rig.clock.advance(101 * SECOND);
    rig.deliver().await;
    let dead = rig.store.dead_letters(Some(&subscription.id), 10).await.unwrap();
    assert_eq!(dead.iter().map(|letter| letter.reason).collect::<Vec<_>>(), [DeadLetterReason::TooOld]);
    assert_eq!(rig.sequences(), [1]);
}

#[tokio::test]
async fn an_overflow_is_told_first() {
    let rig = Rig::with(delivery_with(|delivery| delivery.max_queue = 3), &loopback(), names()).await;
    let subscription = rig.subscribe(None).await;
    rig.changes(4).await;
    rig.deliver().await;
    let told: Vec<_> = rig.told().into_iter().map(|(what, ..)| what).collect();
    assert_eq!(told, ["RESYNC", "MODIFY"]);
    let body: serde_json::Value = serde_json::from_slice(&rig.inbox.received(0)[0].body).unwrap();
    assert_eq!((&body["notice"], &body["dropped"]), (&"resync".into(), &3.into()));
    assert_eq!(rig.backlog(&subscription).await.dead, 3);
}

#[tokio::test]
async fn a_subscription_that_is_deleted_during_a_delivery_gets_no_more() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    let other = rig.subscribe(None).await;
    let (store, id) = (Arc::clone(&rig.store), subscription.id.clone());
    *rig.reaction.lock().unwrap() = Some(Box::new(move |received: &Received| {
        if received.header(&crate::webhook::notification::SUBSCRIPTION_ID) == Some(id.as_str()) {
            // The first delivery deletes it; the memory store never waits.
            futures::executor::block_on(store.delete(&id, None)).unwrap();
        }
    }));
    rig.changes(3).await;
    rig.deliver().await;
    let of = |id: &Id| {
        let name = crate::webhook::notification::SUBSCRIPTION_ID;
        rig.inbox.received(0).iter().filter(|received| received.header(&name) == Some(id.as_str())).count()
    };
    assert_eq!((of(&subscription.id), of(&other.id)), (1, 3));
}

#[tokio::test]
async fn a_name_that_moves_to_a_forbidden_address_is_not_called() {
    let settings = Settings { schemes: vec!["http".to_owned()], ..Settings::default() };
    let rig = Rig::with(delivery(), &settings, Names::new(&["93.184.216.34", "127.0.0.1"])).await;
    let callback = rig.url.replace("127.0.0.1", "rebind.example.net");
    rig.guard.check(&callback).await.unwrap();
    let subscription = rig.subscribe_as(Major::V2, &callback, None).await;
    rig.changes(1).await;
    rig.deliver().await;
    let attempts = rig.backlog(&subscription).await.attempts;
    assert_eq!(attempts[0].error.as_deref(), Some(FORBIDDEN_ADDRESS));
    assert!(rig.inbox.received(0).is_empty());
}

#[tokio::test]
async fn a_delivery_renews_the_lease_when_a_fifth_of_it_is_gone() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    rig.clock.advance(199 * SECOND);
    rig.changes(1).await;
    rig.deliver().await;
    let early = rig.store.get(&subscription.id).await.unwrap();
    assert_eq!(early.expires_at, subscription.expires_at, "not worth a write");
    let (before, ..) = rig.store.since(0).await.unwrap();
    rig.clock.advance(2 * SECOND);
    rig.changes(3).await;
    rig.deliver().await;
    let renewed = rig.store.get(&subscription.id).await.unwrap();
    assert_eq!(renewed.expires_at.since(subscription.expires_at), 201 * SECOND);
    assert_eq!(rig.store.since(0).await.unwrap().0, before + 1, "once, not with each delivery");
}

#[tokio::test]
async fn a_host_that_is_silent_five_times_is_left_alone() {
    let rig = Rig::with(delivery_with(|delivery| delivery.concurrency = 1), &loopback(), names()).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut subscriptions = Vec::new();
    for path in 0..8 {
        let callback = format!("http://{nobody}/{path}");
        subscriptions.push(rig.subscribe_as(Major::V2, &callback, None).await);
    }
    rig.changes(1).await;
    rig.deliver().await;
    let mut untouched = 0;
    for subscription in &subscriptions {
        let backlog = rig.backlog(subscription).await;
        untouched += u32::from(backlog.failures == 0 && backlog.attempts.is_empty() && backlog.queued == 1);
    }
    assert_eq!(untouched, 3);
}

#[tokio::test]
async fn what_a_host_answers_for_some_subscriptions_does_not_hold_up_others_there() {
    let rig = Rig::with(delivery_with(|delivery| delivery.concurrency = 1), &loopback(), names()).await;
    for _ in 0..8 {
        rig.subscribe(None).await;
    }
    rig.answer_next(&[503; 6]);
    rig.changes(1).await;
    rig.deliver().await;
    assert_eq!(rig.inbox.received(0).len(), 8, "each was tried at once");
}

#[tokio::test]
async fn a_stopped_notifier_takes_nothing_and_holds_no_claim() {
    let rig = Rig::start().await;
    rig.subscribe(None).await;
    rig.changes(3).await;
    rig.notifier.activate().await.unwrap();
    rig.notifier.stop().await;
    rig.notifier.activate().await.unwrap();
    assert_eq!(rig.notifier.in_flight(), 0);
    let left = rig.store.take(10, 10, SECOND).await.unwrap();
    let queued: usize = left.iter().map(|claim| claim.items.len()).sum();
    assert_eq!(queued + rig.inbox.received(0).len(), 3, "what was not delivered is free for others at once");
}

#[tokio::test]
async fn a_dead_consumer_does_not_hold_up_the_others() {
    let rig =
        Rig::with(delivery_with(|delivery| delivery.timeout = Span::seconds(30)), &loopback(), names()).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback = format!("http://{}/", silent.local_addr().unwrap());
    rig.subscribe_as(Major::V2, &callback, None).await;
    rig.subscribe(None).await;
    rig.changes(5).await;
    let mut count = rig.inbox.count();
    rig.notifier.activate().await.unwrap();
    count.wait_for(|count| *count == 5).await.unwrap();
    while rig.notifier.in_flight() > 1 {
        rig.notifier.freed().await;
    }
    assert_eq!(rig.notifier.in_flight(), 1, "the silent one is still being waited for");
}

#[tokio::test]
async fn a_host_that_hangs_does_not_take_all_the_workers() {
    let change = |delivery: &mut Delivery| {
        delivery.timeout = Span::seconds(60);
        (delivery.concurrency, delivery.per_owner) = (72, 72);
    };
    let rig = Rig::with(delivery_with(change), &loopback(), names()).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for _ in 0..72 {
        rig.subscribe_as(Major::V2, &format!("http://{}/", silent.local_addr().unwrap()), None).await;
    }
    rig.changes(1).await;
    assert!(rig.notifier.activate().await.unwrap(), "more wait than are claimed with one call");
    assert!(!rig.notifier.activate().await.unwrap());
    assert_eq!(rig.notifier.in_flight(), 72, "it has them all");
    rig.subscribe(None).await;
    rig.change("r", 7).await;
    rig.fan_out().await;
    while rig.inbox.received(0).is_empty() {
        rig.notifier.wait().await;
        rig.notifier.activate().await.unwrap();
    }
    assert!(rig.notifier.in_flight() >= 64, "while the host hangs");
}

fn names() -> Arc<Names> {
    Names::new(&["127.0.0.1"])
}

fn delivery_with(change: impl FnOnce(&mut Delivery)) -> Delivery {
    let mut delivery = delivery();
    change(&mut delivery);
    delivery
}
