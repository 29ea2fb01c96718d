//! Kubernetes objects -> O2-IMS objects, by pure functions. Words of Kubernetes end here.

pub(crate) mod class;
pub(crate) mod dictionary;
pub(crate) mod host;
pub(crate) mod kind;
pub(crate) mod manager;
pub(crate) mod node;
pub(crate) mod place;
pub(crate) mod quantity;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kind::TypeKey;
use netweave_model::domain::KeyValuePairs;
use netweave_model::{Error, Id, Kind, Object, Result, SourceName};
use place::SiteKey;
use quantity::Amount;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The name of what carries no label.
pub(crate) const DEFAULT: &str = "default";

/// What all objects of one cluster have in common.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) source: SourceName,
    pub(crate) o_cloud_id: Id,
    pub(crate) pool_label: String,
    pub(crate) service_uri: String,
}

impl Scope {
    pub(crate) fn id(&self, kind: Kind, native: &str) -> Id {
        Id::stable(&self.source, kind, native)
    }
}

/// A resource, and what it means for pools, sites, types and capacity.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) object: Object,
    pub(crate) share: Share,
}

/// What one resource contributes to the objects that are derived from all resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) pool: String,
    pub(crate) site: SiteKey,
    pub(crate) kind: TypeKey,
    pub(crate) capacity: Vec<(String, Amount)>,
}

/// Returns the name of an object, which every object has.
fn named(meta: &ObjectMeta) -> Result<&str> {
    let name = meta.name.as_deref().filter(|name| !name.is_empty());
    name.ok_or_else(|| Error::internal("the cluster's answer has an object without a name"))
}

/// Returns the value of a label, or `default`.
fn label<'a>(meta: &'a ObjectMeta, name: &str) -> &'a str {
    let value = meta.labels.as_ref().and_then(|labels| labels.get(name));
    value.map(String::as_str).filter(|value| !value.is_empty()).unwrap_or(DEFAULT)
}

/// Starts an object's extensions with what every Kubernetes object has.
fn extensions(meta: &ObjectMeta, native: &str) -> KeyValuePairs {
    let mut pairs = KeyValuePairs::new();
    pairs.insert("nativeId".to_owned(), native.into());
    if let Some(uid) = &meta.uid {
        pairs.insert("uid".to_owned(), uid.as_str().into());
    }
    if let Some(created) = &meta.creation_timestamp {
        pairs.insert("createdAt".to_owned(), created.0.to_string().into());
    }
    pairs.insert("labels".to_owned(), texts(meta.labels.as_ref()));
    pairs
}

fn texts(map: Option<&BTreeMap<String, String>>) -> Value {
    map.map_or_else(|| json!({}), |map| json!(map))
}

#[cfg(test)]
mod tests;
