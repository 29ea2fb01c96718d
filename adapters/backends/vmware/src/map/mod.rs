//! Managed objects -> O2-IMS objects, by pure functions. Words of vSphere end here.

pub(crate) mod kind;
pub(crate) mod manager;
pub(crate) mod place;
pub(crate) mod resource;

use crate::conf::Served;
use crate::soap::{Family, Ref};
use netweave_model::{Id, Kind, SourceName};
use std::collections::BTreeSet;

/// What is written for what is not known.
pub(crate) const UNKNOWN: &str = "unknown";
/// The name of the place of what lies nowhere that is known.
pub(crate) const DEFAULT: &str = "default";

/// What all objects of one server have in common.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) source: SourceName,
    pub(crate) o_cloud_id: Id,
    pub(crate) service_uri: String,
    pub(crate) served: BTreeSet<Served>,
}

impl Scope {
    /// Derives the identifier of an object of a kind.
    pub(crate) fn id(&self, kind: Kind, native: &str) -> Id {
        Id::stable(&self.source, kind, native)
    }

    /// Tells whether objects of a family are served as resources.
    pub(crate) fn serves(&self, family: Family) -> bool {
        match family {
            Family::Host => self.served.contains(&Served::Hosts),
            Family::Machine => self.served.contains(&Served::VirtualMachines),
            Family::Datastore => self.served.contains(&Served::Datastores),
            Family::Network => self.served.contains(&Served::Networks),
            Family::Folder | Family::Datacenter | Family::Compute | Family::Pool => false,
        }
    }
}

/// Returns what names an object within its server: its family, and its reference.
pub(crate) fn native(object: &Ref) -> String {
    let family = match object.family {
        Family::Folder => "folder",
        Family::Datacenter => "datacenter",
        Family::Compute => "cluster",
        Family::Pool => "pool",
        Family::Host => "host",
        Family::Machine => "vm",
        Family::Datastore => "datastore",
        Family::Network => "network",
    };
    format!("{family}/{}", object.value)
}

#[cfg(test)]
mod tests;
