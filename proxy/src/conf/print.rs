//! Prints configurations: the commented default file, the reference in Markdown, and effective values with their origin.

mod difference;
mod effective;
mod explain;
mod reference;

pub use difference::{Difference, differences};
pub use effective::{effective, effective_json};
pub use explain::{Explained, explain};
pub use reference::reference;

use super::fault::Fault;
use super::node::{Entry, Node, TAG, Value};
use super::schema::{self, Form, Schema};
use super::tree::Conf;
use serde_json::Value as Json;

/// Columns that a comment may fill.
const WIDTH: usize = 110;

const HEAD: &str = "\
# yaml-language-server: $schema=netweave.schema.json
#
# The configuration of netweave: every key with its default. What is commented out is an example.
# Print this file with `netweave config default`, check yours with `netweave check-config FILE`.
# Environment variables override the file: limits.perIdentity.rate is NETWEAVE_LIMITS_PER_IDENTITY_RATE.
# Durations are written as 250ms, 30s, 5m, 2h, 7d; sizes as 512B, 64KiB, 1MiB, 1GiB. Relative paths start at the working folder.
";

/// Prints the default configuration file: every key, its meaning and its range.
///
/// # Errors
/// The defaults do not serialise.
pub fn default_file() -> Result<String, Fault> {
    let document = schema::document();
    let tree = Node::of(&Conf::default())?;
    let mut printer = Printer { out: HEAD.to_owned(), prefix: String::new() };
    printer.section(Schema::new(&document), &tree, 0);
    Ok(printer.out)
}

/// Returns the form that a section's `kind` asks for.
fn of_kind<'a>(schema: Schema<'a>, node: &Node) -> Schema<'a> {
    let Form::Union(kinds) = schema.form() else {
        return schema;
    };
    let kind = node.get(TAG).and_then(Node::text);
    kinds.into_iter().find(|(name, _)| Some(*name) == kind).map_or(schema, |(_, schema)| schema)
}

/// Prints a value on one line.
fn flow(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) => scalar(text),
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::Object(keys) if keys.is_empty() => "{}".to_owned(),
        Json::Object(keys) => {
            let keys: Vec<String> =
                keys.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{ {} }}", keys.join(", "))
        }
    }
}

/// Prints text plain where it reads back as the same text even inside brackets, else in JSON's quotes.
fn scalar(text: &str) -> String {
    let tame = text.chars().all(|c| c.is_alphanumeric() || " -_./:@+*%=".contains(c));
    let same = |node: Node| matches!(node.value, Value::List(items) if matches!(items.as_slice(), [one] if one.text() == Some(text)));
    if tame && !text.is_empty() && Node::parse(&format!("[{text}]")).is_ok_and(same) {
        text.to_owned()
    } else {
        Json::from(text).to_string()
    }
}

/// Prints a file; `prefix` stands before each line, so that examples are comments.
struct Printer {
    out: String,
    prefix: String,
}

impl Printer {
    fn line(&mut self, depth: usize, text: &str) {
        let line = format!("{}{}{text}", self.prefix, "  ".repeat(depth));
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    /// Prints what a key means and what it may be, in lines of a readable width.
    fn comment(&mut self, schema: Schema<'_>, depth: usize) {
        let text = match schema.range() {
            (Some(low), Some(high)) => format!("{} {low} to {high}.", schema.description()),
            _ => schema.description().to_owned(),
        };
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + word.chars().count() + 3 + 2 * depth > WIDTH {
                self.line(depth, &format!("# {line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            self.line(depth, &format!("# {line}"));
        }
    }

    fn section(&mut self, schema: Schema<'_>, node: &Node, depth: usize) {
        let Value::Map(entries) = &node.value else { return };
        for Entry { key, node, .. } in entries {
            let Some(inner) = schema.property(key) else {
                continue;
            };
            if depth == 0 {
                self.line(0, "");
            }
            self.comment(inner, depth);
            match (inner.form(), &node.value) {
                (_, Value::Null) => self.example(inner, key, depth),
                (Form::Section(_), _) => {
                    self.line(depth, &format!("{key}:"));
                    self.section(inner, node, depth + 1);
                }
                (Form::Union(kinds), _) => {
                    self.line(depth, &format!("{key}:"));
                    self.union(&kinds, node, depth + 1);
                }
                (Form::List(items), Value::List(list))
                    if list.is_empty() && matches!(items.form(), Form::Union(_)) =>
                {
                    self.line(depth, &format!("{key}: []"));
                    self.examples(key, items, depth);
                }
                (_, Value::List(list)) if list.is_empty() => {
                    self.line(depth, &format!("{key}: []"));
                    self.example(inner, key, depth);
                }
                (_, Value::Map(keys)) if keys.is_empty() => {
                    self.line(depth, &format!("{key}: {{}}"));
                    self.example(inner, key, depth);
                }
                _ => self.line(depth, &format!("{key}: {}", flow(&Json::from(node)))),
            }
        }
    }

    fn example(&mut self, schema: Schema<'_>, key: &str, depth: usize) {
        if let Some(example) = schema.example() {
            self.line(depth, &format!("# {key}: {}", flow(example)));
        }
    }

    /// Prints the default kind of a section, and the other kinds as comments.
    fn union(&mut self, kinds: &[(&str, Schema<'_>)], node: &Node, depth: usize) {
        let chosen = node.get(TAG).and_then(Node::text);
        for (kind, schema) in kinds {
            if Some(*kind) == chosen {
                self.comment(*schema, depth);
                self.line(depth, &format!("{TAG}: {}", scalar(kind)));
                self.section(*schema, &without_tag(node), depth);
            }
        }
        for (kind, schema) in kinds.iter().filter(|(kind, _)| Some(*kind) != chosen) {
            self.line(depth, "#");
            self.comment(*schema, depth);
            self.kind(kind, *schema, depth, ("# ", "# "));
        }
    }

    /// Prints one commented entry of each kind.
    fn examples(&mut self, key: &str, items: Schema<'_>, depth: usize) {
        let Form::Union(kinds) = items.form() else { return };
        self.line(depth, &format!("# {key}:"));
        for (kind, schema) in kinds {
            let before = std::mem::replace(&mut self.prefix, format!("{}#   ", "  ".repeat(depth)));
            self.comment(schema, 0);
            self.prefix = before;
            self.kind(kind, schema, depth, ("#   - ", "#     "));
        }
    }

    /// Prints the keys of a kind with example values, the first line after `marks.0`, the others after `marks.1`.
    fn kind(&mut self, kind: &str, schema: Schema<'_>, depth: usize, marks: (&str, &str)) {
        self.line(depth, &format!("{}{TAG}: {}", marks.0, scalar(kind)));
        let Form::Section(keys) = schema.form() else {
            return;
        };
        let required: Vec<&str> = schema.required().collect();
        let optional = keys.iter().map(|(key, _)| *key).filter(|key| !required.contains(key));
        for key in required.iter().copied().filter(|key| *key != TAG).chain(optional) {
            let Some(inner) = schema.property(key) else {
                continue;
            };
            let value = inner.example().or_else(|| inner.keyword("default")).map(flow).unwrap_or_default();
            let before = std::mem::replace(&mut self.prefix, format!("{}{}", "  ".repeat(depth), marks.1));
            self.comment(inner, 0);
            self.line(0, &format!("{key}: {value}"));
            self.prefix = before;
        }
    }
}

fn without_tag(node: &Node) -> Node {
    let mut node = node.clone();
    if let Value::Map(entries) = &mut node.value {
        entries.retain(|entry| entry.key != TAG);
    }
    node
}

#[cfg(test)]
mod tests;
