//! Dedicated hosts and capacity reservations.

use super::{Answer, Page, Set, Tag};
use crate::endpoint::Service;
use serde::Deserialize;

/// The answer of `DescribeHosts`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hosts {
    host_set: Set<Host>,
    #[serde(default)]
    next_token: Option<String>,
}

/// A dedicated host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Host {
    pub(crate) host_id: String,
    pub(crate) owner_id: String,
    /// `available`, `under-assessment`, `permanent-failure`, `released`, ...
    pub(crate) state: String,
    pub(crate) availability_zone: Option<String>,
    pub(crate) availability_zone_id: Option<String>,
    pub(crate) allocation_time: Option<String>,
    pub(crate) auto_placement: Option<String>,
    pub(crate) host_recovery: Option<String>,
    pub(crate) allows_multiple_instance_types: Option<String>,
    pub(crate) host_properties: Properties,
    pub(crate) instances: Set<Guest>,
    pub(crate) tag_set: Set<Tag>,
}

/// What a host is made of.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Properties {
    pub(crate) cores: Option<u64>,
    pub(crate) sockets: Option<u64>,
    #[serde(rename = "totalVCpus")]
    pub(crate) total_vcpus: Option<u64>,
    pub(crate) instance_family: Option<String>,
    pub(crate) instance_type: Option<String>,
}

/// An instance on a host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Guest {
    pub(crate) instance_id: String,
}

impl Answer for Hosts {
    const SERVICE: Service = Service::Ec2;
    const ACTION: &'static str = "DescribeHosts";
}

impl Page for Hosts {
    type Item = Host;
    const MOST: Option<(&'static str, u32)> = Some(("MaxResults", 500));

    fn into_parts(self) -> (Vec<Host>, Option<String>) {
        (self.host_set.items, self.next_token)
    }
}

/// The answer of `DescribeCapacityReservations`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CapacityReservations {
    capacity_reservation_set: Set<CapacityReservation>,
    #[serde(default)]
    next_token: Option<String>,
}

/// Capacity that is kept free for instances of a type.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CapacityReservation {
    pub(crate) capacity_reservation_id: String,
    pub(crate) owner_id: String,
    /// `active`, `expired`, `cancelled`, `pending`, `failed`, ...
    pub(crate) state: String,
    pub(crate) instance_type: String,
    pub(crate) instance_platform: Option<String>,
    pub(crate) availability_zone: Option<String>,
    pub(crate) availability_zone_id: Option<String>,
    pub(crate) tenancy: Option<String>,
    pub(crate) total_instance_count: Option<u64>,
    pub(crate) available_instance_count: Option<u64>,
    pub(crate) instance_match_criteria: Option<String>,
    pub(crate) create_date: Option<String>,
    pub(crate) end_date: Option<String>,
    pub(crate) tag_set: Set<Tag>,
}

impl Answer for CapacityReservations {
    const SERVICE: Service = Service::Ec2;
    const ACTION: &'static str = "DescribeCapacityReservations";
}

impl Page for CapacityReservations {
    type Item = CapacityReservation;
    const MOST: Option<(&'static str, u32)> = Some(("MaxResults", 500));

    fn into_parts(self) -> (Vec<CapacityReservation>, Option<String>) {
        (self.capacity_reservation_set.items, self.next_token)
    }
}
