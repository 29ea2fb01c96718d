//! The configuration section of a file backend.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// An inventory in a YAML file, which is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conf {
    /// Unique name; part of every object's id, so it must not change.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}
