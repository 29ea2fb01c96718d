//! A Compute Engine behind the gateway: an SMO reads it, is told of its changes, and keeps what is known while it is gone.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::compute::{Compute, instance};
use netweave_tests::harness::{
    Callbacks, Client, Delays, Dice, Fault, FaultProxy, Gateway, Setup, delay, until,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const PROJECT: &str = "ran-core";
const ZONE: &str = "europe-west3-a";
const PLACE: &str = "zones/europe-west3-a";
/// The mean pause between two looks.
const POLL: Duration = Duration::from_secs(1);
/// The pause, jittered, a look, and a second; twice that for a deletion, which takes two looks.
const TOLD: Duration = Duration::from_secs(5);

/// A cloud with two machines, the wire to it, and a gateway that has read it.
async fn scene() -> Option<(Compute, FaultProxy, Gateway, Client)> {
    let compute = Compute::start(&[PROJECT])?;
    compute.replace(PROJECT, "instances", vec![machine("du-1", "1"), machine("du-2", "1")]).await;
    let wire = FaultProxy::to(compute.address()).await;
    let backend = json!({
        "kind": "gcp", "name": "gcp-1", "projects": [PROJECT], "regions": ["europe-west3"], "poll": format!("{}s", POLL.as_secs()),
        "endpoint": wire.url(), "credentialsFile": compute.credentials(),
    });
    let gateway = Setup::embedded().backend(backend).start().await;
    let smo = gateway.client("smo");
    Some((compute, wire, gateway, smo))
}

fn machine(name: &str, revision: &str) -> Value {
    instance(PROJECT, ZONE, name, &json!({ "revision": revision }))
}

/// The same without the place, which is said beside it.
fn placed(name: &str, revision: &str) -> Value {
    let mut item = machine(name, revision);
    item.as_object_mut().expect("an object").remove("at");
    item
}

/// Returns the resources of the zone's pool by name.
async fn names(smo: &Client) -> BTreeSet<String> {
    let pools = smo.all(&format!("{V2}/resourcePools?filter=(eq,name,{PROJECT}%2F{ZONE})")).await;
    let pool = pools.first().expect("the zone's pool")["resourcePoolId"].as_str().expect("an id").to_owned();
    let resources = smo.all(&format!("{V2}/resourcePools/{pool}/resources")).await;
    resources.iter().map(|one| one["extensions"]["name"].as_str().expect("a name").to_owned()).collect()
}

/// Waits for a notification of a kind about a machine.
async fn told(consumer: &Callbacks, event: u64, name: &str) -> Value {
    let state = if event == 2 { "priorObjectState" } else { "postObjectState" };
    let about =
        |body: &&Value| body["notificationEventType"] == event && body[state]["extensions"]["name"] == name;
    let what = format!("event {event} about {name}");
    let (body, _) = until(TOLD, &what, async || consumer.received("/a").iter().find(about).cloned()).await;
    body
}

#[tokio::test]
async fn an_smo_reads_a_cloud_and_is_told_of_its_changes() {
    let Some((compute, _wire, _gateway, smo)) = scene().await else {
        return eprintln!("SKIPPED: no Compute Engine; run tests/peers/compute.sh");
    };
    assert_eq!(names(&smo).await, BTreeSet::from(["du-1".to_owned(), "du-2".to_owned()]));
    let locations = smo.all(&format!("{V2}/locations")).await;
    assert_eq!(locations[0]["coordinate"]["coordinates"], json!([8.6821, 50.1109]));
    let sites = smo.all(&format!("{V2}/oCloudSites")).await;
    assert_eq!(sites[0]["name"], format!("{PROJECT}/europe-west3"));
    let types = smo.all(&format!("{V2}/resourceTypes")).await;
    assert_eq!(
        (&types[0]["model"], &types[0]["extensions"]["guestCpus"]),
        (&json!("n2-standard-4"), &json!(4))
    );

    let consumer = Callbacks::start().await;
    smo.post(&format!("{V2}/subscriptions"), &json!({ "callback": consumer.url("/a") })).await.expect(201);
    compute.put(PROJECT, "instances", Some(PLACE), placed("du-3", "1")).await;
    let created = told(&consumer, 0, "du-3").await;
    // What an SMO was told, it can read.
    let path = created["objectRef"].as_str().expect("a reference");
    assert!(path.contains("/resourcePools/") || path.contains("/resources/"), "{created}");
    assert!(names(&smo).await.contains("du-3"));
    compute.put(PROJECT, "instances", Some(PLACE), placed("du-1", "2")).await;
    let changed = told(&consumer, 1, "du-1").await;
    assert_eq!(changed["priorObjectState"]["extensions"]["labels"]["revision"], "1");
    assert_eq!(changed["postObjectState"]["extensions"]["labels"]["revision"], "2");
    compute.delete(PROJECT, "instances", Some(PLACE), "du-2").await;
    told(&consumer, 2, "du-2").await;
    assert_eq!(names(&smo).await, BTreeSet::from(["du-1".to_owned(), "du-3".to_owned()]));
}

#[tokio::test]
async fn changes_are_told_within_the_pause_and_a_second() {
    let Some((compute, _wire, _gateway, smo)) = scene().await else {
        return eprintln!("SKIPPED: no Compute Engine; run tests/peers/compute.sh");
    };
    let mut delays = Delays::subscribe(&smo).await;
    let mut dice = Dice(1);
    for revision in 2..2 + delay::changes() {
        dice.pause(POLL).await;
        let revision = revision.to_string();
        let change = compute.put(PROJECT, "instances", Some(PLACE), placed("du-1", &revision));
        let is_it = |post: &Value| {
            let of = &post["extensions"];
            of["name"] == "du-1" && of["labels"]["revision"] == revision
        };
        delays.measure(change, is_it).await;
    }
    delays.hold("gcp", delay::polled(POLL));
}

#[tokio::test]
async fn while_the_quota_is_spent_the_smo_reads_what_is_known() {
    let Some((compute, wire, gateway, smo)) = scene().await else {
        return eprintln!("SKIPPED: no Compute Engine; run tests/peers/compute.sh");
    };
    let before = names(&smo).await;
    wire.all(Fault::too_many(Duration::from_secs(1)));
    compute.replace(PROJECT, "instances", Vec::new()).await;
    wire.forget();
    let refused = || wire.calls().len() >= 6;
    until(Duration::from_secs(30), "some refused looks", async || refused().then_some(())).await;
    assert_eq!(names(&smo).await, before);
    let verbose = gateway.ops("/readyz?verbose").await;
    assert!(String::from_utf8_lossy(&verbose.body).contains("gcp-1"), "{verbose:?}");
    wire.pass();
    until(Duration::from_secs(30), "the machines to be gone", async || {
        names(&smo).await.is_empty().then_some(())
    })
    .await;
}
