use super::inventory::{Inventory, Name};
use super::kind::Sort;
use super::place::Place;
use super::*;
use crate::wire::Page;
use crate::wire::capacity::{CapacityReservations, Hosts};
use crate::wire::group::Groups;
use crate::wire::instance::{InstanceTypes, Instances};
use crate::wire::network::{Subnets, Vpcs};
use crate::wire::place::Zones as ZoneList;
use crate::wire::volume::Volumes;
use netweave_model::ObjectKey;
use netweave_model::domain::{
    LocationInfo, OCloudSiteInfo, Point, ResourceClass, ResourceKind, ResourcePoolInfo, ResourceTypeInfo,
};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-west-2";

/// Answers in the form of the service's reference, written for these tests; `PAGE` stands for the elements.
fn items<T: Page>(element: &str, page: &str) -> Vec<T::Item> {
    let action = T::ACTION;
    let text = format!("<{action}Response><{element}>{page}</{element}></{action}Response>");
    wire::read::<T>(&text).unwrap().into_parts().0
}

const ZONES: &str = "
<item><zoneName>us-west-2a</zoneName><zoneId>usw2-az1</zoneId><zoneType>availability-zone</zoneType><zoneState>available</zoneState>
<regionName>us-west-2</regionName><groupName>us-west-2-zg-1</groupName><networkBorderGroup>us-west-2</networkBorderGroup>
<messageSet><item><message>changes without a change</message></item></messageSet></item>
<item><zoneName>us-west-2-lax-1a</zoneName><zoneId>usw2-lax1-az1</zoneId><zoneType>local-zone</zoneType><zoneState>available</zoneState>
<regionName>us-west-2</regionName><groupName>us-west-2-lax-1</groupName><groupLongName>US West (Los Angeles) 1</groupLongName>
<networkBorderGroup>us-west-2-lax-1</networkBorderGroup><parentZoneId>usw2-az1</parentZoneId></item>";

struct Ground {
    scope: Scope,
    zones: Zones,
    groups: BTreeMap<String, Id>,
}

impl Ground {
    fn new() -> Self {
        let scope = Scope { source: SourceName::from("aws-1"), o_cloud_id: Id::from("cloud") };
        let groups = BTreeMap::from([("workers".to_owned(), Id::from("pool-of-workers"))]);
        Self { scope, zones: Zones::new(items::<ZoneList>("availabilityZoneInfo", ZONES)).unwrap(), groups }
    }

    fn here(&self) -> Here<'_> {
        Here {
            scope: &self.scope,
            account: ACCOUNT,
            region: REGION,
            zones: &self.zones,
            groups: &self.groups,
        }
    }

    fn zone_pool(&self, zone: &str) -> Id {
        self.scope.id(Kind::ResourcePool, &format!("{ACCOUNT}/{zone}"))
    }
}

fn info(member: &Member) -> ResourceInfo {
    serde_json::from_slice(&member.object.json).unwrap()
}

fn decoded<T: DeserializeOwned>(objects: &[Object]) -> Vec<T> {
    objects.iter().map(|object| serde_json::from_slice(&object.json).unwrap()).collect()
}

const INSTANCE: &str = "<item><ownerId>123456789012</ownerId><instancesSet><item>
<instanceId>i-1</instanceId><instanceType>m5.large</instanceType><instanceState><name>running</name></instanceState>
<architecture>x86_64</architecture><imageId>ami-1</imageId><launchTime>2026-01-02T03:04:05.000Z</launchTime>
<placement><availabilityZone>us-west-2a</availabilityZone><tenancy>host</tenancy><hostId>h-1</hostId></placement>
<keyName>secret-key</keyName><iamInstanceProfile><arn>secret-role</arn></iamInstanceProfile>
<spotInstanceRequestId>sir-money</spotInstanceRequestId><usageOperation>RunInstances-money</usageOperation>
<platformDetails>money</platformDetails><productCodes><item><productCode>money</productCode></item></productCodes>
<cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>
<vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId><privateIpAddress>10.0.0.4</privateIpAddress><ipAddress/>
<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><macAddress>02:00:00:00:00:01</macAddress></item></networkInterfaceSet>
<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-1</volumeId><attachTime>x</attachTime></ebs></item></blockDeviceMapping>
<tagSet><item><key>Name</key><value>web</value></item><item><key>team</key><value>a</value></item></tagSet>
</item></instancesSet></item>";

#[test]
fn an_instance_becomes_a_resource_with_all_that_is_known() {
    let ground = Ground::new();
    let instances = items::<Instances>("reservationSet", INSTANCE);
    let member = instance::instance(&ground.here(), &instances[0]).unwrap();
    let info = info(&member);
    let arn = "arn:aws:ec2:us-west-2:123456789012:instance/i-1";
    assert_eq!(info.resource_id, ground.scope.id(Kind::Resource, arn));
    assert_eq!(info.global_asset_id.as_deref(), Some(arn));
    assert_eq!(info.resource_pool_id, ground.zone_pool("usw2-az1"), "by the zone's id, not its name");
    assert_eq!(info.resource_type_id, ground.scope.id(Kind::ResourceType, "instance/m5.large"));
    assert_eq!(info.description, "Instance web (i-1)");
    let extensions = Value::Object(info.extensions);
    for (pointer, expected) in [
        ("/nativeId", json!(arn)),
        ("/instanceId", json!("i-1")),
        ("/state", json!("running")),
        ("/zoneId", json!("usw2-az1")),
        ("/tags", json!({"Name": "web", "team": "a"})),
        ("/hostId", json!("h-1")),
        ("/cores", json!(1)),
        ("/addresses", json!([{"type": "InternalIP", "address": "10.0.0.4"}])),
        ("/interfaces/0/mac", json!("02:00:00:00:00:01")),
        ("/volumes", json!([{"device": "/dev/xvda", "volumeId": "vol-1"}])),
        ("/startedAt", json!("2026-01-02T03:04:05.000Z")),
        ("/accountId", json!(ACCOUNT)),
    ] {
        assert_eq!(extensions.pointer(pointer), Some(&expected), "{pointer}");
    }
    let text = String::from_utf8_lossy(&member.object.json);
    for hidden in ["secret", "money", "sir-", "attachTime", "platformDetails"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

#[test]
fn an_instance_of_a_group_is_in_the_groups_pool_if_groups_are_pools() {
    let ground = Ground::new();
    let tagged = INSTANCE.replace(
        "<key>team</key><value>a</value>",
        "<key>aws:autoscaling:groupName</key><value>workers</value>",
    );
    let instances = items::<Instances>("reservationSet", &tagged);
    let info = info(&instance::instance(&ground.here(), &instances[0]).unwrap());
    assert_eq!(
        (info.resource_pool_id, info.groups),
        (Id::from("pool-of-workers"), vec!["workers".to_owned()])
    );
    let none = BTreeMap::new();
    let here = Here { groups: &none, ..ground.here() };
    let info = self::info(&instance::instance(&here, &instances[0]).unwrap());
    assert_eq!(
        (info.resource_pool_id, info.groups),
        (ground.zone_pool("usw2-az1"), vec!["workers".to_owned()])
    );
}

#[test]
fn what_ended_is_gone_although_it_is_listed() {
    for (state, gone) in
        [("terminated", true), ("shutting-down", false), ("stopped", false), ("new-state", false)]
    {
        let text = INSTANCE.replace("<name>running</name>", &format!("<name>{state}</name>"));
        assert_eq!(instance::is_gone(&items::<Instances>("reservationSet", &text)[0]), gone, "{state}");
    }
}

#[test]
fn a_bare_instance_in_an_unknown_zone_is_in_the_regions_pool() {
    let ground = Ground::new();
    let text = "<item><instancesSet><item><instanceId>i-2</instanceId><instanceType>t</instanceType></item></instancesSet></item>";
    let member = instance::instance(&ground.here(), &items::<Instances>("reservationSet", text)[0]).unwrap();
    assert_eq!(info(&member).resource_pool_id, ground.zone_pool(REGION));
    assert_eq!(info(&member).description, "Instance i-2");
}

#[test]
fn a_host_is_a_machine_of_its_family() {
    let ground = Ground::new();
    let text = "<item><hostId>h-1</hostId><ownerId>999988887777</ownerId><state>available</state>
<availabilityZone>us-west-2a</availabilityZone><availableCapacity><availableVCpus>90</availableVCpus></availableCapacity>
<hostReservationId>hr-money</hostReservationId>
<hostProperties><cores>48</cores><sockets>2</sockets><totalVCpus>96</totalVCpus><instanceFamily>m5</instanceFamily></hostProperties>
<instances><item><instanceId>i-2</instanceId></item><item><instanceId>i-1</instanceId></item></instances></item>";
    let hosts = items::<Hosts>("hostSet", text);
    let member = capacity::host(&ground.here(), &hosts[0]).unwrap();
    let info = info(&member);
    assert_eq!(
        info.global_asset_id.as_deref(),
        Some("arn:aws:ec2:us-west-2:999988887777:dedicated-host/h-1")
    );
    assert_eq!(info.extensions["instances"], json!(["i-1", "i-2"]), "in an order of their own");
    assert_eq!(
        (info.extensions["sockets"].as_u64(), info.extensions["accountId"].as_str()),
        (Some(2), Some("999988887777"))
    );
    assert!(!String::from_utf8_lossy(&member.object.json).contains("money"));
    let kind = kind::resource_type(&ground.scope, &member.kind, None);
    assert_eq!((kind.model.as_str(), kind.resource_kind), ("m5", ResourceKind::Physical));
    let gone = text.replace("<state>available<", "<state>released<");
    assert!(
        capacity::host_is_gone(&items::<Hosts>("hostSet", &gone)[0]) && !capacity::host_is_gone(&hosts[0])
    );
}

#[test]
fn a_capacity_reservation_tells_how_much_is_left() {
    let ground = Ground::new();
    let text = "<item><capacityReservationId>cr-1</capacityReservationId><state>active</state><instanceType>p4d.24xlarge</instanceType>
<availabilityZoneId>usw2-az1</availabilityZoneId><totalInstanceCount>4</totalInstanceCount><availableInstanceCount>1</availableInstanceCount>
<unusedReservationBillingOwnerId>money</unusedReservationBillingOwnerId></item>";
    let all = items::<CapacityReservations>("capacityReservationSet", text);
    let member = capacity::reservation(&ground.here(), &all[0]).unwrap();
    let info = info(&member);
    assert_eq!(info.resource_pool_id, ground.zone_pool("usw2-az1"));
    assert_eq!(
        (&info.extensions["instanceCount"], &info.extensions["availableInstanceCount"]),
        (&json!(4), &json!(1))
    );
    assert_eq!(
        info.resource_type_id,
        ground.scope.id(Kind::ResourceType, "capacity-reservation/p4d.24xlarge")
    );
    let gone = text.replace(">active<", ">cancelled<");
    assert!(capacity::reservation_is_gone(
        &items::<CapacityReservations>("capacityReservationSet", &gone)[0]
    ));
}

#[test]
fn networks_and_volumes_have_their_classes_and_no_counters() {
    let ground = Ground::new();
    let vpcs = items::<Vpcs>(
        "vpcSet",
        "<item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockAssociationSet><item><cidrBlock>10.0.0.0/16</cidrBlock></item></cidrBlockAssociationSet><isDefault>true</isDefault></item>",
    );
    let vpc = network::vpc(&ground.here(), &vpcs[0]).unwrap();
    assert_eq!(info(&vpc).resource_pool_id, ground.zone_pool(REGION), "it spans the region");
    let subnets = items::<Subnets>(
        "subnetSet",
        "<item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><availabilityZoneId>usw2-lax1-az1</availabilityZoneId><availableIpAddressCount>251</availableIpAddressCount></item>",
    );
    let subnet = network::subnet(&ground.here(), &subnets[0]).unwrap();
    assert_eq!(info(&subnet).resource_pool_id, ground.zone_pool("usw2-lax1-az1"));
    assert!(
        !String::from_utf8_lossy(&subnet.object.json).contains("251"),
        "free addresses change with every instance"
    );
    let volumes = items::<Volumes>(
        "volumeSet",
        "<item><volumeId>vol-1</volumeId><volumeType>gp3</volumeType><status>in-use</status><size>8</size><kmsKeyId>secret</kmsKeyId><availabilityZone>us-west-2a</availabilityZone><attachmentSet><item><instanceId>i-1</instanceId><device>/dev/xvda</device><status>attached</status></item></attachmentSet></item>",
    );
    let volume = volume::volume(&ground.here(), &volumes[0]).unwrap();
    assert_eq!(
        info(&volume).extensions["attachments"],
        json!([{"instanceId": "i-1", "device": "/dev/xvda", "state": "attached"}])
    );
    assert!(!String::from_utf8_lossy(&volume.object.json).contains("secret"));
    for (member, class, model) in [
        (&vpc, ResourceClass::Networking, "vpc"),
        (&subnet, ResourceClass::Networking, "subnet"),
        (&volume, ResourceClass::Storage, "gp3"),
    ] {
        let kind = kind::resource_type(&ground.scope, &member.kind, None);
        assert_eq!((kind.resource_class, kind.model.as_str(), kind.vendor.as_str()), (class, model, "aws"));
    }
}

#[test]
fn an_instance_type_says_what_it_is_made_of() {
    let scope = Ground::new().scope;
    let types = items::<InstanceTypes>("instanceTypeSet", "<item><instanceType>g5.metal</instanceType><bareMetal>true</bareMetal><currentGeneration>true</currentGeneration>
<processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures><manufacturer>AMD</manufacturer></processorInfo>
<vCpuInfo><defaultVCpus>96</defaultVCpus><defaultCores>48</defaultCores></vCpuInfo><memoryInfo><sizeInMiB>393216</sizeInMiB></memoryInfo>
<gpuInfo><gpus><item><name>A10G</name><manufacturer>NVIDIA</manufacturer><count>8</count></item></gpus></gpuInfo>
<freeTierEligible>false</freeTierEligible></item>");
    let key = TypeKey::new(Sort::Instance, "g5.metal");
    let info = kind::resource_type(&scope, &key, Some(&types[0]));
    assert_eq!((info.resource_kind, info.resource_class), (ResourceKind::Physical, ResourceClass::Compute));
    let extensions = Value::Object(info.extensions);
    for (pointer, expected) in [
        ("/nativeId", json!("instance/g5.metal")),
        ("/vcpus", json!(96)),
        ("/memoryMiB", json!(393_216)),
        ("/architectures", json!(["x86_64"])),
        ("/gpus", json!([{"name": "A10G", "manufacturer": "NVIDIA", "count": 8}])),
    ] {
        assert_eq!(extensions.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert!(extensions.get("freeTierEligible").is_none());
    let unknown = kind::resource_type(&scope, &TypeKey::new(Sort::Instance, "z9.large"), None);
    assert_eq!((unknown.model.as_str(), unknown.resource_kind), ("z9.large", ResourceKind::Logical));
}

#[test]
fn a_group_is_a_pool_at_its_region() {
    let ground = Ground::new();
    let text = "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member>
<AutoScalingGroupName>workers</AutoScalingGroupName><AutoScalingGroupARN>arn:group</AutoScalingGroupARN><MinSize>1</MinSize><MaxSize>5</MaxSize>
<DesiredCapacity>3</DesiredCapacity><AvailabilityZones><member>us-west-2a</member></AvailabilityZones>
<Tags><member><Key>team</Key><Value>a</Value></member></Tags></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>";
    let groups = wire::read::<Groups>(text).unwrap().into_parts().0;
    let pool = pool::group(&ground.here(), &groups[0]).info;
    assert_eq!(pool.resource_pool_id, pool::group_id(&ground.scope, &groups[0]));
    assert_eq!((pool.name.as_str(), pool.location.as_deref()), ("workers", Some(REGION)));
    assert_eq!(
        (&pool.extensions["desiredCapacity"], &pool.extensions["tags"]),
        (&json!(3), &json!({"team": "a"}))
    );
}

/// Reads the ground twice, as two accounts do, with one resource that both see.
fn two_accounts(ground: &Ground) -> inventory::Whole {
    let mut all = Inventory::default();
    for (index, account) in [ACCOUNT, "999988887777"].into_iter().enumerate() {
        let here = Here { account, ..ground.here() };
        let mut part = Inventory::default();
        part.put_pool(pool::region(&here), Place { region: REGION.to_owned(), words: None }).unwrap();
        for zone in ground.zones.iter() {
            part.put_pool(pool::zone(&here, zone), Place::of(zone)).unwrap();
        }
        let shared = items::<Subnets>(
            "subnetSet",
            "<item><subnetId>subnet-1</subnetId><ownerId>123456789012</ownerId></item>",
        );
        let name =
            Name { account: index, region: REGION.to_owned(), sort: Sort::Subnet, id: "subnet-1".to_owned() };
        part.put(network::subnet(&here, &shared[0]).unwrap(), name);
        all.merge(&part);
    }
    all.finish(&ground.scope, &HashMap::new()).unwrap()
}

fn of(whole: &inventory::Whole, kind: Kind) -> Vec<Object> {
    whole.objects.values().filter(|object| object.key.kind == kind).cloned().collect()
}

#[test]
fn places_follow_from_zones_and_sites_from_accounts() {
    let ground = Ground::new();
    let whole = two_accounts(&ground);
    let locations: Vec<LocationInfo> = decoded(&of(&whole, Kind::Location));
    let named = |name: &str| locations.iter().find(|location| location.name == name).unwrap();
    assert_eq!(locations.len(), 2);
    assert_eq!(named(REGION).coordinate, Some(Point::new(-119.7, 45.8)));
    let outside = named("us-west-2-lax-1");
    assert_eq!(outside.address.as_deref(), Some("US West (Los Angeles) 1"));
    assert_eq!((&outside.coordinate, outside.o_cloud_site_ids.len()), (&None, 2));
    let sites: Vec<OCloudSiteInfo> = decoded(&of(&whole, Kind::OCloudSite));
    assert_eq!(sites.len(), 4, "two accounts at two places");
    let pools: Vec<ResourcePoolInfo> = decoded(&of(&whole, Kind::ResourcePool));
    assert_eq!(pools.len(), 6, "the region and two zones, twice");
    for pool in &pools {
        let site = sites.iter().find(|site| site.o_cloud_site_id == pool.o_cloud_site_id).unwrap();
        assert!(site.resource_pools.contains(&pool.resource_pool_id));
        assert_eq!(site.global_location_id, pool.global_location_id);
    }
    let types: Vec<ResourceTypeInfo> = decoded(&of(&whole, Kind::ResourceType));
    assert_eq!(types.len(), 1);
}

#[test]
fn what_two_accounts_share_is_one_resource() {
    let ground = Ground::new();
    let whole = two_accounts(&ground);
    let resources = of(&whole, Kind::Resource);
    assert_eq!(resources.len(), 1);
    let key = ObjectKey { kind: Kind::Resource, id: resources[0].key.id.clone() };
    assert_eq!(whole.objects.get(&key), Some(&resources[0]));
    let pool = decoded::<ResourceInfo>(&resources).remove(0).resource_pool_id;
    assert_eq!(pool, ground.zone_pool(REGION), "as the first account tells it");
}
