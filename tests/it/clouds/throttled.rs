//! All clouds say for minutes that they are asked too often: readers get what is known, with its age, and no error; the
//! clouds are asked less and less; and when it is over, everything is told by itself.

use super::scene::{NAMES, POLL, PROJECT, Scene, Sources, ZONE, is_well, objects};
use netweave_tests::harness::client::V2;
use netweave_tests::harness::compute::instance;
use netweave_tests::harness::fault_proxy::Call;
use netweave_tests::harness::figures::{full, record};
use netweave_tests::harness::{Client, Fault, Setup, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The longest pause between two looks, jittered.
const LONGEST_PAUSE: Duration = Duration::from_mins(11);
/// A look, and a busy machine.
const LOOK: Duration = Duration::from_mins(1);
/// How much younger than the fault an answer may be: a look takes a moment.
const YOUNGER: Duration = Duration::from_secs(15);
/// The pause of a reader between two rounds.
const READING: Duration = Duration::from_secs(1);
/// How often a source is asked whether it answers.
const PROBE: Duration = Duration::from_mins(1);
/// Calls of one refused look: three tries, or three lists at the same time.
const TRIES: u32 = 3;

/// How long it lasts.
fn lasting() -> Duration {
    if full() { Duration::from_mins(10) } else { Duration::from_secs(20) }
}

/// The most calls that a throttled source may get: the pauses between looks double, and probes go on.
fn most_calls(time: Duration) -> usize {
    let doubled = (time.as_secs() / POLL.as_secs()).ilog2() + 2;
    let probes = time.as_secs().div_ceil(PROBE.as_secs()) + 1;
    usize::try_from(u64::from(TRIES * doubled) + probes).expect("a few")
}

/// The longest until it is told what changed: pauses are about as long as it lasted.
fn back_within(time: Duration) -> Duration {
    time.mul_f64(1.1).min(LONGEST_PAUSE) + LOOK
}

/// Lifetimes that even a short fault outlives.
fn impatient(setup: Setup) -> Setup {
    let classes = ["capabilities", "resourceLists", "resourcePools", "resources"];
    classes.into_iter().fold(setup, |setup, class| setup.set(&format!("/cache/ttl/{class}"), json!("2s")))
}

/// What the clouds answer to who asks too often, in the order of `NAMES`.
fn refusals() -> [Fault; 3] {
    let aws = "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message></Error></Errors></Response>";
    let reason =
        json!([{ "domain": "usageLimits", "reason": "rateLimitExceeded", "message": "Quota exceeded" }]);
    let gcp = json!({ "error": { "code": 403, "message": "Quota exceeded", "errors": reason } });
    [Fault::answer(503, aws), Fault::answer(403, gcp.to_string()), Fault::too_many(Duration::from_secs(1))]
}

/// Everything that can be read, as paths: lists, and an object of each.
async fn paths(smo: &Client) -> Vec<String> {
    let mut paths: Vec<String> =
        ["resourcePools", "resourceTypes", "locations", "oCloudSites", "deploymentManagers"]
            .map(|list| format!("{V2}/{list}"))
            .into();
    for pool in smo.all(&paths[0]).await {
        let list = format!("{}/{}/resources", paths[0], pool["resourcePoolId"].as_str().expect("an id"));
        let first = smo.all(&list).await.into_iter().next();
        let object = first.map(|one| format!("{list}/{}", one["resourceId"].as_str().expect("an id")));
        paths.extend([Some(list), object].into_iter().flatten());
    }
    paths
}

/// What a reader saw.
struct Seen {
    answers: usize,
    /// The age that the list of all pools said last.
    age: Duration,
}

/// Reads everything again and again until it has lasted for that time: all of it is there, and the age grows.
async fn read_on(smo: &Client, paths: &[String], start: Instant, time: Duration) -> Seen {
    let mut seen = Seen { answers: 0, age: Duration::ZERO };
    while start.elapsed() < time {
        for path in paths {
            let answer = smo.get(path).await.expect(200);
            seen.answers += 1;
            if *path == paths[0] {
                let age = Duration::from_secs(answer.header("age").parse().expect("an age"));
                assert!(age >= seen.age, "the age went back from {:?} to {age:?}", seen.age);
                seen.age = age;
                let must_be_stale = start.elapsed() > YOUNGER;
                assert!(!must_be_stale || answer.header("x-cache") == "STALE", "{:?}", answer.headers);
            }
        }
        tokio::time::sleep(READING).await;
    }
    seen
}

/// Something new in each cloud, which nobody can be told of yet; returns what the notification of each holds.
async fn change(scene: &Scene) -> [Box<dyn Fn(&Value) -> bool>; 3] {
    let image = scene.moto.ec2("DescribeImages", &[], "imageId").await.remove(0);
    let params =
        [("ImageId", image.as_str()), ("InstanceType", "m5.large"), ("MinCount", "1"), ("MaxCount", "1")];
    let new = scene.moto.ec2("RunInstances", &params, "instanceId").await.remove(0);
    let machines = ["du-1", "du-2"].map(|name| instance(PROJECT, ZONE, name, &json!({})));
    scene.compute.replace(PROJECT, "instances", machines.into()).await;
    let admin = scene.vcsim.admin().await;
    let machine = admin.find("VirtualMachine", "DC0_C0_RP0_VM0").await;
    admin.power(&machine, false).await;
    let extension = |body: &Value, name: &str| body["postObjectState"]["extensions"][name].clone();
    [
        Box::new(move |body| extension(body, "instanceId") == new.as_str()),
        Box::new(move |body| extension(body, "name") == "du-2"),
        Box::new(move |body| extension(body, "powerState") == "poweredOff"),
    ]
}

fn is_throttled(source: &Value) -> bool {
    source["failure"]["kind"] == "rateLimited"
}

/// What the gateway's operator sees: which sources fail, why, and since when.
async fn shown_as_throttled(scene: &Scene, before: &Sources, least: Duration) {
    let sources = scene.sources().await;
    assert_eq!(objects(&sources), objects(before), "what is known stays");
    let ready = scene.gateway.ops("/readyz?verbose").await.expect(200).json();
    for name in NAMES {
        let source = &sources[name];
        let age = source["ageSeconds"].as_u64().expect("an age");
        assert!(is_throttled(source) && source["live"] == false, "{source}");
        let sample = format!("netweave_source_age_seconds{{adapter=\"{name}\"}}");
        let gauge = scene.gateway.metric(&sample).await.expect("the gauge of the age");
        assert!(age >= least.as_secs() && gauge >= least.as_secs_f64(), "{name}: {age} s, {gauge} s");
        let checks = ready["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["name"] == format!("source:{name}")).expect("a check");
        assert!(check["detail"].as_str().is_some_and(|text| text.contains("RateLimited")), "{check}");
    }
}

/// Counts the calls of a time and of its second half.
fn halves(calls: &[Call], start: Instant, time: Duration) -> (usize, usize) {
    let since = |from: Instant| calls.iter().filter(|call| call.at > from).count();
    (since(start), since(start + time / 2))
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_clouds_are_spared_and_nobody_sees_an_error() {
    let Some(scene) = Scene::new(impatient).await else { return };
    let (before, callbacks) = scene.subscribed().await;
    let (paths, time) = (paths(&scene.smo).await, lasting());
    for (wire, refusal) in scene.wires.iter().zip(refusals()) {
        wire.all(refusal);
    }
    let start = Instant::now();
    scene.when("all to be throttled", |all| NAMES.iter().all(|name| is_throttled(&all[*name]))).await;
    let tells = change(&scene).await;
    let seen = read_on(&scene.smo, &paths, start, time).await;
    shown_as_throttled(&scene, &before, time.saturating_sub(YOUNGER)).await;
    assert!(seen.age >= time.saturating_sub(YOUNGER), "the lists are {:?} old", seen.age);
    assert_eq!(callbacks.received("/smo"), Vec::<Value>::new(), "nothing was told meanwhile");

    let mut calls = Vec::new();
    for (wire, name) in scene.wires.iter().zip(NAMES) {
        let (all, late) = halves(&wire.calls(), start, time);
        assert!(all <= most_calls(time), "{name}: {all} calls in {time:?}, {} allowed", most_calls(time));
        assert!(!full() || late * 2 <= all, "{name}: {late} of {all} calls in the second half");
        wire.pass();
        calls.push(all);
    }
    let over = Instant::now();
    let told = async |n: usize| {
        let told = async || callbacks.received("/smo").iter().any(&tells[n]).then_some(());
        until(back_within(time), NAMES[n], told).await;
        over.elapsed().as_secs()
    };
    let back: [u64; 3] = tokio::join!(told(0), told(1), told(2)).into();
    scene.when("all to be well again", |all| all.values().all(is_well)).await;
    let deleted = |body: &&Value| body["notificationEventType"] == 2;
    assert_eq!(callbacks.received("/smo").iter().find(deleted), None, "nothing was deleted");
    record(&format!(
        "throttled_s={} throttled_reads={} throttled_errors=0 throttled_age_s={} throttled_calls_aws={} throttled_calls_gcp={} throttled_calls_vmware={} back_s_aws={} back_s_gcp={} back_s_vmware={}",
        time.as_secs(),
        seen.answers,
        seen.age.as_secs(),
        calls[0],
        calls[1],
        calls[2],
        back[0],
        back[1],
        back[2],
    ));
}
