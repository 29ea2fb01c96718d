//! Which subscriptions get which events.

use super::*;
use crate::conf::tree::Delivery;
use crate::services::fakes::{Names, Rig, delivery, loopback, object};
use netweave_model::port::Change;
use netweave_model::subscription::Major;
use netweave_model::{Id, Kind, ObjectKey, Subscription};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOBODY: &str = "http://127.0.0.1:9/";

fn resource(id: &str, env: &str) -> Change {
    Change::Upsert(object(Kind::Resource, id, &json!({ "extensions": { "env": env } })))
}

async fn queued(rig: &Rig, subscription: &Subscription) -> u64 {
    rig.fan_out().await;
    rig.backlog(subscription).await.last_sequence
}

#[tokio::test]
async fn a_filter_decides_by_the_state_after_a_change_and_before_a_delete() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe_as(Major::V2, NOBODY, Some("(eq,extensions/env,test)")).await;
    let key = |id: &str| ObjectKey { kind: Kind::Resource, id: Id::from(id) };
    let table = [
        (resource("a", "test"), false, "created in the set"),
        (resource("b", "prod"), true, "created outside"),
        (
            Change::Upsert(object(Kind::Resource, "b", &json!({ "extensions": { "env": "prod", "n": 1 } }))),
            true,
            "modified outside",
        ),
        (
            Change::Upsert(object(Kind::Resource, "a", &json!({ "extensions": { "env": "test", "n": 1 } }))),
            false,
            "modified in the set",
        ),
        (resource("b", "test"), false, "enters the set"),
        (resource("a", "prod"), true, "leaves the set"),
        (Change::Delete(key("b")), false, "deleted in the set"),
        (Change::Delete(key("a")), true, "deleted outside"),
    ];
    let mut before = 0;
    for (change, sent, what) in table {
        rig.commit(&[change]).await;
        let after = queued(&rig, &subscription).await;
        assert_eq!(after - before, u64::from(sent), "{what}");
        before = after;
    }
}

#[tokio::test]
async fn majors_are_notified_of_the_kinds_that_they_have() {
    let rig = Rig::start().await;
    let (v1, v2) =
        (rig.subscribe_as(Major::V1, NOBODY, None).await, rig.subscribe_as(Major::V2, NOBODY, None).await);
    let all: Vec<_> =
        Kind::ALL.into_iter().map(|kind| Change::Upsert(object(kind, "x", &json!({})))).collect();
    rig.commit(&all).await;
    assert_eq!((queued(&rig, &v1).await, queued(&rig, &v2).await), (4, 6));
}

#[tokio::test]
async fn a_subscription_gets_nothing_that_was_committed_before_it() {
    let rig = Rig::start().await;
    rig.change("r", 1).await;
    rig.clock.advance(Duration::from_millis(1));
    let subscription = rig.subscribe_as(Major::V2, NOBODY, None).await;
    rig.change("r", 2).await;
    assert_eq!(queued(&rig, &subscription).await, 1);
}

#[tokio::test]
async fn more_than_one_batch_arrives_whole() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe_as(Major::V2, NOBODY, None).await;
    let changes: Vec<_> = (0..3 * BATCH).map(|number| resource(&format!("r{number}"), "prod")).collect();
    rig.commit(&changes).await;
    assert!(rig.dispatcher.activate().await.unwrap(), "more waits");
    assert_eq!(rig.metrics.stream_length.get(), i64::try_from(2 * BATCH).unwrap());
    assert_eq!(queued(&rig, &subscription).await, 3 * BATCH as u64);
    assert_eq!((rig.metrics.stream_length.get(), rig.metrics.subscriptions.get()), (0, 1));
}

#[tokio::test]
async fn a_deleted_or_replaced_subscription_is_matched_as_it_is_now() {
    let rig = Rig::start().await;
    let (gone, changed) =
        (rig.subscribe_as(Major::V2, NOBODY, None).await, rig.subscribe_as(Major::V2, NOBODY, None).await);
    rig.change("r", 1).await;
    assert_eq!(queued(&rig, &changed).await, 1);
    rig.store.delete(&gone.id, None).await.unwrap();
    let filter = Some(Some("(eq,objectType,ResourceInfo)".to_owned()));
    let update = netweave_model::port::Update { filter, ..Default::default() };
    rig.store.update(&changed.id, None, update).await.unwrap();
    rig.change("r", 2).await;
    assert_eq!(queued(&rig, &changed).await, 1);
    assert_eq!(rig.metrics.subscriptions.get(), 1);
}

#[tokio::test]
async fn a_gap_in_the_log_is_told_to_every_subscription() {
    let rig = Rig::start().await;
    let subscriptions =
        [rig.subscribe_as(Major::V2, NOBODY, None).await, rig.subscribe_as(Major::V2, NOBODY, None).await];
    rig.change("r", 1).await;
    rig.clock.advance(Duration::from_secs(1));
    let head = rig.store.head().await.unwrap();
    rig.store.trim(head, Duration::ZERO).await.unwrap();
    for subscription in &subscriptions {
        assert_eq!(queued(&rig, subscription).await, 1);
    }
    let claims = rig.store.take(10, 10, Duration::from_secs(9)).await.unwrap();
    assert!(
        claims.len() == 2
            && claims.iter().all(|claim| matches!(claim.items[0].notice, Notice::Resync { .. }))
    );
}

#[tokio::test]
async fn a_gap_is_told_to_a_subscription_whose_queue_is_full() {
    let short = Delivery { max_queue: 1, ..delivery() };
    let rig = Rig::with(short, &loopback(), Names::new(&["127.0.0.1"])).await;
    let subscription = rig.subscribe_as(Major::V2, NOBODY, None).await;
    rig.change("r", 1).await;
    assert_eq!(queued(&rig, &subscription).await, 1);
    rig.change("r", 2).await;
    rig.clock.advance(Duration::from_secs(1));
    let head = rig.store.head().await.unwrap();
    rig.store.trim(head, Duration::ZERO).await.unwrap();
    assert_eq!(queued(&rig, &subscription).await, 2);
}

#[tokio::test]
async fn it_wakes_when_the_log_grows_and_sleeps_while_it_does_not() {
    let rig = Rig::start().await;
    rig.commit(&[Change::Heartbeat]).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), rig.dispatcher.wait()).await.is_err());
    let ((), ()) = tokio::join!(rig.dispatcher.wait(), rig.change("r", 1));
    rig.fan_out().await;
    assert_eq!(rig.store.cursor().await.unwrap(), rig.store.head().await.unwrap());
}

#[tokio::test]
async fn a_match_that_a_new_subscription_has_overtaken_is_made_again() {
    let rig = Rig::start().await;
    rig.change("r", 1).await;
    let (cursor, head) = (rig.store.cursor().await.unwrap(), rig.store.head().await.unwrap());
    let mut matcher = Matcher::new(Arc::new(Paths::new()), crate::access::admins());
    matcher.refresh(&*rig.store).await.unwrap();
    let late = rig.subscribe_as(Major::V2, NOBODY, None).await;
    let version = matcher.version();
    let step =
        FanOut { from: cursor, to: head, subscriptions_version: version, items: Vec::new(), max_queue: 9 };
    assert_eq!(rig.store.fan_out(step).await.unwrap(), FanOutOutcome::StaleMatcher);
    let entries = rig.store.read(cursor, BATCH).await.unwrap();
    assert_eq!(rig.dispatcher.fan_out(cursor, &entries, &mut matcher).await.unwrap(), Some(head));
    assert_eq!(rig.backlog(&late).await.last_sequence, 1);
    assert_eq!(
        rig.dispatcher.fan_out(cursor, &entries, &mut matcher).await.unwrap(),
        None,
        "it was done already"
    );
}

#[test]
fn a_step_ends_with_the_event_that_fills_it() {
    let at = |sequence| Position { generation: 1, sequence };
    let entries: Vec<_> = (1..=5)
        .map(|sequence| Entry::Baseline { position: at(sequence), source: "s".into(), kind: Kind::Resource })
        .collect();
    let mut matcher = Matcher::new(Arc::new(Paths::new()), crate::access::admins());
    assert_eq!(matcher.select(at(0), &entries, 1).0, at(5), "entries without deliveries fill nothing");
    assert_eq!(matcher.select(at(7), &[], 1).0, at(7));
}

/// One expression of a filter over the attribute `a` or `b` of `extensions`.
#[derive(Clone, Debug)]
struct Test {
    operator: &'static str,
    attribute: &'static str,
    values: Vec<u8>,
}

impl Test {
    fn text(&self) -> String {
        let values: Vec<_> = self.values.iter().map(|value| format!("v{value}")).collect();
        format!("({},extensions/{},{})", self.operator, self.attribute, values.join(","))
    }

    /// Judges by the document, with none of the gateway's code.
    fn holds(&self, object: &Value) -> bool {
        let wanted = |value: &str| self.values.iter().any(|one| format!("v{one}") == value);
        let value = object["extensions"][self.attribute].as_str();
        match self.operator {
            "eq" | "in" => value.is_some_and(wanted),
            "neq" | "nin" => !value.is_some_and(wanted),
            other => panic!("{other}"),
        }
    }
}

fn any_test() -> impl Strategy<Value = Test> {
    let single = (prop::sample::select(vec!["eq", "neq"]), prop::collection::vec(0_u8..3, 1));
    let several = (prop::sample::select(vec!["in", "nin"]), prop::collection::vec(0_u8..3, 1..3));
    (prop_oneof![single, several], prop::sample::select(vec!["a", "b"]))
        .prop_map(|((operator, values), attribute)| Test { operator, attribute, values })
}

/// Alternatives of conjunctions.
fn any_filter() -> impl Strategy<Value = Vec<Vec<Test>>> {
    prop::collection::vec(prop::collection::vec(any_test(), 1..3), 1..3)
}

/// A resource's next state: attributes `a` and `b`, each absent or one of three; `None` deletes it.
fn any_state() -> impl Strategy<Value = Option<(Option<u8>, Option<u8>)>> {
    let value = || prop::option::of(0_u8..3);
    prop_oneof![4 => (value(), value()).prop_map(Some), 1 => Just(None)]
}

fn document((a, b): (Option<u8>, Option<u8>)) -> Value {
    let mut extensions = serde_json::Map::new();
    for (name, value) in [("a", a), ("b", b)] {
        if let Some(value) = value {
            extensions.insert(name.to_owned(), format!("v{value}").into());
        }
    }
    json!({ "extensions": extensions })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_subscription_gets_what_an_independent_evaluator_expects(
        filters in prop::collection::vec(any_filter(), 1..6),
        steps in prop::collection::vec((0_u8..3, any_state()), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let rig = Rig::start().await;
            let mut subscriptions = Vec::new();
            for filter in &filters {
                let conjunction = |tests: &Vec<Test>| tests.iter().map(Test::text).collect::<Vec<_>>().join(";");
                let text = filter.iter().map(conjunction).collect::<Vec<_>>().join("|");
                subscriptions.push(rig.subscribe_as(Major::V2, NOBODY, Some(&text)).await);
            }
            let mut rows = BTreeMap::<u8, Value>::new();
            let mut expected = vec![0; filters.len()];
            for (id, state) in steps {
                let (name, before) = (format!("r{id}"), rows.get(&id).cloned());
                let after = state.map(document);
                let change = match &after {
                    Some(after) => Change::Upsert(object(Kind::Resource, &name, after)),
                    None => Change::Delete(ObjectKey { kind: Kind::Resource, id: Id::from(name.as_str()) }),
                };
                rig.commit(&[change]).await;
                if before != after {
                    let decisive = after.clone().or(before).unwrap();
                    for (filter, expected) in filters.iter().zip(&mut expected) {
                        let excluded = filter.iter().any(|tests| tests.iter().all(|test| test.holds(&decisive)));
                        *expected += u64::from(!excluded);
                    }
                }
                match after {
                    Some(after) => drop(rows.insert(id, after)),
                    None => drop(rows.remove(&id)),
                }
            }
            rig.fan_out().await;
            for (subscription, expected) in subscriptions.iter().zip(expected) {
                assert_eq!(rig.backlog(subscription).await.last_sequence, expected, "{:?}", subscription.filter);
            }
        });
    }
}
