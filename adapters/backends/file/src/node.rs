//! YAML text -> a tree whose every value knows its place. Knows nothing of inventories.

use crate::fault::{Faults, Place};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Number;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Location, Spanned};
use std::fmt;

/// Values in one file, a generous multiple of the objects it may hold.
const MAX_VALUES: usize = 16_000_000;
/// Nesting of lists and mappings.
const MAX_DEPTH: usize = 32;

/// A value and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) value: Value,
}

/// A key of a mapping and where it stands.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) at: Place,
    pub(crate) text: String,
}

/// A value, as YAML 1.2 types it.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

impl Node {
    /// Parses one YAML document: YAML 1.2 booleans, no duplicate keys, no merge keys, bounded size and depth.
    pub(crate) fn parse(text: &str) -> Result<Self, Faults> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_events: MAX_VALUES,
                max_nodes: MAX_VALUES,
                max_depth: MAX_DEPTH,
                max_documents: 1,
            },
            duplicate_keys: DuplicateKeyPolicy::Error,
            merge_keys: MergeKeyPolicy::Error,
            strict_booleans: true,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let mut faults = Faults::default();
            let at = error.location().map_or_else(Place::default, place);
            let message = error.without_snippet().to_string();
            faults.add(at, "", message.lines().next().unwrap_or("not YAML").to_owned());
            faults
        })
    }

    /// Says in words what kind of value this is.
    pub(crate) fn describe(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Turns the value into JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(value) => serde_json::Value::Number(value.clone()),
            Value::Text(value) => value.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { at: place(spanned.referenced), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            entries.push((Key { at: place(key.referenced), text: key.value }, access.next_value()?));
        }
        Ok(Value::Map(entries))
    }
}

fn place(location: Location) -> Place {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Place { line: number(location.line()), column: number(location.column()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_keys_know_their_place() {
        let node = Node::parse("a: 1\nb:\n  - no\n  - {c: true}\n").unwrap();
        let Value::Map(entries) = &node.value else { panic!("{node:?}") };
        assert_eq!((entries[0].0.at.line, entries[0].1.at.column), (1, 4));
        let Value::List(items) = &entries[1].1.value else { panic!("{node:?}") };
        assert_eq!(items[1].at.line, 4);
        assert_eq!(node.to_json(), serde_json::json!({"a": 1, "b": ["no", {"c": true}]}));
    }

    #[test]
    fn broken_text_names_its_line() {
        for text in ["a: 1\na: 2\n", "a: 1\nb: [\n", "a: 1\n<<: {b: 1}\n", "a: .nan\n"] {
            let faults = Node::parse(text).unwrap_err();
            assert!(faults.list()[0].line > 0, "{text:?}: {faults}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(Node::parse(&"[".repeat(200)).is_err());
        assert!(Node::parse(&"{a: ".repeat(200)).is_err());
    }
}
