//! Reads as the chain hands them over: presented anew in both majors, and answered from the cache.

use super::Operation;
use super::node::node;
use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, Method};
use netweave::access::{Access, Grant};
use netweave::clock::{SystemClock, SystemIds};
use netweave::conf::tree::{self, Compatibility, Rate, Ttl};
use netweave::inventory::catalog::{Catalog, Views};
use netweave::inventory::fill::Fills;
use netweave::listen::identity::{Facts, Identity, IdentityField};
use netweave::routes::collections::{Collections, Parts, Settings};
use netweave::routes::{Call, table};
use netweave::telemetry::metrics::Metrics;
use netweave_memory::Memory;
use netweave_model::domain::{CloudInfo, KeyValuePairs};
use netweave_model::port::{Clock, Ids};
use netweave_model::query::Indexed;
use netweave_model::subscription::Major;
use netweave_model::{Error, Id, Kind, Result, SourceName, Timestamp};
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;

/// Resources of the pool.
const RESOURCES: u64 = 200;
const MAJORS: [Major; 2] = [Major::V1, Major::V2];
const BASE: &str = "/o2ims-infrastructureInventory";

pub(super) fn operations() -> Result<Vec<Operation>> {
    let caller = Arc::new(Caller::new()?);
    let fresh = Arc::new(collections(0)?);
    let mut all = Vec::new();
    for (name, path) in [
        (
            "present: one resource, v1",
            "/v1/resourcePools/pool-a/resources/00000000-0000-5000-8000-000000000007",
        ),
        (
            "present: one resource, v2",
            "/v2/resourcePools/pool-a/resources/00000000-0000-5000-8000-000000000007",
        ),
        ("present: page of 100, v1", "/v1/resourcePools/pool-a/resources"),
        ("present: page of 100, v2", "/v2/resourcePools/pool-a/resources"),
        ("present: type with its dictionary, v1", "/v1/resourceTypes/type-3"),
        ("present: type, v2", "/v2/resourceTypes/type-3"),
    ] {
        let (reads, caller, path) = (Arc::clone(&fresh), Arc::clone(&caller), format!("{BASE}{path}"));
        all.push(Operation::new(name, move || caller.serve(&reads, black_box(&path))));
    }
    let (reads, path) = (collections(16 << 20)?, format!("{BASE}/v2/resourcePools/pool-a/resources"));
    // A large answer is kept when it is asked for again.
    for _ in 0..2 {
        caller.serve(&reads, &path)?;
    }
    all.push(Operation::new("answer a page of 100 from the cache", move || {
        caller.with(black_box(&path), |call| {
            reads.cached(call).map(drop).ok_or_else(|| Error::internal("it is not cached"))
        })
    }));
    Ok(all)
}

/// Who asks.
struct Caller {
    identity: Identity,
    grant: Arc<Grant>,
    headers: HeaderMap,
}

impl Caller {
    fn new() -> Result<Self> {
        let identity = Identity {
            name: "smo".to_owned(),
            field: IdentityField::CommonName,
            common_name: None,
            fingerprint: String::new(),
            not_after: Timestamp(0),
            facts: Facts::default(),
        };
        let grant = Access::new(&tree::Access::default(), &Rate::default(), 1).of(&identity.name);
        let grant = grant.ok_or_else(|| Error::internal("there is no grant"))?;
        Ok(Self { identity, grant, headers: HeaderMap::new() })
    }

    /// Does something with the call of a path.
    fn with(&self, path: &str, act: impl FnOnce(&Call<'_>) -> Result<()>) -> Result<()> {
        let route = table::resolve(path, &MAJORS).ok_or_else(|| Error::internal("there is no such path"))?;
        act(&Call {
            route: &route,
            method: &Method::GET,
            query: "",
            headers: &self.headers,
            identity: &self.identity,
            grant: &self.grant,
            token: None,
            body: Bytes::new(),
        })
    }

    /// Has a path answered by the way that makes answers, which waits for nothing where all is known.
    fn serve(&self, reads: &Collections, path: &str) -> Result<()> {
        self.with(path, |call| {
            let served = reads.serve(call).now_or_never();
            served.ok_or_else(|| Error::internal("it waits for something"))?.map(drop)
        })
    }
}

/// Reads over one pool, without a source that could be asked; answers are kept in so many bytes.
fn collections(cache_bytes: u64) -> Result<Collections> {
    let name = SourceName::from("lab");
    let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let catalog = Arc::new(Catalog::new([name.clone()]));
    catalog.publish(views(&name, &catalog)?);
    let (fills, _) = Fills::new(Vec::new(), Arc::clone(&catalog), Arc::clone(&clock), &ids, Ttl::default());
    let parts = Parts {
        catalog,
        fills: Arc::new(fills),
        log: Arc::new(Memory::new(clock, ids)),
        second: None,
        metrics: Arc::new(Metrics::new()?),
    };
    let cloud = CloudInfo {
        o_cloud_id: Id::from("o"),
        global_cloud_id: Id::from("g"),
        name: "cloud".to_owned(),
        description: "a cloud".to_owned(),
        service_uri: "https://ims.example".to_owned(),
        extensions: KeyValuePairs::new(),
    };
    let majors = MAJORS.to_vec();
    Collections::new(
        parts,
        Settings { cloud, majors, compatibility: Compatibility::Spec, filter_depth: 8, cache_bytes },
    )
}

fn views(name: &SourceName, catalog: &Catalog) -> Result<Views> {
    let mut views = Views::new([name.clone()]);
    views.loaded = true;
    let pool = json!({"resourcePoolId": "pool-a", "oCloudId": "o", "name": "pool", "description": "a pool"});
    let alarms =
        json!({"alarmDictionaryId": "alarms", "vendor": "v", "alarmDefinition": [{"alarmName": "down"}]});
    let kind = json!({"resourceTypeId": "type-3", "name": "node", "vendor": "v", "model": "m", "version": "1",
        "alarmDictionaryId": "alarms", "resourceKind": "PHYSICAL", "resourceClass": "COMPUTE", "extensions": {}});
    let text = |object: Value| Bytes::from(object.to_string());
    let mut rows = vec![
        (Kind::ResourcePool, None, "pool-a".to_owned(), text(pool)),
        (Kind::AlarmDictionary, None, "alarms".to_owned(), text(alarms)),
        (Kind::ResourceType, None, "type-3".to_owned(), text(kind)),
    ];
    for number in 0..RESOURCES {
        let id = format!("00000000-0000-5000-8000-{number:012x}");
        rows.push((Kind::Resource, Some(Id::from("pool-a")), id, node(number)));
    }
    for (kind, parent, id, json) in rows {
        let object = Arc::new(Indexed::new(json, catalog.paths())?);
        let view = views.view_mut(name, kind).ok_or_else(|| Error::internal("there is no view"))?;
        view.known = true;
        view.insert(parent, Id::from(id.as_str()), object);
    }
    Ok(views)
}
