//! How long what is read may live: the classes of reads and their lifetimes.

use crate::conf::tree::Ttl;
use netweave_model::Kind;
use std::time::Duration;

/// What a read is about, as far as lifetimes go. Also the `class` label of cache metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A list of resources.
    ResourceLists,
    /// A single resource.
    Resources,
    /// Pools, sites, locations.
    ResourcePools,
    /// Types, dictionaries, deployment managers.
    Capabilities,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 4] =
        [Self::ResourceLists, Self::Resources, Self::ResourcePools, Self::Capabilities];

    /// Returns the class of a read of a kind: of a list, or of one object.
    pub const fn of(kind: Kind, single: bool) -> Self {
        match kind {
            Kind::Resource if single => Self::Resources,
            Kind::Resource => Self::ResourceLists,
            Kind::ResourcePool | Kind::OCloudSite | Kind::Location => Self::ResourcePools,
            Kind::ResourceType
            | Kind::AlarmDictionary
            | Kind::PerformanceDictionary
            | Kind::DeploymentManager => Self::Capabilities,
        }
    }

    /// Returns the metric label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ResourceLists => "resourceLists",
            Self::Resources => "resources",
            Self::ResourcePools => "resourcePools",
            Self::Capabilities => "capabilities",
        }
    }

    /// Returns the lifetime that the configuration gives.
    pub const fn lifetime(self, ttl: &Ttl) -> Duration {
        match self {
            Self::ResourceLists => ttl.resource_lists.0,
            Self::Resources => ttl.resources.0,
            Self::ResourcePools => ttl.resource_pools.0,
            Self::Capabilities => ttl.capabilities.0,
        }
    }
}
