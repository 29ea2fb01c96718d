//! Instances -> resources.

use super::kind::{Sort, TypeKey};
use super::{Here, Member, Pairs, Parts, described, member, pool};
use crate::error::unreadable;
use crate::wire;
use crate::wire::instance::{Device, Instance, Interface};
use netweave_model::Result;
use serde_json::{Value, json};

/// The tag that tells which Auto Scaling group an instance is in.
const GROUP: &str = "aws:autoscaling:groupName";

/// Whether an instance is gone; it is still listed for about an hour.
pub(crate) fn is_gone(instance: &Instance) -> bool {
    instance.instance_state.name == "terminated"
}

/// Maps an instance. Keys, user data, roles and everything about money are not even read.
///
/// # Errors
/// `Unavailable`: it has no type, which every instance has.
pub(crate) fn instance(here: &Here<'_>, instance: &Instance) -> Result<Member> {
    if instance.instance_type.is_empty() {
        return Err(unreadable("an instance without a type"));
    }
    let tags = wire::tags(&instance.tag_set);
    let group = tags.get(GROUP).copied();
    let zone =
        (instance.placement.availability_zone_id.as_deref(), instance.placement.availability_zone.as_deref());
    let pool = group.and_then(|name| here.groups.get(name).cloned());
    member(
        here.scope,
        Parts {
            native: here.arn(&instance.owner_id, &format!("instance/{}", instance.instance_id)),
            pool: pool.unwrap_or_else(|| pool::of_zone(here, zone.0, zone.1)),
            kind: TypeKey::new(Sort::Instance, &instance.instance_type),
            description: described("Instance", &instance.instance_id, &instance.tag_set),
            groups: group.map(str::to_owned).into_iter().collect(),
            extensions: extensions(here, instance).0,
        },
    )
}

fn extensions(here: &Here<'_>, instance: &Instance) -> Pairs {
    let zone =
        (instance.placement.availability_zone_id.as_deref(), instance.placement.availability_zone.as_deref());
    let cpu = instance.cpu_options.clone().unwrap_or_default();
    Pairs::new()
        .common(here, &instance.owner_id, &instance.tag_set)
        .put("instanceId", &instance.instance_id)
        .put("instanceType", &instance.instance_type)
        .put("state", &instance.instance_state.name)
        .put("zoneId", here.zones.find(zone.0, zone.1).map(|zone| &zone.zone_id))
        .put("architecture", &instance.architecture)
        .put("platform", &instance.platform)
        .put("imageId", &instance.image_id)
        .put("startedAt", &instance.launch_time)
        .put("lifecycle", &instance.instance_lifecycle)
        .put("tenancy", &instance.placement.tenancy)
        .put("hostId", &instance.placement.host_id)
        .put("placementGroup", &instance.placement.group_name)
        .put("capacityReservationId", &instance.capacity_reservation_id)
        .put("cores", cpu.core_count)
        .put("threadsPerCore", cpu.threads_per_core)
        .put("vpcId", &instance.vpc_id)
        .put("subnetId", &instance.subnet_id)
        .put("addresses", addresses(instance))
        .put("interfaces", instance.network_interface_set.items.iter().map(interface).collect::<Vec<_>>())
        .put("volumes", instance.block_device_mapping.items.iter().filter_map(volume).collect::<Vec<_>>())
}

fn addresses(instance: &Instance) -> Vec<Value> {
    [
        ("InternalIP", &instance.private_ip_address),
        ("InternalDNS", &instance.private_dns_name),
        ("ExternalIP", &instance.ip_address),
        ("IPv6", &instance.ipv6_address),
    ]
    .into_iter()
    .filter_map(|(kind, address)| Some((kind, address.as_deref().filter(|text| !text.is_empty())?)))
    .map(|(kind, address)| json!({ "type": kind, "address": address }))
    .collect()
}

fn interface(interface: &Interface) -> Value {
    let pairs = Pairs::new()
        .put("id", &interface.network_interface_id)
        .put("type", &interface.interface_type)
        .put("mac", &interface.mac_address)
        .put("subnetId", &interface.subnet_id)
        .put("address", &interface.private_ip_address);
    Value::Object(pairs.0)
}

fn volume(device: &Device) -> Option<Value> {
    let volume = device.ebs.as_ref()?.volume_id.as_ref()?;
    Some(json!({ "device": device.device_name, "volumeId": volume }))
}
