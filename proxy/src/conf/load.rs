//! From file, environment and flags to one configuration, with every fault that was found.
//!
//! Later ones win: defaults, topology (`environment`), `serve --dev`, file, environment variables, flags.

use super::check::{self, Finding};
use super::env;
use super::fault::{Fault, Origin};
use super::form::{self, Walk};
use super::node::{Node, Value};
use super::profile;
use super::schema::{self, Schema};
use super::tree::{Conf, Environment};
use std::collections::BTreeMap;

/// Most faults that are told at once.
const MAX_FAULTS: usize = 200;

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Sources<'a> {
    /// The defaults of `serve --dev`, as a file; see [`profile::dev`].
    pub profile: Option<String>,
    /// The text of the file.
    pub file: Option<&'a str>,
    /// The process environment.
    pub environment: BTreeMap<String, String>,
    /// Command-line flags.
    pub flags: Vec<Flag>,
}

/// A command-line flag that sets a key.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag as it is typed, `--port`.
    pub name: String,
    /// The key it sets.
    pub path: &'static str,
    /// The value, spelled as in an environment variable.
    pub value: String,
}

/// A configuration, as far as it could be understood.
///
/// Keys at fault have their defaults here, so nothing may run on it before [`Loaded::checked`].
#[derive(Debug)]
pub struct Loaded {
    conf: Conf,
    tree: Node,
    /// What must be mended, ordered by place.
    pub faults: Vec<Fault>,
    /// What should be looked at.
    pub warnings: Vec<Fault>,
    walk: Walk,
}

/// Loads and checks a configuration; files that it names are not opened.
pub fn load(sources: &Sources<'_>) -> Loaded {
    let document = schema::document();
    let schema = Schema::new(&document);
    let (mut layers, mut faults, unknown) = layers(sources, schema);
    let environment = environment_of(&layers);
    let (name, text) = profile::topology(environment);
    layers.insert(0, parsed(text, &Origin::Profile(name), &mut faults));
    let defaults = Node::of(&Conf::default()).unwrap_or_else(|fault| {
        faults.push(fault);
        Node::default()
    });
    let tree = layers.into_iter().fold(defaults.clone(), Node::merged);
    let mut walk = Walk::default();
    walk.faults = faults;
    let tree = walk.whole(schema, &tree, &defaults);
    let conf = serde_json::from_value(serde_json::Value::from(&tree)).unwrap_or_else(|error| {
        walk.faults.push(Fault::new(&Origin::Default, "", format!("does not fit its types: {error}")));
        Conf::default()
    });
    let mut loaded = Loaded { conf, tree, faults: Vec::new(), warnings: Vec::new(), walk };
    match environment {
        Environment::Dev => loaded.warnings.extend(unknown),
        Environment::Staging | Environment::Prod => loaded.walk.faults.extend(unknown),
    }
    loaded.faults.clone_from(&loaded.walk.faults);
    let findings = check::rules(&loaded.conf);
    loaded.add(findings);
    loaded
}

/// Reads everything above the defaults: trees in the order in which they apply, faults, and unknown variables.
fn layers(sources: &Sources<'_>, schema: Schema<'_>) -> (Vec<Node>, Vec<Fault>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut layers = Vec::new();
    if let Some(text) = &sources.profile {
        layers.push(parsed(text, &Origin::Profile("serve --dev"), &mut faults));
    }
    match sources.file.map(Node::parse) {
        Some(Ok(mut node)) => {
            form::dedupe(&mut node, "", &mut faults);
            layers.push(node);
        }
        Some(Err(fault)) => faults.push(fault),
        None => {}
    }
    let overlay = env::overlay(schema, &sources.environment);
    faults.extend(overlay.faults);
    layers.extend(overlay.trees);
    let keys = env::keys(schema);
    for flag in &sources.flags {
        let path: Vec<&str> = flag.path.split('.').collect();
        let origin = Origin::Flag(flag.name.clone());
        match keys.iter().find(|key| key.path == path).map(|key| key.value(&flag.value, &origin)) {
            Some(Ok(node)) => layers.push(node.under(&path)),
            Some(Err(fault)) => faults.push(fault),
            None => faults.push(Fault::new(&origin, flag.path, "is no key of the configuration")),
        }
    }
    (layers, faults, overlay.unknown)
}

fn parsed(text: &str, origin: &Origin, faults: &mut Vec<Fault>) -> Node {
    match Node::parse(text) {
        Ok(node) => node.from(origin),
        Err(fault) => {
            faults.push(Fault { origin: origin.clone(), ..fault });
            Node { value: Value::Map(Vec::new()), origin: origin.clone() }
        }
    }
}

/// Reads the topology that the layers ask for; what is no topology is told later, by the check of the form.
fn environment_of(layers: &[Node]) -> Environment {
    let word = layers.iter().rev().find_map(|layer| layer.get("environment"));
    word.and_then(|node| serde_json::from_value(serde_json::Value::from(node)).ok()).unwrap_or_default()
}

impl Loaded {
    /// Adds what further checks found, unless the key has a fault already.
    pub fn add(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            let path = self.walk.original(&finding.path);
            if self.walk.covers(&path) {
                continue;
            }
            let fault = Fault::new(self.tree.origin_of(&finding.path), path, finding.message);
            if finding.fatal { self.faults.push(fault) } else { self.warnings.push(fault) }
        }
        self.faults.sort();
        self.warnings.sort();
        for list in [&mut self.faults, &mut self.warnings] {
            if list.len() > MAX_FAULTS {
                let more = list.len() - MAX_FAULTS;
                list.truncate(MAX_FAULTS);
                list.push(Fault::new(&Origin::Default, "", format!("and {more} more")));
            }
        }
    }

    /// Returns the configuration for further checks; it is not fit to run on.
    pub fn unchecked(&self) -> &Conf {
        &self.conf
    }

    /// Returns the effective values with their origins.
    pub fn tree(&self) -> &Node {
        &self.tree
    }

    /// Returns the configuration if it has no fault.
    ///
    /// # Errors
    /// All faults.
    pub fn checked(self) -> Result<Conf, Vec<Fault>> {
        if self.faults.is_empty() { Ok(self.conf) } else { Err(self.faults) }
    }
}

#[cfg(test)]
mod tests;
