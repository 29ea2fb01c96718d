//! What AWS shows beyond the suite: other kinds, other accounts, refused keys and rights, many instances.

use super::aws::{NAME, conf};
use netweave_aws::{Account, Aws, Conf, Family, Pools};
use netweave_model::domain::{
    OCloudSiteInfo, ResourceClass, ResourceInfo, ResourcePoolInfo, ResourceTypeInfo,
};
use netweave_model::port::Backend;
use netweave_model::{ErrorKind, Id, Kind, SourceName};
use netweave_tests::harness::clock::TestClock;
use netweave_tests::harness::memory::Growth;
use netweave_tests::harness::moto::{ACCOUNT, OTHER, REGION};
use netweave_tests::harness::{Ec2Pages, Fault, FaultProxy, Moto, figures, pace, peers};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn connect(conf: &Conf) -> Aws {
    Aws::connect(conf, &Id::from("cloud"), Arc::new(TestClock::new())).unwrap()
}

fn local(moto: &Moto) -> Conf {
    conf(&format!("http://{}", moto.address()), moto.credentials())
}

async fn all<T: DeserializeOwned>(backend: &Aws, kind: Kind) -> Vec<T> {
    let objects = backend.list(kind).await.unwrap().objects;
    objects.iter().map(|object| serde_json::from_slice(&object.json).unwrap()).collect()
}

async fn run_instance(moto: &Moto) -> String {
    let image = moto.ec2("DescribeImages", &[], "imageId").await.remove(0);
    let params =
        [("ImageId", image.as_str()), ("InstanceType", "m5.large"), ("MinCount", "1"), ("MaxCount", "1")];
    moto.ec2("RunInstances", &params, "instanceId").await.remove(0)
}

/// The answer that AWS gives to `DescribeCapacityReservations`, which moto 5.2.5 does not know.
const RESERVATIONS: &str = "<DescribeCapacityReservationsResponse><capacityReservationSet><item>
<capacityReservationId>cr-1</capacityReservationId><ownerId>123456789012</ownerId><instanceType>m5.large</instanceType>
<availabilityZoneId>use1-az6</availabilityZoneId><totalInstanceCount>4</totalInstanceCount><availableInstanceCount>4</availableInstanceCount>
<state>active</state></item></capacityReservationSet></DescribeCapacityReservationsResponse>";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_families_are_read_with_the_minimal_policy() {
    let Some(moto) = Moto::start().await else { return };
    let wire = FaultProxy::to(moto.address()).await;
    wire.calls_with("Action=DescribeCapacityReservations", Fault::answer(200, RESERVATIONS));
    let instance = run_instance(&moto).await;
    let host = [("AvailabilityZone", "us-east-1a"), ("InstanceFamily", "m5"), ("Quantity", "1")];
    moto.ec2("AllocateHosts", &host, "item").await;
    let launch = [
        ("AutoScalingGroupName", "workers"),
        ("InstanceId", instance.as_str()),
        ("MinSize", "1"),
        ("MaxSize", "3"),
        ("DesiredCapacity", "2"),
        ("AvailabilityZones.member.1", "us-east-1a"),
    ];
    moto.auto_scaling("CreateAutoScalingGroup", &launch).await;

    let conf = Conf {
        resources: Family::all(),
        pools: Pools::AutoScalingGroups,
        ..conf(&wire.url(), moto.credentials())
    };
    let backend = connect(&conf);
    let resources: Vec<ResourceInfo> = all(&backend, Kind::Resource).await;
    let types: Vec<ResourceTypeInfo> = all(&backend, Kind::ResourceType).await;
    let pools: Vec<ResourcePoolInfo> = all(&backend, Kind::ResourcePool).await;
    let models: BTreeSet<&str> = types.iter().map(|one| one.model.as_str()).collect();
    assert_eq!(models, BTreeSet::from(["gp2", "m5", "m5.large", "subnet", "vpc"]));
    for class in [ResourceClass::Compute, ResourceClass::Networking, ResourceClass::Storage] {
        let of_class = |one: &&ResourceInfo| {
            types
                .iter()
                .any(|kind| kind.resource_type_id == one.resource_type_id && kind.resource_class == class)
        };
        assert!(resources.iter().any(|one| of_class(&one)), "{class:?}");
    }
    let workers = pools.iter().find(|pool| pool.name == "workers").expect("the group's pool");
    let members = resources.iter().filter(|one| one.resource_pool_id == workers.resource_pool_id);
    assert_eq!(members.count(), 2);
    for one in &resources {
        assert!(types.iter().any(|kind| kind.resource_type_id == one.resource_type_id), "{one:?}");
        assert!(pools.iter().any(|pool| pool.resource_pool_id == one.resource_pool_id), "{one:?}");
    }
}

/// Lists with Amazon's own client what moto holds; resources by their ARN, in the words of our `extensions`.
async fn oracle(moto: &Moto) -> BTreeMap<String, Value> {
    let python = peers::folder().join("share/moto/bin/python");
    let output = tokio::process::Command::new(python)
        .arg("-c")
        .arg(include_str!("aws_oracle.py"))
        .args([&format!("http://{}", moto.address()), REGION, ACCOUNT])
        .env("AWS_SHARED_CREDENTIALS_FILE", moto.credentials())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_is_what_amazons_own_client_reads() {
    let Some(moto) = Moto::start().await else { return };
    let instance = run_instance(&moto).await;
    let tags = [
        ("ResourceId.1", instance.as_str()),
        ("Tag.1.Key", "a b&<c>"),
        ("Tag.1.Value", "ö \"quoted\" & more"),
    ];
    moto.ec2("CreateTags", &tags, "return").await;
    let stopped = run_instance(&moto).await;
    moto.ec2("StopInstances", &[("InstanceId.1", &stopped)], "instanceId").await;
    let gone = run_instance(&moto).await;
    moto.ec2("TerminateInstances", &[("InstanceId.1", &gone)], "instanceId").await;
    let host = [("AvailabilityZone", "us-east-1a"), ("InstanceType", "m5.large"), ("Quantity", "1")];
    moto.ec2("AllocateHosts", &host, "item").await;
    let volume =
        [("AvailabilityZone", "us-east-1b"), ("Size", "9"), ("VolumeType", "gp3"), ("Encrypted", "true")];
    moto.ec2("CreateVolume", &volume, "volumeId").await;

    let families = vec![Family::Instances, Family::Hosts, Family::Networks, Family::Volumes];
    let backend = connect(&Conf { resources: families, ..local(&moto) });
    let resources: Vec<ResourceInfo> = all(&backend, Kind::Resource).await;
    let ours: BTreeMap<String, Value> = resources
        .into_iter()
        .map(|one| (one.global_asset_id.unwrap_or_default(), Value::Object(one.extensions)))
        .collect();
    let theirs = oracle(&moto).await;
    assert!(theirs.len() > 12 && theirs.keys().any(|arn| arn.contains("dedicated-host/")), "{theirs:#?}");
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (arn, theirs) in theirs {
        assert_eq!(ours[&arn], theirs, "{arn}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_and_regions_are_read_through_roles() {
    let Some(moto) = Moto::start().await else { return };
    let image = moto.other_ec2("eu-west-1", "DescribeImages", &[], "imageId").await.remove(0);
    let params =
        [("ImageId", image.as_str()), ("InstanceType", "c5.large"), ("MinCount", "2"), ("MaxCount", "2")];
    let there = moto.other_ec2("eu-west-1", "RunInstances", &params, "instanceId").await;
    run_instance(&moto).await;

    let role = Account { role: Moto::role(), external_id: Some("o2-external".to_owned()) };
    let regions = vec![REGION.to_owned(), "eu-west-1".to_owned()];
    let backend = connect(&Conf { accounts: vec![role], regions, ..local(&moto) });
    backend.probe().await.unwrap();
    let resources: Vec<ResourceInfo> = all(&backend, Kind::Resource).await;
    let found: BTreeSet<&str> =
        resources.iter().filter_map(|one| one.extensions["instanceId"].as_str()).collect();
    assert_eq!(
        found,
        there.iter().map(String::as_str).collect(),
        "the gateway's own account is not among them"
    );
    assert!(resources.iter().all(|one| one.extensions["accountId"] == OTHER));
    let sites: Vec<OCloudSiteInfo> = all(&backend, Kind::OCloudSite).await;
    let names: BTreeSet<&str> = sites.iter().map(|site| site.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["210987654321/eu-west-1", "210987654321/us-east-1"]));
    let key = &backend.list(Kind::Resource).await.unwrap().objects[0].key.clone();
    assert_eq!(backend.get(key).await.unwrap().key, *key);
}

/// What AWS answers to `DescribeRegions`, in short; moto names regions of other partitions, too, where nobody has keys.
const REGIONS: &str = "<DescribeRegionsResponse><regionInfo>
<item><regionName>us-east-1</regionName><optInStatus>opt-in-not-required</optInStatus></item>
<item><regionName>ap-east-1</regionName><optInStatus>not-opted-in</optInStatus></item>
<item><regionName>eu-south-1</regionName><optInStatus>opted-in</optInStatus></item></regionInfo></DescribeRegionsResponse>";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_regions_all_that_are_enabled_are_read() {
    let Some(moto) = Moto::start().await else { return };
    let wire = FaultProxy::to(moto.address()).await;
    wire.calls_with("Action=DescribeRegions", Fault::answer(200, REGIONS));
    let backend = connect(&Conf { regions: Vec::new(), ..conf(&wire.url(), moto.credentials()) });
    let sites: Vec<OCloudSiteInfo> = all(&backend, Kind::OCloudSite).await;
    let names: BTreeSet<&str> = sites.iter().map(|site| site.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["123456789012/eu-south-1", "123456789012/us-east-1"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_keys_are_read_again_and_missing_rights_are_forbidden() {
    let Some(moto) = Moto::start().await else { return };
    moto.spoil_credentials();
    let mut conf = local(&moto);
    conf.credentials_file = Some(moto.spoil_credentials());
    let backend = connect(&conf);
    assert_eq!(backend.probe().await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(backend.list(Kind::Resource).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    moto.credentials();
    backend.probe().await.expect("the new keys are taken without a restart");
    let little = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DescribeAvailabilityZones","Resource":"*"}]}"#;
    conf.credentials_file = Some(moto.credentials_for("little", little).await);
    let backend = connect(&conf);
    backend.probe().await.unwrap();
    let error = backend.list(Kind::Resource).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    let name = SourceName::from(NAME);
    assert!(
        !error.public().contains(name.as_str()) && !error.public().contains("little"),
        "{}",
        error.public()
    );
}

/// How many instances there are, on how many pages.
const MANY: usize = 10_000;
const PAGES: usize = 20;
/// More than that of memory and time is not needed, on a busy machine and without optimisation.
const MOST_MIB: usize = 150;
const LONGEST: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_instances_are_read_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("credentials");
    std::fs::write(&credentials, "[default]\naws_access_key_id = a\naws_secret_access_key = b\n").unwrap();
    let pages = Ec2Pages::start(MANY, MANY / PAGES).await;
    let wire = FaultProxy::to(pages.address()).await;
    let backend = connect(&conf(&wire.url(), credentials));
    let (growth, start) = (Growth::begin(), Instant::now());
    let found = backend.look(&backend.capabilities().kinds).await.unwrap();
    let (listed_in, peak_mib) = (start.elapsed(), growth.peak_mib());
    assert_eq!(found.objects[&Kind::Resource].len(), MANY);
    assert_eq!(wire.count("Action=DescribeInstances&"), PAGES, "one reading serves all kinds");
    let calls = wire.count("");
    wire.forget();
    for kind in [Kind::Location, Kind::OCloudSite, Kind::ResourcePool] {
        backend.list(kind).await.unwrap();
    }
    assert_eq!(wire.count(""), 3, "places are read without what is in them");
    wire.forget();
    backend.look(&backend.capabilities().kinds).await.unwrap();
    let usual: Conf = serde_json::from_value(json!({ "name": NAME })).unwrap();
    let per_minute = |what: &str| pace::per_minute(wire.count(what), usual.poll.0);
    let (all, instances) = (per_minute(""), per_minute("Action=DescribeInstances&"));
    figures::record(&format!(
        "aws_instances={MANY} aws_list_ms={} aws_calls={calls} aws_peak_mib={peak_mib} aws_calls_per_minute={all:.0}",
        listed_in.as_millis()
    ));
    assert!(instances <= pace::SHARE * pace::EC2, "{instances} calls a minute");
    assert!(listed_in < LONGEST, "{listed_in:?}");
    assert!(peak_mib < MOST_MIB, "{peak_mib} MiB");
}
