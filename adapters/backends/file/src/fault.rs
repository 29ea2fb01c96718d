//! What is wrong with an inventory file: every fault with its place, up to a bound.

use std::fmt;

/// Faults that are kept; later ones are only counted.
const MAX_FAULTS: usize = 100;

/// A place in the file, counted from 1; 0 means unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// One fault of an inventory file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the structure: `resourcePools[0].resources[3].type`; empty for the whole file.
    pub path: String,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
    /// The column, from 1; 0 if unknown.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// All faults of a file in the order in which they were found; at most a hundred are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    list: Vec<Fault>,
    more: usize,
}

impl Faults {
    /// Returns the faults that were kept.
    pub fn list(&self) -> &[Fault] {
        &self.list
    }

    /// Returns how many there are, kept or only counted.
    pub fn len(&self) -> usize {
        self.list.len() + self.more
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Makes a set of one fault of the whole file.
    pub(crate) fn of_file(message: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.add(Place::default(), "", message);
        faults
    }

    pub(crate) fn add(&mut self, at: Place, path: impl Into<String>, message: impl Into<String>) {
        let fault = Fault { path: path.into(), line: at.line, column: at.column, message: message.into() };
        // A value that is asked for twice is at fault once.
        if self.list.contains(&fault) {
            return;
        }
        if self.list.len() < MAX_FAULTS {
            self.list.push(fault);
        } else {
            self.more += 1;
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.list.iter().enumerate() {
            let gap = if index == 0 { "" } else { "; " };
            write!(f, "{gap}{fault}")?;
        }
        if self.more > 0 {
            write!(f, "; and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
