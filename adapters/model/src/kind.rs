//! The kinds of inventory objects that O2-IMS knows.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of inventory object; one collection of the interface each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A place: region, zone, address.
    Location,
    /// A site of the O-Cloud at a location.
    OCloudSite,
    /// A type of resource.
    ResourceType,
    /// A pool of resources.
    ResourcePool,
    /// One resource; its parent is its pool.
    Resource,
    /// A deployment management service.
    DeploymentManager,
    /// The alarms a resource type can raise.
    AlarmDictionary,
    /// The measurements a resource type can deliver.
    PerformanceDictionary,
}

impl Kind {
    /// All kinds, in an order in which references point backwards (a pool after its site).
    pub const ALL: [Self; 8] = [
        Self::Location,
        Self::OCloudSite,
        Self::AlarmDictionary,
        Self::PerformanceDictionary,
        Self::ResourceType,
        Self::ResourcePool,
        Self::Resource,
        Self::DeploymentManager,
    ];

    /// Returns the collection's path segment.
    pub const fn collection(self) -> &'static str {
        match self {
            Self::Location => "locations",
            Self::OCloudSite => "oCloudSites",
            Self::ResourceType => "resourceTypes",
            Self::ResourcePool => "resourcePools",
            Self::Resource => "resources",
            Self::DeploymentManager => "deploymentManagers",
            Self::AlarmDictionary => "alarmDictionaries",
            Self::PerformanceDictionary => "performanceDictionaries",
        }
    }

    /// Returns the name of the specification's data type, which notifications use as `objectType`.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Location => "LocationInfo",
            Self::OCloudSite => "OCloudSiteInfo",
            Self::ResourceType => "ResourceTypeInfo",
            Self::ResourcePool => "ResourcePoolInfo",
            Self::Resource => "ResourceInfo",
            Self::DeploymentManager => "DeploymentManagerInfo",
            Self::AlarmDictionary => "AlarmDictionary",
            Self::PerformanceDictionary => "PerformanceDictionary",
        }
    }

    /// Returns the attribute that holds the object's identifier.
    pub const fn id_attribute(self) -> &'static str {
        match self {
            Self::Location => "globalLocationId",
            Self::OCloudSite => "oCloudSiteId",
            Self::ResourceType => "resourceTypeId",
            Self::ResourcePool => "resourcePoolId",
            Self::Resource => "resourceId",
            Self::DeploymentManager => "deploymentManagerId",
            Self::AlarmDictionary => "alarmDictionaryId",
            Self::PerformanceDictionary => "performanceDictionaryId",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.collection())
    }
}

impl FromStr for Kind {
    type Err = ();

    /// Reads a collection's path segment.
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.collection() == text).ok_or(())
    }
}
