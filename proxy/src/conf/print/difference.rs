//! What two configurations differ in, value by value.

use super::effective::mask;
use crate::conf::form::join;
use crate::conf::live;
use crate::conf::node::{Entry, Node, Value};
use crate::conf::schema::{self, Schema};
use serde::Serialize;
use serde_json::Value as Json;

/// A value that is not the same in both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The key, `limits.perIdentity.rate` or `backends[0].name`.
    pub path: String,
    /// The value of the old one, masked if it is a secret; null if there is none.
    pub old: Json,
    /// The value of the new one.
    pub new: Json,
    /// Whether a running gateway takes it over; else it counts from the next start.
    pub live: bool,
}

/// Lists what differs, in the order of the keys of the old one, then what only the new one has.
///
/// Lists of sections are compared item by item, in their order.
pub fn differences(old: &Node, new: &Node) -> Vec<Difference> {
    let document = schema::document();
    let masked = |tree: &Node| {
        let mut masked = tree.clone();
        mask(Schema::new(&document), &mut masked);
        masked
    };
    let (shown_old, shown_new) = (masked(old), masked(new));
    let mut all = Vec::new();
    walk("", [Some(old), Some(new)], [Some(&shown_old), Some(&shown_new)], &mut all);
    all
}

type Pair<'a> = [Option<&'a Node>; 2];

/// Compares what is in force, and writes down what may be shown.
fn walk(path: &str, values: Pair<'_>, shown: Pair<'_>, all: &mut Vec<Difference>) {
    let json = |node: Option<&Node>| node.map(Json::from).unwrap_or_default();
    if json(values[0]) == json(values[1]) {
        return;
    }
    let keys = steps(values);
    if keys.is_empty() {
        let (path, live) = (path.to_owned(), live::is_live(path));
        all.push(Difference { path, old: json(shown[0]), new: json(shown[1]), live });
        return;
    }
    for key in keys {
        let path = if key.starts_with('[') { format!("{path}{key}") } else { join(path, &key) };
        walk(&path, below(values, &key), below(shown, &key), all);
    }
}

/// Goes one step down in both.
fn below<'a>(pair: Pair<'a>, key: &str) -> Pair<'a> {
    pair.map(|node| node.and_then(|node| step(node, key)))
}

/// Returns the steps below two values: their keys, or the places of their lists of sections; none if they are compared whole.
fn steps(values: Pair<'_>) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for node in values.into_iter().flatten() {
        let own: Vec<String> = match &node.value {
            Value::Map(entries) => entries.iter().map(|entry| entry.key.clone()).collect(),
            Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Map(_))) => {
                (0..items.len()).map(|index| format!("[{index}]")).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => Vec::new(),
        };
        steps.extend(own.into_iter().filter(|step| !steps.contains(step)).collect::<Vec<_>>());
    }
    let whole = |node: &Node| !matches!(node.value, Value::Map(_) | Value::List(_) | Value::Null);
    if values.into_iter().flatten().any(whole) { Vec::new() } else { steps }
}

fn step<'a>(node: &'a Node, step: &str) -> Option<&'a Node> {
    match (&node.value, step.strip_prefix('[').and_then(|step| step.strip_suffix(']'))) {
        (Value::List(items), Some(index)) => items.get(index.parse::<usize>().ok()?),
        (Value::Map(entries), None) => {
            entries.iter().find(|Entry { key, .. }| key == step).map(|entry| &entry.node)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::load::{Sources, load};
    use serde_json::json;

    fn between(old: &str, new: &str) -> Vec<(String, Json, Json)> {
        let tree = |file| load(&Sources { file: Some(file), ..Sources::default() });
        let found = differences(tree(old).tree(), tree(new).tree());
        found.into_iter().map(|one| (one.path, one.old, one.new)).collect()
    }

    #[test]
    fn each_value_that_differs_is_named_once() {
        assert_eq!(
            between("", "limits: { perIdentity: { rate: 100 } }"),
            [],
            "a default that is spelled out"
        );
        let found = between("limits: { perIdentity: { rate: 7 } }", "log: { level: debug }");
        let right =
            [("limits.perIdentity.rate", json!(7), json!(100)), ("log.level", json!("info"), json!("debug"))];
        assert_eq!(found, right.map(|(path, old, new)| (path.to_owned(), old, new)));
    }

    #[test]
    fn lists_of_sections_are_compared_by_item_and_plain_ones_whole() {
        let old = "backends: [{ name: a, kind: file, path: x }]\napi: { allow: [10.0.0.0/8] }";
        let new = "backends: [{ name: a, kind: file, path: y }, { name: b, kind: file, path: z }]";
        let found = between(old, new);
        let paths: Vec<&str> = found.iter().map(|(path, ..)| path.as_str()).collect();
        assert!(paths.contains(&"api.allow") && paths.contains(&"backends[0].path"), "{paths:?}");
        assert!(paths.contains(&"backends[1].name"), "{paths:?}");
    }

    #[test]
    fn another_kind_is_told_with_what_it_brings() {
        let found = between("", "state: { kind: memory }");
        assert_eq!(found[0], ("state.kind".to_owned(), json!("embedded"), json!("memory")));
        assert_eq!(found[1].0, "state.path");
    }
}
