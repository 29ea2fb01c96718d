//! The configuration section of the embedded store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One file of this machine, for one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conf {
    /// The file.
    #[schemars(example = &"./netweave.db")]
    pub path: PathBuf,
}
