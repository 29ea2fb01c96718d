//! Three gateways behind a balancer are replaced one after the other, while clients ask all the time.

use crate::stage::{PODS, Stage};
use crate::world::{SERVERS, World, lease, subscription};
use futures::future::join_all;
use http::Method;
use netweave_tests::harness::client::{Client, V2};
use netweave_tests::harness::{Balancer, Gateway, Setup, figures, soon};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// Requests of all clients, each second.
const RATE: u32 = 500;
/// How many clients share that, each with connections of its own.
const CLIENTS: u32 = 10;
/// How long a gateway is unready before it closes its listeners: several looks of the balancer.
const DELAY: &str = "2s";
/// How long a gateway may take to end.
const END: Duration = Duration::from_secs(30);
const BETWEEN_EDITS: Duration = Duration::from_millis(200);
/// How long there are requests before, between and after.
const BETWEEN: Duration = Duration::from_secs(2);

fn rounds() -> usize {
    if figures::full() { 5 } else { 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_request_and_loses_no_notification() {
    let patient = |_, setup: Setup| setup.set("/shutdown/delay", json!(DELAY));
    let Some(mut stage) = Stage::start(31, patient).await else { return };
    let balancer = Balancer::start(&stage.pods).await;
    for pod in 0..PODS {
        stage.world.subscribe(pod).await.expect("an answer");
        soon("a pod that gets connections", async || balancer.is_ready(pod)).await;
    }
    let id = stage.world.subscribe(0).await.expect("an answer");
    let stop = watch::Sender::new(false);
    let clients = (0..CLIENTS).map(|_| {
        let pki = stage.pods[0].pki();
        let client = Client::new(pki, Some(&pki.client("smo")), balancer.url());
        ask_all_the_time(client, id.clone(), stop.subscribe())
    });
    let asked = tokio::spawn(join_all(clients));
    let edited = tokio::spawn(edit_all_the_time(Arc::clone(&stage.world), stop.subscribe()));
    for pod in (0..PODS).cycle().take(rounds() * PODS) {
        sleep(BETWEEN).await;
        replace(&mut stage.pods[pod]).await;
        soon("a pod that gets connections again", async || balancer.is_ready(pod)).await;
    }
    sleep(BETWEEN).await;
    stop.send_replace(true);
    let (asked, ()) = (asked.await.expect("clients that end"), edited.await.expect("edits that end"));
    let found = stage.settle().await;
    let requests: usize = asked.iter().map(|(requests, _)| requests).sum();
    let failed: Vec<_> = asked.into_iter().flat_map(|(_, failed)| failed).collect();
    figures::record(&format!(
        "restarts={} requests={requests} failed_requests={} notifications={} notifications_lost={}",
        rounds() * PODS,
        failed.len(),
        found.notifications,
        found.notifications_lost
    ));
    assert!(failed.is_empty(), "{failed:#?}");
    let bad =
        [found.acknowledged_lost, found.notifications_lost, found.disordered, found.duplicates, found.wrong];
    assert_eq!(bad, [0; 5], "{found:#?}");
}

/// Ends a gateway as an orchestrator does, and starts another one in its place.
async fn replace(pod: &mut Gateway) {
    pod.terminate();
    let (status, _) = pod.ended(END).await;
    assert_eq!(status.code(), Some(0), "{}", pod.log());
    pod.restart().await;
}

async fn edit_all_the_time(world: Arc<World>, mut stop: watch::Receiver<bool>) {
    for server in (0..SERVERS).cycle() {
        world.edit([server]);
        if timeout(BETWEEN_EDITS, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// Asks at a constant rate, whether the last answer is there or not; returns how often, and what failed.
async fn ask_all_the_time(
    client: Client,
    id: String,
    mut stop: watch::Receiver<bool>,
) -> (usize, Vec<String>) {
    let mut ticks = interval(Duration::from_secs(1) * CLIENTS / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut requests, mut open) = (0, JoinSet::new());
    let mut failed = Vec::new();
    while !*stop.borrow_and_update() {
        ticks.tick().await;
        open.spawn(ask(client.clone(), requests, id.clone()));
        requests += 1;
        while let Some(ended) = open.try_join_next() {
            failed.extend(ended.expect("a request that ends"));
        }
    }
    failed.extend(open.join_all().await.into_iter().flatten());
    (requests, failed)
}

/// Sends one request, now and then a write; says what was wrong with the answer.
async fn ask(client: Client, number: usize, id: String) -> Option<String> {
    let (method, path) = match number % 10 {
        0 => (Method::POST, format!("{}/renew", lease(&id))),
        1 => (Method::GET, subscription(&id)),
        2..5 => (Method::GET, format!("{V2}/resourcePools/pool-a/resources/server-00")),
        _ => (Method::GET, format!("{V2}/resourcePools/pool-a/resources")),
    };
    match client.ask(method.clone(), &path, &[], "").await {
        Ok(answer) if answer.status == 200 => None,
        Ok(answer) => Some(format!("{method} {path}: {answer:?}")),
        Err(error) => Some(format!("{method} {path}: {error:?}")),
    }
}
