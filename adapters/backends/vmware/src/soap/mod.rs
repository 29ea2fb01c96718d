//! The vSphere Web Services API, as far as it is used: ten operations, and the form of their answers.
//!
//! Source: VMware vSphere Web Services API 8.0 (`vim25`), managed objects `ServiceInstance`, `SessionManager`,
//! `ViewManager`, `PropertyCollector` and `PropertyFilter`.

pub(crate) mod answer;
pub(crate) mod request;
pub(crate) mod xml;

use std::sync::Arc;

/// What a managed object is, as far as it matters here; subclasses count as what they are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    Folder,
    Datacenter,
    Compute,
    Pool,
    Host,
    Machine,
    Datastore,
    Network,
}

impl Family {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Folder,
        Self::Datacenter,
        Self::Compute,
        Self::Pool,
        Self::Host,
        Self::Machine,
        Self::Datastore,
        Self::Network,
    ];

    /// Returns the type that is asked for; its subclasses answer, too.
    pub(crate) fn asked(self) -> &'static str {
        match self {
            Self::Folder => "Folder",
            Self::Datacenter => "Datacenter",
            Self::Compute => "ComputeResource",
            Self::Pool => "ResourcePool",
            Self::Host => "HostSystem",
            Self::Machine => "VirtualMachine",
            Self::Datastore => "Datastore",
            Self::Network => "Network",
        }
    }

    /// Reads the type of an object; `None` for what is not looked at.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "Folder" | "StoragePod" => Self::Folder,
            "Datacenter" => Self::Datacenter,
            "ComputeResource" | "ClusterComputeResource" => Self::Compute,
            "ResourcePool" | "VirtualApp" => Self::Pool,
            "HostSystem" => Self::Host,
            "VirtualMachine" => Self::Machine,
            "Datastore" => Self::Datastore,
            "Network" | "DistributedVirtualPortgroup" | "OpaqueNetwork" => Self::Network,
            _ => return None,
        })
    }
}

/// Names a managed object within one server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ref {
    pub(crate) family: Family,
    pub(crate) value: Arc<str>,
}
