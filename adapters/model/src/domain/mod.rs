//! The information models of the O2-IMS inventory, one file per group.
//!
//! Optional attributes that are absent are left out of the JSON. Attributes whose cardinality is 0..N are always sent.
//! Source: O-RAN.WG6.TS.O2IMS-INTERFACE-R004-v10.00, inventory data model, as summarised in `docs/o2ims-coverage.md`.

mod cloud;
mod deployment_manager;
mod dictionary;
mod location;
mod resource;

pub use cloud::CloudInfo;
pub use deployment_manager::DeploymentManagerInfo;
pub use dictionary::{
    AlarmChangeType, AlarmDefinition, AlarmDictionary, ClearingType, MeasurementDefinition,
    PerformanceDictionary, ProbableCause, StandardReference,
};
pub use location::{CivicAddressElement, LocationInfo, OCloudSiteInfo, Point, PointType};
pub use resource::{ResourceClass, ResourceInfo, ResourceKind, ResourcePoolInfo, ResourceTypeInfo};

use crate::kind::Kind;
use crate::object::Id;
use serde::Serialize;

/// A JSON object with values of any type (`KeyValuePairs`).
pub type KeyValuePairs = serde_json::Map<String, serde_json::Value>;

/// What every inventory object has.
pub trait Info: Serialize {
    /// The object's kind.
    const KIND: Kind;

    /// Returns the object's identifier.
    fn id(&self) -> &Id;

    /// Returns the pool of a resource; `None` for other kinds.
    fn parent(&self) -> Option<&Id> {
        None
    }
}
