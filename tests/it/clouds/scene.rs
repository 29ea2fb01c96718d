//! Clouds with wires that fail, behind one gateway.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::compute::{Compute, instance};
use netweave_tests::harness::moto::REGION;
use netweave_tests::harness::vcsim::{USER, Vcsim};
use netweave_tests::harness::{Callbacks, Client, FaultProxy, Gateway, Inventory, Moto, Setup, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const PROJECT: &str = "ran-core";
pub(super) const ZONE: &str = "europe-west3-a";
/// How often the clouds are asked that have to be.
pub(super) const POLL: Duration = Duration::from_secs(1);
/// Stand-ins in Python on a busy machine, and back-off after failures.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);
pub(super) const NAMES: [&str; 3] = ["aws-1", "gcp-1", "vc-1"];

pub(super) struct Scene {
    /// The wires to the clouds, in the order of `NAMES`.
    pub(super) wires: [FaultProxy; 3],
    pub(super) inventory: Inventory,
    pub(super) gateway: Gateway,
    pub(super) smo: Client,
    pub(super) moto: Moto,
    pub(super) compute: Compute,
    pub(super) vcsim: Vcsim,
}

/// What the gateway says of one source.
pub(super) type Sources = BTreeMap<String, Value>;

impl Scene {
    /// Starts all of it; `None` if a peer is not there. The gateway's settings can be adjusted.
    pub(super) async fn new(adjust: impl FnOnce(Setup) -> Setup) -> Option<Self> {
        let (moto, compute) = (Moto::start().await?, Compute::start(&[PROJECT])?);
        let vcsim = Vcsim::start_plain(&["-cluster", "1", "-vm", "2"]).await?;
        let machine = instance(PROJECT, ZONE, "du-1", &json!({}));
        compute.replace(PROJECT, "instances", vec![machine]).await;
        let wires = [
            FaultProxy::to(moto.address()).await,
            FaultProxy::to(compute.address()).await,
            FaultProxy::to(vcsim.address()).await,
        ];
        let ([aws, gcp, vc], poll) = (NAMES, format!("{}s", POLL.as_secs()));
        let inventory = Inventory::with_servers(4);
        let setup = Setup::embedded()
            .file("lab", &inventory)
            .backend(json!({
                "kind": "aws", "name": aws, "regions": [REGION], "credentialsFile": moto.credentials(),
                "endpoint": wires[0].url(), "poll": poll, "resources": ["instances", "networks", "volumes"],
            }))
            .backend(json!({
                "kind": "gcp", "name": gcp, "projects": [PROJECT], "regions": ["europe-west3"], "poll": poll,
                "endpoint": wires[1].url(), "credentialsFile": compute.credentials(),
            }))
            .backend(json!({
                "kind": "vmware", "name": vc, "url": wires[2].url(), "username": USER,
                "passwordFile": vcsim.password_file(),
            }));
        let gateway = adjust(setup).start().await;
        let smo = gateway.client("smo");
        Some(Self { wires, inventory, gateway, smo, moto, compute, vcsim })
    }

    /// Returns what the gateway says of its sources, by name.
    pub(super) async fn sources(&self) -> Sources {
        let all = self.smo.get("/netweave/v1/sources").await.expect(200).json();
        let named = |source: &Value| (source["name"].as_str().expect("a name").to_owned(), source.clone());
        all.as_array().expect("a list").iter().map(named).collect()
    }

    /// Waits until what is known of the sources fits.
    pub(super) async fn when(&self, what: &str, fits: impl Fn(&Sources) -> bool) -> Sources {
        let found = async || {
            let sources = self.sources().await;
            fits(&sources).then_some(sources)
        };
        until(PATIENCE, what, found).await.0
    }

    /// Waits until all are read, and subscribes to everything.
    pub(super) async fn subscribed(&self) -> (Sources, Callbacks) {
        let before = self.when("all to be read", |all| all.len() == 4 && all.values().all(is_well)).await;
        let callbacks = Callbacks::start().await;
        let body = json!({ "callback": callbacks.url("/smo") });
        self.smo.post(&format!("{V2}/subscriptions"), &body).await.expect(201);
        (before, callbacks)
    }
}

/// Whether a source was read and does not fail.
pub(super) fn is_well(source: &Value) -> bool {
    source["failure"].is_null() && source["objects"]["resources"].as_u64().is_some_and(|count| count > 0)
}

/// How many objects of each kind there are of each source.
pub(super) fn objects(sources: &Sources) -> BTreeMap<&String, &Value> {
    sources.iter().map(|(name, source)| (name, &source["objects"])).collect()
}
