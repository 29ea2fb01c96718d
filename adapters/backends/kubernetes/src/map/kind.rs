//! Instance types and hardware shapes -> resource types.

use super::{Scope, dictionary};
use netweave_model::domain::{KeyValuePairs, ResourceClass, ResourceKind, ResourceTypeInfo};
use netweave_model::{Id, Kind};
use serde_json::json;

/// What is written for what is not known.
pub(crate) const UNKNOWN: &str = "unknown";

/// Clouds whose nodes are virtual machines, and those whose nodes are machines, by the scheme of `providerID`.
const VIRTUAL: &[&str] = &[
    "aws",
    "azure",
    "digitalocean",
    "gce",
    "hcloud",
    "ibm",
    "ibmcloud",
    "k3d",
    "kind",
    "kubevirt",
    "oci",
    "openstack",
    "vsphere",
];
const PHYSICAL: &[&str] = &["baremetalhost", "equinixmetal", "maas", "metal3", "tinkerbell"];

/// Whether a type describes nodes or machines under them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    Node,
    Host,
}

/// All that a resource type says is in its key, so that it does not matter which member was seen first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeKey {
    pub(crate) family: Family,
    /// The cloud of a node, the maker of a machine.
    pub(crate) vendor: String,
    /// The instance type, the product, or the shape: `8 CPU, 32 GiB`.
    pub(crate) model: String,
    pub(crate) architecture: String,
}

impl TypeKey {
    /// Returns the identifier of the type.
    pub(crate) fn id(&self, scope: &Scope) -> Id {
        let family = match self.family {
            Family::Node => "node",
            Family::Host => "host",
        };
        let Self { vendor, model, architecture, .. } = self;
        scope.id(Kind::ResourceType, &format!("{family}/{vendor}/{model}/{architecture}"))
    }

    /// Maps the type.
    pub(crate) fn info(&self, scope: &Scope) -> ResourceTypeInfo {
        let mut extensions = KeyValuePairs::new();
        extensions.insert("nativeId".to_owned(), json!(self.model));
        extensions.insert("architecture".to_owned(), json!(self.architecture));
        let of = match self.family {
            Family::Node => "Node",
            Family::Host => "Machine",
        };
        ResourceTypeInfo {
            resource_type_id: self.id(scope),
            name: self.model.clone(),
            description: format!("{of} of type {} ({})", self.model, self.architecture),
            vendor: self.vendor.clone(),
            model: self.model.clone(),
            version: UNKNOWN.to_owned(),
            alarm_dictionary_id: Some(dictionary::alarm_id(scope)),
            performance_dictionary_id: match self.family {
                Family::Node => Some(dictionary::performance_id(scope)),
                Family::Host => None,
            },
            resource_kind: self.resource_kind(),
            resource_class: ResourceClass::Compute,
            extensions,
        }
    }

    fn resource_kind(&self) -> ResourceKind {
        let vendor = self.vendor.as_str();
        if self.family == Family::Host || PHYSICAL.contains(&vendor) || self.model.contains(".metal") {
            ResourceKind::Physical
        } else if VIRTUAL.contains(&vendor) {
            ResourceKind::Logical
        } else {
            ResourceKind::Undefined
        }
    }
}
