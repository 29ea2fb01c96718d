//! Networks and subnetworks.

use serde::Deserialize;

/// The fields of a network that are read.
pub(crate) const NETWORK: &str = "id,name,description,creationTimestamp,autoCreateSubnetworks,mtu,internalIpv6Range,routingConfig/routingMode";
/// The fields of a subnetwork that are read.
pub(crate) const SUBNETWORK: &str = "id,name,description,creationTimestamp,network,ipCidrRange,gatewayAddress,\
secondaryIpRanges(rangeName,ipCidrRange),purpose,role,stackType,privateIpGoogleAccess,ipv6CidrRange";

/// A network, which is in no region.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Network {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) creation_timestamp: Option<String>,
    pub(crate) auto_create_subnetworks: Option<bool>,
    pub(crate) mtu: Option<i64>,
    pub(crate) internal_ipv6_range: Option<String>,
    pub(crate) routing_config: Option<Routing>,
}

/// How a network learns its routes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Routing {
    pub(crate) routing_mode: Option<String>,
}

/// A network's part in one region.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subnetwork {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) creation_timestamp: Option<String>,
    /// The URL of its network.
    pub(crate) network: Option<String>,
    pub(crate) ip_cidr_range: Option<String>,
    pub(crate) gateway_address: Option<String>,
    pub(crate) secondary_ip_ranges: Option<Vec<SecondaryRange>>,
    pub(crate) purpose: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) stack_type: Option<String>,
    pub(crate) private_ip_google_access: Option<bool>,
    pub(crate) ipv6_cidr_range: Option<String>,
}

/// A range of addresses beside the first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondaryRange {
    pub(crate) range_name: Option<String>,
    pub(crate) ip_cidr_range: Option<String>,
}
