//! A door for the fuzz targets: one answer of the server -> the objects that it makes, by the code that a look runs.

use crate::cluster::Cluster;
use crate::error;
use crate::map::kind::Family;
use crate::map::{Scope, class, host, node};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{DynamicObject, ObjectList};
use kube::core::Status;
use netweave_model::port::{Change, fold};
use netweave_model::{Error, Id, Object, ObjectKey, Result, SourceName};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

type Objects = BTreeMap<ObjectKey, Object>;

/// Reads an answer as a list of each kind, and makes of each what a look would; as a refusal if the status says so.
///
/// # Errors
/// Inside: as a look.
pub fn answers(status: u16, body: &[u8]) -> Vec<Result<Vec<Object>>> {
    if status != 200 {
        return vec![refusal(body).map(|()| Vec::new())];
    }
    vec![nodes(body), hosts(body), classes(body)]
}

fn list<K: DeserializeOwned + Clone>(body: &[u8]) -> Result<Vec<K>> {
    let list: ObjectList<K> =
        serde_json::from_slice(body).map_err(|error| error::call(kube::Error::SerdeError(error)))?;
    Ok(list.items)
}

fn refusal(body: &[u8]) -> Result<()> {
    let status: Status =
        serde_json::from_slice(body).map_err(|error| error::call(kube::Error::SerdeError(error)))?;
    Err(error::call(kube::Error::Api(Box::new(status))))
}

fn scope() -> Scope {
    Scope {
        source: SourceName::from("edge-1"),
        o_cloud_id: Id::from("cloud"),
        pool_label: "topology.kubernetes.io/zone".to_owned(),
        service_uri: "https://api".to_owned(),
    }
}

fn nodes(body: &[u8]) -> Result<Vec<Object>> {
    let (scope, mut state) = (scope(), State::new()?);
    for item in list::<Node>(body)? {
        state.cluster.put(node::node(&scope, &item)?);
        state.step()?;
    }
    state.done(|cluster| cluster.clear(Family::Node))
}

fn hosts(body: &[u8]) -> Result<Vec<Object>> {
    let (scope, mut state) = (scope(), State::new()?);
    for item in list::<DynamicObject>(body)? {
        state.cluster.put(host::host(&scope, &item)?);
        state.step()?;
    }
    state.done(|cluster| cluster.clear(Family::Host))
}

fn classes(body: &[u8]) -> Result<Vec<Object>> {
    let (scope, mut state) = (scope(), State::new()?);
    for item in list::<StorageClass>(body)? {
        let name = item.metadata.name.as_deref().unwrap_or_default();
        state.cluster.put_class(name, class::class(&scope, &item)?);
        state.step()?;
    }
    state.done(Cluster::clear_classes)
}

/// A cluster that is told step by step; when all goes, it is as it was.
struct State {
    cluster: Cluster,
    empty: Objects,
    told: Objects,
}

impl State {
    fn new() -> Result<Self> {
        let mut cluster = Cluster::new(scope(), "v1.33.1".to_owned())?;
        let mut told = Objects::new();
        fold(&mut told, cluster.drain()?);
        Ok(Self { cluster, empty: told.clone(), told })
    }

    fn step(&mut self) -> Result<Vec<Change>> {
        let changes = self.cluster.drain()?;
        fold(&mut self.told, changes.clone());
        Ok(changes)
    }

    fn done(mut self, clear: fn(&mut Cluster)) -> Result<Vec<Object>> {
        let whole = self.told.clone();
        let again = self.step()?;
        clear(&mut self.cluster);
        self.step()?;
        if !again.is_empty() || self.told != self.empty {
            return Err(Error::invalid("objects", "leave something behind when they go"));
        }
        Ok(whole.into_values().collect())
    }
}
