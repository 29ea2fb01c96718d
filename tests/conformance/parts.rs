//! A long step of the fan-out is made in parts by the Redis store: whatever comes between them, everybody gets each event
//! once, and in order.
#![expect(clippy::unwrap_used, reason = "code of tests: a panic says what is not as it must be")]

use crate::lossy::Line;
use crate::stores::{InRedis, rig};
use netweave_model::port::{Created, FanOut, FanOutOutcome};
use netweave_model::{ErrorKind, Event, Id};
use netweave_redis::{Conf, Redis, open};
use netweave_tests::conformance::stores::{QUOTA, Rig, told_items, wish};
use netweave_tests::harness::RedisServer;
use netweave_tests::harness::clock::{RandomIds, TestClock};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Subscriptions: with two events each, that is five parts of a hundred items.
const MANY: usize = 250;

/// A server with subscriptions; stores are opened on it as needed.
struct Stage {
    clock: Arc<TestClock>,
    rig: Rig,
    ids: Vec<Id>,
}

async fn on(url: &str, clock: &Arc<TestClock>) -> Redis {
    open(&Conf::of_url(url), Some(clock.shared()), Arc::new(RandomIds)).await.unwrap()
}

impl Stage {
    async fn new() -> Option<(RedisServer, Self)> {
        InRedis::found()?;
        let server = RedisServer::start().await?;
        let clock = Arc::new(TestClock::new());
        let rig = rig(on(&server.url(), &clock).await, Arc::clone(&clock), Box::new(()));
        let mut ids = Vec::new();
        for n in 0..MANY {
            ids.push(rig.subscribe(&format!("smo-{n}"), "a").await.id);
        }
        Some((server, Self { clock, rig, ids }))
    }

    /// The step that tells everybody of two events.
    async fn step(&self) -> FanOut {
        let events = [self.rig.happen("x").await, self.rig.happen("y").await];
        let all = events.iter().flat_map(|event| self.ids.iter().map(|id| (id.clone(), Arc::clone(event))));
        self.rig.step(all.collect(), 10).await
    }

    /// What waits in each queue, in its order.
    async fn told(&self) -> BTreeMap<Id, Vec<String>> {
        let mut told = BTreeMap::new();
        loop {
            let claims = self.rig.take().await;
            if claims.is_empty() {
                return told;
            }
            for claim in claims {
                let sequences: Vec<u64> = claim.items.iter().map(|item| item.sequence).collect();
                assert_eq!(sequences, (1..=claim.items.len() as u64).collect::<Vec<_>>());
                let items = told_items(&claim.items).into_iter().map(str::to_owned).collect();
                assert!(told.insert(claim.subscription, items).is_none());
            }
        }
    }

    async fn everybody_was_told_once(&self) {
        let told = self.told().await;
        assert_eq!(told.len(), self.ids.len());
        for (id, items) in told {
            assert_eq!(items, ["x", "y"], "{id}");
        }
    }
}

#[tokio::test]
async fn a_long_step_is_done_once_and_leaves_nothing_behind() {
    let Some((server, stage)) = Stage::new().await else { return };
    let step = stage.step().await;
    assert_eq!(stage.rig.deliveries.fan_out(step.clone()).await.unwrap(), FanOutOutcome::Done);
    assert_eq!(stage.rig.deliveries.cursor().await.unwrap(), step.to);
    assert_eq!(stage.rig.deliveries.fan_out(step).await.unwrap(), FanOutOutcome::Already);
    assert_eq!(server.ask(&["EXISTS", "fan:part"]), ["0"]);
    stage.everybody_was_told_once().await;
}

/// Has another process make the first parts of a step, until the one with this text, and lose its server then.
async fn broken(server: &RedisServer, stage: &Stage, step: &FanOut, after: &str) {
    let line = Line::to_server(server).await;
    let store = on(&line.url(), &stage.clock).await;
    let other = rig(store, Arc::clone(&stage.clock), Box::new(()));
    line.break_after(after);
    assert_eq!(other.deliveries.fan_out(step.clone()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(line.has_lost());
    assert_eq!(stage.rig.deliveries.cursor().await.unwrap(), step.from, "the step is not done");
    assert_eq!(server.ask(&["EXISTS", "fan:part"]), ["1"]);
}

#[tokio::test]
async fn a_step_that_breaks_off_is_gone_on_with_by_another_process() {
    let Some((server, stage)) = Stage::new().await else { return };
    let step = stage.step().await;
    // The second part, and the first one that tells of the other event: some have one, and then some have both.
    for part in [stage.ids[199].as_str(), "\"resourcePoolId\":\"y\""] {
        broken(&server, &stage, &step, part).await;
    }
    assert_eq!(stage.rig.deliveries.fan_out(step).await.unwrap(), FanOutOutcome::Done);
    assert_eq!(server.ask(&["EXISTS", "fan:part"]), ["0"]);
    stage.everybody_was_told_once().await;
}

/// Whoever comes between two parts gets what happened after it came, and whoever went is left out.
#[tokio::test]
async fn subscriptions_may_come_and_go_between_the_parts() {
    let Some((server, mut stage)) = Stage::new().await else { return };
    let step = stage.step().await;
    broken(&server, &stage, &step, stage.ids[199].as_str()).await;
    let gone: Vec<Id> = [100, 240].map(|n| stage.ids[n].clone()).into();
    for id in &gone {
        stage.rig.subscriptions.delete(id, None).await.unwrap();
    }
    let Created::New(new) = stage.rig.subscriptions.create(wish("new", "a"), QUOTA).await.unwrap() else {
        panic!("a new subscription")
    };
    assert_eq!(stage.rig.deliveries.fan_out(step.clone()).await.unwrap(), FanOutOutcome::StaleMatcher);
    stage.ids.retain(|id| !gone.contains(id));
    let late: Arc<Event> = stage.rig.happen("z").await;
    let mut items = step.items;
    items.retain(|(id, _)| !gone.contains(id));
    items.extend(stage.ids.iter().chain([&new.id]).map(|id| (id.clone(), Arc::clone(&late))));
    stage.rig.fan_out(items, 10).await;
    let mut told = stage.told().await;
    assert_eq!(told.remove(&new.id).unwrap(), ["z"]);
    assert_eq!(told.len(), MANY - 2);
    for (id, items) in told {
        assert_eq!(items, ["x", "y", "z"], "{id}");
    }
}

#[tokio::test]
async fn a_part_whose_answer_is_lost_is_made_again_and_does_its_work_once() {
    let Some((server, stage)) = Stage::new().await else { return };
    let step = stage.step().await;
    let line = Line::to_server(&server).await;
    let other = rig(on(&line.url(), &stage.clock).await, Arc::clone(&stage.clock), Box::new(()));
    line.lose_answer_to(stage.ids[199].as_str());
    assert_eq!(other.deliveries.fan_out(step).await.unwrap(), FanOutOutcome::Done);
    assert!(line.has_lost());
    stage.everybody_was_told_once().await;
}
