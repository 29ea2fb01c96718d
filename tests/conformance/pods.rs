//! Several processes on one Redis, by the server's own time: what one held goes on when it dies.
#![expect(clippy::unwrap_used, reason = "code of tests: a panic says what is not as it must be")]

use crate::stores::{InRedis, rig};
use futures::future::join_all;
use netweave_model::port::{Acked, Claim, Clock, Deliveries, Subscriptions};
use netweave_redis::{Conf, Redis, open};
use netweave_tests::conformance::deliveries::attempt;
use netweave_tests::harness::clock::{RandomIds, TestClock};
use netweave_tests::harness::consumer::Wall;
use netweave_tests::harness::{RedisServer, figures, until};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any test: what is claimed for so long comes back only if it is given on.
const HOLD: Duration = Duration::from_mins(10);
/// How long the dead may be taken for living: three seconds of silence, a second until somebody looks, a busy machine.
const MISSED: Duration = Duration::from_secs(10);

/// One more process on the server.
async fn pod(server: &RedisServer) -> Redis {
    open(&Conf::of_url(server.url()), None, Arc::new(RandomIds)).await.unwrap()
}

async fn server() -> Option<RedisServer> {
    InRedis::found()?;
    RedisServer::start().await
}

#[tokio::test]
async fn what_a_dead_pod_held_is_given_on_and_what_a_living_one_holds_is_not() {
    let Some(server) = server().await else { return };
    let [living, dying, third] = [pod(&server).await, pod(&server).await, pod(&server).await];
    let rig = rig(living.clone(), Arc::new(TestClock::new()), Box::new(()));
    let mut ids = Vec::new();
    for callback in ["a", "b"] {
        let id = rig.subscribe("smo", callback).await.id;
        rig.queue(&id, &[&format!("{callback}1"), &format!("{callback}2")]).await;
        ids.push(id);
    }
    let kept = living.take(1, 10, HOLD).await.unwrap().remove(0);
    let lost = dying.take(1, 10, HOLD).await.unwrap().remove(0);
    assert!(dying.ack_head(&lost, attempt(&rig, &lost.items[0], true)).await.unwrap().removed());
    drop(dying);
    let given = async || third.take(10, 10, HOLD).await.unwrap().pop();
    let (given, took) = until(MISSED, "the claim of the dead", given).await;
    figures::record(&format!("dead_pods_claim_given_on_s={:.1}", took.as_secs_f64()));
    assert_eq!((&given.subscription, &given.items[..]), (&lost.subscription, &lost.items[1..]));
    assert_eq!(living.take(10, 10, HOLD).await.unwrap(), []);
    assert!(
        living.ack_head(&kept, attempt(&rig, &kept.items[0], true)).await.unwrap().removed(),
        "still held"
    );
}

/// How many scripts the server has executed so far.
fn scripts(server: &RedisServer) -> u64 {
    let stats = server.ask(&["INFO", "commandstats"]).concat();
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls=")).unwrap();
    line.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn many_deliveries_are_acknowledged_with_few_calls_and_leave_nothing() {
    const COUNT: usize = 250;
    let Some(server) = server().await else { return };
    let store = pod(&server).await;
    let rig = rig(store.clone(), Arc::new(TestClock::new()), Box::new(()));
    let happened = rig.happen("x").await;
    let mut items = Vec::new();
    for n in 0..COUNT {
        items.push((rig.subscribe("smo", &n.to_string()).await.id, Arc::clone(&happened)));
    }
    rig.fan_out(items, 10).await;
    let claims = store.take(COUNT, 1, HOLD).await.unwrap();
    let before = scripts(&server);
    let acks = claims.iter().map(|claim| store.ack_head(claim, attempt(&rig, &claim.items[0], true)));
    let acked = join_all(acks).await;
    let calls = scripts(&server) - before;
    assert!(calls < 25, "{calls} calls, some of which are others");
    assert_eq!(acked.len(), COUNT);
    assert!(acked.into_iter().all(|acked| acked.unwrap() == Acked::Emptied));
    assert_eq!(server.ask(&["KEYS", "evb:*"]), ["evb:last"]);
    assert_eq!(server.ask(&["KEYS", "q:*"]), [""; 0]);
    assert_eq!(server.ask(&["EXISTS", "ready"]), ["0"]);
}

/// The others do not wait for the one that is tried again and again either.
#[tokio::test]
async fn a_queue_that_somebody_else_wrote_keeps_no_other_from_being_acknowledged() {
    let Some(server) = server().await else { return };
    let store = pod(&server).await;
    let rig = rig(store.clone(), Arc::new(TestClock::new()), Box::new(()));
    let mut ids = Vec::new();
    for callback in ["a", "b", "c"] {
        ids.push(rig.subscribe("smo", callback).await.id);
        rig.queue(&ids[ids.len() - 1], &[callback]).await;
    }
    let claims = store.take(3, 1, HOLD).await.unwrap();
    server.ask(&["SET", &format!("q:{}", claims[1].subscription), "not ours"]);
    let ack = async |claim: &Claim| store.ack_head(claim, attempt(&rig, &claim.items[0], true)).await;
    let others = async { tokio::join!(ack(&claims[0]), ack(&claims[2])) };
    tokio::select! {
        biased;
        broken = ack(&claims[1]) => panic!("the broken one is tried again for a while: {broken:?}"),
        (first, last) = others => assert_eq!((first.unwrap(), last.unwrap()), (Acked::Emptied, Acked::Emptied)),
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_pod_that_ended() {
    let Some(server) = server().await else { return };
    let [living, ending] = [pod(&server).await, pod(&server).await];
    let rig = rig(ending, Arc::new(TestClock::new()), Box::new(()));
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x"]).await;
    rig.deliveries.release(&rig.take_one().await).await.unwrap();
    drop(rig);
    let gone = async || (server.ask(&["KEYS", "claimed:*"]).is_empty()).then_some(());
    until(MISSED, "the end of what it held", gone).await;
    assert_eq!(server.ask(&["ZCARD", "pods"]), ["1"]);
    assert_eq!(living.since(0).await.unwrap().2.len(), 1);
}

#[tokio::test]
async fn the_store_tells_the_servers_time_however_wrong_the_machines_is() {
    let Some(server) = server().await else { return };
    let wrong: Arc<dyn Clock> = Arc::new(TestClock::new());
    let store = pod(&server).await;
    let apart = store.clock(Arc::clone(&wrong)).now().0.abs_diff(Wall.now().0);
    assert!(apart < 2_000, "{apart} ms");
    let nowhere = Conf::of_url("redis://127.0.0.1:1".to_owned());
    let unheard = open(&nowhere, None, Arc::new(RandomIds)).await.unwrap();
    assert_eq!(unheard.clock(Arc::clone(&wrong)).now(), wrong.now());
}
