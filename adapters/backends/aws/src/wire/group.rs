//! Auto Scaling groups.

use super::{Answer, Members, Page};
use crate::endpoint::Service;
use serde::Deserialize;

/// The answer of `DescribeAutoScalingGroups`.
#[derive(Debug, Deserialize)]
pub(crate) struct Groups {
    #[serde(rename = "DescribeAutoScalingGroupsResult")]
    result: GroupsResult,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupsResult {
    auto_scaling_groups: Members<Group>,
    #[serde(default)]
    next_token: Option<String>,
}

/// A group of instances that is kept at a size.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Group {
    pub(crate) auto_scaling_group_name: String,
    #[serde(rename = "AutoScalingGroupARN")]
    pub(crate) arn: String,
    pub(crate) min_size: Option<u64>,
    pub(crate) max_size: Option<u64>,
    pub(crate) desired_capacity: Option<u64>,
    pub(crate) availability_zones: Members<String>,
    pub(crate) created_time: Option<String>,
    pub(crate) health_check_type: Option<String>,
    /// Set while the group is being deleted.
    pub(crate) status: Option<String>,
    pub(crate) tags: Members<GroupTag>,
}

/// A tag of a group.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GroupTag {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Answer for Groups {
    const SERVICE: Service = Service::AutoScaling;
    const ACTION: &'static str = "DescribeAutoScalingGroups";
}

impl Page for Groups {
    type Item = Group;
    const MOST: Option<(&'static str, u32)> = Some(("MaxRecords", 100));

    fn into_parts(self) -> (Vec<Group>, Option<String>) {
        (self.result.auto_scaling_groups.items, self.result.next_token)
    }
}
