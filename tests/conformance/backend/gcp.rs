//! A bench over a Compute Engine that checks its own answers, with the shared poller, bare or around the layers.

use async_trait::async_trait;
use netweave_adapters::Poller;
use netweave_adapters::layers::{Guard, guard};
use netweave_gcp::{Conf, Family, Gcp, Pools};
use netweave_model::port::Backend;
use netweave_model::unit::Span;
use netweave_model::{Id, Kind, SourceName};
use netweave_tests::conformance::backend::{Bench, Resources};
use netweave_tests::harness::clock::TestClock;
use netweave_tests::harness::compute::{Compute, instance};
use netweave_tests::harness::fault_proxy::{Fault, FaultProxy};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "gcp-1";
pub(super) const PROJECT: &str = "ran-core";
const ZONES: [&str; 3] = ["europe-west3-a", "us-central1-b", "us-central1-f"];
/// The mean pause between two rounds of the poller.
const EVERY: Duration = Duration::from_millis(50);
/// Longer than the breaker stays open.
const BREAKER: Duration = Duration::from_mins(1);

/// The cloud, the wire to it, and the backend at its end.
pub(super) struct GcpBench {
    pub(super) compute: Compute,
    pub(super) wire: FaultProxy,
    pub(super) clock: Arc<TestClock>,
    pub(super) backend: Arc<dyn Backend>,
}

impl GcpBench {
    /// Makes a bench for the backend with the poller around it; `None` if the peer is not installed.
    pub(super) async fn bare() -> Option<Self> {
        let mut bench = Self::start(|conf| conf).await?;
        bench.backend = Arc::new(Poller::new(bench.backend, EVERY));
        Some(bench)
    }

    /// Makes a bench for the backend with all layers, and the poller around them.
    pub(super) async fn guarded() -> Option<Self> {
        let mut bench = Self::start(|conf| conf).await?;
        let observer = Arc::new(super::file::Nobody);
        let layers =
            guard(bench.backend, &SourceName::from(NAME), observer, bench.clock.shared(), &Guard::local());
        bench.backend = Arc::new(Poller::new(layers, EVERY));
        Some(bench)
    }

    /// Starts the cloud with two projects, and the backend alone for the first, unless the configuration is adjusted.
    pub(super) async fn start(adjust: impl FnOnce(Conf) -> Conf) -> Option<Self> {
        let compute = Compute::start(&[PROJECT, "ran-edge"])?;
        let wire = FaultProxy::to(compute.address()).await;
        let conf = Conf {
            name: NAME.to_owned(),
            projects: vec![PROJECT.to_owned()],
            regions: Vec::new(),
            credentials_file: Some(compute.credentials()),
            resources: Family::all(),
            pools: Pools::Zones,
            poll: Span(EVERY),
            endpoint: Some(wire.url()),
            ca: None,
        };
        let clock = Arc::new(TestClock::new());
        let backend: Arc<dyn Backend> =
            Arc::new(Gcp::open(&adjust(conf), &Id::from("cloud"), clock.shared()).unwrap());
        Some(Self { compute, wire, clock, backend })
    }
}

/// Returns the zone in which the bench has a resource.
fn zone(name: &str) -> &'static str {
    let number: usize = name.trim_start_matches('r').parse().unwrap();
    ZONES[number % ZONES.len()]
}

#[async_trait]
impl Bench for GcpBench {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    async fn set(&mut self, resources: &Resources) {
        let item = |(name, revision): (&String, &u32)| {
            instance(PROJECT, zone(name), name, &json!({ "revision": revision.to_string() }))
        };
        self.compute.replace(PROJECT, "instances", resources.iter().map(item).collect()).await;
    }

    fn id(&self, name: &str) -> Id {
        id(&format!("projects/{PROJECT}/zones/{}/instances/{name}", zone(name)))
    }

    async fn cut(&mut self) {
        self.wire.all(Fault::Cut);
    }

    async fn mend(&mut self) {
        self.wire.pass();
        self.clock.advance(BREAKER);
    }

    fn page(&self) -> usize {
        500
    }

    fn wire(&self) -> Option<&FaultProxy> {
        Some(&self.wire)
    }

    fn odd(&self) -> Vec<(&'static str, String)> {
        let page = |instances: &str| {
            let place = format!(r#""zones/us-central1-b": {{ "instances": {instances} }}"#);
            format!(r#"{{ "kind": "compute#instanceAggregatedList", "items": {{ {place} }} }}"#)
        };
        let many =
            |item: &str| format!("[{item}]", item = vec![item; (30 << 20) / (item.len() + 1)].join(","));
        [
            page("[{}]"),
            page(r#"[{ "name": 1 }]"#),
            page(r#"{ "name": "r1" }"#),
            page(r#"[{ "name": "r1", "disks": [{ "diskSizeGb": {} }] }]"#),
            page(&many("{}")),
            page(&many(r#"{"name":"r1"}"#)),
            page(&format!(r#"[{{ "name": "r1", "disks": {} }}]"#, many("{}"))),
            page(&format!(r#"[{{ "name": "r1", "unknown": {} }}]"#, "[".repeat(1000))),
            page("[]").replace("instanceAggregatedList", "instanceList"),
        ]
        .map(|text| ("aggregated/instances", text))
        .into()
    }

    /// A spent quota is refused as if a right were missing.
    fn busy(&self) -> Vec<Fault> {
        let error = json!({
            "code": 403, "message": "Quota exceeded for quota metric 'Read requests'",
            "errors": [{ "reason": "rateLimitExceeded", "domain": "usageLimits", "message": "Quota exceeded" }],
        });
        vec![
            Fault::too_many(Duration::from_secs(1)),
            Fault::answer(403, json!({ "error": error }).to_string()),
        ]
    }
}

/// Returns the identifier of a resource by the path that names it.
pub(super) fn id(path: &str) -> Id {
    Id::stable(&SourceName::from(NAME), Kind::Resource, path)
}
