//! What happens to gateways.

use crate::show::{Fault, runs, show};
use crate::stage::{PODS, Stage, alike};
use crate::world::lock;
use netweave_tests::harness::gateway::FAKETIME;
use netweave_tests::harness::{Setup, peers};
use std::time::Duration;
use tokio::time::sleep;

/// The steps at which a gateway dies: before or after one of the scripts of the store.
const STEPS: [&str; 9] = [
    "before log_commit",
    "after log_commit",
    "before q_fan_out",
    "after q_fan_out",
    "before q_take",
    "after q_take",
    "before q_ack",
    "after q_ack",
    "after sub_create",
];
/// The most subscriptions that can have a delivery in flight when a gateway dies.
const IN_FLIGHT: usize = 24;
/// How long a gateway may take to end after SIGTERM.
const END: Duration = Duration::from_secs(20);
/// How long nothing but the clock is wrong.
const LOOK: Duration = Duration::from_secs(5);
/// For what a gateway acknowledged so long before, its death and that of a primary together leave open whether it happened.
const DOUBT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_is_killed_at_each_step() {
    let fault = Fault {
        name: "pod killed (`kill -9`) at each step",
        test: "pods::a_pod_is_killed_at_each_step",
        most_duplicates: Some(PODS * IN_FLIGHT),
        ..Fault::default()
    };
    let runs = STEPS.len() * runs(3);
    show(fault, Stage::start(11, alike).await, runs, async |stage, n| {
        stage.dies(STEPS[n % STEPS.len()]).await;
        stage.revive().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_is_asked_to_end() {
    let fault = Fault {
        name: "pod ended (`SIGTERM`)",
        test: "pods::a_pod_is_asked_to_end",
        most_duplicates: Some(0),
        ..Fault::default()
    };
    show(fault, Stage::start(12, alike).await, runs(6), async |stage, n| {
        let pod = &mut stage.pods[n % PODS];
        pod.terminate();
        assert_eq!(pod.ended(END).await.0.code(), Some(0), "{}", pod.log());
        pod.restart().await;
    })
    .await;
}

/// One gateway is five minutes ahead, another one five minutes behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clocks_of_pods_are_wrong() {
    let fault = Fault {
        name: "clocks of two pods five minutes off",
        test: "pods::the_clocks_of_pods_are_wrong",
        most_duplicates: Some(PODS * IN_FLIGHT),
        ..Fault::default()
    };
    if peers::program(FAKETIME, "faketime.sh").is_none() {
        return;
    }
    let wrong = |pod: usize, setup: Setup| match pod {
        0 => setup.clock("+5m"),
        1 => setup.clock("-5m"),
        _ => setup,
    };
    show(fault, Stage::start(13, wrong).await, runs(3), async |stage, n| {
        sleep(LOOK).await;
        stage.pods[n % PODS].kill9();
        stage.revive().await;
    })
    .await;
}

/// The one case of loss that is documented: what that pod acknowledged last may be lost with both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_is_killed_during_a_planned_failover() {
    let fault = Fault {
        name: "planned failover and a pod killed at once",
        test: "pods::a_pod_is_killed_during_a_planned_failover",
        ..Fault::default()
    };
    show(fault, Stage::start(14, alike).await, runs(6), async |stage, n| {
        let pod = n % PODS;
        let former = stage.lab.begin_failover();
        stage.pods[pod].kill9();
        let since = stage.world.now().saturating_sub(u64::try_from(DOUBT.as_nanos()).expect("seconds"));
        lock(&stage.world.ledger).doubt(pod, since);
        stage.lab.replaced(former).await;
        stage.revive().await;
    })
    .await;
}
