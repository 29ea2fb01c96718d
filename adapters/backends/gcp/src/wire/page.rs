//! One page of a list, and how to see that it is one and says everything.

use crate::error;
use netweave_model::Result;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Warnings that take nothing from a list: there is nothing here, or something else than the list is meant.
const HARMLESS: &[&str] = &["NO_RESULTS_ON_PAGE", "QUOTA_INFO_UNAVAILABLE"];

/// What all pages have in common.
pub(crate) trait Page: DeserializeOwned {
    /// Checks that this is a page of a list, and complete.
    ///
    /// # Errors
    /// `Unavailable`: the cloud calls it incomplete, or it is something else.
    fn check(&self) -> Result<()>;

    /// Takes the token of the next page.
    fn take_next(&mut self) -> Option<String>;
}

/// What the cloud remarks.
#[derive(Debug, Deserialize)]
struct Warning {
    code: Option<String>,
}

/// A page of a list of one place.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
pub(crate) struct Flat<T> {
    kind: Option<String>,
    items: Option<Vec<T>>,
    next_page_token: Option<String>,
    warning: Option<Warning>,
}

/// A page of a list of all places.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
pub(crate) struct Scoped<T> {
    kind: Option<String>,
    items: Option<BTreeMap<String, Scope<T>>>,
    next_page_token: Option<String>,
    unreachables: Option<Vec<String>>,
    warning: Option<Warning>,
}

/// What is in one zone, in one region, or everywhere.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Scope<T> {
    #[serde(alias = "disks", alias = "instanceGroupManagers", alias = "subnetworks")]
    instances: Option<Vec<T>>,
    warning: Option<Warning>,
}

impl<T> Flat<T> {
    pub(crate) fn into_items(self) -> impl Iterator<Item = T> {
        self.items.into_iter().flatten()
    }
}

impl<T> Scoped<T> {
    /// Returns how many places the page names.
    pub(crate) fn places(&self) -> usize {
        self.items.as_ref().map_or(0, BTreeMap::len)
    }

    /// Returns the objects, each with its place: `zones/ZONE`, `regions/REGION` or `global`.
    pub(crate) fn into_items(self) -> impl Iterator<Item = (String, T)> {
        let place = |(place, scope): (String, Scope<T>)| {
            scope.instances.into_iter().flatten().map(move |item| (place.clone(), item))
        };
        self.items.into_iter().flatten().flat_map(place)
    }
}

impl<T: DeserializeOwned> Page for Flat<T> {
    fn check(&self) -> Result<()> {
        whole(self.kind.as_deref(), "List", self.warning.as_ref())
    }

    fn take_next(&mut self) -> Option<String> {
        self.next_page_token.take().filter(|token| !token.is_empty())
    }
}

impl<T: DeserializeOwned> Page for Scoped<T> {
    fn check(&self) -> Result<()> {
        whole(self.kind.as_deref(), "AggregatedList", self.warning.as_ref())?;
        if let Some(place) = self.unreachables.iter().flatten().next() {
            return Err(error::incomplete(format!("unreachable: {place}")));
        }
        for (place, scope) in self.items.iter().flatten() {
            harmless(scope.warning.as_ref(), place)?;
            // An empty list is replaced by a warning.
            if scope.instances.is_none() && scope.warning.is_none() {
                return Err(error::incomplete(format!("{place}: neither a list nor a warning")));
            }
        }
        Ok(())
    }

    fn take_next(&mut self) -> Option<String> {
        self.next_page_token.take().filter(|token| !token.is_empty())
    }
}

/// An empty object would pass for an empty list: a list says that it is one.
fn whole(kind: Option<&str>, ending: &str, warning: Option<&Warning>) -> Result<()> {
    if !kind.is_some_and(|kind| kind.starts_with("compute#") && kind.ends_with(ending)) {
        return Err(error::unusable(format!("no {ending}, but {kind:?}")));
    }
    harmless(warning, "the list")
}

/// A warning that is not known to be harmless may mean that something is missing.
fn harmless(warning: Option<&Warning>, place: &str) -> Result<()> {
    let Some(warning) = warning else { return Ok(()) };
    match warning.code.as_deref() {
        Some(code) if HARMLESS.contains(&code) => Ok(()),
        code => Err(error::incomplete(format!("{place}: {}", code.unwrap_or("a warning without a code")))),
    }
}

/// Returns the fields of a page of a list of one place. Such a list has no `unreachables`.
pub(crate) fn flat_fields(of_item: &str) -> String {
    format!("kind,nextPageToken,warning/code,items({of_item})")
}

/// Returns the fields of a page of a list of all places.
pub(crate) fn scoped_fields(collection: &str, of_item: &str) -> String {
    format!(
        "kind,nextPageToken,unreachables,warning/code,items/*/warning/code,items/*/{collection}({of_item})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn scoped(page: &Value) -> Result<usize> {
        let page = serde_json::from_value::<Scoped<Value>>(page.clone());
        let page = page.map_err(|error| error::unusable("json").with_source(error))?;
        page.check()?;
        Ok(page.into_items().count())
    }

    #[test]
    fn what_the_cloud_calls_incomplete_is_an_error() {
        let kind = "compute#instanceAggregatedList";
        let none = json!({ "code": "NO_RESULTS_ON_PAGE" });
        let one = json!({ "zones/a-a": { "instances": [{}] }, "zones/a-b": { "warning": none } });
        assert_eq!(scoped(&json!({ "kind": kind, "items": one })).unwrap(), 1);
        assert_eq!(scoped(&json!({ "kind": kind, "items": one, "unreachables": [] })).unwrap(), 1);
        for bad in [
            json!({ "kind": kind, "items": one, "unreachables": ["zones/a-c"] }),
            json!({ "kind": kind, "items": one, "warning": { "code": "UNREACHABLE" } }),
            json!({ "kind": kind, "items": one, "warning": { "code": "PARTIAL_SUCCESS" } }),
            json!({ "kind": kind, "items": one, "warning": {} }),
            json!({ "kind": kind, "items": { "zones/a-a": { "warning": { "code": "UNREACHABLE" } } } }),
            json!({ "kind": kind, "items": { "zones/a-a": {} } }),
            json!({ "kind": kind, "items": { "zones/a-a": { "warning": { "code": "NEVER_HEARD_OF" } } } }),
            json!({ "kind": "compute#instanceList", "items": {} }),
            json!({ "kind": kind, "items": [] }),
            json!({ "items": one }),
            json!({}),
            json!([]),
        ] {
            assert!(scoped(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_empty_token_ends_a_list() {
        let mut page: Flat<Value> =
            serde_json::from_value(json!({ "kind": "compute#zoneList", "nextPageToken": "" })).unwrap();
        assert!(page.check().is_ok() && page.take_next().is_none() && page.into_items().count() == 0);
    }
}
