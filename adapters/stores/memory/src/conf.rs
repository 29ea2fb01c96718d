//! The configuration section of the memory store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In this process, lost with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conf {}
