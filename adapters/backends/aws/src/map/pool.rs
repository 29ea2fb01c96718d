//! Zones, whole regions and Auto Scaling groups -> pools.

use super::place::{self, SiteKey, location_id};
use super::{Here, Pairs, Scope};
use crate::wire::group::Group;
use crate::wire::place::Zone;
use netweave_model::domain::{KeyValuePairs, ResourcePoolInfo};
use netweave_model::{Id, Kind};
use std::collections::BTreeMap;

/// A pool and the site that it is at.
pub(crate) struct Pool {
    pub(crate) info: ResourcePoolInfo,
    pub(crate) site: SiteKey,
}

/// Returns the pool of what is in a zone; what is in none that is known is in the region's.
pub(crate) fn of_zone(here: &Here<'_>, id: Option<&str>, name: Option<&str>) -> Id {
    let zone = here.zones.find(id, name).map_or(here.region, |zone| &zone.zone_id);
    pool_id(here, zone)
}

/// Returns the pool of what spans a region.
pub(crate) fn of_region(here: &Here<'_>) -> Id {
    pool_id(here, here.region)
}

fn pool_id(here: &Here<'_>, place: &str) -> Id {
    here.scope.id(Kind::ResourcePool, &format!("{}/{place}", here.account))
}

/// Maps a zone of an account. Its name is the account's own; its id is the same for all.
pub(crate) fn zone(here: &Here<'_>, zone: &Zone) -> Pool {
    let extensions = Pairs::new()
        .put("nativeId", format!("{}/{}", here.account, zone.zone_id))
        .put("zoneId", &zone.zone_id)
        .put("zoneName", &zone.zone_name)
        .put("zoneType", &zone.zone_type)
        .put("zoneState", &zone.zone_state)
        .put("zoneGroup", &zone.group_name)
        .put("parentZoneId", &zone.parent_zone_id)
        .put("accountId", here.account)
        .put("region", here.region);
    let described = format!("Zone {} of account {}", zone.zone_id, here.account);
    let native = (pool_id(here, &zone.zone_id), zone.zone_name.clone());
    pool(here, native, place::location_of(zone), described, extensions.0)
}

/// Maps what spans all zones of a region.
pub(crate) fn region(here: &Here<'_>) -> Pool {
    let extensions = Pairs::new()
        .put("nativeId", format!("{}/{}", here.account, here.region))
        .put("accountId", here.account)
        .put("region", here.region);
    let described = format!("What spans the zones of region {} in account {}", here.region, here.account);
    pool(here, (of_region(here), here.region.to_owned()), here.region, described, extensions.0)
}

/// Returns the identifier of the pool of a group.
pub(crate) fn group_id(scope: &Scope, group: &Group) -> Id {
    scope.id(Kind::ResourcePool, &group.arn)
}

/// Maps an Auto Scaling group. Which instances it has is said by them.
pub(crate) fn group(here: &Here<'_>, group: &Group) -> Pool {
    let tags: BTreeMap<&str, &str> =
        group.tags.items.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    let extensions = Pairs::new()
        .put("nativeId", &group.arn)
        .put("minSize", group.min_size)
        .put("maxSize", group.max_size)
        .put("desiredCapacity", group.desired_capacity)
        .put("zones", &group.availability_zones.items)
        .put("healthCheckType", &group.health_check_type)
        .put("status", &group.status)
        .put("createdAt", &group.created_time)
        .put("tags", tags)
        .put("accountId", here.account)
        .put("region", here.region);
    let name = group.auto_scaling_group_name.clone();
    let described = format!("Auto Scaling group {name} of account {}", here.account);
    pool(here, (group_id(here.scope, group), name), here.region, described, extensions.0)
}

fn pool(
    here: &Here<'_>,
    (id, name): (Id, String),
    location: &str,
    description: String,
    extensions: KeyValuePairs,
) -> Pool {
    let site = SiteKey { account: here.account.to_owned(), location: location.to_owned() };
    let info = ResourcePoolInfo {
        resource_pool_id: id,
        o_cloud_id: here.scope.o_cloud_id.clone(),
        global_location_id: location_id(here.scope, location),
        name,
        o_cloud_site_id: site.id(here.scope),
        description,
        location: Some(location.to_owned()),
        extensions,
    };
    Pool { info, site }
}
