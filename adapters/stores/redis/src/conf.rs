//! The configuration section of the Redis store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One Redis server, which any number of processes share. What it keeps over its own end is a matter of its persistence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conf {
    /// Where it is: `redis://HOST:PORT`, without a password.
    #[schemars(example = &"redis://127.0.0.1:6379")]
    pub url: String,
}
