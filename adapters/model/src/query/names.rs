//! Attribute paths as clients write them: read, counted, and looked up in the tables.

use super::lexer::{Fault, Parsed};
use super::paths::{escape, unescape};
use super::schema::{Place, Table};

/// The name that stands for the keys of a map.
pub(super) const KEY: &str = "@key";

/// One name of a path, unescaped, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) at: usize,
}

/// A path that was read but not looked up yet.
#[derive(Clone, Debug)]
pub(super) struct Names {
    names: Vec<Name>,
    key: Option<usize>,
}

/// Where a path leads, in one table.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Where it ends.
    pub(super) place: Place,
    /// How many names lead to each array of objects that may be on the way.
    pub(super) arrays: Vec<usize>,
}

impl Names {
    /// Reads names joined by `/`; `at` is where the text stands in the whole.
    pub(super) fn parse(text: &str, at: usize, max_depth: usize) -> Parsed<Self> {
        let mut names = Vec::new();
        let mut key = None;
        let mut next = at;
        for part in text.split('/') {
            let start = next;
            next += part.len() + 1;
            if key.is_some() {
                return Err(Fault::new(start, "nothing can follow the keys of a map"));
            }
            if names.len() == max_depth {
                return Err(Fault::new(start, "the attribute is nested too deeply"));
            }
            if part == KEY && !names.is_empty() {
                key = Some(start);
                continue;
            }
            let name = unescape(part)
                .map_err(|offset| Fault::new(start + offset, "a name has `~` or `@` that is not escaped"))?;
            if name.is_empty() {
                return Err(Fault::new(start, "an attribute name is missing"));
            }
            names.push(Name { text: name, at: start });
        }
        Ok(Self { names, key })
    }

    /// Follows the path through a table.
    pub(super) fn find(&self, table: &'static Table) -> Parsed<Found> {
        let mut place = Place::Table(table);
        let mut arrays = Vec::new();
        for (name, count) in self.names.iter().zip(1..) {
            let (next, array) =
                place.step(&name.text).ok_or_else(|| Fault::new(name.at, "there is no such attribute"))?;
            place = next;
            if array {
                arrays.push(count);
            }
        }
        if let Some(at) = self.key
            && matches!(place, Place::Table(_) | Place::Leaf)
        {
            return Err(Fault::new(at, "only maps have keys"));
        }
        Ok(Found { place, arrays })
    }

    /// Returns the offset of the whole path.
    pub(super) fn at(&self) -> usize {
        self.names.first().map_or(0, |name| name.at)
    }

    /// Returns where `@key` stands, if it does.
    pub(super) fn key(&self) -> Option<usize> {
        self.key
    }

    /// Returns the names in order, without `@key`.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| name.text.as_str())
    }

    /// Writes the first `count` names as a path, as the index spells it.
    pub(super) fn path(&self, count: usize) -> String {
        let mut path = String::new();
        for name in self.names().take(count) {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(&escape(name));
        }
        path
    }

    /// Writes all names as a path.
    pub(super) fn whole(&self) -> String {
        self.path(self.names.len())
    }
}
