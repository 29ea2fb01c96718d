use super::*;
use crate::access;
use crate::inventory::fakes::{FakeBackend, World, object, pool};
use crate::inventory::feed::Feed;
use crate::listen::identity::{Facts, Identity, IdentityField};
use crate::routes::table;
use async_trait::async_trait;
use bytes::Bytes;
use fixture::{
    ALARMS, CLOUD, CLOUD_FIELD, LOCATION, MANAGER, MEASUREMENTS, POOL, RESOURCE, SITE, TYPE, inventory,
};
use http::header::IF_NONE_MATCH;
use http::{HeaderMap, Method};
use netweave_model::domain::KeyValuePairs;
use netweave_model::port::{CachedBody, Change, ResponseCache};
use netweave_model::{ErrorKind, Id, Kind, Object, Retry, Timestamp};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

mod fixture;
mod pages;

const BASE: &str = "/o2ims-infrastructureInventory";

/// A gateway's reads over a world.
pub(super) struct Reads {
    pub(super) world: World,
    pub(super) collections: Collections,
}

impl Reads {
    pub(super) fn new(
        world: World,
        compatibility: Compatibility,
        second: Option<Arc<dyn ResponseCache>>,
    ) -> Self {
        let parts = Parts {
            catalog: Arc::clone(&world.desk.catalog),
            fills: Arc::clone(&world.fills),
            log: Arc::clone(&world.desk.log),
            second: second.map(|cache| Second::new(cache, "o")),
            metrics: Arc::clone(&world.metrics),
        };
        let cloud = CloudInfo {
            o_cloud_id: Id::from("o"),
            global_cloud_id: Id::from("g"),
            name: "cloud".to_owned(),
            description: "a cloud".to_owned(),
            service_uri: "https://ims.example".to_owned(),
            extensions: KeyValuePairs::new(),
        };
        let majors = vec![Major::V1, Major::V2];
        let settings = Settings { cloud, majors, compatibility, filter_depth: 8, cache_bytes: 1 << 20 };
        Self { world, collections: Collections::new(parts, settings).unwrap() }
    }

    /// Asks as the chain does: first the fast way, then the other.
    pub(super) async fn ask(&self, target: &str, headers: &[(HeaderName, &str)]) -> Result<Reply> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = format!("{BASE}{path}");
        let route = table::resolve(&path, &[Major::V1, Major::V2]).unwrap();
        let identity = Identity {
            name: "smo".to_owned(),
            field: IdentityField::CommonName,
            common_name: None,
            fingerprint: String::new(),
            not_after: Timestamp(0),
            facts: Facts::default(),
        };
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::try_from(*value).unwrap()))
            .collect();
        let call = Call {
            route: &route,
            method: &Method::GET,
            query,
            headers: &headers,
            identity: &identity,
            grant: &access::admins().of("smo").unwrap(),
            token: None,
            body: Bytes::new(),
        };
        match self.collections.cached(&call) {
            Some(reply) => Ok(reply),
            None => self.collections.serve(&call).await,
        }
    }

    pub(super) async fn get(&self, target: &str) -> Reply {
        self.ask(target, &[]).await.unwrap()
    }

    async fn json(&self, target: &str) -> Value {
        serde_json::from_slice(&self.get(target).await.body).unwrap()
    }

    async fn kind_of_error(&self, target: &str) -> ErrorKind {
        self.ask(target, &[]).await.unwrap_err().kind()
    }

    fn feed(&self) -> &Feed {
        &self.world.feeds[0]
    }
}

pub(super) fn header(reply: &Reply, name: &HeaderName) -> String {
    let found = reply.headers.iter().find(|(known, _)| known == name);
    found.map_or_else(String::new, |(_, value)| value.to_str().unwrap().to_owned())
}

pub(super) async fn reads_of(objects: Vec<Object>, compatibility: Compatibility) -> Reads {
    let world = World::new(&[("lab", &FakeBackend::new(&Kind::ALL))]).run();
    for kind in Kind::ALL {
        world
            .commit(0, kind, objects.iter().filter(|object| object.key.kind == kind).cloned().collect())
            .await;
    }
    world.settle().await;
    let name = world.feeds[0].name.clone();
    world.desk.sources.seen(&name, world.desk.clock.now(), true);
    Reads::new(world, compatibility, None)
}

#[tokio::test]
async fn golden_bodies_of_every_collection_in_both_majors() {
    let reads = reads_of(inventory(), Compatibility::Spec).await;
    let type_v1 = format!("{},\"alarmDictionary\":{ALARMS}}}", TYPE.strip_suffix('}').unwrap());
    for (path, id, v1, v2) in [
        ("/locations", "loc", None, LOCATION),
        ("/oCloudSites", "site", None, SITE),
        ("/resourceTypes", "type", Some(&*type_v1), TYPE),
        ("/resourcePools", "pool", Some(POOL), POOL),
        ("/resourcePools/pool/resources", "res", Some(RESOURCE), RESOURCE),
        ("/deploymentManagers", "dms", Some(MANAGER), MANAGER),
        ("/alarmDictionaries", "alarms", Some(ALARMS), ALARMS),
        ("/performanceDictionaries", "measurements", Some(MEASUREMENTS), MEASUREMENTS),
    ] {
        for (major, golden) in [("v1", v1), ("v2", Some(v2))] {
            let Some(golden) = golden else { continue };
            let list = reads.get(&format!("/{major}{path}")).await;
            assert_eq!(list.status, StatusCode::OK);
            assert_eq!(std::str::from_utf8(&list.body).unwrap(), format!("[{golden}]"), "{major}{path}");
            let one = reads.get(&format!("/{major}{path}/{id}")).await;
            assert_eq!(std::str::from_utf8(&one.body).unwrap(), golden, "{major}{path}/{id}");
            assert_eq!(header(&one, &CONTENT_TYPE), "application/json");
            assert_eq!(header(&one, &VERSION), if major == "v1" { "1.2.0" } else { "2.0.0" });
        }
    }
    for major in ["v1", "v2"] {
        let dictionary = reads.get(&format!("/{major}/resourceTypes/type/alarmDictionary")).await;
        assert_eq!(&*dictionary.body, ALARMS.as_bytes());
        let dictionary = reads.get(&format!("/{major}/resourceTypes/type/performanceDictionary")).await;
        assert_eq!(&*dictionary.body, MEASUREMENTS.as_bytes());
        assert_eq!(&*reads.get(&format!("/{major}/")).await.body, CLOUD.as_bytes());
    }
    let field = reads_of(vec![], Compatibility::Field).await;
    assert_eq!(&*field.get("/v1/").await.body, CLOUD_FIELD.as_bytes());
    assert_eq!(&*field.get("/v2/").await.body, CLOUD.as_bytes());
    assert_eq!(&*field.get("/v2/resourceTypes").await.body, b"[]");
}

#[tokio::test]
async fn golden_bodies_agree_with_the_openapi_schemas() {
    let reads = reads_of(inventory(), Compatibility::Field).await;
    let document = reads.json("/v2/openapi.json").await;
    for (name, body) in [
        ("LocationInfo", LOCATION),
        ("OCloudSiteInfo", SITE),
        ("ResourceTypeInfo", TYPE),
        ("ResourcePoolInfo", POOL),
        ("ResourceInfo", RESOURCE),
        ("DeploymentManagerInfo", MANAGER),
        ("AlarmDictionary", ALARMS),
        ("PerformanceDictionary", MEASUREMENTS),
        ("CloudInfo", CLOUD_FIELD),
    ] {
        let schema = &document["components"]["schemas"][name];
        openapi::check::value(&document, schema, &serde_json::from_str(body).unwrap(), name);
    }
    let versions = reads.json("/api_versions").await;
    let schema = &document["components"]["schemas"]["ApiVersionInformation"];
    openapi::check::value(&document, schema, &versions, "ApiVersionInformation");
}

#[tokio::test]
async fn versions_are_told_with_and_without_a_major() {
    let reads = reads_of(vec![], Compatibility::Spec).await;
    let all = reads.json("/api_versions").await;
    assert_eq!(all["apiVersions"].as_array().unwrap().len(), 2);
    assert_eq!(reads.json("/v1/api_versions").await["apiVersions"], json!([{"version": "1.2.0"}]));
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let reads = reads_of(inventory(), Compatibility::Spec).await;
    for path in [
        "/v2/resourcePools/nope",
        "/v2/resourcePools/nope/resources",
        "/v2/resourcePools/pool/resources/nope",
        "/v2/resourcePools/nope/resources/res",
        "/v1/resourceTypes/nope/alarmDictionary",
        "/v2/locations/nope",
    ] {
        assert_eq!(reads.kind_of_error(path).await, ErrorKind::NotFound, "{path}");
    }
}

#[tokio::test]
async fn a_type_without_a_dictionary_has_none_to_show() {
    let plain = object(Kind::ResourceType, None, "plain", "n");
    let dangling = Object {
        json: r#"{"resourceTypeId":"dangling","alarmDictionaryId":"gone"}"#.into(),
        ..object(Kind::ResourceType, None, "dangling", "n")
    };
    let reads = reads_of(vec![plain, dangling], Compatibility::Spec).await;
    assert_eq!(reads.kind_of_error("/v2/resourceTypes/plain/alarmDictionary").await, ErrorKind::NotFound);
    assert_eq!(reads.kind_of_error("/v2/resourceTypes/dangling/alarmDictionary").await, ErrorKind::NotFound);
    assert_eq!(reads.json("/v1/resourceTypes/dangling").await["alarmDictionary"], Value::Null);
}

#[tokio::test]
async fn filters_and_selectors_work_on_lists_and_selectors_on_objects() {
    let reads = reads_of(inventory(), Compatibility::Spec).await;
    let list = "/v2/resourcePools/pool/resources";
    let hit =
        reads.json(&format!("{list}?filter=(eq,extensions/labels/topology.kubernetes.io~1zone,z1)")).await;
    assert_eq!(hit.as_array().unwrap().len(), 1);
    assert_eq!(reads.json(&format!("{list}?filter=(eq,description,other)")).await, json!([]));
    let cut = reads.json(&format!("{list}/res?exclude_fields=extensions,tags")).await;
    assert!(cut.get("extensions").is_none() && cut.get("tags").is_none() && cut.get("resourceId").is_some());
    let cut = reads.json("/v1/resourceTypes/type?exclude_fields=alarmDictionary").await;
    assert!(cut.get("alarmDictionary").is_none() && cut.get("extensions").is_some());
    for (vendor, found) in [("v", 1), ("w", 0)] {
        let copies = format!("/v1/resourceTypes?filter=(eq,alarmDictionary/vendor,{vendor})");
        assert_eq!(reads.json(&copies).await.as_array().unwrap().len(), found, "{vendor}");
    }
    let cut = reads.json("/v2/?exclude_fields=extensions").await;
    assert!(cut.get("extensions").is_none() && cut.get("oCloudId").is_some());
    assert_eq!(reads.json("/v2/resourcePools/pool?all_fields").await["location"], "Berlin");
    for bad in [
        format!("{list}?filter=(eq,nothing,1)"),
        format!("{list}?what=1"),
        format!("{list}/res?filter=(eq,description,x)"),
        "/v2/?fields=nothing".to_owned(),
        "/v2/resourcePools?limit=1001".to_owned(),
        "/v2/resourcePools?nextpage_opaque_marker=zzz".to_owned(),
    ] {
        assert_eq!(reads.kind_of_error(&bad).await, ErrorKind::Invalid, "{bad}");
    }
}

#[tokio::test]
async fn a_second_read_is_a_hit_and_a_change_makes_the_old_answer_unreachable() {
    let reads = reads_of(vec![pool("a")], Compatibility::Spec).await;
    let first = reads.get("/v2/resourcePools").await;
    assert_eq!(header(&first, &X_CACHE), "MISS");
    let second = reads.get("/v2/resourcePools").await;
    assert_eq!((header(&second, &X_CACHE), &second.body), ("HIT".to_owned(), &first.body));
    assert_eq!(header(&second, &ETAG), header(&first, &ETAG));
    reads.feed().commit(&[Change::Upsert(pool("b"))]).await.unwrap();
    let third = reads.get("/v2/resourcePools").await;
    assert_eq!(header(&third, &X_CACHE), "MISS", "what was committed can be read, without waiting for luck");
    assert_eq!(serde_json::from_slice::<Value>(&third.body).unwrap().as_array().unwrap().len(), 2);
    assert_ne!(header(&third, &ETAG), header(&first, &ETAG));
    let class = &["resourcePools"];
    let metrics = &reads.world.metrics;
    assert_eq!(metrics.cache_hits.with_label_values(class).get(), 1);
    assert_eq!(metrics.cache_misses.with_label_values(class).get(), 2);
}

#[tokio::test]
async fn queries_that_mean_the_same_share_an_answer() {
    let reads = reads_of(vec![pool("a")], Compatibility::Spec).await;
    reads.get("/v2/resourcePools?filter=(eq,name,a);(neq,name,b)").await;
    let same = reads.get("/v2/resourcePools?filter=(neq,name,b)&filter=(eq,name,a)").await;
    assert_eq!(header(&same, &X_CACHE), "HIT");
    let other = reads.get("/v1/resourcePools?filter=(eq,name,a);(neq,name,b)").await;
    assert_eq!(header(&other, &X_CACHE), "MISS");
}

#[tokio::test]
async fn a_client_that_has_the_body_gets_304_without_it() {
    let reads = reads_of(inventory(), Compatibility::Spec).await;
    for path in ["/v2/resourcePools", "/v2/resourcePools/pool", "/v2/", "/api_versions", "/v2/openapi.json"] {
        let full = reads.get(path).await;
        let etag = header(&full, &ETAG);
        for condition in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
            let reply = reads.ask(path, &[(IF_NONE_MATCH, &condition)]).await.unwrap();
            assert_eq!(reply.status, StatusCode::NOT_MODIFIED, "{path} {condition}");
            assert!(reply.body.is_empty() && header(&reply, &CONTENT_TYPE).is_empty());
            assert_eq!(header(&reply, &ETAG), etag);
            assert_eq!(header(&reply, &CACHE_CONTROL), header(&full, &CACHE_CONTROL));
        }
        let reply = reads.ask(path, &[(IF_NONE_MATCH, "\"other\"")]).await.unwrap();
        assert_eq!((reply.status, reply.body), (StatusCode::OK, full.body));
    }
}

#[tokio::test]
async fn a_failing_source_makes_answers_stale_and_tells_their_age() {
    let reads = reads_of(vec![pool("a")], Compatibility::Spec).await;
    let fresh = reads.get("/v2/resourcePools").await;
    assert_eq!(header(&fresh, &CACHE_CONTROL), "private, max-age=300");
    assert_eq!(header(&fresh, &AGE), "", "a live watch has no age");
    let desk = &reads.world.desk;
    reads.world.clock.forward(Duration::from_secs(7));
    let down = Error::new(ErrorKind::Unavailable, "down");
    desk.sources.failed(&reads.feed().name, desk.clock.now(), &down);
    let stale = reads.get("/v2/resourcePools").await;
    assert_eq!((header(&stale, &X_CACHE), header(&stale, &AGE)), ("STALE".to_owned(), "7".to_owned()));
    assert_eq!(header(&stale, &CACHE_CONTROL), "private, no-cache");
    assert_eq!(stale.body, fresh.body);
    assert_eq!(reads.world.metrics.cache_stale.with_label_values(&["resourcePools"]).get(), 1);
}

#[tokio::test]
async fn a_source_never_read_is_unavailable_with_its_pause_also_for_single_objects() {
    let backend = FakeBackend::new(&Kind::ALL);
    backend.failing.store(true, Ordering::SeqCst);
    let reads = Reads::new(World::new(&[("lab", &backend)]).run(), Compatibility::Spec, None);
    for path in
        ["/v2/resourcePools", "/v2/resourcePools/a", "/v2/resourcePools/a/resources", "/v1/resourceTypes"]
    {
        let error = reads.ask(path, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{path}");
        assert!(matches!(error.retry(), Retry::After(_)), "{path}");
    }
    assert_eq!(reads.get("/v2/").await.status, StatusCode::OK, "the O-Cloud needs no source");
}

#[tokio::test]
async fn an_object_of_a_known_source_is_served_while_another_was_never_read() {
    let (good, bad) = (FakeBackend::new(&[Kind::ResourcePool]), FakeBackend::new(&[Kind::ResourcePool]));
    bad.failing.store(true, Ordering::SeqCst);
    good.holds(Kind::ResourcePool, vec![pool("a")]);
    let reads = Reads::new(World::new(&[("a", &good), ("b", &bad)]).run(), Compatibility::Spec, None);
    let list = reads.get("/v2/resourcePools").await;
    assert_eq!(header(&list, &X_CACHE), "STALE", "it may lack what the other source has");
    assert_eq!(reads.get("/v2/resourcePools/a").await.status, StatusCode::OK);
    assert_eq!(reads.kind_of_error("/v2/resourcePools/b").await, ErrorKind::Unavailable, "nobody knows");
}

#[tokio::test]
async fn unknown_ids_make_no_calls_to_the_backend() {
    let backend = FakeBackend::new(&[Kind::ResourcePool]);
    let reads = Reads::new(World::new(&[("lab", &backend)]).run(), Compatibility::Spec, None);
    for id in 0..100 {
        assert_eq!(reads.kind_of_error(&format!("/v2/resourcePools/{id}")).await, ErrorKind::NotFound);
    }
    assert_eq!(backend.lists.load(Ordering::SeqCst), 1);
}

/// A second level that counts what it gives.
#[derive(Default)]
struct Shared {
    kept: Mutex<HashMap<String, CachedBody>>,
    hits: Mutex<u32>,
}

#[async_trait]
impl ResponseCache for Shared {
    async fn get(&self, key: &str) -> Option<CachedBody> {
        let found = self.kept.lock().unwrap().get(key).cloned();
        *self.hits.lock().unwrap() += u32::from(found.is_some());
        found
    }

    fn put(&self, key: String, answer: CachedBody, _lifetime: Duration) {
        self.kept.lock().unwrap().insert(key, answer);
    }
}

#[tokio::test]
async fn the_second_level_is_asked_when_the_first_has_nothing() {
    let second = Arc::new(Shared::default());
    let backend = FakeBackend::new(&[Kind::ResourcePool]);
    backend.holds(Kind::ResourcePool, vec![pool("a"), pool("b")]);
    let world = World::new(&[("lab", &backend)]).run();
    let other = world.again(&[("lab", &backend)]).run();
    let first = Reads::new(world, Compatibility::Spec, Some(Arc::clone(&second) as Arc<dyn ResponseCache>));
    let body = first.get("/v2/resourcePools?limit=1").await;
    let other = Reads::new(other, Compatibility::Spec, Some(Arc::clone(&second) as Arc<dyn ResponseCache>));
    let shared = other.get("/v2/resourcePools?limit=1").await;
    assert_eq!(*second.hits.lock().unwrap(), 1);
    assert_eq!(header(&shared, &X_CACHE), "HIT-SHARED");
    assert_eq!((&shared.body, header(&shared, &ETAG)), (&body.body, header(&body, &ETAG)));
    assert_eq!(header(&shared, &LINK), header(&body, &LINK));
    assert!(!header(&body, &LINK).is_empty());
}

#[tokio::test]
async fn a_client_may_ask_past_caches() {
    let reads = reads_of(vec![pool("a")], Compatibility::Spec).await;
    reads.get("/v2/resourcePools").await;
    let reply = reads.ask("/v2/resourcePools", &[(CACHE_CONTROL, "max-age=0, No-Cache")]).await.unwrap();
    assert_eq!(header(&reply, &X_CACHE), "HIT", "right by its version, after catching up");
}
