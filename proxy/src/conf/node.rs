//! A configuration as written: a tree of YAML values, each with its origin, before any type is applied.
//!
//! YAML 1.2, strictly: `no` is text, merge keys are ordinary keys, tags are refused. Size, depth, nodes and aliases are bounded.

use super::fault::{Fault, Origin};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{DuplicateKeyPolicy, Location, MergeKeyPolicy, Options, Spanned};
use std::fmt;

/// Largest file, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting.
const MAX_DEPTH: usize = 32;
/// Most values in one file.
const MAX_NODES: usize = 50_000;
/// Most aliases in one file.
const MAX_ALIASES: usize = 100;
/// The key whose value says which form a section has; with another one, the section starts afresh.
pub(super) const TAG: &str = "kind";

/// A value and where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
}

/// A value without type.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order in which it was written.
    Map(Vec<Entry>),
}

/// One key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub origin: Origin,
    /// Its value.
    pub node: Node,
}

impl Node {
    /// Parses a document; one that says nothing is an empty mapping.
    ///
    /// # Errors
    /// One fault: what is not YAML, or exceeds a bound, ends the reading.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > MAX_BYTES {
            return Err(Fault::new(&Origin::Default, "", format!("is larger than {} KiB", MAX_BYTES >> 10)));
        }
        match serde_saphyr::from_str_with_options::<Option<Spanned<Value>>>(text, options()) {
            Ok(Some(document)) if document.value != Value::Null => Ok(document.into()),
            Ok(_) => Ok(Self { value: Value::Map(Vec::new()), origin: Origin::Default }),
            Err(error) => {
                let origin = error.location().map_or(Origin::Default, Origin::from);
                Err(Fault::new(&origin, "", message(&error)))
            }
        }
    }

    /// Makes a tree from a value that serialises; all of it is default.
    ///
    /// # Errors
    /// The value does not serialise as YAML.
    pub fn of(value: &impl serde::Serialize) -> Result<Self, Fault> {
        let text = serde_saphyr::to_string(value)
            .map_err(|error| Fault::new(&Origin::Default, "", format!("does not serialise: {error}")))?;
        Ok(Self::parse(&text)?.from(&Origin::Default))
    }

    /// Makes a mapping that holds `self` under a path of keys.
    #[must_use]
    pub fn under(self, path: &[&str]) -> Self {
        path.iter().rev().fold(self, |node, key| {
            let origin = node.origin.clone();
            let entry = Entry { key: (*key).to_owned(), origin: origin.clone(), node };
            Self { value: Value::Map(vec![entry]), origin }
        })
    }

    /// Replaces the origin of all values.
    #[must_use]
    pub fn from(mut self, origin: &Origin) -> Self {
        self.origin = origin.clone();
        match &mut self.value {
            Value::List(items) => {
                *items = std::mem::take(items).into_iter().map(|item| item.from(origin)).collect();
            }
            Value::Map(entries) => {
                for entry in entries {
                    entry.origin = origin.clone();
                    entry.node = std::mem::take(&mut entry.node).from(origin);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
        }
        self
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
        }
    }

    /// Returns the text of a textual value.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the origin of the value at a path such as `backends[0].path`, or of what is nearest above it.
    pub fn origin_of(&self, path: &str) -> &Origin {
        let mut node = self;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match (&node.value, step.strip_suffix(']')) {
                (Value::List(items), Some(index)) => {
                    index.parse::<usize>().ok().and_then(|index| items.get(index))
                }
                _ => node.get(step),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        &node.origin
    }

    /// Lays another tree over this one: mappings are merged, everything else is replaced.
    ///
    /// A section or list that the other one leaves empty keeps its values, and one of another kind starts afresh.
    #[must_use]
    pub fn merged(self, over: Self) -> Self {
        match (self.value, over.value) {
            (Value::Map(below), Value::Map(above)) if same_kind(&below, &above) => {
                let entries = above.into_iter().fold(below, put);
                Self { value: Value::Map(entries), origin: over.origin }
            }
            (below @ (Value::Map(_) | Value::List(_)), Value::Null) => {
                Self { value: below, origin: self.origin }
            }
            (_, above) => Self { value: above, origin: over.origin },
        }
    }
}

fn same_kind(below: &[Entry], above: &[Entry]) -> bool {
    let kind = |entries: &[Entry]| {
        entries.iter().find(|entry| entry.key == TAG).map(|entry| entry.node.value.clone())
    };
    kind(above).is_none_or(|above| kind(below).is_none_or(|below| below == above))
}

fn put(mut entries: Vec<Entry>, new: Entry) -> Vec<Entry> {
    match entries.iter_mut().find(|entry| entry.key == new.key) {
        Some(entry) => {
            entry.node = std::mem::take(&mut entry.node).merged(new.node);
            entry.origin = new.origin;
        }
        None => entries.push(new),
    }
    entries
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_aliases: MAX_ALIASES,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_NODES },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// The error's own words, on one line, without the position, which the fault carries.
fn message(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let end = text.find(" at line ").unwrap_or(text.len());
    let (head, _) = text.split_at(end);
    format!("is not valid YAML: {}", head.split_whitespace().collect::<Vec<_>>().join(" "))
}

impl From<Location> for Origin {
    fn from(at: Location) -> Self {
        Self::File { line: at.line(), column: at.column() }
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { value: spanned.value, origin: spanned.referenced.into() }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = input.next_element::<Spanned<Value>>()? {
            items.push(item.into());
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = input.next_key::<Spanned<String>>()? {
            let node = input.next_value::<Spanned<Value>>()?.into();
            entries.push(Entry { key: key.value, origin: key.referenced.into(), node });
        }
        Ok(Value::Map(entries))
    }
}

/// Loses the origins.
impl From<&Node> for serde_json::Value {
    fn from(node: &Node) -> Self {
        match &node.value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::Text(text) => Self::String(text.clone()),
            Value::List(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Map(entries) => Self::Object(
                entries.iter().map(|entry| (entry.key.clone(), Self::from(&entry.node))).collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Node::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn values_and_keys_know_their_line_and_column() {
        let tree = Node::parse("a: 1\nb:\n  - x\n  - { c: no }\n").unwrap();
        assert_eq!(tree.origin_of("a"), &Origin::File { line: 1, column: 4 });
        assert_eq!(tree.origin_of("b[1].c"), &Origin::File { line: 4, column: 10 });
        assert_eq!(tree.origin_of("b[1].missing.deeper"), &Origin::File { line: 4, column: 5 });
        let Value::Map(entries) = &tree.value else { panic!() };
        assert_eq!(entries[1].origin, Origin::File { line: 2, column: 1 });
    }

    #[test]
    fn scalars_are_read_as_yaml_1_2() {
        let text = "[no, yes, on, 0755, 1_000, 1.3, 2, true, ~, '2', 2001-01-01]";
        let Value::List(items) = Node::parse(text).unwrap().value else { panic!() };
        let json = serde_json::Value::from(&Node { value: Value::List(items), origin: Origin::Default });
        let right =
            serde_json::json!(["no", "yes", "on", "0755", "1_000", 1.3, 2, true, null, "2", "2001-01-01"]);
        assert_eq!(json, right);
    }

    #[test]
    fn what_says_nothing_is_an_empty_mapping() {
        for text in ["", "# only a comment\n", "---\n", "{}"] {
            assert_eq!(Node::parse(text).unwrap().value, Value::Map(Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn broken_yaml_is_one_fault_with_its_place() {
        assert!(fault("a: [1\nb: 2\n").contains("is not valid YAML"), "{}", fault("a: [1\nb: 2\n"));
        assert!(fault("a: 'x\n").starts_with(char::is_numeric), "{}", fault("a: 'x\n"));
        assert!(fault("a: !!python/object x").contains("YAML"));
        assert!(fault("a: 1\n---\nb: 2\n").contains("YAML"));
    }

    #[test]
    fn depth_size_and_aliases_are_bounded() {
        assert!(fault(&"[".repeat(100_000)).len() < 400);
        assert!(fault(&format!("a: {}", "x".repeat(MAX_BYTES))).contains("1024 KiB"));
        let mut bomb = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x, x]".to_owned()];
        for level in 1..9 {
            let list = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push(format!("a{level}: &a{level} [{list}]"));
        }
        assert!(fault(&bomb.join("\n")).contains("YAML"));
    }

    #[test]
    fn merging_replaces_values_and_keeps_what_is_left_empty() {
        let below = Node::parse("a: { b: 1, c: 2 }\nl: [1, 2]\ns: { kind: x, p: 1 }").unwrap();
        let merged = below.clone().merged(Node::parse("a: { b: 3 }\nl:\ns: { kind: y }").unwrap());
        let right = serde_json::json!({"a": {"b": 3, "c": 2}, "l": [1, 2], "s": {"kind": "y"}});
        assert_eq!(serde_json::Value::from(&merged), right);
        let merged = below.merged(Node::parse("l: [3]\ns: { p: 2 }").unwrap());
        let right = serde_json::json!({"a": {"b": 1, "c": 2}, "l": [3], "s": {"kind": "x", "p": 2}});
        assert_eq!(serde_json::Value::from(&merged), right);
    }
}
