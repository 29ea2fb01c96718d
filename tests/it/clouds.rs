//! Four infrastructures behind one gateway, each broken in turn in another way: the others do not notice.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::compute::{Compute, instance};
use netweave_tests::harness::moto::REGION;
use netweave_tests::harness::vcsim::{USER, Vcsim};
use netweave_tests::harness::{Callbacks, Client, Fault, FaultProxy, Gateway, Inventory, Moto, Setup, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const PROJECT: &str = "ran-core";
const ZONE: &str = "europe-west3-a";
/// How often the clouds are asked that have to be.
const POLL: &str = "1s";
/// Stand-ins in Python on a busy machine, and back-off after failures.
const PATIENCE: Duration = Duration::from_mins(2);
const NAMES: [&str; 3] = ["aws-1", "gcp-1", "vc-1"];

struct Scene {
    /// The wires to the clouds, in the order of `NAMES`.
    wires: [FaultProxy; 3],
    inventory: Inventory,
    gateway: Gateway,
    smo: Client,
    _peers: (Moto, Compute, Vcsim),
}

/// What the gateway says of one source.
type Sources = BTreeMap<String, Value>;

impl Scene {
    async fn new() -> Option<Self> {
        let (moto, compute) = (Moto::start().await?, Compute::start(&[PROJECT])?);
        let vcsim = Vcsim::start_plain(&["-cluster", "1", "-vm", "2"]).await?;
        let machine = instance(PROJECT, ZONE, "du-1", &json!({}));
        compute.replace(PROJECT, "instances", vec![machine]).await;
        let wires = [
            FaultProxy::to(moto.address()).await,
            FaultProxy::to(compute.address()).await,
            FaultProxy::to(vcsim.address()).await,
        ];
        let [aws, gcp, vc] = NAMES;
        let inventory = Inventory::with_servers(4);
        let setup = Setup::embedded()
            .file("lab", &inventory)
            .backend(json!({
                "kind": "aws", "name": aws, "regions": [REGION], "credentialsFile": moto.credentials(),
                "endpoint": wires[0].url(), "poll": POLL, "resources": ["instances", "networks", "volumes"],
            }))
            .backend(json!({
                "kind": "gcp", "name": gcp, "projects": [PROJECT], "regions": ["europe-west3"], "poll": POLL,
                "endpoint": wires[1].url(), "credentialsFile": compute.credentials(),
            }))
            .backend(json!({
                "kind": "vmware", "name": vc, "url": wires[2].url(), "username": USER,
                "passwordFile": vcsim.password_file(),
            }));
        let gateway = setup.start().await;
        let smo = gateway.client("smo");
        Some(Self { wires, inventory, gateway, smo, _peers: (moto, compute, vcsim) })
    }

    async fn sources(&self) -> Sources {
        let all = self.smo.get("/netweave/v1/sources").await.expect(200).json();
        let named = |source: &Value| (source["name"].as_str().expect("a name").to_owned(), source.clone());
        all.as_array().expect("a list").iter().map(named).collect()
    }

    /// Waits until what is known of the sources fits.
    async fn when(&self, what: &str, fits: impl Fn(&Sources) -> bool) -> Sources {
        let found = async || {
            let sources = self.sources().await;
            fits(&sources).then_some(sources)
        };
        until(PATIENCE, what, found).await.0
    }
}

/// Whether a source was read and does not fail.
fn is_well(source: &Value) -> bool {
    source["failure"].is_null() && source["objects"]["resources"].as_u64().is_some_and(|count| count > 0)
}

/// How many objects of each kind there are of each source.
fn objects(sources: &Sources) -> BTreeMap<&String, &Value> {
    sources.iter().map(|(name, source)| (name, &source["objects"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_is_broken_does_not_touch_the_others() {
    let Some(mut scene) = Scene::new().await else { return };
    let before = scene.when("all to be read", |all| all.len() == 4 && all.values().all(is_well)).await;
    let callbacks = Callbacks::start().await;
    let body = json!({ "callback": callbacks.url("/smo") });
    scene.smo.post(&format!("{V2}/subscriptions"), &body).await.expect(201);

    let ways = [
        ("cut", Fault::Cut),
        ("503", Fault::answer(503, "busy")),
        ("403", Fault::answer(403, "no")),
        ("garbage", Fault::Garbage),
    ];
    for (n, (way, fault)) in ways.into_iter().enumerate() {
        let broken = NAMES[n % NAMES.len()];
        scene.wires[n % NAMES.len()].all(fault);
        let during = scene.when(way, |all| !all[broken]["failure"].is_null()).await;
        assert_eq!(objects(&during), objects(&before), "{broken} {way}: what is known stays");
        let others = during.iter().filter(|(name, _)| *name != broken);
        assert!(others.clone().all(|(_, source)| is_well(source)), "{broken} {way}: {during:#?}");
        let verbose = scene.gateway.ops("/readyz?verbose").await.expect(200);
        assert!(String::from_utf8_lossy(&verbose.body).contains(broken), "{broken} {way}: {verbose:?}");

        scene.inventory.describe("server-00", way);
        let told = |body: &Value| body["postObjectState"]["description"] == way;
        until(PATIENCE, "a change of another source", async || {
            callbacks.received("/smo").iter().any(told).then_some(())
        })
        .await;
        scene.wires[n % NAMES.len()].pass();
        scene.when("all to be well again", |all| all.values().all(is_well)).await;
    }
    let deleted = |body: &&Value| body["notificationEventType"] == 2;
    assert_eq!(callbacks.received("/smo").iter().find(deleted), None, "nothing was deleted");
}
