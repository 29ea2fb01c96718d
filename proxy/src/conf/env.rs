//! Environment variables: `NETWEAVE_` and the path of a key, `limits.perIdentity.rate` as `NETWEAVE_LIMITS_PER_IDENTITY_RATE`.
//!
//! A list of plain values is written with commas; a mapping, and a list of mappings, as YAML in one line.

use super::fault::{Fault, Origin};
use super::form;
use super::node::{Node, TAG, Value};
use super::schema::{Form, Schema};
use super::words;
use std::collections::BTreeMap;

/// What all names begin with.
const PREFIX: &str = "NETWEAVE_";

/// A key that can be set from outside.
#[derive(Debug)]
pub(super) struct Key<'a> {
    /// Its path.
    pub(super) path: Vec<&'a str>,
    /// Its place in the schema.
    pub(super) schema: Schema<'a>,
}

impl Key<'_> {
    /// Returns the variable's name.
    pub(super) fn variable(&self) -> String {
        let mut name = PREFIX.to_owned();
        for (index, step) in self.path.iter().enumerate() {
            if index > 0 {
                name.push('_');
            }
            for c in step.chars() {
                if c.is_ascii_uppercase() {
                    name.push('_');
                }
                name.push(c.to_ascii_uppercase());
            }
        }
        name
    }

    /// Makes a value of the key's form from text; text of another form stays text, for the checks to refuse.
    pub(super) fn value(&self, text: &str, origin: &Origin) -> Result<Node, Fault> {
        let path = || self.path.join(".");
        match self.schema.form() {
            Form::List(items) if !matches!(items.form(), Form::Union(_) | Form::Section(_)) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let list =
                    parts.map(|part| Node { value: scalar(items, part), origin: origin.clone() }).collect();
                Ok(Node { value: Value::List(list), origin: origin.clone() })
            }
            Form::List(_) | Form::Free => {
                let mut node =
                    Node::parse(text).map_err(|fault| Fault::new(origin, path(), fault.message))?;
                let mut faults = Vec::new();
                form::dedupe(&mut node, &path(), &mut faults);
                match faults.into_iter().next() {
                    Some(fault) => Err(Fault::new(origin, fault.path, fault.message)),
                    None => Ok(node.from(origin)),
                }
            }
            Form::Section(_) | Form::Union(_) | Form::Choice(_) | Form::Text | Form::Number | Form::Bool => {
                Ok(Node { value: scalar(self.schema, text), origin: origin.clone() })
            }
        }
    }
}

fn scalar(schema: Schema<'_>, text: &str) -> Value {
    let parsed = match schema.form() {
        Form::Number => text.parse::<u64>().ok().map(|number| Value::Number(number.into())),
        Form::Bool => text.parse().ok().map(Value::Bool),
        Form::Text | Form::Choice(_) if schema.optional() && text.is_empty() => Some(Value::Null),
        Form::Text | Form::Choice(_) | Form::Section(_) | Form::Union(_) | Form::Free | Form::List(_) => None,
    };
    parsed.unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// Lists all keys that can be set from outside, tags before what depends on them.
pub(super) fn keys(schema: Schema<'_>) -> Vec<Key<'_>> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found);
    found.sort_by_key(|key| key.path.last() != Some(&TAG));
    found
}

fn collect<'a>(schema: Schema<'a>, path: &mut Vec<&'a str>, found: &mut Vec<Key<'a>>) {
    let sections = match schema.form() {
        Form::Section(keys) => keys,
        Form::Union(kinds) => {
            for (_, kind) in kinds {
                collect(kind, path, found);
            }
            return;
        }
        Form::Free | Form::List(_) | Form::Choice(_) | Form::Text | Form::Number | Form::Bool => {
            if !found.iter().any(|key| key.path == *path) {
                found.push(Key { path: path.clone(), schema });
            }
            return;
        }
    };
    for (name, inner) in sections {
        path.push(name);
        collect(inner, path, found);
        path.pop();
    }
}

/// What the environment says.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    /// The values, one tree each, in the order in which they apply.
    pub(super) trees: Vec<Node>,
    /// Values that could not be read.
    pub(super) faults: Vec<Fault>,
    /// Variables of our prefix that are no keys.
    pub(super) unknown: Vec<Fault>,
}

/// Reads all variables of our prefix.
pub(super) fn overlay(schema: Schema<'_>, environment: &BTreeMap<String, String>) -> Overlay {
    let mut overlay = Overlay::default();
    let keys: Vec<(String, Key<'_>)> = keys(schema).into_iter().map(|key| (key.variable(), key)).collect();
    for (name, key) in &keys {
        let Some(text) = environment.get(name) else {
            continue;
        };
        match key.value(text, &Origin::Variable(name.clone())) {
            Ok(node) => overlay.trees.push(node.under(&key.path)),
            Err(fault) => overlay.faults.push(fault),
        }
    }
    let names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
    for name in environment.keys().filter(|name| name.starts_with(PREFIX) && !is_service_link(name)) {
        if !names.contains(&name.as_str()) {
            let message = match words::advice(name, &names) {
                advice if advice.starts_with("did") => format!("is no key of the configuration; {advice}"),
                _ => "is no key of the configuration".to_owned(),
            };
            overlay.unknown.push(Fault::new(&Origin::Variable(name.clone()), "", message));
        }
    }
    overlay
}

/// Tells whether Kubernetes set a variable for a Service whose name begins with `netweave`.
///
/// Every pod in the Service's namespace gets them, so the Service `netweave-gateway` must not make its own pods fail.
fn is_service_link(name: &str) -> bool {
    let tail = |mark: &str| name.split_once(mark).map(|(_, tail)| tail);
    let port = |tail: &str| {
        let (number, rest) = tail.split_once('_').unwrap_or((tail, ""));
        !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
            && ["TCP", "UDP", "SCTP"].iter().any(|protocol| rest.starts_with(protocol))
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_PORT")
        || tail("_SERVICE_PORT").is_some_and(|tail| tail.is_empty() || tail.starts_with('_'))
        || tail("_PORT_").is_some_and(port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::schema;

    #[test]
    fn every_key_has_a_variable_of_its_own() {
        let document = schema::document();
        let mut names: Vec<String> = keys(Schema::new(&document)).iter().map(Key::variable).collect();
        for name in
            ["NETWEAVE_API_LISTEN", "NETWEAVE_LIMITS_PER_IDENTITY_RATE", "NETWEAVE_O_CLOUD_GLOBAL_CLOUD_ID"]
        {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| !is_service_link(name)), "{names:?}");
    }

    #[test]
    fn what_kubernetes_sets_for_our_service_is_not_ours() {
        for name in [
            "NETWEAVE_GATEWAY_SERVICE_HOST",
            "NETWEAVE_GATEWAY_SERVICE_PORT",
            "NETWEAVE_GATEWAY_SERVICE_PORT_HTTPS",
            "NETWEAVE_GATEWAY_PORT",
            "NETWEAVE_GATEWAY_PORT_443_TCP",
            "NETWEAVE_GATEWAY_PORT_443_TCP_ADDR",
        ] {
            assert!(is_service_link(name), "{name}");
        }
        for name in ["NETWEAVE_API_LISTENS", "NETWEAVE_OPS_PORTS", "NETWEAVE_PORT_HTTP"] {
            assert!(!is_service_link(name), "{name}");
        }
    }
}
