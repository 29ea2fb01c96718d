//! Regions and zones.

use super::{Answer, Page, Set};
use crate::endpoint::Service;
use serde::Deserialize;

/// The answer of `DescribeRegions`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Regions {
    region_info: Set<Region>,
}

/// A region.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region {
    pub(crate) region_name: String,
    /// `opt-in-not-required`, `opted-in` or `not-opted-in`.
    #[serde(default)]
    pub(crate) opt_in_status: String,
}

/// The answer of `DescribeAvailabilityZones`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Zones {
    availability_zone_info: Set<Zone>,
}

/// A zone; its name means another one in each account, its id does not.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Zone {
    pub(crate) region_name: String,
    pub(crate) zone_name: String,
    pub(crate) zone_id: String,
    /// `availability-zone`, `local-zone` or `wavelength-zone`.
    pub(crate) zone_type: String,
    pub(crate) zone_state: String,
    pub(crate) group_name: Option<String>,
    pub(crate) group_long_name: Option<String>,
    /// The region, or the name of a place outside of it.
    pub(crate) network_border_group: Option<String>,
    pub(crate) parent_zone_id: Option<String>,
}

impl Answer for Regions {
    const SERVICE: Service = Service::Ec2;
    const ACTION: &'static str = "DescribeRegions";
}

impl Page for Regions {
    type Item = Region;
    const MOST: Option<(&'static str, u32)> = None;

    fn into_parts(self) -> (Vec<Region>, Option<String>) {
        (self.region_info.items, None)
    }
}

impl Answer for Zones {
    const SERVICE: Service = Service::Ec2;
    const ACTION: &'static str = "DescribeAvailabilityZones";
}

impl Page for Zones {
    type Item = Zone;
    const MOST: Option<(&'static str, u32)> = None;

    fn into_parts(self) -> (Vec<Zone>, Option<String>) {
        (self.availability_zone_info.items, None)
    }
}
