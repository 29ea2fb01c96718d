//! Regions, zones and pools -> locations, sites and pools.

use super::{DEFAULT, Scope, label};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use netweave_model::domain::{LocationInfo, OCloudSiteInfo, ResourcePoolInfo};
use netweave_model::{Id, Kind};
use serde_json::json;

const REGION: &str = "topology.kubernetes.io/region";
const ZONE: &str = "topology.kubernetes.io/zone";

/// A zone within a region; either may be `default`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SiteKey {
    pub(crate) region: String,
    pub(crate) zone: String,
}

impl SiteKey {
    pub(crate) fn of(meta: &ObjectMeta) -> Self {
        Self { region: label(meta, REGION).to_owned(), zone: label(meta, ZONE).to_owned() }
    }

    pub(crate) fn id(&self, scope: &Scope) -> Id {
        scope.id(Kind::OCloudSite, &format!("{}/{}", self.region, self.zone))
    }
}

/// Returns the identifier of a region's location.
pub(crate) fn location_id(scope: &Scope, region: &str) -> Id {
    scope.id(Kind::Location, region)
}

/// Returns the identifier of a pool.
pub(crate) fn pool_id(scope: &Scope, pool: &str) -> Id {
    scope.id(Kind::ResourcePool, pool)
}

/// Maps a region. Kubernetes knows no addresses, so the address is the region's name.
pub(crate) fn location(scope: &Scope, region: &str, sites: Vec<Id>) -> LocationInfo {
    let description = if region == DEFAULT {
        format!("The place of what has no region label in cluster {}", scope.source)
    } else {
        format!("Region {region} of cluster {}", scope.source)
    };
    LocationInfo {
        global_location_id: location_id(scope, region),
        name: region.to_owned(),
        description,
        o_cloud_site_ids: sites,
        coordinate: None,
        civic_address: Vec::new(),
        address: Some(region.to_owned()),
        extensions: native(region),
    }
}

/// Maps a zone.
pub(crate) fn site(scope: &Scope, key: &SiteKey, pools: Vec<Id>) -> OCloudSiteInfo {
    OCloudSiteInfo {
        o_cloud_site_id: key.id(scope),
        global_location_id: location_id(scope, &key.region),
        name: key.zone.clone(),
        description: format!("Zone {} of region {} of cluster {}", key.zone, key.region, scope.source),
        resource_pools: pools,
        extensions: native(&key.zone),
    }
}

/// Maps a value of the pool label; `site` is where most of its members are.
pub(crate) fn pool(scope: &Scope, name: &str, site: &SiteKey) -> ResourcePoolInfo {
    let mut extensions = native(name);
    extensions.insert("poolLabel".to_owned(), json!(scope.pool_label));
    ResourcePoolInfo {
        resource_pool_id: pool_id(scope, name),
        o_cloud_id: scope.o_cloud_id.clone(),
        global_location_id: location_id(scope, &site.region),
        name: name.to_owned(),
        o_cloud_site_id: site.id(scope),
        description: format!("Nodes of cluster {} in pool {name}", scope.source),
        location: Some(site.region.clone()),
        extensions,
    }
}

/// Returns the pool of an object.
pub(crate) fn pool_of(scope: &Scope, meta: &ObjectMeta) -> String {
    label(meta, &scope.pool_label).to_owned()
}

fn native(id: &str) -> netweave_model::domain::KeyValuePairs {
    [("nativeId".to_owned(), id.into())].into_iter().collect()
}
