//! Managed instance groups -> pools, where the configuration says so.

use super::place::{location_id, site_id};
use super::{Home, Pairs, Scope, described};
use crate::wire::{Group, last, last_of};
use netweave_model::Kind;
use netweave_model::domain::ResourcePoolInfo;

/// Returns the path that names a group.
pub(crate) fn path(home: &Home, group: &Group) -> String {
    home.path("instanceGroupManagers", &group.name)
}

/// Maps a group; `home` is where it is itself.
pub(crate) fn pool(scope: &Scope, home: &Home, group: &Group) -> ResourcePoolInfo {
    let Home { project, place, .. } = home;
    let native = path(home, group);
    let zones = group.distribution_policy.as_ref().and_then(|policy| policy.zones.as_ref());
    let zones = zones.into_iter().flatten().filter_map(|zone| zone.zone.as_deref());
    let extensions = Pairs::of(&native)
        .maybe("uid", group.id.clone())
        .home(home)
        .maybe("createdAt", group.creation_timestamp.clone())
        .maybe("targetSize", group.target_size)
        .maybe("baseInstanceName", group.base_instance_name.clone())
        .maybe("instanceTemplate", last_of(group.instance_template.as_ref()))
        .list("zones", zones.map(|zone| last(zone).into()).collect());
    ResourcePoolInfo {
        resource_pool_id: scope.id(Kind::ResourcePool, &native),
        o_cloud_id: scope.o_cloud_id.clone(),
        global_location_id: location_id(scope, place.region()),
        name: format!("{project}/{}/{}", place.name(), group.name),
        o_cloud_site_id: site_id(scope, project, place.region()),
        description: described(group.description.as_ref(), || {
            format!("Managed instance group {} of project {project} in {}", group.name, place.name())
        }),
        location: Some(place.region().to_owned()),
        extensions: extensions.done(),
    }
}
