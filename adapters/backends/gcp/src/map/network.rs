//! Networks and subnetworks -> resources of class NETWORKING.

use super::kind::Plain;
use super::{Home, Pairs, Scope, described};
use crate::wire::{Network, Subnetwork, last_of};
use netweave_model::domain::{KeyValuePairs, ResourceInfo};
use netweave_model::{Kind, Object, Result};
use serde_json::json;

/// Maps a network.
///
/// # Errors
/// `Internal`: it cannot be serialised.
pub(crate) fn network(scope: &Scope, home: &Home, item: &Network) -> Result<Object> {
    let native = home.path("networks", &item.name);
    let pairs = Pairs::of(&native)
        .maybe("uid", item.id.clone())
        .with("name", item.name.as_str())
        .home(home)
        .maybe("createdAt", item.creation_timestamp.clone())
        .maybe("autoCreateSubnetworks", item.auto_create_subnetworks)
        .maybe("mtu", item.mtu)
        .maybe("internalIpv6Range", item.internal_ipv6_range.clone())
        .maybe("routingMode", item.routing_config.as_ref().and_then(|config| config.routing_mode.clone()));
    let description =
        described(item.description.as_ref(), || format!("Network {} of project {}", item.name, home.project));
    resource(scope, home, &Plain::Network, &native, description, pairs.done())
}

/// Maps a subnetwork.
///
/// # Errors
/// `Internal`: it cannot be serialised.
pub(crate) fn subnetwork(scope: &Scope, home: &Home, item: &Subnetwork) -> Result<Object> {
    let native = home.path("subnetworks", &item.name);
    let ranges = item.secondary_ip_ranges.iter().flatten();
    let ranges = ranges.map(|range| json!({ "name": range.range_name, "ipCidrRange": range.ip_cidr_range }));
    let pairs = Pairs::of(&native)
        .maybe("uid", item.id.clone())
        .with("name", item.name.as_str())
        .home(home)
        .maybe("createdAt", item.creation_timestamp.clone())
        .maybe("network", last_of(item.network.as_ref()))
        .maybe("ipCidrRange", item.ip_cidr_range.clone())
        .maybe("ipv6CidrRange", item.ipv6_cidr_range.clone())
        .maybe("gatewayAddress", item.gateway_address.clone())
        .list("secondaryIpRanges", ranges.collect())
        .maybe("purpose", item.purpose.clone())
        .maybe("role", item.role.clone())
        .maybe("stackType", item.stack_type.clone())
        .maybe("privateIpGoogleAccess", item.private_ip_google_access);
    let description = described(item.description.as_ref(), || {
        format!("Subnetwork {} in {} of project {}", item.name, home.place.name(), home.project)
    });
    resource(scope, home, &Plain::Subnetwork, &native, description, pairs.done())
}

fn resource(
    scope: &Scope,
    home: &Home,
    kind: &Plain,
    native: &str,
    description: String,
    extensions: KeyValuePairs,
) -> Result<Object> {
    Object::encode(&ResourceInfo {
        resource_id: scope.id(Kind::Resource, native),
        resource_pool_id: home.pool_id(scope),
        resource_type_id: kind.id(scope),
        global_asset_id: Some(Home::asset(native)),
        description,
        elements: Vec::new(),
        tags: Vec::new(),
        groups: Vec::new(),
        extensions,
    })
}
