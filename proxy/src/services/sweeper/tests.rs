//! Leases that end, with a clock that moves by hand.

use super::*;
use crate::services::fakes::{Rig, Share};
use crate::webhook::inbox::{self, Inbox, Options};
use netweave_model::ErrorKind;
use netweave_model::port::{DeadLetterReason, Update};
use netweave_model::subscription::Major;

const SECOND: Duration = Duration::from_secs(1);

async fn closed_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_living_callback_keeps_its_silent_owner_subscribed() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    let sweeper = rig.sweeper();
    rig.clock.advance(899 * SECOND);
    sweeper.activate().await.unwrap();
    let early = rig.store.get(&subscription.id).await.unwrap();
    assert_eq!(early.expires_at, subscription.expires_at, "not yet in its last tenth");
    rig.clock.advance(SECOND);
    sweeper.activate().await.unwrap();
    let renewed = rig.store.get(&subscription.id).await.unwrap();
    assert_eq!(renewed.expires_at, rig.clock.now().plus(1000 * SECOND));
    assert_eq!(rig.metrics.lease_warnings.get(), 0);
}

#[tokio::test]
async fn a_dead_callback_is_warned_of_once_and_ends_with_its_lease() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe_as(Major::V2, &closed_port().await, None).await;
    rig.changes(2).await;
    let sweeper = rig.sweeper();
    rig.clock.advance(950 * SECOND);
    sweeper.activate().await.unwrap();
    sweeper.activate().await.unwrap();
    assert_eq!(rig.metrics.lease_warnings.get(), 1);
    rig.clock.advance(49 * SECOND);
    sweeper.activate().await.unwrap();
    assert_eq!(rig.metrics.subscriptions_expired.get(), 0);
    rig.clock.advance(SECOND);
    sweeper.activate().await.unwrap();
    assert_eq!(rig.metrics.subscriptions_expired.get(), 1);
    assert_eq!(rig.store.get(&subscription.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    let dead = rig.store.dead_letters(Some(&subscription.id), 10).await.unwrap();
    assert!(dead.len() == 2 && dead.iter().all(|letter| letter.reason == DeadLetterReason::Expired));
}

#[tokio::test]
async fn a_callback_that_was_silent_once_is_asked_again_before_its_lease_ends() {
    let rig = Rig::start().await;
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let subscription = rig.subscribe_as(Major::V2, &format!("http://{address}/"), None).await;
    let sweeper = rig.sweeper();
    rig.clock.advance(950 * SECOND);
    sweeper.activate().await.unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let inbox = Inbox::new(Options::default(), rig.clock.share());
    let server = tokio::spawn(inbox::serve(listener, inbox));
    rig.clock.advance(10 * SECOND);
    sweeper.activate().await.unwrap();
    server.abort();
    let renewed = rig.store.get(&subscription.id).await.unwrap();
    assert_eq!(renewed.expires_at, rig.clock.now().plus(1000 * SECOND));
    assert_eq!(rig.metrics.lease_warnings.get(), 1);
}

#[tokio::test]
async fn a_callback_is_asked_once_more_just_before_its_lease_ends() {
    let rig = Rig::start().await;
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let subscription = rig.subscribe_as(Major::V2, &format!("http://{address}/"), None).await;
    let sweeper = rig.sweeper();
    rig.clock.advance(989 * SECOND);
    sweeper.activate().await.unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let inbox = Inbox::new(Options::default(), rig.clock.share());
    let server = tokio::spawn(inbox::serve(listener, inbox));
    rig.clock.advance(4 * SECOND);
    sweeper.activate().await.unwrap();
    server.abort();
    let renewed = rig.store.get(&subscription.id).await.unwrap();
    assert_eq!(
        renewed.expires_at,
        rig.clock.now().plus(1000 * SECOND),
        "4 s after it was asked, 7 s before the end"
    );
}

#[tokio::test]
async fn a_suspended_subscription_is_not_kept_alive_by_its_callback() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    let state = SubscriptionState::Suspended { reason: "gone".to_owned() };
    let update = Update { state: Some(state), ..Update::default() };
    let suspended = rig.store.update(&subscription.id, None, update).await.unwrap();
    let sweeper = rig.sweeper();
    rig.clock.advance(950 * SECOND);
    sweeper.activate().await.unwrap();
    assert_eq!(rig.store.get(&subscription.id).await.unwrap().expires_at, suspended.expires_at);
    assert_eq!(rig.metrics.lease_warnings.get(), 1);
}

#[tokio::test]
async fn nothing_is_ended_soon_after_a_start_or_a_gap_in_time() {
    let rig = Rig::start().await;
    rig.subscribe_as(Major::V2, &closed_port().await, None).await;
    rig.clock.advance(2000 * SECOND);
    let sweeper = rig.sweeper();
    let expired = || rig.metrics.subscriptions_expired.get();
    for seconds in [0, 29] {
        rig.clock.advance(seconds * SECOND);
        sweeper.activate().await.unwrap();
        assert_eq!(expired(), 0);
    }
    // It falls asleep, and wakes much later than it had planned.
    assert!(tokio::time::timeout(Duration::ZERO, sweeper.wait()).await.is_err());
    rig.clock.advance(60 * SECOND);
    sweeper.activate().await.unwrap();
    assert_eq!(expired(), 0, "it slept through a gap");
    rig.clock.advance(29 * SECOND);
    sweeper.activate().await.unwrap();
    assert_eq!(expired(), 0);
    rig.clock.advance(SECOND);
    sweeper.activate().await.unwrap();
    assert_eq!(expired(), 1);
}

#[tokio::test]
async fn it_sleeps_until_the_next_lease_needs_it_but_never_long() {
    let rig = Rig::start().await;
    let sweeper = rig.sweeper();
    assert_eq!(sweeper.pause(rig.clock.now()), 3 * SECOND);
    rig.subscribe(None).await;
    rig.clock.advance(898 * SECOND);
    sweeper.activate().await.unwrap();
    assert_eq!(sweeper.pause(rig.clock.now()), 2 * SECOND);
}

#[tokio::test]
async fn the_log_is_trimmed_below_the_cursor_and_ten_minutes() {
    let rig = Rig::start().await;
    let sweeper = rig.sweeper();
    let begin = netweave_model::Position { sequence: 0, ..rig.store.head().await.unwrap() };
    rig.changes(3).await;
    rig.clock.advance(601 * SECOND);
    rig.change("r", 77).await;
    sweeper.activate().await.unwrap();
    assert!(rig.store.read(begin, 10).await.is_err(), "old entries are gone");
    assert_eq!(rig.store.read(rig.store.cursor().await.unwrap(), 10).await.unwrap().len(), 1);
}
