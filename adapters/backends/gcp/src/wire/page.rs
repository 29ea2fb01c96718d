//! One page of a list, and how to see that it is one and says everything.

use crate::error;
use netweave_model::Result;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Warnings of a list that say no more than that places are missing which are named elsewhere in it.
const OF_PLACES: &[&str] = &["PARTIAL_SUCCESS", "UNREACHABLE"];
/// Warnings that take nothing from a list: there is nothing here, or something else than the list is meant.
const HARMLESS: &[&str] = &["NO_RESULTS_ON_PAGE", "QUOTA_INFO_UNAVAILABLE"];

/// What all pages have in common.
pub(crate) trait Page: DeserializeOwned {
    /// Checks that this is a page of a list, and complete but for the places that it names.
    ///
    /// # Errors
    /// `Unavailable`: the cloud calls it incomplete otherwise, or it is something else.
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

impl<T> Scope<T> {
    /// An empty list is replaced by a warning, so a place with neither says nothing.
    fn is_whole(&self) -> bool {
        (self.instances.is_some() || self.warning.is_some()) && is_harmless(self.warning.as_ref())
    }
}

impl<T> Flat<T> {
    pub(crate) fn into_items(self) -> impl Iterator<Item = T> {
        self.items.into_iter().flatten()
    }
}

impl<T> Scoped<T> {
    /// Returns the places that the page speaks for.
    pub(crate) fn places(&self) -> impl Iterator<Item = &str> {
        self.items.iter().flatten().filter(|(_, scope)| scope.is_whole()).map(|(place, _)| place.as_str())
    }

    /// Returns the places that could not be read, each as the cloud names it.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        let warned = self.items.iter().flatten().filter(|(_, scope)| !scope.is_whole());
        let named = self.unreachables.iter().flatten().map(String::as_str);
        warned.map(|(place, _)| place.as_str()).chain(named)
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
        is_list(self.kind.as_deref(), "List")?;
        whole(self.warning.as_ref())
    }

    fn take_next(&mut self) -> Option<String> {
        self.next_page_token.take().filter(|token| !token.is_empty())
    }
}

impl<T: DeserializeOwned> Page for Scoped<T> {
    fn check(&self) -> Result<()> {
        is_list(self.kind.as_deref(), "AggregatedList")?;
        let of_places = self.warning.as_ref().and_then(|warning| warning.code.as_deref());
        let of_places = of_places.is_some_and(|code| OF_PLACES.contains(&code));
        if of_places && self.missing().next().is_some() { Ok(()) } else { whole(self.warning.as_ref()) }
    }

    fn take_next(&mut self) -> Option<String> {
        self.next_page_token.take().filter(|token| !token.is_empty())
    }
}

/// An empty object would pass for an empty list: a list says that it is one.
fn is_list(kind: Option<&str>, ending: &str) -> Result<()> {
    if kind.is_some_and(|kind| kind.starts_with("compute#") && kind.ends_with(ending)) {
        return Ok(());
    }
    Err(error::unusable(format!("no {ending}, but {kind:?}")))
}

/// A warning that is not known to be harmless may mean that something is missing.
fn is_harmless(warning: Option<&Warning>) -> bool {
    warning.is_none_or(|warning| warning.code.as_deref().is_some_and(|code| HARMLESS.contains(&code)))
}

fn whole(warning: Option<&Warning>) -> Result<()> {
    if is_harmless(warning) { Ok(()) } else { Err(error::incomplete(format!("the list: {warning:?}"))) }
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
        if let Some(place) = page.missing().next() {
            return Err(error::incomplete(place));
        }
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
    fn places_that_are_missing_are_named() {
        let page = json!({
            "kind": "compute#instanceAggregatedList", "unreachables": ["zones/a-c"], "warning": { "code": "UNREACHABLE" },
            "items": { "zones/a-a": { "instances": [{}] }, "zones/a-b": { "warning": { "code": "UNREACHABLE" } } },
        });
        let page: Scoped<Value> = serde_json::from_value(page).unwrap();
        page.check().unwrap();
        assert_eq!(page.missing().collect::<Vec<_>>(), ["zones/a-b", "zones/a-c"]);
        assert_eq!(page.places().collect::<Vec<_>>(), ["zones/a-a"]);
    }

    #[test]
    fn an_empty_token_ends_a_list() {
        let mut page: Flat<Value> =
            serde_json::from_value(json!({ "kind": "compute#zoneList", "nextPageToken": "" })).unwrap();
        assert!(page.check().is_ok() && page.take_next().is_none() && page.into_items().count() == 0);
    }
}
