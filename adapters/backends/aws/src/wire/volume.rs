//! EBS volumes.

use super::{Answer, Page, Set, Tag};
use crate::endpoint::Service;
use serde::Deserialize;

/// The answer of `DescribeVolumes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volumes {
    volume_set: Set<Volume>,
    #[serde(default)]
    next_token: Option<String>,
}

/// A block volume in one zone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Volume {
    pub(crate) volume_id: String,
    pub(crate) volume_type: String,
    /// `creating`, `available`, `in-use`, `deleting`, `deleted` or `error`.
    pub(crate) status: String,
    /// GiB.
    pub(crate) size: Option<u64>,
    pub(crate) iops: Option<u64>,
    /// MiB/s.
    pub(crate) throughput: Option<u64>,
    pub(crate) encrypted: Option<bool>,
    pub(crate) multi_attach_enabled: Option<bool>,
    pub(crate) availability_zone: Option<String>,
    pub(crate) availability_zone_id: Option<String>,
    pub(crate) snapshot_id: Option<String>,
    pub(crate) create_time: Option<String>,
    pub(crate) attachment_set: Set<Attachment>,
    pub(crate) tag_set: Set<Tag>,
}

/// What a volume is attached to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Attachment {
    pub(crate) instance_id: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) status: Option<String>,
}

impl Answer for Volumes {
    const SERVICE: Service = Service::Ec2;
    const ACTION: &'static str = "DescribeVolumes";
}

impl Page for Volumes {
    type Item = Volume;
    const MOST: Option<(&'static str, u32)> = Some(("MaxResults", 500));

    fn into_parts(self) -> (Vec<Volume>, Option<String>) {
        (self.volume_set.items, self.next_token)
    }
}
