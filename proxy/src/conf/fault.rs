//! What is wrong with a configuration, and where it says so.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::fmt;

/// Where a value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The file, at a line and a column, both counted from 1.
    File {
        /// Line.
        line: u64,
        /// Column, in characters.
        column: u64,
    },
    /// An environment variable.
    Variable(String),
    /// A command-line flag.
    Flag(String),
    /// The defaults of the topology, or of `serve --dev`.
    Profile(&'static str),
    /// The defaults of the binary.
    #[default]
    Default,
}

/// One fault, or one warning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where the value at fault was written.
    pub origin: Origin,
    /// The key, `limits.perIdentity.rate` or `backends[0].name`; empty for the file as a whole.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Origin {
    /// Returns line and column of a value from the file.
    pub fn position(&self) -> Option<(u64, u64)> {
        match self {
            Self::File { line, column } => Some((*line, *column)),
            Self::Variable(_) | Self::Flag(_) | Self::Profile(_) | Self::Default => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { line, column } => write!(f, "{line}:{column}"),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
            Self::Profile(name) => write!(f, "defaults of {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Fault {
    /// Makes a fault.
    pub fn new(origin: &Origin, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { origin: origin.clone(), path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// As `{path, line, column, source, message}`; line and column are null for what is not in the file.
impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let position = self.origin.position();
        let source = match &self.origin {
            Origin::File { .. } => "file".to_owned(),
            Origin::Variable(_) | Origin::Flag(_) | Origin::Profile(_) | Origin::Default => {
                self.origin.to_string()
            }
        };
        let mut map = output.serialize_map(Some(5))?;
        map.serialize_entry("path", &self.path)?;
        map.serialize_entry("line", &position.map(|(line, _)| line))?;
        map.serialize_entry("column", &position.map(|(_, column)| column))?;
        map.serialize_entry("source", &source)?;
        map.serialize_entry("message", &self.message)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_place_key_and_message() {
        let fault = Fault::new(&Origin::File { line: 3, column: 7 }, "limits.body", "is too large");
        assert_eq!(fault.to_string(), "3:7: limits.body: is too large");
        let json = serde_json::to_value(&fault).unwrap();
        assert_eq!(json["line"], 3);
        assert_eq!(json["source"], "file");
        let fault = Fault::new(&Origin::Variable("NETWEAVE_X".to_owned()), "", "is unknown");
        assert_eq!(fault.to_string(), "NETWEAVE_X: is unknown");
        assert!(serde_json::to_value(&fault).unwrap()["line"].is_null());
    }
}
