//! Checks a tree against the schema: every fault at once, and what is left when they are taken out.

use super::fault::{Fault, Origin};
use super::node::{Entry, Node, TAG, Value};
use super::schema::{Form, Schema};
use super::words::{advice, check_text, nearest, one_of};
use std::collections::BTreeMap;

/// Collects faults while walking a tree.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// What was found so far.
    pub(super) faults: Vec<Fault>,
    /// For each list that lost items: where the remaining ones were.
    kept: BTreeMap<String, Vec<usize>>,
}

/// One value on the walk.
#[derive(Clone, Copy)]
struct Spot<'a> {
    schema: Schema<'a>,
    node: &'a Node,
    /// What stands in for the value if it is of no use.
    default: Option<&'a Node>,
    path: &'a str,
}

/// Takes out the second and later ones of equal keys.
pub(super) fn dedupe(node: &mut Node, path: &str, faults: &mut Vec<Fault>) {
    match &mut node.value {
        Value::Map(entries) => {
            let mut first: BTreeMap<String, Origin> = BTreeMap::new();
            entries.retain_mut(|entry| {
                let path = join(path, &entry.key);
                if let Some(origin) = first.get(&entry.key) {
                    faults.push(Fault::new(
                        &entry.origin,
                        path,
                        format!("is given twice, first at {origin}"),
                    ));
                    return false;
                }
                first.insert(entry.key.clone(), entry.origin.clone());
                dedupe(&mut entry.node, &path, faults);
                true
            });
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                dedupe(item, &format!("{path}[{index}]"), faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl Walk {
    /// Checks the whole tree; what is at fault is replaced by the default.
    pub(super) fn whole(&mut self, schema: Schema<'_>, tree: &Node, defaults: &Node) -> Node {
        let spot = Spot { schema, node: tree, default: Some(defaults), path: "" };
        self.node(spot).unwrap_or_else(|| defaults.clone())
    }

    /// Returns the path in the tree as it was before items were taken out of its lists.
    pub(super) fn original(&self, path: &str) -> String {
        let Some((list, rest)) = path.split_once('[') else {
            return path.to_owned();
        };
        let Some((index, rest)) = rest.split_once(']') else {
            return path.to_owned();
        };
        let before =
            self.kept.get(list).zip(index.parse::<usize>().ok()).and_then(|(kept, index)| kept.get(index));
        before.map_or_else(|| path.to_owned(), |before| format!("{list}[{before}]{rest}"))
    }

    /// Tells whether a fault was found at a path or above it; a file of no use is above everything.
    pub(super) fn covers(&self, path: &str) -> bool {
        self.faults.iter().any(|fault| match path.strip_prefix(fault.path.as_str()) {
            Some(_) if fault.path.is_empty() => {
                !matches!(fault.origin, Origin::Variable(_) | Origin::Flag(_))
            }
            Some(rest) => rest.is_empty() || rest.starts_with(['.', '[']),
            None => false,
        })
    }

    fn fault(&mut self, spot: Spot<'_>, message: impl Into<String>) -> Option<Node> {
        self.faults.push(Fault::new(&spot.node.origin, spot.path, message));
        None
    }

    /// Checks one value; `None` means that it is of no use, and a fault says why.
    fn node(&mut self, spot: Spot<'_>) -> Option<Node> {
        if spot.schema.optional() && spot.node.value == Value::Null {
            return Some(spot.node.clone());
        }
        match spot.schema.form() {
            Form::Section(_) => self.section(spot),
            Form::Union(kinds) => self.union(spot, &kinds),
            Form::List(items) => self.list(spot, items),
            Form::Choice(words) => self.choice(spot, &words),
            Form::Text => self.text(spot),
            Form::Number => self.number(spot),
            Form::Free if matches!(spot.node.value, Value::Map(_)) => Some(spot.node.clone()),
            Form::Bool if matches!(spot.node.value, Value::Bool(_)) => Some(spot.node.clone()),
            Form::Free => self.wrong_type(spot, "a section"),
            Form::Bool => self.wrong_type(spot, "`true` or `false`"),
        }
    }

    fn wrong_type(&mut self, spot: Spot<'_>, right: &str) -> Option<Node> {
        let is = match &spot.node.value {
            Value::Null => "empty",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a section",
        };
        self.fault(spot, format!("must be {right}, is {is}"))
    }

    fn section(&mut self, spot: Spot<'_>) -> Option<Node> {
        let Value::Map(entries) = &spot.node.value else {
            return self.wrong_type(spot, "a section");
        };
        let mut kept = Vec::new();
        for entry in entries {
            let path = join(spot.path, &entry.key);
            let Some(schema) = spot.schema.property(&entry.key) else {
                self.unknown_key(spot, entry, path);
                continue;
            };
            let default = spot.default.and_then(|default| default.get(&entry.key));
            let inner = Spot { schema, node: &entry.node, default, path: &path };
            if let Some(node) = self.node(inner).or_else(|| default.cloned()) {
                kept.push(Entry { node, ..entry.clone() });
            }
        }
        let missing: Vec<_> =
            spot.schema.required().filter(|key| !kept.iter().any(|entry| entry.key == *key)).collect();
        for key in &missing {
            if spot.node.get(key).is_none() {
                self.fault(spot, format!("lacks the key `{key}`"));
            }
        }
        missing.is_empty().then(|| Node { value: Value::Map(kept), origin: spot.node.origin.clone() })
    }

    fn unknown_key(&mut self, spot: Spot<'_>, entry: &Entry, path: String) {
        let Form::Section(keys) = spot.schema.form() else {
            return;
        };
        let known: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
        let message = format!("unknown key `{}`; {}", entry.key, advice(&entry.key, &known));
        self.faults.push(Fault::new(&entry.origin, path, message));
    }

    fn union(&mut self, spot: Spot<'_>, kinds: &[(&str, Schema<'_>)]) -> Option<Node> {
        let words: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
        if !matches!(spot.node.value, Value::Map(_)) {
            return self.wrong_type(spot, "a section");
        }
        let Some(kind) = spot.node.get(TAG) else {
            return self.fault(spot, format!("lacks the key `{TAG}`; {}", one_of(&words)));
        };
        if let Some((_, schema)) = kinds.iter().find(|(name, _)| kind.text() == Some(name)) {
            return self.section(Spot { schema: *schema, ..spot });
        }
        let path = join(spot.path, TAG);
        self.choice(Spot { node: kind, path: &path, ..spot }, &words);
        None
    }

    fn list(&mut self, spot: Spot<'_>, schema: Schema<'_>) -> Option<Node> {
        let Value::List(items) = &spot.node.value else {
            return self.wrong_type(spot, "a list");
        };
        let count = |name| spot.schema.keyword(name).and_then(serde_json::Value::as_u64);
        let length = u64::try_from(items.len()).unwrap_or(u64::MAX);
        if count("minItems").is_some_and(|least| length < least) {
            return self.fault(spot, "must not be empty");
        }
        if let Some(most) = count("maxItems").filter(|most| length > *most) {
            return self.fault(spot, format!("has more than {most} items"));
        }
        let (mut kept, mut indices) = (Vec::new(), Vec::new());
        for (index, node) in items.iter().enumerate() {
            let path = format!("{}[{index}]", spot.path);
            if let Some(node) = self.node(Spot { schema, node, default: None, path: &path }) {
                kept.push(node);
                indices.push(index);
            }
        }
        if kept.len() < items.len() {
            if !matches!(schema.form(), Form::Union(_)) {
                return None;
            }
            self.kept.insert(spot.path.to_owned(), indices);
        }
        Some(Node { value: Value::List(kept), origin: spot.node.origin.clone() })
    }

    fn choice(&mut self, spot: Spot<'_>, words: &[&str]) -> Option<Node> {
        match &spot.node.value {
            Value::Text(text) if words.contains(&text.as_str()) => Some(spot.node.clone()),
            Value::Text(text) => {
                let near =
                    nearest(text, words).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                self.fault(spot, format!("{}{near}", one_of(words)))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                self.wrong_type(spot, &one_of(words).replacen("must be ", "", 1))
            }
        }
    }

    fn text(&mut self, spot: Spot<'_>) -> Option<Node> {
        let text = match &spot.node.value {
            Value::Text(text) => text,
            Value::Number(_) | Value::Bool(_) => return self.wrong_type(spot, "text, in quotes"),
            Value::Null | Value::List(_) | Value::Map(_) => return self.wrong_type(spot, "text"),
        };
        match check_text(spot.schema, text) {
            Ok(()) => Some(spot.node.clone()),
            Err(message) => self.fault(spot, message),
        }
    }

    fn number(&mut self, spot: Spot<'_>) -> Option<Node> {
        let Value::Number(number) = &spot.node.value else {
            return self.wrong_type(spot, "a whole number");
        };
        let bound = |name| spot.schema.keyword(name).and_then(serde_json::Value::as_u64);
        let low = bound("minimum").unwrap_or(0);
        let high = bound("maximum").unwrap_or(u64::MAX);
        match number.as_u64() {
            Some(value) if (low..=high).contains(&value) => Some(spot.node.clone()),
            _ => self.fault(spot, format!("must be a whole number from {low} to {high}")),
        }
    }
}
