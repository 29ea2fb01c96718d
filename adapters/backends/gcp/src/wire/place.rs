//! Regions and zones.

use serde::Deserialize;

/// The fields of a region that are read.
pub(crate) const REGION: &str = "name,status";
/// The fields of a zone that are read.
pub(crate) const ZONE: &str = "name,status,availableCpuPlatforms";

/// A region.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) status: Option<String>,
}

/// A zone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Zone {
    pub(crate) name: String,
    pub(crate) status: Option<String>,
    pub(crate) available_cpu_platforms: Option<Vec<String>>,
}
