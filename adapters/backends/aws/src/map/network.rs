//! VPCs and subnets -> networking resources.

use super::kind::{Sort, TypeKey};
use super::{Here, Member, Pairs, Parts, described, member, pool};
use crate::wire::network::{Block6, Subnet, Vpc};
use netweave_model::Result;

/// Maps a VPC, which spans its region.
pub(crate) fn vpc(here: &Here<'_>, vpc: &Vpc) -> Result<Member> {
    let blocks: Vec<&str> =
        vpc.cidr_block_association_set.items.iter().map(|block| block.cidr_block.as_str()).collect();
    let extensions = Pairs::new()
        .common(here, &vpc.owner_id, &vpc.tag_set)
        .put("vpcId", &vpc.vpc_id)
        .put("state", &vpc.state)
        .put("cidrBlock", &vpc.cidr_block)
        .put("cidrBlocks", blocks)
        .put("ipv6CidrBlocks", blocks6(&vpc.ipv6_cidr_block_association_set.items))
        .put("default", vpc.is_default)
        .put("tenancy", &vpc.instance_tenancy);
    member(
        here.scope,
        Parts {
            native: here.arn(&vpc.owner_id, &format!("vpc/{}", vpc.vpc_id)),
            pool: pool::of_region(here),
            kind: TypeKey::new(Sort::Vpc, ""),
            description: described("VPC", &vpc.vpc_id, &vpc.tag_set),
            groups: Vec::new(),
            extensions: extensions.0,
        },
    )
}

/// Maps a subnet. How many of its addresses are free changes with every instance and is left out.
pub(crate) fn subnet(here: &Here<'_>, subnet: &Subnet) -> Result<Member> {
    let zone = (subnet.availability_zone_id.as_deref(), subnet.availability_zone.as_deref());
    let extensions = Pairs::new()
        .common(here, &subnet.owner_id, &subnet.tag_set)
        .put("subnetId", &subnet.subnet_id)
        .put("vpcId", &subnet.vpc_id)
        .put("state", &subnet.state)
        .put("zoneId", here.zones.find(zone.0, zone.1).map(|zone| &zone.zone_id))
        .put("cidrBlock", &subnet.cidr_block)
        .put("ipv6CidrBlocks", blocks6(&subnet.ipv6_cidr_block_association_set.items))
        .put("ipv6Only", subnet.ipv6_native)
        .put("default", subnet.default_for_az)
        .put("publicAddresses", subnet.map_public_ip_on_launch);
    member(
        here.scope,
        Parts {
            native: here.arn(&subnet.owner_id, &format!("subnet/{}", subnet.subnet_id)),
            pool: pool::of_zone(here, zone.0, zone.1),
            kind: TypeKey::new(Sort::Subnet, ""),
            description: described("Subnet", &subnet.subnet_id, &subnet.tag_set),
            groups: Vec::new(),
            extensions: extensions.0,
        },
    )
}

fn blocks6(blocks: &[Block6]) -> Vec<&str> {
    blocks.iter().map(|block| block.ipv6_cidr_block.as_str()).collect()
}
