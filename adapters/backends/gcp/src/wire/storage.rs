//! Disks.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The fields of a disk that are read.
pub(crate) const DISK: &str = "id,name,description,creationTimestamp,labels,status,type,sizeGb,physicalBlockSizeBytes,\
provisionedIops,provisionedThroughput,replicaZones,users,architecture,accessMode";

/// A persistent disk of a zone or region.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Disk {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) creation_timestamp: Option<String>,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) status: Option<String>,
    /// The URL of its type.
    pub(crate) r#type: Option<String>,
    pub(crate) size_gb: Option<String>,
    pub(crate) physical_block_size_bytes: Option<String>,
    pub(crate) provisioned_iops: Option<String>,
    pub(crate) provisioned_throughput: Option<String>,
    /// The URLs of the zones that hold a regional disk.
    pub(crate) replica_zones: Option<Vec<String>>,
    /// The URLs of the instances that it is attached to.
    pub(crate) users: Option<Vec<String>>,
    pub(crate) architecture: Option<String>,
    pub(crate) access_mode: Option<String>,
}
