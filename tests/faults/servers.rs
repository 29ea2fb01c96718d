//! What happens to Redis servers and Sentinels.

use crate::show::{Fault, runs, show};
use crate::stage::{Stage, alike};
use netweave_tests::harness::lab::SIZE;
use netweave_tests::harness::until;
use std::time::Duration;
use tokio::time::sleep;

/// How long a paused primary stays paused.
const PAUSE: Duration = Duration::from_secs(20);
/// How long it may take until a server that was started says that it is loading.
const LOADING: Duration = Duration::from_secs(5);
/// How long it goes on loading then.
const LOADS: Duration = Duration::from_secs(3);
/// How long a fault that stops nothing is looked at.
const LOOK: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_killed() {
    let fault = Fault {
        name: "primary killed (`kill -9`)",
        test: "servers::the_primary_is_killed",
        ..Fault::default()
    };
    show(fault, Stage::start(1, alike).await, runs(20), async |stage, _| {
        let former = stage.lab.primary();
        stage.lab.kill9(former);
        stage.lab.replaced(former).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_paused_and_wakes_up() {
    let fault = Fault {
        name: "primary paused for 20 s (`SIGSTOP`), then awake",
        test: "servers::the_primary_is_paused_and_wakes_up",
        ..Fault::default()
    };
    show(fault, Stage::start(2, alike).await, runs(20), async |stage, _| {
        let former = stage.lab.primary();
        stage.lab.pause(former);
        let (_, took) = stage.lab.replaced(former).await;
        sleep(PAUSE.saturating_sub(took)).await;
        stage.lab.resume(former);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_primary_is_put_in_place_as_planned() {
    let fault = Fault {
        name: "planned failover",
        test: "servers::another_primary_is_put_in_place_as_planned",
        ..Fault::default()
    };
    show(fault, Stage::start(3, alike).await, runs(20), async |stage, _| {
        stage.lab.failover().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_lost() {
    let fault = Fault { name: "replica killed", test: "servers::a_replica_is_lost", ..Fault::default() };
    show(fault, Stage::start(4, alike).await, runs(3), async |stage, _| {
        let replica = (stage.lab.primary() + 1) % SIZE;
        stage.lab.kill9(replica);
        sleep(LOOK).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sentinels_are_lost() {
    let fault =
        Fault { name: "two Sentinels killed", test: "servers::two_sentinels_are_lost", ..Fault::default() };
    show(fault, Stage::start(5, alike).await, runs(3), async |stage, _| {
        stage.lab.kill_sentinel(0);
        stage.lab.kill_sentinel(1);
        sleep(LOOK).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_data_are_flushed() {
    let fault = Fault {
        name: "all data deleted (`FLUSHALL`)",
        test: "servers::all_data_are_flushed",
        resyncs: true,
        ..Fault::default()
    };
    show(fault, Stage::start(6, alike).await, runs(3), async |stage, _| {
        let primary = stage.lab.primary();
        stage.lab.ask(primary, &["FLUSHALL"]);
    })
    .await;
}

/// The delay makes it load for seconds, in which it answers everything with `LOADING`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_restarted_and_loads_for_long() {
    let fault = Fault {
        name: "primary killed and at once restarted, loading its data",
        test: "servers::the_primary_is_restarted_and_loads_for_long",
        ..Fault::default()
    };
    show(fault, Stage::start(7, alike).await, runs(3), async |stage, _| {
        let primary = stage.lab.primary();
        stage.lab.ask(primary, &["CONFIG", "SET", "key-load-delay", "500"]);
        stage.lab.ask(primary, &["CONFIG", "REWRITE"]);
        stage.lab.kill9(primary);
        stage.lab.begin_again(primary);
        let loads = async || {
            let refused = stage.lab.server(primary).ask(&["PING"]).err()?;
            refused.to_string().starts_with("LOADING").then_some(())
        };
        until(LOADING, "a server that loads", loads).await;
        sleep(LOADS).await;
        // This is all that it does while it loads.
        stage.lab.ask(primary, &["CONFIG", "SET", "key-load-delay", "0"]);
        stage.lab.start_again(primary).await;
        stage.lab.ask(primary, &["CONFIG", "REWRITE"]);
    })
    .await;
}
