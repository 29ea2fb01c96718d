//! Instances -> resources.

use super::machine::{self, accelerators, type_name};
use super::{Home, Pairs, Scope, described};
use crate::wire::{AttachedDisk, Instance, Interface, last, last_of};
use netweave_model::domain::ResourceInfo;
use netweave_model::{Kind, Object, Result};
use serde_json::{Map, Value};

/// Maps an instance.
///
/// # Errors
/// `Internal`: it cannot be serialised.
pub(crate) fn instance(scope: &Scope, home: &Home, item: &Instance) -> Result<Object> {
    let native = home.path("instances", &item.name);
    let machine = type_name(item);
    let pairs = Pairs::of(&native)
        .maybe("uid", item.id.clone())
        .with("name", item.name.as_str())
        .home(home)
        .maybe("createdAt", item.creation_timestamp.clone())
        .labels(item.labels.as_ref())
        .maybe("status", item.status.clone())
        .with("machineType", machine)
        .maybe("cpuPlatform", item.cpu_platform.clone())
        .maybe("minCpuPlatform", item.min_cpu_platform.clone())
        .maybe("hostname", item.hostname.clone())
        .maybe("canIpForward", item.can_ip_forward)
        .maybe("deletionProtection", item.deletion_protection)
        .list("accelerators", accelerators(item.guest_accelerators.as_deref()))
        .list("disks", item.disks.iter().flatten().map(attached).collect())
        .list("networkInterfaces", item.network_interfaces.iter().flatten().map(interface).collect());
    let mut tags = item.tags.as_ref().and_then(|tags| tags.items.clone()).unwrap_or_default();
    tags.sort_unstable();
    let info = ResourceInfo {
        resource_id: scope.id(Kind::Resource, &native),
        resource_pool_id: home.pool_id(scope),
        resource_type_id: machine::id(scope, machine),
        global_asset_id: Some(Home::asset(&native)),
        description: described(item.description.as_ref(), || {
            format!("Virtual machine {} in {} of project {}", item.name, home.place.name(), home.project)
        }),
        elements: Vec::new(),
        tags,
        groups: home.group.iter().map(|group| last(group).to_owned()).collect(),
        extensions: scheduled(pairs, item).done(),
    };
    Object::encode(&info)
}

/// Adds what the cloud may do with the instance.
fn scheduled(pairs: Pairs, item: &Instance) -> Pairs {
    let Some(scheduling) = &item.scheduling else { return pairs };
    pairs
        .maybe("provisioningModel", scheduling.provisioning_model.clone())
        .maybe("onHostMaintenance", scheduling.on_host_maintenance.clone())
        .maybe("automaticRestart", scheduling.automatic_restart)
}

fn attached(disk: &AttachedDisk) -> Value {
    let mut pairs = Map::new();
    let texts = [
        ("deviceName", disk.device_name.as_deref()),
        ("disk", last_of(disk.source.as_ref())),
        ("type", disk.r#type.as_deref()),
        ("mode", disk.mode.as_deref()),
        ("sizeGb", disk.disk_size_gb.as_deref()),
        ("interface", disk.interface.as_deref()),
    ];
    pairs.extend(known(texts));
    pairs.extend(disk.boot.map(|boot| ("boot".to_owned(), boot.into())));
    pairs.into()
}

fn interface(interface: &Interface) -> Value {
    let texts = [
        ("name", interface.name.as_deref()),
        ("network", last_of(interface.network.as_ref())),
        ("subnetwork", last_of(interface.subnetwork.as_ref())),
        ("networkIp", interface.network_ip.as_deref()),
        ("ipv6Address", interface.ipv6_address.as_deref()),
        ("nicType", interface.nic_type.as_deref()),
        ("stackType", interface.stack_type.as_deref()),
    ];
    known(texts).collect::<Map<_, _>>().into()
}

/// Returns the texts that are known.
fn known<const N: usize>(texts: [(&str, Option<&str>); N]) -> impl Iterator<Item = (String, Value)> {
    texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into())))
}
