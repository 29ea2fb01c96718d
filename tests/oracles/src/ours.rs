//! What a backend says of a peer, as its consumers get it, with references told by the names that the peer gave.

use crate::table::Stock;
use netweave_model::port::{Backend, Clock};
use netweave_model::{Kind, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Attributes of one object.
pub(crate) type Attributes = Map<String, Value>;

/// Says what an object is, in the peer's words, and takes away what does not come from the peer.
pub(crate) type Sift = fn(Kind, &mut Attributes) -> &'static str;

/// Stands still: nothing here waits for a breaker.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_790_000_000_000)
    }
}

/// Attributes that come from the peer; the rest are identifiers and words of our own.
fn read(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Resource => &[
            "globalAssetId",
            "description",
            "tags",
            "groups",
            "resourcePoolId",
            "resourceTypeId",
            "extensions",
        ],
        Kind::ResourceType => &["name", "description", "vendor", "model", "resourceKind", "extensions"],
        Kind::ResourcePool => {
            &["name", "description", "location", "globalLocationId", "oCloudSiteId", "extensions"]
        }
        Kind::OCloudSite => &["name", "globalLocationId", "resourcePools", "extensions"],
        Kind::Location => &["name", "address", "oCloudSiteIds", "extensions"],
        Kind::DeploymentManager => &["supportedLocations", "capabilities", "capacity", "extensions"],
        Kind::AlarmDictionary | Kind::PerformanceDictionary => &[],
    }
}

/// Lists everything.
pub(crate) async fn stock(backend: &dyn Backend, sift: Sift) -> Stock {
    let look = backend.look(&backend.capabilities().kinds).await.expect("a look");
    assert!(look.gap.is_none(), "{:?}", look.gap);
    let mut all = Vec::new();
    for object in look.objects.into_values().flatten() {
        let value = serde_json::from_slice(&object.json).expect("an object in JSON");
        let Value::Object(attributes) = value else { panic!("{:?}: {value}", object.key) };
        all.push((object.key.kind, attributes));
    }
    let names: BTreeMap<_, _> =
        all.iter().map(|(kind, one)| (text(one, kind.id_attribute()), name(*kind, one))).collect();
    let mut stock = Stock::new();
    for (kind, mut attributes) in all {
        let key = name(kind, &attributes);
        attributes.retain(|attribute, _| read(kind).contains(&attribute.as_str()));
        attributes.values_mut().for_each(|value| rename(value, &names));
        let object = sift(kind, &mut attributes);
        let before = stock.insert((object, key), Value::Object(attributes));
        assert!(before.is_none(), "{before:?} is there twice");
    }
    stock
}

/// Returns the peer's name of an object: `nativeId`, with the maker if it is a type; the server itself has none.
fn name(kind: Kind, attributes: &Attributes) -> String {
    let native =
        || text(attributes.get("extensions").and_then(Value::as_object).expect("extensions"), "nativeId");
    match kind {
        Kind::DeploymentManager => "server".to_owned(),
        Kind::ResourceType => format!("{}: {}", text(attributes, "vendor"), native()),
        _ => native(),
    }
}

fn text(attributes: &Attributes, key: &str) -> String {
    attributes
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {key} in {attributes:?}"))
        .to_owned()
}

/// Puts names for identifiers; lists of them are sorted, as they were.
fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text) {
                name.clone_into(text);
            }
        }
        Value::Array(items) => {
            let are_ids = items.iter().all(|item| item.as_str().is_some_and(|id| names.contains_key(id)));
            for item in &mut *items {
                rename(item, names);
            }
            if are_ids {
                items.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            }
        }
        Value::Object(pairs) => pairs.values_mut().for_each(|value| rename(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
