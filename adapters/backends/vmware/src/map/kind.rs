//! Hardware, shapes and kinds of storage and network -> resource types.

use super::{Scope, UNKNOWN};
use crate::entity::Entity;
use crate::soap::Family;
use netweave_model::domain::{KeyValuePairs, ResourceClass, ResourceKind, ResourceTypeInfo};
use netweave_model::{Id, Kind};
use serde_json::json;

const VMWARE: &str = "VMware";
const MIB_PER_GIB: i64 = 1024;

/// All that a resource type says is in its key, so that it does not matter which member was seen first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeKey {
    pub(crate) family: Family,
    /// The maker of a machine; `VMware` for what exists in software only.
    pub(crate) vendor: String,
    /// The product, the shape (`4 CPU, 16 GiB`), or the kind of storage or network.
    pub(crate) model: String,
}

impl TypeKey {
    /// Returns the type of a resource.
    pub(crate) fn of(family: Family, entity: &Entity) -> Self {
        let part = |key: &str| {
            let hardware = entity.facts.get("hardware")?;
            hardware.get(key).and_then(serde_json::Value::as_str).map(str::to_owned)
        };
        let unknown = || UNKNOWN.to_owned();
        let (vendor, model) = match family {
            Family::Host => (part("vendor").unwrap_or_else(unknown), part("model").unwrap_or_else(unknown)),
            Family::Machine => (VMWARE.to_owned(), shape(entity)),
            Family::Datastore => (VMWARE.to_owned(), entity.text("type").unwrap_or(UNKNOWN).to_owned()),
            Family::Network | Family::Folder | Family::Datacenter | Family::Compute | Family::Pool => {
                (VMWARE.to_owned(), entity.subtype.to_string())
            }
        };
        Self { family, vendor, model }
    }

    fn word(&self) -> &'static str {
        match self.family {
            Family::Host => "host",
            Family::Machine => "vm",
            Family::Datastore => "datastore",
            Family::Network | Family::Folder | Family::Datacenter | Family::Compute | Family::Pool => {
                "network"
            }
        }
    }

    /// Returns the identifier of the type.
    pub(crate) fn id(&self, scope: &Scope) -> Id {
        scope.id(Kind::ResourceType, &format!("{}/{}/{}", self.word(), self.vendor, self.model))
    }

    /// Maps the type.
    pub(crate) fn info(&self, scope: &Scope) -> ResourceTypeInfo {
        let (of, resource_kind, resource_class) = match self.family {
            Family::Host => ("Host", ResourceKind::Physical, ResourceClass::Compute),
            Family::Machine => ("Virtual machine", ResourceKind::Logical, ResourceClass::Compute),
            Family::Datastore => ("Datastore", ResourceKind::Logical, ResourceClass::Storage),
            Family::Network | Family::Folder | Family::Datacenter | Family::Compute | Family::Pool => {
                ("Network", ResourceKind::Logical, ResourceClass::Networking)
            }
        };
        let mut extensions = KeyValuePairs::new();
        extensions.insert("nativeId".to_owned(), json!(self.model));
        ResourceTypeInfo {
            resource_type_id: self.id(scope),
            name: self.model.clone(),
            description: format!("{of} of type {}", self.model),
            vendor: self.vendor.clone(),
            model: self.model.clone(),
            version: UNKNOWN.to_owned(),
            alarm_dictionary_id: None,
            performance_dictionary_id: None,
            resource_kind,
            resource_class,
            extensions,
        }
    }
}

/// Describes a virtual machine's size; memory in whole GiB if it is, else in MiB.
fn shape(entity: &Entity) -> String {
    let (Some(cpus), Some(memory)) = (entity.count("cpus"), entity.count("memoryMiB")) else {
        return UNKNOWN.to_owned();
    };
    if memory % MIB_PER_GIB == 0 {
        format!("{cpus} CPU, {} GiB", memory / MIB_PER_GIB)
    } else {
        format!("{cpus} CPU, {memory} MiB")
    }
}
