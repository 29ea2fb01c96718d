//! Who the gateway is, and the keys of an assumed role.

use super::Answer;
use crate::endpoint::Service;
use serde::Deserialize;

/// The answer of `GetCallerIdentity`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Caller {
    #[serde(rename = "GetCallerIdentityResult")]
    pub(crate) result: CallerResult,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CallerResult {
    #[serde(rename = "Account")]
    pub(crate) account: String,
}

/// The answer of `AssumeRole`.
#[derive(Deserialize)]
pub(crate) struct Assumed {
    #[serde(rename = "AssumeRoleResult")]
    pub(crate) result: AssumedResult,
}

#[derive(Deserialize)]
pub(crate) struct AssumedResult {
    #[serde(rename = "Credentials")]
    pub(crate) keys: Keys,
}

/// Keys that end by themselves; never shown.
#[derive(Deserialize)]
pub(crate) struct Keys {
    #[serde(rename = "AccessKeyId")]
    pub(crate) id: String,
    #[serde(rename = "SecretAccessKey")]
    pub(crate) secret: String,
    #[serde(rename = "SessionToken")]
    pub(crate) token: String,
    #[serde(rename = "Expiration")]
    pub(crate) expiration: String,
}

impl Answer for Caller {
    const SERVICE: Service = Service::Sts;
    const ACTION: &'static str = "GetCallerIdentity";
}

impl Answer for Assumed {
    const SERVICE: Service = Service::Sts;
    const ACTION: &'static str = "AssumeRole";
}
