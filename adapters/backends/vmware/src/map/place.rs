//! Datacenters, clusters and resource pools -> locations, sites and pools.
//!
//! A datacenter is a location. Each compute resource (a cluster, or the shell of a lone host) is a site with a pool. A
//! datacenter is a site with a pool of its own as well: for datastores and networks, which belong to no cluster.

use super::{DEFAULT, Scope, native};
use crate::entity::Entity;
use crate::soap::Ref;
use netweave_model::domain::{KeyValuePairs, LocationInfo, OCloudSiteInfo, ResourcePoolInfo};
use netweave_model::{Id, Kind};
use serde_json::json;

/// Where something lies: a datacenter, a compute resource, a resource pool, or nowhere that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    At(Ref),
    Default,
}

impl Place {
    fn native(&self) -> String {
        match self {
            Self::At(object) => native(object),
            Self::Default => DEFAULT.to_owned(),
        }
    }

    /// Returns the identifier of the location; the place is a datacenter, or none.
    pub(crate) fn location_id(&self, scope: &Scope) -> Id {
        scope.id(Kind::Location, &self.native())
    }

    /// Returns the identifier of the site; the place is a datacenter or compute resource, or none.
    pub(crate) fn site_id(&self, scope: &Scope) -> Id {
        scope.id(Kind::OCloudSite, &self.native())
    }

    /// Returns the identifier of the pool.
    pub(crate) fn pool_id(&self, scope: &Scope) -> Id {
        scope.id(Kind::ResourcePool, &self.native())
    }
}

/// A place with what is known of it.
pub(crate) struct Known<'a> {
    pub(crate) place: &'a Place,
    pub(crate) entity: Option<&'a Entity>,
}

impl Known<'_> {
    /// Returns the name that people gave it.
    pub(crate) fn name(&self) -> String {
        let own = self.entity.and_then(|entity| entity.name.clone());
        own.unwrap_or_else(|| match self.place {
            Place::At(object) => object.value.to_string(),
            Place::Default => DEFAULT.to_owned(),
        })
    }

    fn extensions(&self) -> KeyValuePairs {
        let mut pairs = self.entity.map(|entity| entity.facts.clone()).unwrap_or_default();
        let (id, of) = match self.place {
            Place::At(object) => {
                (object.value.to_string(), self.entity.map(|entity| entity.subtype.as_ref()))
            }
            Place::Default => (DEFAULT.to_owned(), None),
        };
        pairs.insert("nativeId".to_owned(), json!(id));
        if let Some(of) = of {
            pairs.insert("managedType".to_owned(), json!(of));
        }
        pairs
    }

    fn words(&self) -> &'static str {
        match self.entity.map(|entity| entity.subtype.as_ref()) {
            Some("Datacenter") => "Datacenter",
            Some("ClusterComputeResource") => "Cluster",
            Some("ComputeResource") => "Host",
            Some("VirtualApp") => "Virtual application",
            Some(_) => "Resource pool",
            None => "The place of what lies nowhere that is known,",
        }
    }

    fn description(&self, scope: &Scope) -> String {
        format!("{} {} of vCenter {}", self.words(), self.name(), scope.source)
    }
}

/// Maps a datacenter. vSphere knows no addresses, so the address is the datacenter's name.
pub(crate) fn location(scope: &Scope, known: &Known<'_>, sites: Vec<Id>) -> LocationInfo {
    LocationInfo {
        global_location_id: known.place.location_id(scope),
        name: known.name(),
        description: known.description(scope),
        o_cloud_site_ids: sites,
        coordinate: None,
        civic_address: Vec::new(),
        address: Some(known.name()),
        extensions: known.extensions(),
    }
}

/// Maps a compute resource or a datacenter, which lies in a datacenter.
pub(crate) fn site(scope: &Scope, known: &Known<'_>, datacenter: &Place, pools: Vec<Id>) -> OCloudSiteInfo {
    OCloudSiteInfo {
        o_cloud_site_id: known.place.site_id(scope),
        global_location_id: datacenter.location_id(scope),
        name: known.name(),
        description: known.description(scope),
        resource_pools: pools,
        extensions: known.extensions(),
    }
}

/// Maps a resource pool, a compute resource or a datacenter to a pool at a site.
pub(crate) fn pool(
    scope: &Scope,
    known: &Known<'_>,
    site: &Place,
    datacenter: &Known<'_>,
) -> ResourcePoolInfo {
    ResourcePoolInfo {
        resource_pool_id: known.place.pool_id(scope),
        o_cloud_id: scope.o_cloud_id.clone(),
        global_location_id: datacenter.place.location_id(scope),
        name: known.name(),
        o_cloud_site_id: site.site_id(scope),
        description: known.description(scope),
        location: Some(datacenter.name()),
        extensions: known.extensions(),
    }
}
