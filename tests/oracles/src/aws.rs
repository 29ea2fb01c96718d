//! AWS: Amazon's own SDK for Rust beside the backend, on moto, and on a peer in which every member of every answer is set.

mod model;
mod places;
mod resources;
mod sdk;
mod types;

use crate::harness::moto::{ACCOUNT, Moto, REGION};
use crate::ours::{self, Attributes, Still};
use crate::table::Table;
use model::Model;
use netweave_aws::{Aws, Conf, Family, Pools};
use netweave_model::unit::Span;
use netweave_model::{Id, Kind};
use sdk::Sdk;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// Compares on both peers.
pub(crate) async fn compare(table: &mut Table) {
    let moto = Moto::start().await.expect("moto");
    furnish(&moto).await;
    // moto knows no capacity reservations and answers with an error.
    let families = vec![Family::Instances, Family::Hosts, Family::Networks, Family::Volumes];
    on(table, &format!("http://{}", moto.address()), moto.credentials(), families).await;
    let model = Model::start();
    on(table, &model.url(), moto.credentials(), Family::all()).await;
}

async fn on(table: &mut Table, url: &str, credentials: PathBuf, families: Vec<Family>) {
    let sdk = Sdk::connect(url, &credentials);
    let theirs = sdk.stock(families.contains(&Family::CapacityReservations)).await;
    let conf = Conf {
        name: "aws-1".to_owned(),
        regions: vec![REGION.to_owned()],
        accounts: Vec::new(),
        credentials_file: Some(credentials),
        profile: None,
        resources: families,
        pools: Pools::AutoScalingGroups,
        poll: Span::seconds(30),
        endpoint: Some(url.to_owned()),
        ca: None,
    };
    let backend = Aws::connect(&conf, &Id::from("cloud"), Arc::new(Still)).expect("a backend");
    table.compare("aws", &ours::stock(&backend, sift).await, &theirs);
}

fn sift(kind: Kind, attributes: &mut Attributes) -> &'static str {
    attributes.remove("description");
    let extensions = attributes.get("extensions").cloned().unwrap_or_default();
    let native = extensions.get("nativeId").and_then(Value::as_str).unwrap_or_default();
    match kind {
        Kind::Resource => {
            match native.splitn(6, ':').last().and_then(|resource| resource.split('/').next()) {
                Some("instance") => "instance",
                Some("dedicated-host") => "host",
                Some("capacity-reservation") => "reservation",
                Some("vpc") => "vpc",
                Some("subnet") => "subnet",
                Some("volume") => "volume",
                other => panic!("{native}: {other:?}"),
            }
        }
        Kind::ResourceType if native.starts_with("instance/") => "instance type",
        Kind::ResourceType => "other type",
        Kind::ResourcePool if extensions.get("zoneId").is_some() => "zone",
        Kind::ResourcePool if extensions.get("minSize").is_some() => "group",
        Kind::ResourcePool => "what spans zones",
        Kind::Location if native == REGION => {
            // From a table of the backend's own.
            attributes.remove("address");
            "region"
        }
        Kind::Location => "place",
        Kind::OCloudSite => "account",
        Kind::DeploymentManager | Kind::AlarmDictionary | Kind::PerformanceDictionary => panic!("{kind}"),
    }
}

/// Puts something of everything into moto: it knows what happens to objects, which the model does not.
async fn furnish(moto: &Moto) {
    let image = moto.ec2("DescribeImages", &[], "imageId").await.remove(0);
    let subnet = moto.ec2("DescribeSubnets", &[], "subnetId").await.remove(0);
    let run = async |more: &[(&str, &str)]| {
        let plain = [("ImageId", image.as_str()), ("MinCount", "1"), ("MaxCount", "1")];
        moto.ec2("RunInstances", &[&plain, more].concat(), "instanceId").await.remove(0)
    };
    let instance = run(&[("InstanceType", "m5.large"), ("SubnetId", &subnet)]).await;
    let tags = [
        ("ResourceId.1", instance.as_str()),
        ("Tag.1.Key", "a b&<c>"),
        ("Tag.1.Value", "ö \"quoted\" & more"),
    ];
    moto.ec2("CreateTags", &tags, "return").await;
    let stopped = run(&[("InstanceType", "p4d.24xlarge"), ("Placement.Tenancy", "dedicated")]).await;
    moto.ec2("StopInstances", &[("InstanceId.1", &stopped)], "instanceId").await;
    run(&[("InstanceType", "m5.metal"), ("InstanceMarketOptions.MarketType", "spot")]).await;
    let gone = run(&[("InstanceType", "c5.large")]).await;
    moto.ec2("TerminateInstances", &[("InstanceId.1", &gone)], "instanceId").await;
    let host = [("AvailabilityZone", "us-east-1a"), ("InstanceType", "m5.large"), ("Quantity", "1")];
    moto.ec2("AllocateHosts", &host, "item").await;
    let volume =
        [("AvailabilityZone", "us-east-1b"), ("Size", "9"), ("VolumeType", "gp3"), ("Encrypted", "true")];
    moto.ec2("CreateVolume", &volume, "volumeId").await;
    let vpc = [("CidrBlock", "10.9.0.0/16"), ("AmazonProvidedIpv6CidrBlock", "true")];
    moto.ec2("CreateVpc", &vpc, "vpcId").await;
    let group = [
        ("AutoScalingGroupName", "workers"),
        ("InstanceId", instance.as_str()),
        ("MinSize", "1"),
        ("MaxSize", "3"),
        ("DesiredCapacity", "2"),
        ("AvailabilityZones.member.1", "us-east-1a"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "ran"),
    ];
    moto.auto_scaling("CreateAutoScalingGroup", &group).await;
}

/// Returns the name of an object that is unique in the world.
fn arn(owner: &str, resource: &str) -> String {
    format!("arn:aws:ec2:{REGION}:{owner}:{resource}")
}

/// Returns the owner, or who asks if it is not said.
fn owner(said: Option<&str>) -> &str {
    said.unwrap_or(ACCOUNT)
}
