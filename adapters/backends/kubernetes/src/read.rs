//! Reads whole lists, page by page, and single objects.

use crate::cluster::Cluster;
use crate::error;
use crate::map::{Scope, class, host, node};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client};
use netweave_model::port::fold;
use netweave_model::{Error, ErrorKind, Object, ObjectKey, Result};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

/// Objects per page, as other Kubernetes clients ask.
const PAGE: u32 = 500;
/// Time for one page.
const PAGE_TIME: Duration = Duration::from_mins(1);
/// Time for one small answer.
pub(crate) const TIME: Duration = Duration::from_secs(10);
/// Objects in one list; more is refused rather than held.
const MAX_OBJECTS: usize = 200_000;

/// Ends a call that takes too long.
pub(crate) async fn within<T>(limit: Duration, call: impl Future<Output = kube::Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, call).await {
        Ok(outcome) => outcome.map_err(error::call),
        Err(_) => Err(error::too_slow(limit)),
    }
}

/// Asks for the server's version, which also shows that it answers.
pub(crate) async fn version(client: &Client, limit: Duration) -> Result<String> {
    Ok(within(limit, client.apiserver_version()).await?.git_version)
}

/// Returns the bare metal hosts' API.
pub(crate) fn hosts(client: &Client) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &host::resource())
}

/// Tells whether objects of an optional kind can be read: its API exists and the gateway may list it.
pub(crate) async fn readable<K>(api: &Api<K>) -> Result<bool>
where
    K: Clone + DeserializeOwned + Debug,
{
    let one = ListParams::default().limit(1);
    Ok(optional(within(TIME, api.list(&one)).await)?.is_some())
}

/// Builds the whole inventory from fresh lists.
pub(crate) async fn snapshot(client: &Client, scope: &Scope) -> Result<BTreeMap<ObjectKey, Object>> {
    let mut cluster = Cluster::new(scope.clone(), version(client, TIME).await?)?;
    for item in all::<Node>(&Api::all(client.clone())).await? {
        cluster.put(node::node(scope, &item)?);
    }
    for item in optional(all(&hosts(client)).await)?.into_iter().flatten() {
        cluster.put(host::host(scope, &item)?);
    }
    for item in optional(all::<StorageClass>(&Api::all(client.clone())).await)?.into_iter().flatten() {
        cluster.put_class(item.metadata.name.as_deref().unwrap_or_default(), class::class(scope, &item)?);
    }
    let mut objects = BTreeMap::new();
    fold(&mut objects, cluster.drain()?);
    Ok(objects)
}

/// Reads a complete list. One that expires between two pages is an error, never a short list.
async fn all<K>(api: &Api<K>) -> Result<Vec<K>>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut items = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = within(PAGE_TIME, api.list(&params)).await?;
        items.extend(page.items);
        if items.len() > MAX_OBJECTS {
            return Err(Error::new(ErrorKind::TooLarge, "the cluster holds more than is read"));
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(items),
        }
    }
}

/// Takes an API that does not exist, or that the gateway may not read, as one without objects.
fn optional<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}
