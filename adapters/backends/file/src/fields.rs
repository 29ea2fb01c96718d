//! Typed access to one entry of the file: each accessor returns a usable value and notes the fault, so that one pass
//! finds all faults.

use crate::fault::{Faults, Place};
use crate::node::{Node, Value};
use netweave_model::domain::KeyValuePairs;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Longest text of a name or key.
const MAX_NAME: usize = 253;

/// Where faults are noted, shared by all entries of a file.
pub(crate) type Noted = RefCell<Faults>;

/// One entry of the file: a mapping with known keys.
pub(crate) struct Fields<'a> {
    pub(crate) at: Place,
    pub(crate) path: String,
    faults: &'a Noted,
    entries: BTreeMap<&'a str, &'a Node>,
}

impl<'a> Fields<'a> {
    /// Opens an entry; keys that are not `known` are faults, with the nearest known key as a hint.
    pub(crate) fn open(node: &'a Node, path: String, known: &[&str], faults: &'a Noted) -> Self {
        let mut fields = Self { at: node.at, path, faults, entries: BTreeMap::new() };
        match &node.value {
            Value::Map(entries) => {
                for (key, value) in entries {
                    if known.contains(&key.text.as_str()) {
                        fields.entries.insert(&key.text, value);
                    } else {
                        let hint = nearest(&key.text, known);
                        fields.fault_at(key.at, &fields.child(&key.text), format!("unknown key{hint}"));
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
                fields.fault(format!("expected a mapping, found {}", node.describe()));
            }
        }
        fields
    }

    /// Notes a fault of the whole entry.
    pub(crate) fn fault(&self, message: impl Into<String>) {
        self.fault_at(self.at, &self.path, message);
    }

    /// Notes a fault of one of the entry's values.
    pub(crate) fn fault_of(&self, key: &str, message: impl Into<String>) {
        let at = self.entries.get(key).map_or(self.at, |node| node.at);
        self.fault_at(at, &self.child(key), message);
    }

    /// Returns an optional text: never empty; a number is taken as it is written in JSON.
    pub(crate) fn opt_text(&self, key: &str) -> Option<String> {
        let node = self.present(key)?;
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Text(_) => {
                self.fault_of(key, "must not be empty");
                None
            }
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
                self.fault_of(key, format!("expected text, found {}", node.describe()));
                None
            }
        }
    }

    /// Returns a text that must be there; an empty one stands for a fault.
    pub(crate) fn text(&self, key: &str) -> String {
        if self.present(key).is_none() {
            self.fault_at(self.at, &self.child(key), "is missing");
        }
        self.opt_text(key).unwrap_or_default()
    }

    /// Returns a text or its default.
    pub(crate) fn text_or(&self, key: &str, default: &str) -> String {
        self.opt_text(key).unwrap_or_else(|| default.to_owned())
    }

    /// Returns a short text that names an entry: printable, at most 253 bytes.
    pub(crate) fn name(&self, key: &str) -> String {
        let text = self.text(key);
        if text.len() > MAX_NAME || text.chars().any(char::is_control) {
            self.fault_of(key, format!("must be at most {MAX_NAME} printable bytes"));
        }
        text
    }

    /// Returns an identifier given as it is: characters that need no escape in a path.
    pub(crate) fn opt_id(&self, key: &str) -> Option<String> {
        let text = self.opt_text(key)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:".contains(c);
        if text.len() > MAX_NAME || !text.chars().all(plain) || text.chars().all(|c| c == '.') {
            self.fault_of(key, format!("must be at most {MAX_NAME} letters, digits or any of -._~:"));
        }
        Some(text)
    }

    /// Returns a value of a closed set, or its default.
    pub(crate) fn choice<T: DeserializeOwned + Copy>(&self, key: &str, default: T, allowed: &str) -> T {
        let Some(text) = self.opt_text(key) else {
            return default;
        };
        serde_json::from_value(text.into()).unwrap_or_else(|_| {
            self.fault_of(key, format!("must be one of {allowed}"));
            default
        })
    }

    /// Returns a finite number within a range.
    pub(crate) fn number(&self, key: &str, least: f64, most: f64) -> f64 {
        let value = match self.present(key).map(|node| &node.value) {
            Some(Value::Number(number)) => number.as_f64().filter(|value| (least..=most).contains(value)),
            Some(Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_)) | None => {
                None
            }
        };
        value.unwrap_or_else(|| {
            self.fault_of(key, format!("must be a number from {least} to {most}"));
            least
        })
    }

    /// Returns a list of texts; an absent list is empty.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for (path, node) in self.list(key) {
            match &node.value {
                Value::Text(text) if !text.trim().is_empty() => texts.push(text.clone()),
                Value::Text(_) => self.fault_at(node.at, &path, "must not be empty"),
                Value::Number(number) => texts.push(number.to_string()),
                Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
                    self.fault_at(node.at, &path, format!("expected text, found {}", node.describe()));
                }
            }
        }
        texts
    }

    /// Returns the elements of a list with their paths; an absent list is empty.
    pub(crate) fn list(&self, key: &str) -> Vec<(String, &'a Node)> {
        let Some(node) = self.present(key) else {
            return Vec::new();
        };
        match &node.value {
            Value::List(items) => {
                let path = self.child(key);
                items.iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => {
                self.fault_of(key, format!("expected a list, found {}", node.describe()));
                Vec::new()
            }
        }
    }

    /// Opens the elements of a list, each a mapping with known keys.
    pub(crate) fn entries(&self, key: &str, known: &[&str]) -> Vec<Self> {
        self.list(key).into_iter().map(|(path, node)| Self::open(node, path, known, self.faults)).collect()
    }

    /// Opens a nested mapping, if it is there.
    pub(crate) fn entry(&self, key: &str, known: &[&str]) -> Option<Self> {
        let node = self.present(key)?;
        Some(Self::open(node, self.child(key), known, self.faults))
    }

    /// Returns a mapping with values of any kind; an absent one is empty.
    pub(crate) fn pairs(&self, key: &str) -> KeyValuePairs {
        let Some(node) = self.present(key) else {
            return KeyValuePairs::new();
        };
        let serde_json::Value::Object(pairs) = node.to_json() else {
            self.fault_of(key, format!("expected a mapping, found {}", node.describe()));
            return KeyValuePairs::new();
        };
        pairs
    }

    fn present(&self, key: &str) -> Option<&'a Node> {
        self.entries.get(key).copied().filter(|node| !matches!(node.value, Value::Null))
    }

    fn child(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn fault_at(&self, at: Place, path: &str, message: impl Into<String>) {
        self.faults.borrow_mut().add(at, path, message);
    }
}

/// Returns a hint that names the nearest known key, if one is near.
fn nearest(word: &str, known: &[&str]) -> String {
    let near = known.iter().map(|candidate| (distance(word, candidate), candidate)).min();
    match near {
        Some((steps, candidate)) if steps <= 1 + candidate.len() / 4 => {
            format!("; did you mean {candidate}?")
        }
        Some(_) | None => format!("; known are {}", known.join(", ")),
    }
}

/// Counts the insertions, deletions and replacements between two words, upper and lower case taken as equal.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.to_lowercase().chars().take(2 * MAX_NAME).enumerate() {
        let mut diagonal = index;
        let mut last = index + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&right) {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = *cell;
            last = replaced.min(*cell + 1).min(last + 1);
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("locaton", "location"), 1);
        assert_eq!(distance("Location", "location"), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        assert_eq!(nearest("descripton", &["name", "description"]), "; did you mean description?");
        assert_eq!(nearest("zzz", &["name", "id"]), "; known are name, id");
    }
}
