//! Resource types, pools and resources.

use super::{Info, KeyValuePairs};
use crate::kind::Kind;
use crate::object::Id;
use serde::{Deserialize, Serialize};

/// What a resource is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResourceKind {
    /// Not known.
    #[default]
    Undefined,
    /// Hardware.
    Physical,
    /// A share of hardware, such as a virtual machine.
    Logical,
}

/// What a resource is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResourceClass {
    /// Not known.
    #[default]
    Undefined,
    /// Computing.
    Compute,
    /// Networking.
    Networking,
    /// Storage.
    Storage,
}

/// A type of resource (`ResourceTypeInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTypeInfo {
    /// Identifies the type.
    pub resource_type_id: Id,
    /// Human-readable name.
    pub name: String,
    /// Human-readable description.
    pub description: String,
    /// Who makes it.
    pub vendor: String,
    /// The maker's model name.
    pub model: String,
    /// The model's version.
    pub version: String,
    /// The alarms it can raise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_dictionary_id: Option<Id>,
    /// The measurements it can deliver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance_dictionary_id: Option<Id>,
    /// What it is made of.
    pub resource_kind: ResourceKind,
    /// What it is for.
    pub resource_class: ResourceClass,
    /// Vendor attributes.
    #[serde(default)]
    pub extensions: KeyValuePairs,
}

/// A pool of resources (`ResourcePoolInfo`), with the attributes that 2.0.0 deprecates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcePoolInfo {
    /// Identifies the pool.
    pub resource_pool_id: Id,
    /// The O-Cloud; deprecated in 2.0.0, always sent.
    pub o_cloud_id: Id,
    /// The place; deprecated in 2.0.0, always sent.
    pub global_location_id: Id,
    /// Human-readable name.
    pub name: String,
    /// The site; since 2.0.0, always sent.
    pub o_cloud_site_id: Id,
    /// Human-readable description.
    pub description: String,
    /// The place in words; deprecated in 2.0.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Vendor attributes.
    #[serde(default)]
    pub extensions: KeyValuePairs,
}

/// One resource (`ResourceInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceInfo {
    /// Identifies the resource.
    pub resource_id: Id,
    /// Its pool.
    pub resource_pool_id: Id,
    /// Its type.
    pub resource_type_id: Id,
    /// The asset in the owner's books, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_asset_id: Option<String>,
    /// Human-readable description.
    pub description: String,
    /// Resources that are part of this one.
    #[serde(default)]
    pub elements: Vec<ResourceInfo>,
    /// Marks without a value.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Groups it belongs to.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Vendor attributes.
    #[serde(default)]
    pub extensions: KeyValuePairs,
}

impl Info for ResourceTypeInfo {
    const KIND: Kind = Kind::ResourceType;

    fn id(&self) -> &Id {
        &self.resource_type_id
    }
}

impl Info for ResourcePoolInfo {
    const KIND: Kind = Kind::ResourcePool;

    fn id(&self) -> &Id {
        &self.resource_pool_id
    }
}

impl Info for ResourceInfo {
    const KIND: Kind = Kind::Resource;

    fn id(&self) -> &Id {
        &self.resource_id
    }

    fn parent(&self) -> Option<&Id> {
        Some(&self.resource_pool_id)
    }
}
