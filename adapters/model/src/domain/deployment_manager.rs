//! Deployment management services.

use super::{Info, KeyValuePairs};
use crate::kind::Kind;
use crate::object::Id;
use serde::{Deserialize, Serialize};

/// A deployment management service (`DeploymentManagerInfo`). Credentials never go in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentManagerInfo {
    /// Identifies the service.
    pub deployment_manager_id: Id,
    /// Human-readable name.
    pub name: String,
    /// Human-readable description.
    pub description: String,
    /// The O-Cloud it belongs to.
    pub o_cloud_id: Id,
    /// The API root of the O2-DMS service.
    pub service_uri: String,
    /// The `globalLocationId`s it can deploy to, at least one.
    pub supported_locations: Vec<Id>,
    /// What it offers.
    pub capabilities: KeyValuePairs,
    /// How much of it there is.
    pub capacity: KeyValuePairs,
    /// Vendor attributes.
    #[serde(default)]
    pub extensions: KeyValuePairs,
}

impl Info for DeploymentManagerInfo {
    const KIND: Kind = Kind::DeploymentManager;

    fn id(&self) -> &Id {
        &self.deployment_manager_id
    }
}
