//! Amazon's objects -> O2-IMS objects, by pure functions. Words of Amazon end here.

pub(crate) mod capacity;
pub(crate) mod instance;
pub(crate) mod inventory;
pub(crate) mod kind;
pub(crate) mod network;
pub(crate) mod place;
pub(crate) mod pool;
pub(crate) mod region;
pub(crate) mod volume;

use crate::endpoint;
use crate::wire::{self, Set, Tag};
use kind::TypeKey;
use netweave_model::domain::{KeyValuePairs, ResourceInfo};
use netweave_model::{Id, Kind, Object, Result, SourceName};
use place::Zones;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What all objects of one source have in common.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) source: SourceName,
    pub(crate) o_cloud_id: Id,
}

impl Scope {
    pub(crate) fn id(&self, kind: Kind, native: &str) -> Id {
        Id::stable(&self.source, kind, native)
    }
}

/// Where objects were read.
#[derive(Clone, Copy)]
pub(crate) struct Here<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) zones: &'a Zones,
    /// Pools of instances by the name of their Auto Scaling group.
    pub(crate) groups: &'a BTreeMap<String, Id>,
}

impl Here<'_> {
    /// Names an object of EC2 in the way that is unique in the world; `owner` is its account if it is known.
    fn arn(&self, owner: &str, resource: &str) -> String {
        let owner = if owner.is_empty() { self.account } else { owner };
        format!("arn:{}:ec2:{}:{owner}:{resource}", endpoint::partition(self.region), self.region)
    }
}

/// A resource, the type that it is of, and how it can be asked for.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) object: Object,
    pub(crate) kind: TypeKey,
}

/// What a resource consists of, before it is written.
struct Parts {
    native: String,
    pool: Id,
    kind: TypeKey,
    description: String,
    groups: Vec<String>,
    extensions: KeyValuePairs,
}

fn member(scope: &Scope, parts: Parts) -> Result<Member> {
    let mut extensions = parts.extensions;
    extensions.insert("nativeId".to_owned(), json!(parts.native));
    let object = Object::encode(&ResourceInfo {
        resource_id: scope.id(Kind::Resource, &parts.native),
        resource_pool_id: parts.pool,
        resource_type_id: parts.kind.id(scope),
        global_asset_id: Some(parts.native),
        description: parts.description,
        elements: Vec::new(),
        tags: Vec::new(),
        groups: parts.groups,
        extensions,
    })?;
    Ok(Member { object, kind: parts.kind })
}

/// Says what an object is, with the name that its owner gave it.
fn described(what: &str, id: &str, tags: &Set<Tag>) -> String {
    match wire::tags(tags).get("Name").filter(|name| !name.is_empty()) {
        Some(name) => format!("{what} {name} ({id})"),
        None => format!("{what} {id}"),
    }
}

/// Extensions; what is absent or empty is left out.
struct Pairs(KeyValuePairs);

impl Pairs {
    fn new() -> Self {
        Self(KeyValuePairs::new())
    }

    fn put(mut self, key: &str, value: impl serde::Serialize) -> Self {
        let value = json!(value);
        let absent = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(_) | Value::Bool(_) | Value::Number(_) => false,
        };
        if !absent {
            self.0.insert(key.to_owned(), value);
        }
        self
    }

    /// Puts what every object of EC2 has.
    fn common(self, here: &Here<'_>, owner: &str, tags: &Set<Tag>) -> Self {
        let owner = if owner.is_empty() { here.account } else { owner };
        self.put("accountId", owner).put("region", here.region).put("tags", wire::tags(tags))
    }
}

#[cfg(test)]
mod tests;
