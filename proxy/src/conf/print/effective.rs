//! The values in force, with the place each comes from.

use super::{flow, of_kind};
use crate::conf::fault::Origin;
use crate::conf::form::join;
use crate::conf::node::{Entry, Node, Value};
use crate::conf::schema::{self, Form, Schema};
use serde_json::{Value as Json, json};

/// What stands for a secret.
pub(super) const MASK: &str = "***";

/// Prints effective values, secrets masked; with `origins`, each with the place it comes from.
pub fn effective(tree: &Node, origins: bool) -> String {
    let document = schema::document();
    let mut masked = tree.clone();
    mask(Schema::new(&document), &mut masked);
    let shown = |line: Line<'_>| {
        let note = line.origin.filter(|_| origins).map(|origin| format!("  # {origin}"));
        format!("{}{}{}", "  ".repeat(line.depth), line.text, note.unwrap_or_default())
    };
    let mut lines: Vec<String> = leaves(Schema::new(&document), &masked).into_iter().map(shown).collect();
    lines.push(String::new());
    lines.join("\n")
}

/// Returns effective values, secrets masked; with `origins`, a list of `{path, value, source, line, column}`.
pub fn effective_json(tree: &Node, origins: bool) -> Json {
    let document = schema::document();
    let mut masked = tree.clone();
    mask(Schema::new(&document), &mut masked);
    if !origins {
        return Json::from(&masked);
    }
    let mut list = Vec::new();
    values("", &masked, &mut list);
    Json::Array(list)
}

pub(super) fn mask(schema: Schema<'_>, node: &mut Node) {
    let kind = of_kind(schema, node);
    match &mut node.value {
        Value::Map(entries) => {
            for entry in entries {
                if let Some(inner) = kind.property(&entry.key) {
                    mask(inner, &mut entry.node);
                }
            }
        }
        Value::List(items) => {
            if let Form::List(schema) = schema.form() {
                for item in items {
                    mask(schema, item);
                }
            }
        }
        secret @ (Value::Bool(_) | Value::Number(_) | Value::Text(_)) if schema.secret() => {
            *secret = Value::Text(MASK.to_owned());
        }
        Value::Text(text) => without_user(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Masks the user of a URL: no URL may have one, but a file with that fault is shown to others as well.
fn without_user(text: &mut String) {
    let Some((scheme, rest)) = text.split_once("://") else { return };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if let Some((_, host)) = authority.rsplit_once('@') {
        *text = format!("{scheme}://{MASK}@{host}{path}");
    }
}

fn values(path: &str, node: &Node, list: &mut Vec<Json>) {
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            for entry in entries {
                values(&join(path, &entry.key), &entry.node, list);
            }
        }
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Map(_))) => {
            for (index, item) in items.iter().enumerate() {
                values(&format!("{path}[{index}]"), item, list);
            }
        }
        Value::Map(_) | Value::List(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {
            let position = node.origin.position();
            let source = if position.is_some() { "file".to_owned() } else { node.origin.to_string() };
            list.push(json!({
                "path": path,
                "value": Json::from(node),
                "source": source,
                "line": position.map(|(line, _)| line),
                "column": position.map(|(_, column)| column),
            }));
        }
    }
}

/// One line of effective values.
struct Line<'a> {
    depth: usize,
    text: String,
    origin: Option<&'a Origin>,
}

fn leaves<'a>(schema: Schema<'_>, tree: &'a Node) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    walk(schema, tree, 0, &mut lines);
    lines
}

fn walk<'a>(schema: Schema<'_>, node: &'a Node, depth: usize, lines: &mut Vec<Line<'a>>) {
    let Value::Map(entries) = &node.value else { return };
    let schema = of_kind(schema, node);
    for Entry { key, node, .. } in entries {
        let inner = schema.property(key);
        let form = inner.map(Schema::form);
        let mut line = |text, origin| lines.push(Line { depth, text, origin });
        match (form, &node.value) {
            (Some(Form::Section(_) | Form::Union(_)), Value::Map(_)) => {
                line(format!("{key}:"), None);
                walk(inner.unwrap_or(schema), node, depth + 1, lines);
            }
            (Some(Form::List(items)), Value::List(list))
                if !list.is_empty() && matches!(items.form(), Form::Union(_)) =>
            {
                line(format!("{key}:"), None);
                for item in list {
                    let first = lines.len();
                    walk(items, item, depth + 2, lines);
                    if let Some(line) = lines.get_mut(first) {
                        line.depth = depth + 1;
                        line.text.insert_str(0, "- ");
                    }
                }
            }
            _ => line(format!("{key}: {}", flow(&Json::from(node))), Some(&node.origin)),
        }
    }
}
