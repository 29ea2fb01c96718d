//! Three gateways behind a balancer are changed in every way that an operator may, while clients ask all the time.

mod load;

use crate::stage::{PODS, Stage};
use load::Load;
use netweave_tests::harness::client::{V2, raw};
use netweave_tests::harness::{Balancer, Gateway, Setup, figures, soon};
use rustix::process::Signal;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

/// How long a gateway is unready before it closes its listeners: several looks of the balancer.
const DELAY: &str = "2s";
/// How long requests in flight have after that; longer than the slow one takes.
const GRACE: &str = "20s";
/// How long a slow request takes.
const SLOW: Duration = Duration::from_secs(10);
/// How long a gateway may take to end.
const END: Duration = Duration::from_secs(30);
/// How long there are requests before, between and after.
const BETWEEN: Duration = Duration::from_secs(1);
const RELOADED: &str = "netweave_config_reloads_total{result=\"ok\"}";
const ROTATED: &str = "netweave_tls_reloads_total{result=\"ok\"}";

/// How often each thing is done.
struct Counts {
    reloads: usize,
    rotations: usize,
    restarts: usize,
    hand_overs: usize,
    drains: usize,
    failovers: usize,
}

fn counts() -> Counts {
    if figures::full() {
        Counts { reloads: 500, rotations: 100, restarts: 5 * PODS, hand_overs: 50, drains: 5, failovers: 5 }
    } else {
        Counts { reloads: 10, rotations: 2, restarts: PODS, hand_overs: 1, drains: 1, failovers: 1 }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_an_operator_does_fails_a_request_or_loses_a_notification() {
    let patient = |_, setup: Setup| {
        let setup = setup.set("/shutdown/delay", json!(DELAY)).set("/shutdown/grace", json!(GRACE));
        let setup = setup.set("/limits/bodyTime", json!("30s")).set("/ops/control", json!("control.sock"));
        // Overload is another suite's: a machine that stalls for a second must not make the gateway refuse what it lets wait. And
        // a client that waits for a stream when its connection ends takes that for a failure, and never sends what waited.
        let setup =
            setup.set("/limits/inFlight", json!(10_000)).set("/limits/inFlightPerIdentity", json!(10_000));
        setup.set("/limits/h2Streams", json!(1000))
    };
    let Some(mut stage) = Stage::start(31, patient).await else { return };
    let balancer = Balancer::start(&stage.pods).await;
    for pod in 0..PODS {
        stage.world.subscribe(pod).await.expect("an answer");
        soon("a pod that gets connections", async || balancer.is_ready(pod)).await;
    }
    let id = stage.world.subscribe(0).await.expect("an answer");
    let load = Load::start(&stage, &balancer, &id);
    sleep(BETWEEN).await;
    let counts = counts();
    reload(&stage, &load, counts.reloads).await;
    rotate(&stage, &load, counts.rotations).await;
    restart(&mut stage, (&load, &balancer), counts.restarts).await;
    hand_over(&mut stage, &load, counts.hand_overs).await;
    drain(&mut stage, (&load, &balancer), counts.drains).await;
    let pause = fail_over(&mut stage, &load, counts.failovers).await;
    sleep(BETWEEN).await;
    let (requests, failed) = load.stop().await.found();
    let found = stage.settle().await;
    figures::record(&format!(
        "failed_requests={} requests={requests} reloads={} rotations={} restarts={} hand_overs={} drains={} failovers={} \
         failover_pause_ms={} notifications={} notifications_lost={}",
        failed.len(),
        counts.reloads,
        counts.rotations,
        counts.restarts,
        counts.hand_overs,
        counts.drains,
        counts.failovers,
        pause.as_millis(),
        found.notifications,
        found.notifications_lost
    ));
    assert!(failed.is_empty(), "{failed:#?}");
    let bad = [found.acknowledged_lost, found.notifications_lost, found.disordered, found.wrong];
    assert_eq!(bad, [0; 4], "{found:#?}");
}

async fn reload(stage: &Stage, load: &Load, times: usize) {
    load.step("reload");
    for n in 0..times {
        let pod = &stage.pods[n % PODS];
        let before = pod.metric(RELOADED).await.unwrap_or_default();
        pod.configure("/limits/perIdentity/rate", json!(90_000 + n));
        pod.signal(Signal::HUP);
        soon("the configuration is read", async || pod.metric(RELOADED).await.unwrap_or_default() > before)
            .await;
    }
}

async fn rotate(stage: &Stage, load: &Load, times: usize) {
    load.step("rotation of certificates");
    for n in 0..times {
        let pod = &stage.pods[n % PODS];
        let before = pod.metric(ROTATED).await.unwrap_or_default();
        pod.pki().write_server(pod.folder());
        pod.signal(Signal::HUP);
        soon("the certificates are loaded", async || pod.metric(ROTATED).await.unwrap_or_default() > before)
            .await;
    }
}

/// Ends gateways as an orchestrator does, each time with another one in its place.
async fn restart(stage: &mut Stage, (load, balancer): (&Load, &Balancer), times: usize) {
    load.step("rolling restart");
    for pod in (0..PODS).cycle().take(times) {
        sleep(BETWEEN).await;
        stage.pods[pod].terminate();
        replaced(&mut stage.pods[pod]).await;
        soon("a pod that gets connections again", async || balancer.is_ready(pod)).await;
    }
}

async fn replaced(pod: &mut Gateway) {
    let (status, _) = pod.ended(END).await;
    assert_eq!(status.code(), Some(0), "{}", pod.log());
    pod.restart().await;
}

async fn hand_over(stage: &mut Stage, load: &Load, times: usize) {
    load.step("hand-over of sockets");
    for n in 0..times {
        sleep(BETWEEN).await;
        let pod = &mut stage.pods[n % PODS];
        assert_eq!(pod.hand_over().await.code(), Some(0), "{}", pod.log());
    }
}

/// Drains gateways by the command, each with a slow request that must be finished.
async fn drain(stage: &mut Stage, (load, balancer): (&Load, &Balancer), times: usize) {
    load.step("drain with a slow request");
    for (number, pod) in (0..PODS).cycle().take(times).enumerate() {
        sleep(BETWEEN).await;
        let one = &stage.pods[pod];
        let begun = Instant::now();
        let ((), (code, out, err)) =
            tokio::join!(slow(one, number), one.run(&["drain", "-c", "netweave.yaml"]));
        assert_eq!(code, 0, "{out}{err}");
        assert!(begun.elapsed() >= SLOW, "the command waits for the request");
        replaced(&mut stage.pods[pod]).await;
        soon("a pod that gets connections again", async || balancer.is_ready(pod)).await;
    }
}

/// Sends a request whose body takes its time, and expects its answer.
async fn slow(pod: &Gateway, number: usize) {
    let leaf = pod.pki().client("slow");
    let mut stream = raw(pod.pki(), Some(&leaf), pod.api_address()).await;
    let body = json!({ "callback": format!("http://127.0.0.1:9/{number}") }).to_string();
    let head = format!(
        "POST {V2}/subscriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    stream.flush().await.expect("the head is sent");
    sleep(SLOW).await;
    stream.write_all(body.as_bytes()).await.expect("the body is sent");
    stream.flush().await.expect("the body is sent");
    let mut answer = Vec::new();
    // The connection may end without TLS's own farewell.
    stream.read_to_end(&mut answer).await.ok();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// Has Sentinels put another server in the primary's place; returns the longest time without a successful write.
async fn fail_over(stage: &mut Stage, load: &Load, times: usize) -> Duration {
    load.step("failover of Redis");
    let mut longest = Duration::ZERO;
    for _ in 0..times {
        sleep(BETWEEN).await;
        let pause = load
            .pausing(async {
                stage.lab.failover().await;
            })
            .await;
        longest = longest.max(pause);
        stage.lab.settled().await;
    }
    longest
}
