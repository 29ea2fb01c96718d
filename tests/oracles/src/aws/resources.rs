//! What the SDK says of each resource, in the words that `docs/api-mapping.md` promises.

use super::places::Ground;
use super::{arn, owner};
use crate::harness::moto::{ACCOUNT, REGION};
use aws_sdk_ec2::primitives::{DateTime, DateTimeFormat};
use aws_sdk_ec2::types::{CapacityReservation, Host, Instance, Subnet, Tag, Volume, Vpc};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The tag that tells the group of an instance.
const GROUP: &str = "aws:autoscaling:groupName";

/// A name, what is said, and the type.
pub(super) type Mapped = (String, Value, String);

fn resource(native: String, pool: &str, kind: &str, groups: &[&str], extensions: &Value) -> Mapped {
    let mut value = json!({
        "globalAssetId": native, "resourcePoolId": pool, "resourceTypeId": format!("aws: {kind}"), "groups": groups,
        "extensions": extensions,
    });
    value["extensions"]["nativeId"] = native.clone().into();
    value["extensions"]["region"] = REGION.into();
    (native, value, kind.to_owned())
}

impl Ground {
    /// Returns the id of a zone that is there.
    fn zone<'a>(&'a self, id: Option<&'a str>, name: Option<&str>) -> Option<&'a str> {
        let known = id.filter(|id| self.zones.values().any(|zone| zone == id));
        known.or_else(|| self.zones.get(name?).map(String::as_str))
    }

    pub(super) fn instance(&self, owner: &str, one: &Instance) -> Mapped {
        let id = text(one.instance_id());
        let tags = tags(one.tags());
        let (placement, cpu) = (one.placement(), one.cpu_options());
        let zone = placement.and_then(|at| self.zone(at.availability_zone_id(), at.availability_zone()));
        let group = tags.get(GROUP).map(String::as_str);
        let pool = group.and_then(|name| self.groups.get(name)).cloned();
        let kind = text(one.instance_type().map(|kind| kind.as_str()));
        let addresses = [
            ("InternalIP", one.private_ip_address()),
            ("InternalDNS", one.private_dns_name()),
            ("ExternalIP", one.public_ip_address()),
            ("IPv6", one.ipv6_address()),
        ];
        let addresses =
            addresses.into_iter().filter_map(|(kind, one)| Some((kind, one.filter(|one| !one.is_empty())?)));
        let interfaces = one.network_interfaces().iter().map(|one| {
            json!({
                "id": one.network_interface_id(), "type": one.interface_type(), "mac": one.mac_address(),
                "subnetId": one.subnet_id(), "address": one.private_ip_address(),
            })
        });
        let volumes = one.block_device_mappings().iter().filter_map(|one| {
            Some(json!({ "device": one.device_name(), "volumeId": one.ebs()?.volume_id()? }))
        });
        let extensions = json!({
            "accountId": owner, "tags": tags, "instanceId": id, "instanceType": kind,
            "state": one.state().and_then(|state| state.name()).map(|name| name.as_str()), "zoneId": zone,
            "architecture": one.architecture().map(|word| word.as_str()), "platform": one.platform().map(|word| word.as_str()),
            "imageId": one.image_id(), "startedAt": time(one.launch_time()),
            "lifecycle": one.instance_lifecycle().map(|word| word.as_str()),
            "tenancy": placement.and_then(|at| at.tenancy()).map(|word| word.as_str()),
            "hostId": placement.and_then(|at| at.host_id()), "placementGroup": placement.and_then(|at| at.group_name()),
            "capacityReservationId": one.capacity_reservation_id(), "cores": cpu.and_then(|cpu| cpu.core_count()),
            "threadsPerCore": cpu.and_then(|cpu| cpu.threads_per_core()), "vpcId": one.vpc_id(), "subnetId": one.subnet_id(),
            "addresses": addresses.map(|(kind, one)| json!({ "type": kind, "address": one })).collect::<Vec<_>>(),
            "interfaces": interfaces.collect::<Vec<_>>(), "volumes": volumes.collect::<Vec<_>>(),
        });
        let groups = group.as_slice();
        let kind = format!("instance/{kind}");
        resource(
            arn(owner, &format!("instance/{id}")),
            &pool.unwrap_or_else(|| self::pool(zone)),
            &kind,
            groups,
            &extensions,
        )
    }

    pub(super) fn host(&self, one: &Host) -> Mapped {
        let (id, owner) = (text(one.host_id()), owner(one.owner_id()));
        let facts = one.host_properties();
        let zone = self.zone(one.availability_zone_id(), one.availability_zone());
        let mut guests: Vec<_> = one.instances().iter().filter_map(|guest| guest.instance_id()).collect();
        guests.sort_unstable();
        let (family, kind) =
            (facts.and_then(|of| of.instance_family()), facts.and_then(|of| of.instance_type()));
        let extensions = json!({
            "accountId": owner, "tags": tags(one.tags()), "hostId": id, "state": one.state().map(|word| word.as_str()),
            "zoneId": zone, "sockets": facts.and_then(|of| of.sockets()), "cores": facts.and_then(|of| of.cores()),
            "vcpus": facts.and_then(|of| of.total_v_cpus()), "instanceFamily": family, "instanceType": kind,
            "instances": guests, "autoPlacement": one.auto_placement().map(|word| word.as_str()),
            "hostRecovery": one.host_recovery().map(|word| word.as_str()),
            "allowsMultipleInstanceTypes": one.allows_multiple_instance_types().map(|word| word.as_str()),
            "createdAt": time(one.allocation_time()),
        });
        let family = family.or_else(|| kind?.split('.').next());
        let kind = format!("host/{}", text(family));
        resource(arn(owner, &format!("dedicated-host/{id}")), &pool(zone), &kind, &[], &extensions)
    }

    pub(super) fn reservation(&self, one: &CapacityReservation) -> Mapped {
        let (id, owner) = (text(one.capacity_reservation_id()), owner(one.owner_id()));
        let zone = self.zone(one.availability_zone_id(), one.availability_zone());
        let extensions = json!({
            "accountId": owner, "tags": tags(one.tags()), "capacityReservationId": id,
            "state": one.state().map(|word| word.as_str()), "zoneId": zone, "instanceType": one.instance_type(),
            "platform": one.instance_platform().map(|word| word.as_str()), "tenancy": one.tenancy().map(|word| word.as_str()),
            "instanceCount": one.total_instance_count(), "availableInstanceCount": one.available_instance_count(),
            "matchCriteria": one.instance_match_criteria().map(|word| word.as_str()),
            "createdAt": time(one.create_date()), "endsAt": time(one.end_date()),
        });
        let kind = format!("capacity-reservation/{}", text(one.instance_type()));
        resource(arn(owner, &format!("capacity-reservation/{id}")), &pool(zone), &kind, &[], &extensions)
    }

    pub(super) fn subnet(&self, one: &Subnet) -> Mapped {
        let (id, owner) = (text(one.subnet_id()), owner(one.owner_id()));
        let zone = self.zone(one.availability_zone_id(), one.availability_zone());
        let blocks = one.ipv6_cidr_block_association_set().iter().filter_map(|one| one.ipv6_cidr_block());
        let extensions = json!({
            "accountId": owner, "tags": tags(one.tags()), "subnetId": id, "vpcId": one.vpc_id(),
            "state": one.state().map(|word| word.as_str()), "zoneId": zone, "cidrBlock": one.cidr_block(),
            "ipv6CidrBlocks": blocks.collect::<Vec<_>>(), "ipv6Only": one.ipv6_native(), "default": one.default_for_az(),
            "publicAddresses": one.map_public_ip_on_launch(),
        });
        resource(arn(owner, &format!("subnet/{id}")), &pool(zone), "subnet", &[], &extensions)
    }

    pub(super) fn volume(&self, one: &Volume) -> Mapped {
        let id = text(one.volume_id());
        let zone = self.zone(one.availability_zone_id(), one.availability_zone());
        let attachments = one.attachments().iter().map(|one| {
            let state = one.state().map(|word| word.as_str());
            json!({ "instanceId": one.instance_id(), "device": one.device(), "state": state })
        });
        let extensions = json!({
            "accountId": ACCOUNT, "tags": tags(one.tags()), "volumeId": id, "state": one.state().map(|word| word.as_str()),
            "zoneId": zone, "sizeGiB": one.size(), "iops": one.iops(), "throughputMiBps": one.throughput(),
            "encrypted": one.encrypted(), "multiAttach": one.multi_attach_enabled(), "snapshotId": one.snapshot_id(),
            "attachments": attachments.collect::<Vec<_>>(), "createdAt": time(one.create_time()),
        });
        let kind = format!("volume/{}", text(one.volume_type().map(|word| word.as_str())));
        resource(arn(ACCOUNT, &format!("volume/{id}")), &pool(zone), &kind, &[], &extensions)
    }
}

pub(super) fn vpc(one: &Vpc) -> Mapped {
    let (id, owner) = (text(one.vpc_id()), owner(one.owner_id()));
    let blocks = one.cidr_block_association_set().iter().filter_map(|one| one.cidr_block());
    let blocks6 = one.ipv6_cidr_block_association_set().iter().filter_map(|one| one.ipv6_cidr_block());
    let extensions = json!({
        "accountId": owner, "tags": tags(one.tags()), "vpcId": id, "state": one.state().map(|word| word.as_str()),
        "cidrBlock": one.cidr_block(), "cidrBlocks": blocks.collect::<Vec<_>>(), "ipv6CidrBlocks": blocks6.collect::<Vec<_>>(),
        "default": one.is_default(), "tenancy": one.instance_tenancy().map(|word| word.as_str()),
    });
    resource(arn(owner, &format!("vpc/{id}")), &pool(None), "vpc", &[], &extensions)
}

fn pool(zone: Option<&str>) -> String {
    format!("{ACCOUNT}/{}", zone.unwrap_or(REGION))
}

fn tags(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (text(tag.key()).to_owned(), text(tag.value()).to_owned())).collect()
}

pub(super) fn text(text: Option<&str>) -> &str {
    text.unwrap_or_default()
}

pub(super) fn time(time: Option<&DateTime>) -> Option<String> {
    time.map(|time| time.fmt(DateTimeFormat::DateTimeWithOffset).expect("a time"))
}
