//! The configuration section of a file backend.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// An inventory in a YAML file, which is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conf {
    /// Unique name; part of every object's id, so it must not change.
    #[schemars(length(min = 1, max = 63), extend("format" = "source-name"), example = &"lab")]
    pub name: String,
    /// The file.
    #[schemars(example = &"inventory.yaml")]
    pub path: PathBuf,
}
