//! A gateway before large clouds in which nothing happens, at the pauses that are usual: how often it asks them, also while
//! readers want to know.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::compute::{Compute, disk, instance};
use netweave_tests::harness::figures::{full, record};
use netweave_tests::harness::moto::REGION;
use netweave_tests::harness::vcenter::{USER, Vcenter};
use netweave_tests::harness::{Client, Ec2Pages, FaultProxy, Gateway, Setup, pace, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Machines of each cloud.
const MANY: usize = 10_000;
const PROJECT: &str = "ran-core";
const ZONE: &str = "us-central1-a";
/// How long the first looks may take without optimisation.
const START: Duration = Duration::from_mins(5);
/// How long calls are counted.
const WHILE: Duration = Duration::from_mins(5);
/// The pause of the reader.
const READING: Duration = Duration::from_secs(1);
/// No limit is published. A wait lasts ten seconds, a probe is made each minute; that leaves two that began or ended outside.
const VCENTER_PER_MINUTE: f64 = 9.0;

struct Scene {
    wires: [FaultProxy; 3],
    gateway: Gateway,
    _peers: (Ec2Pages, Compute, Vcenter, TempDir),
}

impl Scene {
    async fn new() -> Option<Self> {
        let compute = Compute::start(&[PROJECT])?;
        let place = format!("zones/{ZONE}");
        compute.fill(PROJECT, "instances", &place, instance(PROJECT, ZONE, "du", &json!({})), MANY).await;
        compute.fill(PROJECT, "disks", &place, disk(PROJECT, ZONE, "du"), MANY).await;
        let (pages, vcenter) = (Ec2Pages::start(MANY, 500).await, Vcenter::start(100).await);
        vcenter.set(&(0..MANY).map(|number| (format!("vm{number:05}"), 2)).collect());
        let folder = tempfile::tempdir().expect("a folder");
        let (keys, password) = (folder.path().join("keys"), folder.path().join("password"));
        std::fs::write(&keys, "[default]\naws_access_key_id = a\naws_secret_access_key = b\n").expect("keys");
        std::fs::write(&password, "secret").expect("a password");
        let wires = [
            FaultProxy::to(pages.address()).await,
            FaultProxy::to(compute.address()).await,
            FaultProxy::to(vcenter.address()).await,
        ];
        let setup = Setup::embedded()
            .backend(json!({
                "kind": "aws", "name": "aws-1", "regions": [REGION], "credentialsFile": keys,
                "endpoint": wires[0].url(), "resources": ["instances"],
            }))
            .backend(json!({
                "kind": "gcp", "name": "gcp-1", "projects": [PROJECT], "endpoint": wires[1].url(),
                "credentialsFile": compute.credentials(),
            }))
            .backend(json!({
                "kind": "vmware", "name": "vc-1", "url": wires[2].url(), "username": USER, "passwordFile": password,
            }));
        let gateway = setup.start().await;
        Some(Self { wires, gateway, _peers: (pages, compute, vcenter, folder) })
    }

    /// How many resources of each source are known.
    async fn known(&self, smo: &Client) -> BTreeMap<String, u64> {
        let all = smo.get("/netweave/v1/sources").await.expect(200).list();
        let count = |source: &Value| source["objects"]["resources"].as_u64().unwrap_or_default();
        all.iter()
            .map(|source| (source["name"].as_str().expect("a name").to_owned(), count(source)))
            .collect()
    }

    fn calls(&self, wire: usize, text: &str) -> f64 {
        let count = u32::try_from(self.wires[wire].count(text)).expect("few calls");
        f64::from(count) * 60.0 / WHILE.as_secs_f64()
    }
}

/// Reads lists for a while, as somebody does who looks at the clouds; returns how many answers there were.
async fn read(smo: &Client) -> usize {
    let pools = smo.all(&format!("{V2}/resourcePools")).await;
    let lists = pools.iter().map(|pool| {
        format!("{V2}/resourcePools/{}/resources", pool["resourcePoolId"].as_str().expect("an id"))
    });
    let of_kinds = ["resourcePools", "resourceTypes", "locations", "oCloudSites", "deploymentManagers"];
    let paths: Vec<String> = lists.chain(of_kinds.map(|kind| format!("{V2}/{kind}"))).collect();
    let (start, mut answers) = (Instant::now(), 0);
    while start.elapsed() < WHILE {
        for path in &paths {
            smo.get(path).await.expect(200);
            answers += 1;
        }
        tokio::time::sleep(READING).await;
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn clouds_at_rest_get_a_tenth_of_the_calls_that_they_allow() {
    if !full() {
        return eprintln!("SKIPPED: NETWEAVE_FULL is not set; the suites of the backends compute the same");
    }
    let Some(scene) = Scene::new().await else { return };
    let smo = scene.gateway.client("smo");
    let many = MANY as u64;
    until(START, "all to be read", async || {
        let known = scene.known(&smo).await;
        let whole = known["aws-1"] == many && known["gcp-1"] == 2 * many && known["vc-1"] == many;
        whole.then_some(())
    })
    .await;
    scene.wires.iter().for_each(FaultProxy::forget);
    let answers = read(&smo).await;
    let (instances, gcp, vmware) =
        (scene.calls(0, "Action=DescribeInstances&"), scene.calls(1, ""), scene.calls(2, ""));
    record(&format!(
        "rest_s={} rest_reads={answers} rest_aws_calls_per_minute={:.1} rest_aws_instances_per_minute={instances:.1} rest_gcp_calls_per_minute={gcp:.1} rest_vmware_calls_per_minute={vmware:.1}",
        WHILE.as_secs(),
        scene.calls(0, ""),
    ));
    // A lease that was lost and taken again has everything listed once more.
    let lost = scene.gateway.log().matches("the source's lease is lost").count();
    assert!(instances <= pace::SHARE * pace::EC2, "{instances} calls a minute, {lost} leases lost");
    assert!(gcp <= pace::SHARE * pace::COMPUTE, "{gcp} calls a minute, {lost} leases lost");
    assert!(vmware <= VCENTER_PER_MINUTE, "{vmware} calls a minute, {lost} leases lost");
}
