//! The version of what a store holds, and which program may use it.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::str::FromStr;

/// The version of a store's layout, such as `1.0`.
///
/// A minor version adds what one that is lower by one may leave alone, so programs of two adjacent minor versions share a
/// store. A major version may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Schema {
    /// Another one is another layout.
    pub major: u32,
    /// A higher one has more.
    pub minor: u32,
}

impl Schema {
    /// Makes a version.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Returns the version that a store has once a program of this version uses it: the higher one.
    ///
    /// `found` is the version that the store has, `None` if it is new.
    ///
    /// # Errors
    /// `Unsupported`: this program may not use the store; the text says what to do.
    pub fn on(self, found: Option<Self>) -> Result<Self> {
        let Some(found) = found else { return Ok(self) };
        if let Some(why) = self.refusal(found) {
            let versions = format!("the store has schema {found}, this program knows {self}");
            return Err(Error::new(ErrorKind::Unsupported, why).with_private(versions));
        }
        Ok(self.max(found))
    }

    fn refusal(self, found: Self) -> Option<&'static str> {
        if found.major > self.major {
            return Some("a newer version of netweave wrote the store: use that one");
        }
        if found.major < self.major {
            return Some(
                "an older version of netweave wrote the store: make a backup with that one, and restore it into an empty store",
            );
        }
        if found.minor > self.minor.saturating_add(1) {
            return Some(
                "a version of netweave that is newer by more than one minor version wrote the store: use that one, or one before it",
            );
        }
        if self.minor > found.minor.saturating_add(1) {
            return Some("a minor version of netweave is left out: start the one in between first");
        }
        None
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Schema {
    type Err = Error;

    /// Reads `MAJOR.MINOR`.
    ///
    /// # Errors
    /// `Internal`: it is spelled otherwise, so it was not written by any version.
    fn from_str(text: &str) -> Result<Self> {
        let parts = text
            .split_once('.')
            .and_then(|(major, minor)| Some(Self::new(major.parse().ok()?, minor.parse().ok()?)));
        parts.ok_or_else(|| Error::internal("the schema version of the store cannot be read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(own: &str, found: &str) -> Option<String> {
        let found = if found.is_empty() { None } else { Some(found.parse().unwrap()) };
        own.parse::<Schema>().unwrap().on(found).ok().map(|schema| schema.to_string())
    }

    #[test]
    fn one_minor_version_either_way_runs_and_the_higher_one_stays() {
        assert_eq!(on("1.3", "").as_deref(), Some("1.3"));
        assert_eq!(on("1.3", "1.3").as_deref(), Some("1.3"));
        assert_eq!(on("1.3", "1.2").as_deref(), Some("1.3"));
        assert_eq!(on("1.3", "1.4").as_deref(), Some("1.4"));
    }

    #[test]
    fn anything_further_away_is_refused() {
        for found in ["1.1", "1.5", "2.0", "2.3", "0.3"] {
            let error = "1.3".parse::<Schema>().unwrap().on(Some(found.parse().unwrap())).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(
                error.to_string().contains(&format!("schema {found}, this program knows 1.3")),
                "{error}"
            );
        }
    }

    #[test]
    fn other_spellings_are_no_version() {
        for text in ["", "1", "1.", ".1", "1.x", "-1.0", "1.0.0"] {
            assert!(text.parse::<Schema>().is_err(), "{text}");
        }
    }
}
