//! VPCs and subnets.

use super::{Answer, Page, Set, Tag};
use crate::endpoint::Service;
use serde::Deserialize;

/// The answer of `DescribeVpcs`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Vpcs {
    vpc_set: Set<Vpc>,
    #[serde(default)]
    next_token: Option<String>,
}

/// A virtual network of a region.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Vpc {
    pub(crate) vpc_id: String,
    pub(crate) owner_id: String,
    pub(crate) state: String,
    pub(crate) cidr_block: Option<String>,
    pub(crate) is_default: Option<bool>,
    pub(crate) instance_tenancy: Option<String>,
    pub(crate) cidr_block_association_set: Set<Block>,
    pub(crate) ipv6_cidr_block_association_set: Set<Block6>,
    pub(crate) tag_set: Set<Tag>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Block {
    pub(crate) cidr_block: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Block6 {
    pub(crate) ipv6_cidr_block: String,
}

impl Answer for Vpcs {
    const SERVICE: Service = Service::Ec2;
    const ACTION: &'static str = "DescribeVpcs";
}

impl Page for Vpcs {
    type Item = Vpc;
    const MOST: Option<(&'static str, u32)> = Some(("MaxResults", 500));

    fn into_parts(self) -> (Vec<Vpc>, Option<String>) {
        (self.vpc_set.items, self.next_token)
    }
}

/// The answer of `DescribeSubnets`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subnets {
    subnet_set: Set<Subnet>,
    #[serde(default)]
    next_token: Option<String>,
}

/// A part of a virtual network, in one zone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Subnet {
    pub(crate) subnet_id: String,
    pub(crate) owner_id: String,
    pub(crate) state: String,
    pub(crate) vpc_id: Option<String>,
    pub(crate) availability_zone: Option<String>,
    pub(crate) availability_zone_id: Option<String>,
    pub(crate) cidr_block: Option<String>,
    pub(crate) default_for_az: Option<bool>,
    pub(crate) map_public_ip_on_launch: Option<bool>,
    pub(crate) ipv6_native: Option<bool>,
    pub(crate) ipv6_cidr_block_association_set: Set<Block6>,
    pub(crate) tag_set: Set<Tag>,
}

impl Answer for Subnets {
    const SERVICE: Service = Service::Ec2;
    const ACTION: &'static str = "DescribeSubnets";
}

impl Page for Subnets {
    type Item = Subnet;
    const MOST: Option<(&'static str, u32)> = Some(("MaxResults", 500));

    fn into_parts(self) -> (Vec<Subnet>, Option<String>) {
        (self.subnet_set.items, self.next_token)
    }
}
