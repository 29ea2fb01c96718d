//! What the Compute Engine backend does with answers that are refusals, partial, or none at all.

use super::gcp::{GcpBench, PROJECT};
use super::gcp_kinds::skipped;
use netweave_gcp::Pools;
use netweave_model::{ErrorKind, Kind, Retry};
use netweave_tests::conformance::backend::{Bench, Told, resources};
use netweave_tests::harness::compute::instance;
use netweave_tests::harness::fault_proxy::Fault;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What the cloud calls partial deletes nothing of what is missing. If it names the places that are missing, the others go
/// on; otherwise the list is an error, whatever it holds.
#[tokio::test]
async fn a_partial_answer_deletes_nothing_that_is_missing() {
    let Some(mut bench) = GcpBench::bare().await else { return skipped() };
    bench.set(&resources(4, 1)).await;
    let mut told = Told::by(&bench.backend);
    told.until_synced(&bench.backend).await;
    let before = told.state.clone();
    // The second resource is in the zone that is missing.
    let named = [bench.id("r0"), bench.id("r1")];
    for (says, left) in [
        (json!({ "unreachables": ["zones/us-central1-b"] }), 2),
        (
            json!({ "unreachables": ["https://www.googleapis.com/compute/v1/projects/ran-core/zones/us-central1-b"] }),
            2,
        ),
        (json!({ "unreachables": ["moons/io"] }), 4),
        (json!({ "warnings": { "list": "PARTIAL_SUCCESS" } }), 4),
        (json!({ "warnings": { "list": "NEVER_HEARD_OF", "zones/us-central1-b": "UNREACHABLE" } }), 4),
        (json!({ "warnings": { "zones/us-central1-b": "UNREACHABLE" } }), 2),
    ] {
        bench.compute.say(&says).await;
        bench.set(&resources(1, 1)).await;
        let errors = told.errors.len();
        told.until("a round failed", |told| told.errors.len() > errors).await;
        let error = bench.backend.list(Kind::Resource).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later), "{says}: {error}");
        // Three rounds: two complete absences delete.
        told.until("three rounds failed", |told| told.errors.len() >= errors + 4).await;
        let ids: Vec<_> = told.of(Kind::Resource).into_iter().map(|object| object.key.id).collect();
        assert_eq!(ids.len(), left, "{says}");
        assert!(named.iter().all(|id| ids.contains(id)), "{says}");
        let places = |kind| told.of(kind).len();
        assert_eq!(
            (places(Kind::Location), places(Kind::OCloudSite), places(Kind::ResourcePool)),
            (3, 3, 8),
            "{says}"
        );
        bench.set(&resources(4, 1)).await;
        bench.compute.say(&json!({})).await;
        let heartbeats = told.heartbeats;
        told.until("it is well again", |told| told.heartbeats > heartbeats + 1).await;
        assert_eq!(told.state, before, "{says}");
    }
}

/// A zone that could not be read from the beginning on says nothing; if none can be read, the list is an error.
#[tokio::test]
async fn a_zone_that_was_never_read_may_hold_anything() {
    let Some(mut bench) = GcpBench::start(|conf| conf).await else { return skipped() };
    bench.set(&resources(4, 1)).await;
    bench.compute.say(&json!({ "unreachables": ["zones/us-central1-b"] })).await;
    let kinds = bench.backend.capabilities().kinds.clone();
    for _ in 0..2 {
        let look = bench.backend.look(&kinds).await.unwrap();
        assert!(!look.gap.unwrap().bridged);
        assert_eq!(look.objects[&Kind::Resource].len(), 3);
        assert!(!look.objects.contains_key(&Kind::OCloudSite), "a site has the pools of all its zones");
    }
    bench.compute.say(&json!({})).await;
    assert!(bench.backend.look(&kinds).await.unwrap().gap.is_none());
    bench.compute.say(&json!({ "unreachables": ["zones/us-central1-b"] })).await;
    let look = bench.backend.look(&kinds).await.unwrap();
    assert_eq!((look.gap.unwrap().bridged, look.objects[&Kind::Resource].len()), (true, 4));
    let zones = [
        "us-central1-a",
        "us-central1-b",
        "us-central1-c",
        "us-central1-f",
        "europe-west3-a",
        "europe-west3-b",
    ];
    let zones =
        zones.into_iter().chain(["europe-west3-c", "europe-north2-a"]).map(|zone| format!("zones/{zone}"));
    let regions = ["us-central1", "europe-west3", "europe-north2"].map(|region| format!("regions/{region}"));
    let all: Vec<String> = zones.chain(regions).chain(["global".to_owned()]).collect();
    bench.compute.say(&json!({ "unreachables": all })).await;
    assert_eq!(bench.backend.look(&kinds).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(bench.wire.count("returnPartialSuccess=true") > 0);
}

/// A spent quota is a pause: one call is refused, none follows, nothing is deleted.
#[tokio::test]
async fn a_spent_quota_is_waited_for() {
    let Some(bench) = GcpBench::start(|conf| conf).await else { return skipped() };
    bench.compute.put(PROJECT, "instances", Some("zones/us-central1-a"), plain("x")).await;
    bench.backend.list(Kind::Resource).await.unwrap();
    bench.compute.say(&json!({ "throttled": true })).await;
    for answer in [bench.backend.list(Kind::Resource).await.map(drop), bench.backend.probe().await] {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(30)));
    }
    bench.compute.say(&json!({})).await;
    bench.wire.all(Fault::too_many(Duration::from_secs(7)));
    let error = bench.backend.list(Kind::Resource).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::After(Duration::from_secs(7))));
}

/// Answers that break off, never end, say nothing, or are not lists are errors in time.
#[tokio::test]
async fn a_broken_answer_is_an_error() {
    let Some(mut bench) = GcpBench::start(|conf| conf).await else { return skipped() };
    bench.set(&resources(3, 1)).await;
    for fault in [
        Fault::Truncate,
        Fault::Garbage,
        Fault::Cut,
        Fault::answer(200, "{}"),
        Fault::answer(200, ""),
        Fault::answer(200, r#"{"kind": "compute#instanceAggregatedList"}"#),
        Fault::answer(200, r#"{"kind": "compute#instanceList", "items": []}"#),
        Fault::answer(
            200,
            r#"{"kind": "compute#instanceAggregatedList", "items": {"zones/a-b": {"instances": [{}]}}}"#,
        ),
        Fault::answer(
            200,
            r#"{"kind": "compute#instanceAggregatedList", "items": {"zones/a-b": {"instances": [{"name": 1}]}}}"#,
        ),
        Fault::answer(200, "x".repeat(33 << 20)),
        Fault::answer(503, "<html>"),
    ] {
        bench.wire.pass();
        bench.wire.calls_with("aggregated/instances", fault.clone());
        let error = bench.backend.list(Kind::Resource).await.unwrap_err();
        let shown: String = format!("{fault:?}").chars().take(80).collect();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{shown}: {error}");
        assert!(!error.public().contains("html") && !error.public().contains("127.0.0.1"), "{error}");
    }
    bench.wire.pass();
    assert_eq!(bench.backend.list(Kind::Resource).await.unwrap().objects.len(), 3);
}

/// A list whose pages go round in circles ends with an error.
#[tokio::test]
async fn pages_that_repeat_are_an_error() {
    let Some(bench) = GcpBench::start(|conf| conf).await else { return skipped() };
    let page = json!({ "kind": "compute#networkList", "nextPageToken": "again", "items": [] });
    bench.wire.calls_with("global/networks", Fault::answer(200, page.to_string()));
    assert_eq!(bench.backend.list(Kind::Resource).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(bench.wire.count("global/networks"), 2);
}

/// Fields and values that nobody has heard of do no harm; names that are no names are not asked for.
#[tokio::test]
async fn what_is_new_does_no_harm() {
    let Some(bench) = GcpBench::start(|mut conf| {
        conf.pools = Pools::ManagedInstanceGroups;
        conf
    })
    .await
    else {
        return skipped();
    };
    let strange = json!({
        "kind": "compute#instanceAggregatedList", "never": { "heard": "of" },
        "items": {
            "zones/us-central1-a": { "instances": [
                { "name": "bare" },
                { "name": "new", "status": "DREAMING", "labels": null, "disks": null, "tags": {}, "scheduling": { "x": 1 } },
                { "name": "../../global/networks/x", "machineType": "https://x/machineTypes/..", "status": "RUNNING" },
            ] },
            "moons/io": { "instances": [{ "name": "far-away" }] },
        },
    });
    bench.wire.calls_with("aggregated/instances", Fault::answer(200, strange.to_string()));
    let objects = bench.backend.list(Kind::Resource).await.unwrap().objects;
    let values: Vec<Value> =
        objects.iter().map(|object| serde_json::from_slice(&object.json).unwrap()).collect();
    let status = |name: &str| {
        let found = values.iter().find(|value| value["extensions"]["name"] == name).unwrap();
        found["extensions"]["status"].clone()
    };
    assert_eq!((values.len(), status("new"), status("bare")), (3, json!("DREAMING"), Value::Null));
    let odd = values.iter().find(|value| value["extensions"]["status"] == "RUNNING").unwrap();
    let key =
        netweave_model::ObjectKey { kind: Kind::Resource, id: odd["resourceId"].as_str().unwrap().into() };
    assert_eq!(bench.backend.get(&key).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(bench.wire.count("/machineTypes/.."), 0);
}

/// Credentials that the cloud refuses are no rights, and read again for the next call.
#[tokio::test]
async fn refused_credentials_are_read_again() {
    let Some(bench) = GcpBench::start(|conf| conf).await else { return skipped() };
    let good = std::fs::read_to_string(bench.compute.credentials()).unwrap();
    std::fs::write(bench.compute.credentials(), good.replace("key-1", "key-2")).unwrap();
    let error = bench.backend.list(Kind::Location).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    std::fs::write(bench.compute.credentials(), good).unwrap();
    assert!(bench.backend.list(Kind::Location).await.is_ok());
}

/// Through the layers, a spent quota is one call per round, and the rounds wait.
#[tokio::test]
async fn while_the_quota_is_spent_calls_back_off() {
    let Some(mut bench) = GcpBench::guarded().await else { return skipped() };
    bench.set(&resources(2, 1)).await;
    let mut told = Told::by(&bench.backend);
    told.until_synced(&bench.backend).await;
    bench.wire.forget();
    // Longer than the layer that repeats calls has patience for.
    bench.wire.all(Fault::too_many(Duration::from_secs(4)));
    let began = Instant::now();
    let errors = told.errors.len();
    told.until("two rounds are refused", |told| told.errors.len() >= errors + 2).await;
    // Each look begins with three lists at the same time, and the second comes after the pause, less a tenth.
    assert!(bench.wire.calls().len() <= 2 * 3, "{}", bench.wire.calls().len());
    assert!(began.elapsed() >= Duration::from_millis(3600), "{:?}", began.elapsed());
    assert_eq!(told.deletes, 0);
    assert!(told.errors.iter().skip(errors).all(|error| error.kind() == ErrorKind::RateLimited));
    bench.wire.pass();
    let heartbeats = told.heartbeats;
    told.until("it is well again", |told| told.heartbeats > heartbeats).await;
    assert_eq!(told.of(Kind::Resource).len(), 2);
}

fn plain(name: &str) -> Value {
    let mut item = instance(PROJECT, "us-central1-a", name, &json!({}));
    item.as_object_mut().unwrap().remove("at");
    item
}
