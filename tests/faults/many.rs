//! Many deliveries, while one gateway after the other is killed with deliveries in flight.

use crate::ledger::Findings;
use crate::stage::{PODS, Stage, alike};
use crate::world::SERVERS;
use netweave_tests::harness::{figures, until};
use std::time::{Duration, Instant};

const SUBSCRIPTIONS: usize = 25;
/// How long it may take until anything is delivered, also right after a gateway was killed.
const PROGRESS: Duration = Duration::from_mins(1);
/// How many edits a subscription may be behind before there is another one.
const BEHIND: u64 = 8;

/// How many deliveries, and how many kills.
fn size() -> (usize, usize) {
    if figures::full() { (500_000, 24) } else { (20_000, 4) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_deliveries_outlive_the_death_of_gateways() {
    let Some(mut stage) = Stage::start(21, alike).await else { return };
    for n in 0..SUBSCRIPTIONS {
        stage.world.subscribe(n % PODS).await.expect("an answer");
    }
    let (deliveries, kills) = size();
    let begun = Instant::now();
    for n in 0..kills {
        deliver(&stage, deliveries * (n + 1) / (kills + 1)).await;
        edit(&stage).await;
        stage.pods[n % PODS].kill9();
        edit(&stage).await;
        stage.revive().await;
    }
    deliver(&stage, deliveries).await;
    let found = stage.settle().await;
    let Findings { notifications, notifications_lost, disordered, duplicates, .. } = found;
    figures::record(&format!(
        "many={notifications} many_kills={kills} many_lost={notifications_lost} many_disordered={disordered} \
         many_duplicates={duplicates} many_s={}",
        begun.elapsed().as_secs()
    ));
    let bad = [found.acknowledged_lost, notifications_lost, disordered, found.wrong, found.resyncs];
    assert_eq!(bad, [0; 5], "{found:#?}");
    assert!(notifications >= deliveries && duplicates <= kills * SUBSCRIPTIONS, "{found:#?}");
}

/// Edits until so many notifications came in all.
async fn deliver(stage: &Stage, deliveries: usize) {
    while stage.world.arrivals() < deliveries {
        edit(stage).await;
    }
}

/// Edits every server, and waits until a good part of that is delivered: the rest is in flight. No queue grows long.
async fn edit(stage: &Stage) {
    let world = &stage.world;
    let before = world.arrivals();
    let number = world.edit(0..SERVERS);
    let near = || world.slowest().is_some_and(|told| told + BEHIND >= number);
    let progress = async || (world.arrivals() > before + SUBSCRIPTIONS * SERVERS / 3 && near()).then_some(());
    until(PROGRESS, "deliveries", progress).await;
}
