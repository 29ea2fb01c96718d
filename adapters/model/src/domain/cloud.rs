//! The O-Cloud itself, which comes from the configuration.

use super::KeyValuePairs;
use crate::object::Id;
use serde::{Deserialize, Serialize};

/// Describes the O-Cloud (`CloudInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudInfo {
    /// Identifies the O-Cloud within its own domain.
    pub o_cloud_id: Id,
    /// Identifies the O-Cloud among all O-Clouds of the SMO.
    pub global_cloud_id: Id,
    /// Human-readable name.
    pub name: String,
    /// Human-readable description.
    pub description: String,
    /// The API root, without API name and version.
    pub service_uri: String,
    /// Vendor attributes.
    #[serde(default)]
    pub extensions: KeyValuePairs,
}
