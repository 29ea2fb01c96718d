//! What the former primary acknowledged after another one had taken its place: it is made again there.
#![expect(clippy::unwrap_used, reason = "code of tests: a panic says what is not as it must be")]

use crate::lossy::Line;
use crate::stores::rig;
use netweave_model::{ErrorKind, Id};
use netweave_redis::{Conf, open};
use netweave_tests::conformance::stores::{changed, lab as source, pool};
use netweave_tests::harness::clock::{RandomIds, TestClock};
use netweave_tests::harness::lab::SIZE;
use netweave_tests::harness::{RedisLab, until};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long it may take until the store has followed the Sentinels and has said what it knows.
const SOON: Duration = Duration::from_secs(10);

/// The lab's section of a store that reaches the Sentinels over lines.
fn conf(lab: &RedisLab, lines: &[Line]) -> Conf {
    let mut section = lab.state();
    let keys = section.as_object_mut().unwrap();
    keys.remove("kind");
    keys.insert("sentinels".to_owned(), lines.iter().map(|line| json!(line.address())).collect());
    serde_json::from_value(section).unwrap()
}

/// Whether a server has a subscription.
fn has(lab: &RedisLab, server: usize, id: &Id) -> bool {
    lab.ask(server, &["EXISTS", &format!("submeta:{id}")]) == ["1"]
}

/// The Sentinels cannot tell this store of the change, so it goes on writing to the former primary, which nobody follows.
#[tokio::test]
async fn what_only_the_former_primary_acknowledged_is_made_again_on_the_next_one() {
    let Some(lab) = RedisLab::start().await else { return };
    let mut lines = Vec::new();
    for n in 0..SIZE {
        lines.push(Line::to(lab.sentinel(n).address).await);
    }
    let store = open(&conf(&lab, &lines), None, Arc::new(RandomIds)).await.unwrap();
    let rig = rig(store, Arc::new(TestClock::new()), Box::new(()));
    let former = lab.primary();
    let [deleted, renewed] = [rig.subscribe("smo", "a").await, rig.subscribe("smo", "b").await];
    let everywhere = async || (0..SIZE).all(|n| has(&lab, n, &renewed.id)).then_some(());
    until(SOON, "the replicas", everywhere).await;

    lab.ask(former, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
    lines.iter().for_each(Line::cut);
    let next = lab.failover().await;
    let made = rig.subscribe("smo", "c").await;
    rig.subscriptions.delete(&deleted.id, None).await.unwrap();
    let renewed = rig.subscriptions.renew(&renewed.id, Some(Duration::from_hours(1))).await.unwrap();
    let event = rig.happen("x").await;
    assert!(has(&lab, former, &made.id) && !has(&lab, next, &made.id) && has(&lab, next, &deleted.id));
    assert_eq!(lab.ask(next, &["XLEN", "log"]), ["0"]);

    lines.iter().for_each(Line::mend);
    let there = async || (has(&lab, next, &made.id) && !has(&lab, next, &deleted.id)).then_some(());
    until(SOON, "the writes on the next primary", there).await;
    assert_eq!(rig.subscriptions.get(&made.id).await.unwrap(), made);
    assert_eq!(rig.subscriptions.get(&renewed.id).await.unwrap(), renewed);
    assert_eq!(rig.subscriptions.get(&deleted.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    let cursor = rig.deliveries.cursor().await.unwrap();
    assert!(cursor.generation > event.position.generation);
    let entries = rig.log.read(cursor, 10).await.unwrap();
    assert_eq!(
        entries.iter().map(|entry| changed(entry).notification_id).collect::<Vec<_>>(),
        [event.notification_id]
    );
    assert_eq!(rig.log.snapshot(&source()).await.unwrap().objects, [pool("x", "new")]);
}
