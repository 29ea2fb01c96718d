//! Attribute selectors: which optional attributes of an answer are sent.
//!
//! They act on optional attributes that are objects, arrays or maps, and on the keys of maps. Mandatory and simple
//! attributes always stay, and so does what the tables do not know.

use super::lexer::{Fault, Parsed};
use super::names::Names;
use super::scan::{Key, Scanner, Start, text};
use super::schema::{Place, Table, Target};
use crate::error::Result;
use std::collections::BTreeMap;

/// How many attribute names one query may list.
pub const MAX_NAMES: usize = 100;

/// How many names one listed attribute may have; the tables and maps of the interface need far fewer.
const MAX_DEPTH: usize = 16;

/// The values of the selector parameters of one query, as they were sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Given<'a> {
    /// Whether `all_fields` was given.
    pub(super) all_fields: bool,
    /// Whether `exclude_default` was given.
    pub(super) exclude_default: bool,
    /// The values of all `fields` parameters.
    pub(super) fields: Vec<&'a str>,
    /// The values of all `exclude_fields` parameters.
    pub(super) exclude_fields: Vec<&'a str>,
}

/// Checked selectors. If several are given, `all_fields` goes before `fields`, before `exclude_fields`, before
/// `exclude_default`.
///
/// No inventory type has attributes that are left out by default, so `exclude_default` and no selector at all mean the
/// whole object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selectors {
    mode: Mode,
    table: &'static Table,
    canonical: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    Whole,
    Keep(Tree),
    Cut(Tree),
}

/// Listed attributes: a tree of names. `listed` means the attribute with all that is below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tree {
    listed: bool,
    parts: BTreeMap<String, Tree>,
}

impl Selectors {
    /// Makes the selectors of a query that has none.
    pub fn whole(target: Target) -> Self {
        Self { mode: Mode::Whole, table: target.table(), canonical: String::new() }
    }

    /// Checks the selectors of a query.
    pub(super) fn new(target: Target, given: &Given<'_>) -> Result<Self> {
        let table = target.table();
        let mut left = MAX_NAMES;
        let fields = Tree::parse("fields", &given.fields, table, &mut left)?;
        let exclude_fields = Tree::parse("exclude_fields", &given.exclude_fields, table, &mut left)?;
        let (mode, parameter) = match (given.all_fields, fields, exclude_fields) {
            (false, Some(tree), _) => (Mode::Keep(tree), "fields"),
            (false, None, Some(tree)) => (Mode::Cut(tree), "exclude_fields"),
            (true, ..) | (false, None, None) => (Mode::Whole, ""),
        };
        let canonical = match &mode {
            Mode::Whole => String::new(),
            Mode::Keep(tree) | Mode::Cut(tree) => {
                let mut names = Vec::new();
                tree.list("", &mut names);
                format!("{parameter}={}", names.join(","))
            }
        };
        Ok(Self { mode, table, canonical })
    }

    /// Tells whether objects are sent as they are.
    pub fn is_identity(&self) -> bool {
        self.mode == Mode::Whole
    }

    /// Returns the one spelling that selectors with the same names share; empty if objects are sent as they are.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Cuts an object's JSON down.
    ///
    /// # Errors
    /// `Internal`: the text is not one JSON value.
    pub fn apply(&self, json: &[u8]) -> Result<Vec<u8>> {
        let (tree, keep) = match &self.mode {
            Mode::Whole => return Ok(json.to_vec()),
            Mode::Keep(tree) => (tree, true),
            Mode::Cut(tree) => (tree, false),
        };
        let mut cutter =
            Cutter { json, scanner: Scanner::new(json), out: Vec::with_capacity(json.len()), keep };
        cutter.value(Place::Table(self.table), tree)?;
        cutter.scanner.finish()?;
        Ok(cutter.out)
    }
}

impl Tree {
    /// Reads lists of names, each with or without parentheses; `None` if there is no list.
    fn parse(
        parameter: &'static str,
        lists: &[&str],
        table: &'static Table,
        left: &mut usize,
    ) -> Result<Option<Self>> {
        let mut tree = Self::default();
        for list in lists {
            tree.add_list(list, table, left).map_err(|fault| fault.into_error(parameter))?;
        }
        Ok((!lists.is_empty()).then_some(tree))
    }

    fn add_list(&mut self, list: &str, table: &'static Table, left: &mut usize) -> Parsed<()> {
        let inner = list.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let mut at = usize::from(inner.is_some());
        for text in inner.unwrap_or(list).split(',') {
            *left = left.checked_sub(1).ok_or(Fault::new(at, "too many attributes are listed"))?;
            let names = Names::parse(text, at, MAX_DEPTH)?;
            if let Some(key) = names.key() {
                return Err(Fault::new(key, "selectors take attributes, not the keys of a map"));
            }
            names.find(table)?;
            self.add(names.names());
            at += text.len() + 1;
        }
        Ok(())
    }

    fn add<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let mut tree = self;
        for name in names {
            if tree.listed {
                return;
            }
            tree = tree.parts.entry(name.to_owned()).or_default();
        }
        tree.listed = true;
        tree.parts.clear();
    }

    fn list(&self, path: &str, names: &mut Vec<String>) {
        for (name, part) in &self.parts {
            let name = super::paths::escape(name);
            let path = if path.is_empty() { name.into_owned() } else { format!("{path}/{name}") };
            if part.listed {
                names.push(path);
            } else {
                part.list(&path, names);
            }
        }
    }
}

/// What happens to a member of an object.
enum Verdict<'t> {
    Stay,
    Go,
    Part(Place, &'t Tree),
}

/// Copies JSON, without what is cut away.
struct Cutter<'a> {
    json: &'a [u8],
    scanner: Scanner<'a>,
    out: Vec<u8>,
    /// Whether what is listed stays, or goes.
    keep: bool,
}

impl Cutter<'_> {
    fn value(&mut self, place: Place, tree: &Tree) -> Result<()> {
        let start = self.scanner.value_start();
        match self.scanner.begin()? {
            Start::Object => self.object(place, tree)?,
            Start::Array => {
                self.out.push(b'[');
                let mut first = true;
                while self.scanner.element(first)? {
                    self.comma(&mut first);
                    self.value(place, tree)?;
                }
                self.out.push(b']');
            }
            Start::Scalar(..) => self.copy(start, self.scanner.position()),
        }
        Ok(())
    }

    fn object(&mut self, place: Place, tree: &Tree) -> Result<()> {
        self.out.push(b'{');
        let mut first_read = true;
        let mut first_written = true;
        while let Some(key) = self.scanner.member(first_read)? {
            first_read = false;
            match self.verdict(place, tree, key) {
                Verdict::Go => {
                    self.scanner.skip()?;
                }
                Verdict::Stay => {
                    self.comma(&mut first_written);
                    self.name(key);
                    let span = self.scanner.skip()?;
                    self.copy(span.start, span.end);
                }
                Verdict::Part(place, tree) => {
                    self.comma(&mut first_written);
                    self.name(key);
                    self.value(place, tree)?;
                }
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn verdict<'t>(&self, place: Place, tree: &'t Tree, key: Key) -> Verdict<'t> {
        let Some(name) = text(self.json, key.span, key.escaped) else {
            return Verdict::Stay;
        };
        let part = tree.parts.get(&*name);
        let (inner, optional) = match place {
            Place::Table(table) => match table.get(&name) {
                Some(attribute) if !attribute.is_simple() => (Place::of(attribute), !attribute.mandatory),
                Some(_) | None => return Verdict::Stay,
            },
            Place::Map | Place::Free => (Place::Free, true),
            Place::Leaf => return Verdict::Stay,
        };
        match part {
            Some(part) if !part.listed => Verdict::Part(inner, part),
            part if optional && part.is_some() != self.keep => Verdict::Go,
            Some(_) | None => Verdict::Stay,
        }
    }

    fn name(&mut self, key: Key) {
        self.copy(key.span.start.saturating_sub(1), key.span.end.saturating_add(1));
        self.out.push(b':');
    }

    fn comma(&mut self, first: &mut bool) {
        if !*first {
            self.out.push(b',');
        }
        *first = false;
    }

    fn copy(&mut self, start: usize, end: usize) {
        self.out.extend_from_slice(self.json.get(start..end).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
