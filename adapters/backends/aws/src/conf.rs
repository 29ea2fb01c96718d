//! The configuration section of an AWS backend.

use netweave_model::unit::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Accounts of Amazon Web Services: EC2 in some or all of their regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conf {
    /// Unique name; part of every object's id, so it must not change.
    #[schemars(length(min = 1, max = 63), extend("format" = "source-name"), example = &"aws-1")]
    pub name: String,
    /// The regions; without any, all that are enabled for each account. The first one is where roles are assumed.
    #[serde(default)]
    #[schemars(length(max = 64), example = ["eu-central-1"])]
    pub regions: Vec<String>,
    /// The accounts: the `role` that is assumed in each, and `externalId` if it asks for one; without any, that of the keys.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub accounts: Vec<Account>,
    /// Keys as in `~/.aws/credentials`, read again when refused; without it, where the AWS tools look: environment to metadata.
    #[serde(default)]
    #[schemars(example = &"aws.credentials")]
    pub credentials_file: Option<PathBuf>,
    /// The profile in that file or in `~/.aws`; without it `AWS_PROFILE` or `default`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255), example = &"netweave")]
    pub profile: Option<String>,
    /// What is read as resources.
    #[serde(default = "Family::all")]
    #[schemars(length(min = 1, max = 5))]
    pub resources: Vec<Family>,
    /// What the pools of instances are: zones, or Auto Scaling groups where there is one.
    #[serde(default)]
    pub pools: Pools,
    /// The mean pause between two looks.
    #[serde(default = "default_poll")]
    #[schemars(extend("x-minimum" = "1s", "x-maximum" = "1h"))]
    pub poll: Span,
    /// The address of all services, where it is not the region's own.
    #[serde(default)]
    #[schemars(example = &"https://aws.example.net")]
    pub endpoint: Option<String>,
    /// Authorities of the services' certificates, as a PEM file, beside the platform's.
    #[serde(default)]
    #[schemars(example = &"ca.crt")]
    pub ca: Option<PathBuf>,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AwsAccount")]
pub struct Account {
    /// The role that is assumed, as an ARN.
    #[schemars(length(min = 20, max = 2048), example = &"arn:aws:iam::111122223333:role/netweave")]
    pub role: String,
    /// The external id that the role's trust policy asks for, if it does.
    #[serde(default)]
    #[schemars(length(min = 2, max = 1224), example = &"o2-111122223333")]
    pub external_id: Option<String>,
}

/// A family of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AwsFamily")]
pub enum Family {
    /// Instances.
    Instances,
    /// Dedicated hosts.
    Hosts,
    /// Capacity reservations.
    CapacityReservations,
    /// VPCs and their subnets.
    Networks,
    /// EBS volumes.
    Volumes,
}

/// What the pools of instances are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AwsPools")]
pub enum Pools {
    /// Their zones.
    #[default]
    Zones,
    /// Their Auto Scaling groups; instances without one are in the pool of their zone.
    AutoScalingGroups,
}

impl Family {
    /// Returns all families.
    pub fn all() -> Vec<Self> {
        vec![Self::Instances, Self::Hosts, Self::CapacityReservations, Self::Networks, Self::Volumes]
    }
}

impl Conf {
    /// Returns what is wrong with the section, beyond its form: the key, and what to change.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        let odd = |region: &String| {
            region.is_empty()
                || !region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if self.regions.iter().any(odd) {
            faults.push(("regions", "must be names such as `eu-central-1`"));
        }
        if self.accounts.iter().any(|account| crate::accounts::account_of(&account.role).is_none()) {
            faults.push((
                "accounts",
                "must each have a `role` such as `arn:aws:iam::111122223333:role/netweave`",
            ));
        }
        if self.endpoint.as_ref().is_some_and(|text| netweave_http::origin(text).is_none()) {
            faults.push(("endpoint", "must be `https://HOST[:PORT]`, or `http://...` on this machine"));
        }
        faults
    }
}

fn default_poll() -> Span {
    Span::seconds(30)
}
