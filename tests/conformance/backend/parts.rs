//! A cloud of which one part cannot be read, a region or a project: the others change, and nothing of it is gone.

use super::aws;
use super::gcp::{GcpBench, PROJECT};
use super::gcp_kinds::skipped;
use netweave_adapters::Poller;
use netweave_aws::{Account, Aws, Conf};
use netweave_model::port::{Backend, Look};
use netweave_model::{ErrorKind, Id, Kind};
use netweave_tests::conformance::backend::Told;
use netweave_tests::harness::clock::TestClock;
use netweave_tests::harness::compute::instance;
use netweave_tests::harness::moto::{OTHER, REGION};
use netweave_tests::harness::{Fault, FaultProxy, Moto};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The mean pause between two looks.
const EVERY: Duration = Duration::from_millis(100);
/// Longer than a part rests after it failed.
const REST: Duration = Duration::from_mins(11);
/// The region of AWS that fails, and what its calls hold.
const FAR: &str = "eu-west-1";
const FAR_CALLS: &str = "/eu-west-1/ec2/";
/// The project of Google's cloud that fails, and what its calls hold.
const EDGE: &str = "ran-edge";
const EDGE_CALLS: &str = "/projects/ran-edge/";

/// What a part answers that is away, and what one that must not be read.
fn refusals() -> [(Fault, ErrorKind); 2] {
    let denied = "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>";
    [(Fault::answer(503, ""), ErrorKind::Unavailable), (Fault::answer(403, denied), ErrorKind::Forbidden)]
}

/// Returns the resources by the name of an extension.
fn named(told: &Told, extension: &str) -> BTreeSet<String> {
    let value = |object: netweave_model::Object| -> Value { serde_json::from_slice(&object.json).unwrap() };
    let all = told.of(Kind::Resource).into_iter().map(value);
    all.filter_map(|value| value["extensions"][extension].as_str().map(str::to_owned)).collect()
}

fn count(look: &Look, kind: Kind) -> Option<usize> {
    look.objects.get(&kind).map(Vec::len)
}

/// Instances in two regions of the account whose role is assumed.
struct Regions {
    moto: Moto,
    wire: FaultProxy,
    clock: Arc<TestClock>,
    conf: Conf,
}

impl Regions {
    async fn start() -> Option<Self> {
        let moto = Moto::start().await?;
        let wire = FaultProxy::to(moto.address()).await;
        let role = Account { role: Moto::role(), external_id: None };
        let regions = vec![REGION.to_owned(), FAR.to_owned()];
        let conf = Conf { accounts: vec![role], regions, ..aws::conf(&wire.url(), moto.credentials()) };
        Some(Self { moto, wire, clock: Arc::new(TestClock::new()), conf })
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(Aws::connect(&self.conf, &Id::from("cloud"), self.clock.shared()).unwrap())
    }

    async fn run(&self, region: &str) -> String {
        let image = self.moto.other_ec2(region, "DescribeImages", &[], "imageId").await.remove(0);
        let params =
            [("ImageId", image.as_str()), ("InstanceType", "m5.large"), ("MinCount", "1"), ("MaxCount", "1")];
        self.moto.other_ec2(region, "RunInstances", &params, "instanceId").await.remove(0)
    }

    async fn end(&self, region: &str, instance: &str) {
        self.moto.other_ec2(region, "TerminateInstances", &[("InstanceId.1", instance)], "instanceId").await;
    }

    fn mend(&self) {
        self.wire.pass();
        self.clock.advance(REST);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_of_aws_that_fails_stays_as_it_was_while_the_others_change() {
    let Some(regions) = Regions::start().await else { return };
    let (mut near, mut far) = (regions.run(REGION).await, regions.run(FAR).await);
    let backend: Arc<dyn Backend> = Arc::new(Poller::new(regions.backend(), EVERY));
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    for (fault, kind) in refusals() {
        let ids = [near.clone(), far.clone()];
        told.until("both instances are told", |told| {
            named(told, "instanceId") == BTreeSet::from(ids.clone())
        })
        .await;
        let before = told.state.len();
        told.errors.clear();
        regions.wire.calls_with(FAR_CALLS, fault);
        told.until("the failure is told", |told| !told.errors.is_empty()).await;
        assert_eq!(told.errors[0].kind(), kind);
        assert_eq!(backend.list(Kind::Resource).await.unwrap_err().kind(), kind, "a list is complete");
        let next = regions.run(REGION).await;
        regions.end(REGION, &near).await;
        regions.end(FAR, &far).await;
        near = next;
        let ids = [near.clone(), far.clone()];
        told.until("the healthy region changes", |told| {
            named(told, "instanceId") == BTreeSet::from(ids.clone())
        })
        .await;
        let errors = told.errors.len();
        told.until("three rounds more", |told| told.errors.len() >= errors + 3).await;
        assert_eq!(told.state.len(), before, "places, sites, types and pools stay");
        regions.wire.forget();
        let errors = told.errors.len();
        told.until("three rounds more", |told| told.errors.len() >= errors + 3).await;
        assert_eq!(regions.wire.count(FAR_CALLS), 0, "the region rests");
        far = regions.run(FAR).await;
        regions.mend();
        let heartbeats = told.heartbeats;
        told.until("all is well again", |told| told.heartbeats > heartbeats).await;
    }
    let ids = [near, far];
    told.until("what happened meanwhile", |told| named(told, "instanceId") == BTreeSet::from(ids.clone()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_of_aws_that_refuses_good_keys_has_them_anew_each_time_it_is_asked_and_no_other() {
    let Some(mut regions) = Regions::start().await else { return };
    // The same role twice: two accounts with keys of their own.
    regions.conf.accounts.extend(regions.conf.accounts.clone());
    let backend = regions.backend();
    let kinds = backend.capabilities().kinds.clone();
    let assumed = || regions.wire.count("Action=AssumeRole");
    backend.look(&kinds).await.unwrap();
    assert_eq!(assumed(), 2);
    let refusal = "<Response><Errors><Error><Code>AuthFailure</Code></Error></Errors></Response>";
    regions.wire.next_with(1, FAR_CALLS, Fault::answer(401, refusal));
    for _ in 0..5 {
        let gap = backend.look(&kinds).await.unwrap().gap.unwrap();
        assert_eq!(gap.error.kind(), ErrorKind::Unauthenticated);
    }
    assert_eq!(assumed(), 3, "the region rests, and says nothing of the keys meanwhile");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_of_aws_that_was_never_read_says_nothing_and_if_all_fail_all_fails() {
    let Some(mut regions) = Regions::start().await else { return };
    regions.run(REGION).await;
    let backend = regions.backend();
    regions.wire.calls_with(FAR_CALLS, Fault::answer(503, ""));
    let kinds = backend.capabilities().kinds.clone();
    let look = backend.look(&kinds).await.unwrap();
    assert!(!look.gap.as_ref().unwrap().bridged);
    assert_eq!((count(&look, Kind::Resource), count(&look, Kind::Location)), (Some(1), Some(1)));
    // The own account beside the other: a location is not told without the sites of those who were not read.
    let own = Account { role: Moto::role().replace(OTHER, "111122223333"), external_id: None };
    regions.conf.accounts.push(own);
    let look = regions.backend().look(&kinds).await.unwrap();
    assert_eq!((count(&look, Kind::Resource), count(&look, Kind::Location)), (Some(1), None));
    regions.wire.all(Fault::answer(503, ""));
    assert_eq!(backend.look(&kinds).await.unwrap_err().kind(), ErrorKind::Unavailable);
    regions.wire.pass();
    assert!(backend.look(&kinds).await.unwrap().gap.is_none(), "nothing rests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_of_gcp_that_fails_stays_as_it_was_while_the_others_change() {
    let bench = GcpBench::start(|mut conf| {
        conf.projects.push(EDGE.to_owned());
        conf
    });
    let Some(bench) = bench.await else { return skipped() };
    let put = async |project: &str, names: &[&str]| {
        let item = |name: &&str| instance(project, "europe-west3-a", name, &json!({}));
        bench.compute.replace(project, "instances", names.iter().map(item).collect()).await;
    };
    put(PROJECT, &["du-1", "du-2"]).await;
    put(EDGE, &["cu-1", "cu-2"]).await;
    let backend: Arc<dyn Backend> = Arc::new(Poller::new(Arc::clone(&bench.backend), EVERY));
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    for (fault, kind) in refusals() {
        let before = told.state.len();
        told.errors.clear();
        bench.wire.calls_with(EDGE_CALLS, fault);
        told.until("the failure is told", |told| !told.errors.is_empty()).await;
        assert_eq!(told.errors[0].kind(), kind);
        put(PROJECT, &["du-1", "du-3"]).await;
        put(EDGE, &["cu-2", "cu-3"]).await;
        let expected: BTreeSet<_> = ["cu-1", "cu-2", "du-1", "du-3"].map(str::to_owned).into();
        told.until("the healthy project changes", |told| named(told, "name") == expected).await;
        let errors = told.errors.len();
        told.until("three rounds more", |told| told.errors.len() >= errors + 3).await;
        assert_eq!(told.state.len(), before, "places, sites, types and pools stay");
        bench.wire.pass();
        bench.clock.advance(REST);
        let expected: BTreeSet<_> = ["cu-2", "cu-3", "du-1", "du-3"].map(str::to_owned).into();
        told.until("what happened meanwhile", |told| named(told, "name") == expected).await;
        put(PROJECT, &["du-1", "du-2"]).await;
        put(EDGE, &["cu-1", "cu-2"]).await;
        let expected: BTreeSet<_> = ["cu-1", "cu-2", "du-1", "du-2"].map(str::to_owned).into();
        told.until("all as it was", |told| named(told, "name") == expected).await;
    }
    bench.wire.all(Fault::answer(503, ""));
    assert_eq!(bench.backend.look(&[Kind::Resource]).await.unwrap_err().kind(), ErrorKind::Unavailable);
}
