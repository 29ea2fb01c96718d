//! What the Redis store tells a server that lacks what another one acknowledged.
#![expect(clippy::unwrap_used, reason = "code of tests: a panic says what is not as it must be")]

use crate::stores::InRedis;
use netweave_model::port::{Change, Clock, Notice, Renewal};
use netweave_model::{ErrorKind, Position};
use netweave_tests::conformance::stores::{
    FENCE, Factory, LEASE, Rig, changed, lab, listing, pool, told_items,
};
use netweave_tests::harness::RedisServer;
use std::time::Duration;

/// A store on a server of its own.
async fn rig() -> Option<Rig> {
    Some(InRedis::found()?.make().await)
}

fn server(rig: &Rig) -> &RedisServer {
    rig.keep.downcast_ref().unwrap()
}

/// Makes the server one that has not been the primary yet.
fn replace(server: &RedisServer) {
    server.ask(&["SET", "sys:primary", "another"]);
    server.ask(&["SCRIPT", "FLUSH"]);
}

#[tokio::test]
async fn the_end_of_the_log_comes_back_under_its_notification_ids() {
    let Some(rig) = rig().await else { return };
    rig.commit(&listing(&[pool("a", "1")])).await;
    let event = rig.happen("b").await;
    let lost = event.position.sequence;
    let server = server(&rig);
    // The log as it was before that event: no server takes a number back after XDEL.
    let kept = server.ask(&["XRANGE", "log", "-", &format!("({lost}-0")]);
    server.ask(&["DEL", "log"]);
    server.ask(&[&["XADD", "log"], &*kept.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    server.ask(&["SET", "log:head", &(lost - 1).to_string()]);
    server.ask(&["HDEL", "row:lab:resourcePools", "b"]);
    replace(server);
    let head = rig.log.head().await.unwrap();
    assert!(head.generation > event.position.generation);
    assert_eq!(head.sequence, lost);
    let entries = rig.log.read(Position { sequence: lost - 1, ..head }, 1).await.unwrap();
    assert_eq!(changed(&entries[0]).notification_id, event.notification_id);
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().objects, [pool("a", "1"), pool("b", "new")]);
    assert_eq!(rig.log.read(event.position, 1).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_renewal_comes_back() {
    let Some(rig) = rig().await else { return };
    let made = rig.subscribe("smo", "a").await;
    rig.clock.advance(Duration::from_secs(30));
    let renewed = rig.subscriptions.renew(&made.id, None).await.unwrap();
    let server = server(&rig);
    server.ask(&["HSET", &format!("submeta:{}", made.id), "expires", &made.expires_at.0.to_string()]);
    replace(server);
    assert_eq!(rig.subscriptions.get(&made.id).await.unwrap(), renewed);
    assert_eq!(renewed.expires_at, rig.clock.now().plus(LEASE));
}

#[tokio::test]
async fn a_server_that_lost_everything_gets_the_subscriptions_and_its_log_has_a_gap() {
    let Some(rig) = rig().await else { return };
    let [kept, deleted] = [rig.subscribe("smo", "a").await, rig.subscribe("smo", "b").await];
    rig.subscriptions.delete(&deleted.id, None).await.unwrap();
    server(&rig).ask(&["FLUSHALL"]);
    rig.log.head().await.unwrap();
    // Nobody knows any more which pods there are, so all get time to say what they know.
    rig.clock.advance(Duration::from_secs(2));
    assert_eq!(rig.subscriptions.get(&kept.id).await.unwrap(), kept);
    assert_eq!(rig.subscriptions.get(&deleted.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    let cursor = rig.deliveries.cursor().await.unwrap();
    assert_eq!(rig.log.read(cursor, 1).await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// Consumers have seen numbers that the server does not know of, whoever brings the subscription back.
#[tokio::test]
async fn numbers_do_not_begin_again_if_another_process_met_the_empty_server_first() {
    let Some(rig) = rig().await else { return };
    let made = rig.subscribe("smo", "a").await;
    let generation = rig.log.head().await.unwrap().generation + 1_000_000;
    let server = server(&rig);
    let run = server.ask(&["GET", "sys:primary"]).remove(0);
    server.ask(&["FLUSHALL"]);
    let keys =
        ["log:generation", &generation.to_string(), "log:head", "1", "sys:primary", &run, "sys:before", ""];
    server.ask(&[&["MSET"], &keys[..]].concat());
    assert_eq!(rig.subscriptions.get(&made.id).await.unwrap(), made);
    let last = server.ask(&["HGET", &format!("qmeta:{}", made.id), "last_sequence"]);
    assert_eq!(last, [rig.clock.now().0.to_string()]);
}

/// Otherwise a pod would tell what another one has replaced or deleted.
#[tokio::test]
async fn nothing_is_told_of_subscriptions_before_every_pod_has_said_what_it_knows() {
    let Some(rig) = rig().await else { return };
    let made = rig.subscribe("smo", "a").await;
    let server = server(&rig);
    replace(server);
    server.ask(&["ZADD", "pods", &rig.clock.now().0.to_string(), "another"]);
    let refused = rig.subscriptions.get(&made.id).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    server.ask(&["SADD", "sys:entered", "another"]);
    assert_eq!(rig.subscriptions.get(&made.id).await.unwrap(), made);
}

/// Otherwise what another pod has read of the log, and may have told, would no longer fit.
#[tokio::test]
async fn nothing_is_committed_before_every_pod_has_said_what_it_knows() {
    let Some(rig) = rig().await else { return };
    rig.commit(&listing(&[pool("a", "1")])).await;
    let server = server(&rig);
    replace(server);
    server.ask(&["ZADD", "pods", &rig.clock.now().0.to_string(), "another"]);
    let change = [Change::Upsert(pool("a", "2"))];
    let refused = rig.log.commit(&lab(), FENCE, &change).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().objects, [pool("a", "1")]);
    server.ask(&["SADD", "sys:entered", "another"]);
    rig.commit(&change).await;
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().objects, [pool("a", "2")]);
}

/// One event that vanished must not keep all others from being told.
#[tokio::test]
async fn an_item_whose_event_vanished_tells_to_read_again() {
    let Some(rig) = rig().await else { return };
    let [one, two] = [rig.subscribe("smo", "a").await, rig.subscribe("smo", "b").await];
    rig.queue(&one.id, &["lost", "kept"]).await;
    rig.queue(&two.id, &["other"]).await;
    server(&rig).ask(&["DEL", "evb:1"]);
    let claims = rig.take().await;
    assert_eq!(claims.len(), 2);
    let items = &claims.iter().find(|claim| claim.subscription == one.id).unwrap().items;
    assert_eq!(items[0].notice, Notice::Resync { dropped: 1 });
    assert_eq!((items[0].sequence, told_items(&items[1..])), (1, vec!["kept"]));
}

/// Its holder has to compare what it knows with what the new primary has.
#[tokio::test]
async fn a_lease_of_another_server_is_void() {
    let Some(rig) = rig().await else { return };
    let lease = Duration::from_secs(3);
    let fence = rig.leases.acquire("source:lab", "pod", lease).await.unwrap().unwrap();
    replace(server(&rig));
    assert_eq!(rig.leases.renew("source:lab", fence, lease).await.unwrap(), Renewal::Lost);
    assert!(rig.leases.acquire("source:lab", "pod", lease).await.unwrap().unwrap() > fence);
}
