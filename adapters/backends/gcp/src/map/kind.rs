//! Disk types and networks -> resource types. What a disk type or network is, its name says.

use super::{Pairs, Scope, UNKNOWN, VENDOR};
use netweave_model::domain::{ResourceClass, ResourceKind, ResourceTypeInfo};
use netweave_model::{Id, Kind};

/// A type that has no facts of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Plain {
    Disk(String),
    Network,
    Subnetwork,
}

impl Plain {
    /// Returns the identifier.
    pub(crate) fn id(&self, scope: &Scope) -> Id {
        scope.id(Kind::ResourceType, &self.native())
    }

    fn native(&self) -> String {
        match self {
            Self::Disk(name) => format!("diskTypes/{name}"),
            Self::Network => "network".to_owned(),
            Self::Subnetwork => "subnetwork".to_owned(),
        }
    }

    /// Maps the type.
    pub(crate) fn info(&self, scope: &Scope) -> ResourceTypeInfo {
        let (name, description, class) = match self {
            Self::Disk(name) => (name.as_str(), format!("Disk of type {name}"), ResourceClass::Storage),
            Self::Network => ("network", "Virtual network".to_owned(), ResourceClass::Networking),
            Self::Subnetwork => (
                "subnetwork",
                "Part of a virtual network in one region".to_owned(),
                ResourceClass::Networking,
            ),
        };
        ResourceTypeInfo {
            resource_type_id: self.id(scope),
            name: name.to_owned(),
            description,
            vendor: VENDOR.to_owned(),
            model: name.to_owned(),
            version: UNKNOWN.to_owned(),
            alarm_dictionary_id: None,
            performance_dictionary_id: None,
            resource_kind: ResourceKind::Logical,
            resource_class: class,
            extensions: Pairs::of(&self.native()).done(),
        }
    }
}
