//! From what the cloud answered to the objects of the model. Its words end here.
//!
//! Pure: what is made depends on nothing but what is given, and not on its order.

mod group;
mod instance;
mod kind;
mod machine;
mod network;
mod place;
mod region;
mod stock;
mod storage;

pub(crate) use instance::instance;
pub(crate) use machine::type_name;
pub(crate) use network::{network, subnetwork};
pub(crate) use place::Place;
pub(crate) use stock::{Facts, Family, Name, Report, Stock, stock};
pub(crate) use storage::disk;

use netweave_model::domain::KeyValuePairs;
use netweave_model::{Id, Kind, SourceName};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Who makes everything here.
pub(crate) const VENDOR: &str = "Google";
/// What is written for what is not known.
pub(crate) const UNKNOWN: &str = "unknown";

/// What all objects of one backend have in common.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) source: SourceName,
    pub(crate) o_cloud_id: Id,
}

/// What names a resource in its own world, and the group that it is a member of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) project: String,
    pub(crate) place: Place,
    /// The path of its managed instance group, where groups make the pools.
    pub(crate) group: Option<String>,
}

impl Scope {
    /// Makes an identifier from what names the object in its own world.
    pub(crate) fn id(&self, kind: Kind, native: &str) -> Id {
        Id::stable(&self.source, kind, native)
    }
}

impl Home {
    /// Returns the path of a resource: `projects/PROJECT/zones/ZONE/COLLECTION/NAME`.
    pub(crate) fn path(&self, collection: &str, name: &str) -> String {
        format!("{}/{collection}/{name}", self.pool())
    }

    /// Returns the path of the place in its project, which names the place's pool.
    pub(crate) fn pool(&self) -> String {
        format!("projects/{}/{}", self.project, self.place)
    }

    /// Returns the identifier of the pool.
    pub(crate) fn pool_id(&self, scope: &Scope) -> Id {
        scope.id(Kind::ResourcePool, self.group.as_deref().unwrap_or(&self.pool()))
    }

    /// Returns how the asset inventory of the cloud names a resource.
    pub(crate) fn asset(path: &str) -> String {
        format!("//compute.googleapis.com/{path}")
    }
}

/// Collects extensions; what is not known is left out.
pub(crate) struct Pairs(KeyValuePairs);

impl Pairs {
    pub(crate) fn of(native: &str) -> Self {
        Self(KeyValuePairs::new()).with("nativeId", native)
    }

    /// Adds a value that is known.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a value if it is known.
    pub(crate) fn maybe(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds a list unless it is empty.
    pub(crate) fn list(self, key: &str, values: Vec<Value>) -> Self {
        if values.is_empty() { self } else { self.with(key, values) }
    }

    /// Adds the place in its project.
    pub(crate) fn home(self, home: &Home) -> Self {
        let zone = match &home.place {
            Place::Zone { zone, .. } => Some(zone.as_str()),
            Place::Region(_) | Place::Global => None,
        };
        self.with("project", home.project.as_str())
            .maybe("region", home.place.region_name())
            .maybe("zone", zone)
    }

    /// Adds the labels, if there are any.
    pub(crate) fn labels(self, labels: Option<&BTreeMap<String, String>>) -> Self {
        self.maybe("labels", labels.filter(|labels| !labels.is_empty()).map(|labels| json!(labels)))
    }

    pub(crate) fn done(self) -> KeyValuePairs {
        self.0
    }
}

/// Returns what somebody wrote about an object, else a sentence.
pub(crate) fn described(description: Option<&String>, sentence: impl FnOnce() -> String) -> String {
    description.filter(|text| !text.trim().is_empty()).cloned().unwrap_or_else(sentence)
}

#[cfg(test)]
mod tests;
