//! One call of the Compute Engine API, and lists page by page.
//!
//! Every call names the fields that are read (`fields`): what is not read, metadata and its secrets above all, is not
//! even sent.

use crate::access::Access;
use crate::error;
use crate::wire::{Flat, Page, Scoped};
use bytes::Bytes;
use http::{Method, Request, header};
use netweave_http::{Api, ApiAnswer, Endpoint};
use netweave_model::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, HashSet};
use url::Url;

/// Objects per page: the most that the API gives.
const PAGE: &str = "500";
/// Pages of one list; more is refused rather than read for ever.
const MAX_PAGES: usize = 1_000;
/// Objects of one list; more is refused rather than held.
const MAX_OBJECTS: usize = 200_000;

/// Most objects and lists of one answer, and most values in them; a page of 500 instances has about 10,000 and 50,000. What
/// is read takes up to a hundred times the room that it has on the wire.
const MAX_NESTED: usize = 200_000;
const MAX_VALUES: usize = 2_000_000;

/// What is asked for, as it is counted.
const ENDPOINTS: [&str; 9] = [
    "disks",
    "instanceGroupManagers",
    "instances",
    "listManagedInstances",
    "machineTypes",
    "networks",
    "regions",
    "subnetworks",
    "zones",
];

/// One API, with the credentials for it.
pub(crate) struct Client {
    api: Api,
    endpoint: Url,
    access: Access,
}

/// What is asked: a path below `projects/`, and the fields that are read of the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) fields: &'a str,
    /// Places that cannot be read are named, instead of failing the list.
    partial: bool,
}

/// The objects of all places, each with the place that it was listed under.
pub(crate) struct Placed<P, T> {
    pub(crate) items: Vec<(P, T)>,
    /// The places that could not be read.
    pub(crate) missing: BTreeSet<P>,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(path: &'a str, fields: &'a str) -> Self {
        Self { method: &Method::GET, path, fields, partial: false }
    }

    /// Some reading calls of the API are POST.
    pub(crate) fn post(path: &'a str, fields: &'a str) -> Self {
        Self { method: &Method::POST, path, fields, partial: false }
    }
}

impl Client {
    pub(crate) fn new(api: Api, endpoint: Url, access: Access) -> Self {
        Self { api, endpoint, access }
    }

    /// Reads one object.
    pub(crate) async fn one<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<T> {
        self.call(ask, &[]).await
    }

    /// Shows that the credentials are good for reading.
    pub(crate) async fn probe(&self, ask: Ask<'_>) -> Result<()> {
        let page: Flat<serde::de::IgnoredAny> = self.call(ask, &[("maxResults", "1")]).await?;
        page.check()
    }

    /// Reads a whole list. One that the cloud calls incomplete, or that has no end, is an error, never a short list.
    pub(crate) async fn flat<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.pages(ask, |page: Flat<T>| {
            all.extend(page.into_items());
            all.len()
        })
        .await?;
        Ok(all)
    }

    /// Reads a list over all zones and regions, but for the places that cannot be read.
    ///
    /// # Errors
    /// No place can be read. Otherwise as `flat`.
    pub(crate) async fn scoped<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<Placed<String, T>> {
        let (mut all, mut read, mut missing) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        self.pages(Ask { partial: true, ..ask }, |page: Scoped<T>| {
            read.extend(page.places().map(str::to_owned));
            missing.extend(page.missing().map(str::to_owned));
            all.extend(page.into_items());
            all.len()
        })
        .await?;
        // Even a project without anything names its zones, each with a warning that there is nothing in it.
        if read.is_subset(&missing) {
            return Err(error::incomplete(format!("{} speaks for no place", ask.path)));
        }
        all.retain(|(place, _)| !missing.contains(place));
        Ok(Placed { items: all, missing })
    }

    /// Reads page after page; `take` returns how many objects there are so far.
    ///
    /// # Errors
    /// As the list that it is: incomplete, unusable, or longer than is read.
    pub(crate) async fn pages<P: Page>(&self, ask: Ask<'_>, mut take: impl FnMut(P) -> usize) -> Result<()> {
        let mut token: Option<String> = None;
        let mut seen = HashSet::new();
        for _ in 0..MAX_PAGES {
            let mut query = vec![("maxResults", PAGE)];
            query.extend(token.as_deref().map(|token| ("pageToken", token)));
            let mut page: P = self.call(ask, &query).await.map_err(error::of_list)?;
            page.check()?;
            let next = page.take_next();
            if take(page) > MAX_OBJECTS {
                return Err(Error::new(ErrorKind::TooLarge, "the cloud holds more than is read"));
            }
            match next {
                None => return Ok(()),
                Some(next) if !seen.insert(next.clone()) => {
                    return Err(error::unusable(format!("{} repeats a page", ask.path)));
                }
                Some(next) => token = Some(next),
            }
        }
        Err(Error::new(ErrorKind::TooLarge, "the cloud's list has more pages than are read"))
    }

    async fn call<T: DeserializeOwned>(&self, ask: Ask<'_>, query: &[(&str, &str)]) -> Result<T> {
        let mut request = self.request(ask, query).await?;
        request.extensions_mut().insert(endpoint(ask.path));
        let answer = self.api.call(request).await?;
        if answer.status == 401 {
            self.access.renew();
        }
        read(ask.path, &answer)
    }

    async fn request(&self, ask: Ask<'_>, query: &[(&str, &str)]) -> Result<Request<Bytes>> {
        let unfit = |error: http::Error| Error::internal("a request cannot be made").with_source(error);
        let mut url = self.endpoint.clone();
        url.set_path(&format!("/compute/v1/projects/{}", ask.path));
        url.query_pairs_mut()
            .append_pair("prettyPrint", "false")
            .append_pair("fields", ask.fields)
            .extend_pairs(ask.partial.then_some(("returnPartialSuccess", "true")))
            .extend_pairs(query);
        let mut request =
            Request::builder().method(ask.method).uri(url.as_str()).body(Bytes::new()).map_err(unfit)?;
        *request.headers_mut() = self.access.headers().await?;
        if ask.method == Method::POST {
            request.headers_mut().insert(header::CONTENT_LENGTH, http::HeaderValue::from_static("0"));
        }
        Ok(request)
    }
}

/// Names what a path leads to: its last collection, or method.
fn endpoint(path: &str) -> Endpoint {
    let known = |part: &str| ENDPOINTS.into_iter().find(|name| *name == part);
    Endpoint(path.rsplit('/').find_map(known).unwrap_or("projects"))
}

/// Reads an answer to what was asked of a path.
pub(crate) fn read<T: DeserializeOwned>(path: &str, answer: &ApiAnswer) -> Result<T> {
    if !(200..300).contains(&answer.status) {
        return Err(error::answer(answer));
    }
    if !is_read(&answer.body) {
        return Err(error::unusable(format!("{path}: more values than are read")));
    }
    serde_json::from_slice(&answer.body).map_err(|error| error::unusable(path).with_source(error))
}

/// Tells whether an answer has no more in it than is read.
fn is_read(body: &[u8]) -> bool {
    let (mut nested, mut values) = (0, 0);
    for byte in body {
        match byte {
            b'{' | b'[' => nested += 1,
            b',' => values += 1,
            _ => {}
        }
    }
    nested <= MAX_NESTED && values <= MAX_VALUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_under_the_last_collection_of_its_path() {
        for (path, name) in [
            ("p/aggregated/instances", "instances"),
            ("p/zones/a/instances/zones-1", "instances"),
            ("p/zones/a/instanceGroupManagers/g/listManagedInstances", "listManagedInstances"),
            ("p/zones", "zones"),
            ("p", "projects"),
        ] {
            assert_eq!(endpoint(path), Endpoint(name), "{path}");
        }
    }

    #[test]
    fn answers_are_bounded_by_what_is_in_them() {
        let list = |item: &str, count: usize| format!("[{}0]", format!("{item},").repeat(count));
        for (item, most) in [("{}", MAX_NESTED - 1), ("[]", MAX_NESTED - 1), ("0", MAX_VALUES)] {
            assert!(is_read(list(item, most).as_bytes()), "{item}");
            assert!(!is_read(list(item, most + 1).as_bytes()), "{item}");
        }
    }
}
