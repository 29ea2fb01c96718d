//! Nodes -> resources.

use super::kind::{Family, TypeKey, UNKNOWN};
use super::place::{self, SiteKey};
use super::quantity::Amount;
use super::{Member, Scope, Share, extensions, named};
use k8s_openapi::api::core::v1::{Node, NodeStatus, NodeSystemInfo};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use netweave_model::domain::{KeyValuePairs, ResourceInfo};
use netweave_model::{Id, Kind, Object, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
const ROLE: &str = "node-role.kubernetes.io/";
const GIB: i128 = 1 << 30;

/// Returns the identifier of a node's resource.
pub(crate) fn id(scope: &Scope, name: &str) -> Id {
    scope.id(Kind::Resource, &format!("node/{name}"))
}

/// Maps a node. Nothing that a heartbeat touches goes in: no condition times, no resource version, no managed fields.
pub(crate) fn node(scope: &Scope, node: &Node) -> Result<Member> {
    let name = named(&node.metadata)?;
    let status = node.status.clone().unwrap_or_default();
    let share = Share {
        pool: place::pool_of(scope, &node.metadata),
        site: SiteKey::of(&node.metadata),
        kind: type_of(node, &status),
        capacity: amounts(status.capacity.as_ref()),
    };
    let info = ResourceInfo {
        resource_id: id(scope, name),
        resource_pool_id: place::pool_id(scope, &share.pool),
        resource_type_id: share.kind.id(scope),
        global_asset_id: asset(node, &status),
        description: format!("Node {name} of cluster {}", scope.source),
        elements: Vec::new(),
        tags: Vec::new(),
        groups: roles(node),
        extensions: node_extensions(node, &status, name),
    };
    Ok(Member { object: Object::encode(&info)?, share })
}

fn node_extensions(node: &Node, status: &NodeStatus, name: &str) -> KeyValuePairs {
    let mut pairs = extensions(&node.metadata, name);
    let mut put = |key: &str, value: Value| drop(pairs.insert(key.to_owned(), value));
    if let Some(spec) = &node.spec {
        put("schedulable", json!(!spec.unschedulable.unwrap_or(false)));
        if let Some(provider) = &spec.provider_id {
            put("providerId", json!(provider));
        }
        if let Some(cidrs) = &spec.pod_cidrs {
            put("podCidrs", json!(cidrs));
        }
        let taint = |taint: &k8s_openapi::api::core::v1::Taint| json!({"key": taint.key, "value": taint.value.clone().unwrap_or_default(), "effect": taint.effect});
        put("taints", spec.taints.iter().flatten().map(taint).collect());
    } else {
        put("schedulable", json!(true));
    }
    put("capacity", json!(status.capacity.clone().unwrap_or_default()));
    put("allocatable", json!(status.allocatable.clone().unwrap_or_default()));
    let address = |address: &k8s_openapi::api::core::v1::NodeAddress| json!({"type": address.type_, "address": address.address});
    put("addresses", status.addresses.iter().flatten().map(address).collect());
    let conditions: BTreeMap<&str, &str> =
        status.conditions.iter().flatten().map(|c| (c.type_.as_str(), c.status.as_str())).collect();
    put("ready", json!(conditions.get("Ready") == Some(&"True")));
    put("conditions", json!(conditions));
    if let Some(info) = &status.node_info {
        put("nodeInfo", node_info(info));
    }
    pairs
}

fn node_info(info: &NodeSystemInfo) -> Value {
    json!({
        "architecture": info.architecture,
        "operatingSystem": info.operating_system,
        "osImage": info.os_image,
        "kernelVersion": info.kernel_version,
        "kubeletVersion": info.kubelet_version,
        "containerRuntimeVersion": info.container_runtime_version,
        "machineId": info.machine_id,
        "systemUuid": info.system_uuid,
        "bootId": info.boot_id,
    })
}

fn roles(node: &Node) -> Vec<String> {
    let labels = node.metadata.labels.iter().flatten();
    labels.filter_map(|(key, _)| key.strip_prefix(ROLE)).map(str::to_owned).collect()
}

/// The cloud's name of the node, or the machine's own number.
fn asset(node: &Node, status: &NodeStatus) -> Option<String> {
    let provider = node.spec.as_ref().and_then(|spec| spec.provider_id.clone());
    let uuid = status.node_info.as_ref().map(|info| &info.system_uuid).filter(|uuid| !uuid.is_empty());
    provider.or_else(|| uuid.map(|uuid| format!("urn:uuid:{}", uuid.to_lowercase())))
}

fn type_of(node: &Node, status: &NodeStatus) -> TypeKey {
    let provider = node.spec.as_ref().and_then(|spec| spec.provider_id.as_deref()).unwrap_or_default();
    let vendor = provider.split_once("://").map(|(scheme, _)| scheme).filter(|scheme| !scheme.is_empty());
    let labels = node.metadata.labels.as_ref();
    let instance = labels.and_then(|labels| labels.get(INSTANCE_TYPE)).filter(|text| !text.is_empty());
    let architecture =
        status.node_info.as_ref().map(|info| info.architecture.as_str()).filter(|text| !text.is_empty());
    TypeKey {
        family: Family::Node,
        vendor: vendor.unwrap_or(UNKNOWN).to_owned(),
        model: instance.cloned().unwrap_or_else(|| shape(status)),
        architecture: architecture.unwrap_or(UNKNOWN).to_owned(),
    }
}

/// Describes the hardware in round numbers: equal machines report memory that differs by a little.
fn shape(status: &NodeStatus) -> String {
    let amount = |name| {
        let text = status.capacity.as_ref()?.get(name)?;
        Amount::parse(&text.0).map(|amount| amount.milli / 1000)
    };
    match (amount("cpu"), amount("memory")) {
        (Some(cpu), Some(memory)) => format!("{cpu} CPU, {} GiB", (memory + GIB / 2) / GIB),
        (Some(_) | None, _) => UNKNOWN.to_owned(),
    }
}

fn amounts(capacity: Option<&BTreeMap<String, Quantity>>) -> Vec<(String, Amount)> {
    let parsed = |(name, text): (&String, &Quantity)| Some((name.clone(), Amount::parse(&text.0)?));
    capacity.into_iter().flatten().filter_map(parsed).collect()
}
