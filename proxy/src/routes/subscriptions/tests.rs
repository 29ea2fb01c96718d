//! The O2 operations on subscriptions, each with every error it can give.

use super::*;
use crate::access::{self, Grant};
use crate::conf::tree::{self, Verify};
use crate::conf::unit::Span;
use crate::listen::identity::{Facts, Identity, IdentityField};
use crate::routes::Route;
use crate::services::fakes::{Rig, Share};
use bytes::Bytes;
use http::HeaderMap;
use netweave_model::Timestamp;
use netweave_model::port::Subscriptions;
use serde_json::{Value, json};
use std::time::Duration;

/// Who calls.
pub(crate) fn identity(name: &str) -> Identity {
    Identity {
        name: name.to_owned(),
        field: IdentityField::Dns,
        common_name: Some("cn".to_owned()),
        fingerprint: "ab".to_owned(),
        not_after: Timestamp(1_700_000_000_000).plus(Duration::from_hours(48)),
        facts: Facts::default(),
    }
}

/// The desk over a rig's store.
pub(crate) fn desk(rig: &Rig, change: impl FnOnce(&mut desk::Settings)) -> Arc<Desk> {
    let mut settings = desk::Settings {
        subscriptions: tree::Subscriptions { per_owner: 250, ttl: Span::seconds(1000), ..Default::default() },
        compatibility: Compatibility::Spec,
        filter_depth: 8,
        asked_queue: 300,
    };
    change(&mut settings);
    let parts = desk::Parts {
        subscriptions: rig.store.share(),
        deliveries: rig.store.share(),
        guard: Arc::clone(&rig.guard),
        outbound: Arc::clone(&rig.outbound),
        keys: Arc::clone(rig.signers.keys()),
        clock: rig.clock.share(),
        ids: rig.ids.share(),
    };
    Arc::new(Desk::new(parts, settings, access::admins()))
}

/// Makes a call and hands it to a route.
pub(crate) struct Caller<'a> {
    pub(crate) operation: Operation<'a>,
    pub(crate) major: Major,
    pub(crate) who: &'a str,
    /// How many subscriptions it may have.
    quota: u64,
    pub(crate) query: &'a str,
    pub(crate) headers: HeaderMap,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(operation: Operation<'a>) -> Self {
        Self { operation, major: Major::V2, who: "smo", quota: 250, query: "", headers: HeaderMap::new() }
    }

    pub(crate) fn major(mut self, major: Major) -> Self {
        self.major = major;
        self
    }

    fn quota(mut self, quota: u64) -> Self {
        self.quota = quota;
        self
    }

    pub(crate) fn who(mut self, who: &'a str) -> Self {
        self.who = who;
        self
    }

    pub(crate) fn query(mut self, query: &'a str) -> Self {
        self.query = query;
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.append(name, value.parse().unwrap());
        self
    }

    /// Hands the call to `route`.
    pub(crate) async fn call<R>(
        &self,
        method: Method,
        body: &[u8],
        route: impl AsyncFnOnce(&Call<'_>) -> R,
    ) -> R {
        let known =
            Route { operation: self.operation.clone(), major: self.major, template: "/x", methods: &[] };
        let identity = identity(self.who);
        let grant = Grant { subscriptions: self.quota, ..(*access::admins().of(self.who).unwrap()).clone() };
        let call = Call {
            route: &known,
            method: &method,
            query: self.query,
            headers: &self.headers,
            identity: &identity,
            grant: &grant,
            token: None,
            body: Bytes::copy_from_slice(body),
        };
        route(&call).await
    }
}

/// Returns a header's text.
pub(crate) fn header(reply: &Reply, name: &HeaderName) -> Option<String> {
    let found = reply.headers.iter().find(|(header, _)| header == name);
    found.map(|(_, value)| value.to_str().unwrap().to_owned())
}

/// Returns the body.
pub(crate) fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

async fn post(routes: &SubscriptionRoutes, caller: Caller<'_>, body: &Value) -> Result<Reply> {
    let body = serde_json::to_vec(body).unwrap();
    caller.call(Method::POST, &body, async |call| routes.serve(call).await).await
}

async fn send(routes: &SubscriptionRoutes, caller: Caller<'_>, method: Method) -> Result<Reply> {
    caller.call(method, b"", async |call| routes.serve(call).await).await
}

fn all<'a>() -> Caller<'a> {
    Caller::new(Operation::Subscriptions)
}

fn one(id: &str) -> Caller<'_> {
    Caller::new(Operation::Subscription(id.into()))
}

async fn create(routes: &SubscriptionRoutes, rig: &Rig, consumer: &str) -> String {
    let reply = post(routes, all(), &json!({ "callback": rig.url, "consumerSubscriptionId": consumer }))
        .await
        .unwrap();
    body(&reply)["subscriptionId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_creation_answers_201_with_location_tag_and_secret() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    let asked = json!({
        "subscriptionId": "mine", "callback": rig.url, "consumerSubscriptionId": "c-1",
        "filter": "(eq,resourcePoolId,p)", "unknown": [1]
    });
    let reply = post(&routes, all(), &asked).await.unwrap();
    assert_eq!(reply.status, StatusCode::CREATED);
    let shown = body(&reply);
    let id = shown["subscriptionId"].as_str().unwrap();
    assert_ne!(id, "mine");
    assert_eq!(
        shown,
        json!({ "subscriptionId": id, "consumerSubscriptionId": "c-1", "callback": rig.url,
                "filter": "(eq,resourcePoolId,p)" })
    );
    let location = format!("/o2ims-infrastructureInventory/v2/subscriptions/{id}");
    assert_eq!(header(&reply, &LOCATION), Some(location));
    assert_eq!(header(&reply, &ETAG).as_deref(), Some("\"1\""));
    assert_eq!(header(&reply, &CACHE_CONTROL).as_deref(), Some("no-store"));
    let secret = header(&reply, &WEBHOOK_SECRET).unwrap();
    assert!(Secret::parse(&secret).is_ok());
    let read = send(&routes, one(id), Method::GET).await.unwrap();
    assert!(
        header(&read, &WEBHOOK_SECRET).is_none() && !String::from_utf8_lossy(&read.body).contains(&secret)
    );
    let stored = rig.store.get(&id.into()).await.unwrap();
    assert_eq!(
        (stored.owner.as_str(), stored.states, stored.lease_ms),
        ("smo", StateForm::Object, 1_000_000)
    );
}

#[tokio::test]
async fn faults_of_a_body_name_the_member() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    for (asked, name, position) in [
        (json!({}), "/callback", None),
        (json!({ "callback": 7 }), "/callback", None),
        (json!({ "callback": "http://10.0.0.1/" }), "/callback", None),
        (json!({ "callback": "ftp://127.0.0.1/" }), "/callback", None),
        (json!({ "callback": rig.url, "filter": "(eq,nope,1)" }), "/filter", Some(4)),
        (json!({ "callback": rig.url, "filter": "(eq,description" }), "/filter", Some(15)),
        (json!({ "callback": rig.url, "filter": 1 }), "/filter", None),
    ] {
        let error = post(&routes, all(), &asked).await.unwrap_err();
        let param = error.params().first().unwrap();
        assert_eq!(
            (error.kind(), &*param.name, param.position),
            (ErrorKind::Invalid, name, position),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn a_duplicate_is_a_conflict_and_in_the_fields_v1_invalid() {
    let rig = Rig::start().await;
    let routes =
        SubscriptionRoutes::new(desk(&rig, |settings| settings.compatibility = Compatibility::Field));
    let asked = json!({ "callback": rig.url, "filter": "(eq,resourcePoolId,p)" });
    let first = post(&routes, all(), &asked).await.unwrap();
    let same =
        json!({ "callback": rig.url, "filter": "[(eq,objectType,ResourceInfo);(eq,resourcePoolId,p)]" });
    let error = post(&routes, all(), &same).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.public().contains(body(&first)["subscriptionId"].as_str().unwrap()));
    assert_eq!(post(&routes, all().major(Major::V1), &asked).await.unwrap_err().kind(), ErrorKind::Invalid);
    let other = json!({ "callback": rig.url, "filter": "(eq,resourcePoolId,q)" });
    assert!(post(&routes, all(), &other).await.is_ok(), "another filter to the same callback");
    assert!(post(&routes, all().who("other"), &asked).await.is_ok(), "another owner");
}

#[tokio::test]
async fn the_quota_is_a_rate_limit() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    create(&routes, &rig, "a").await;
    let second = json!({ "callback": rig.url, "consumerSubscriptionId": "b" });
    assert_eq!(post(&routes, all().quota(1), &second).await.unwrap_err().kind(), ErrorKind::RateLimited);
}

#[tokio::test]
async fn a_callback_is_verified_if_the_configuration_says_so() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |settings| {
        settings.subscriptions.callback.verify = Verify::Get204;
    }));
    create(&routes, &rig, "a").await;
    let root = rig.url.replace("/hook", "/");
    let error = post(&routes, all(), &json!({ "callback": root })).await.unwrap_err();
    assert_eq!((error.kind(), &*error.params()[0].name), (ErrorKind::Invalid, "/callback"));
}

#[tokio::test]
async fn a_creation_takes_no_parameters() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    let error =
        post(&routes, all().query("fields=callback"), &json!({ "callback": rig.url })).await.unwrap_err();
    assert_eq!((error.kind(), &*error.params()[0].name), (ErrorKind::Invalid, "query"));
}

#[tokio::test]
async fn a_callback_that_fails_its_trial_is_not_stored_whoever_asks() {
    let rig = Rig::start().await;
    let desk = desk(&rig, |settings| settings.subscriptions.callback.verify = Verify::Get204);
    let wanted = |url: String| Wanted::parse(json!({ "callback": url }).to_string().as_bytes()).unwrap();
    assert!(desk.check(&wanted(rig.url.clone())).await.is_ok());
    let error = desk.check(&wanted(rig.url.replace("/hook", "/"))).await.unwrap_err();
    assert_eq!((error.kind(), &*error.params()[0].name), (ErrorKind::Invalid, "/callback"));
}

#[tokio::test]
async fn states_follow_the_major_unless_the_body_says_otherwise() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    let reply = post(&routes, all().major(Major::V1), &json!({ "callback": rig.url })).await.unwrap();
    assert!(
        header(&reply, &LOCATION).unwrap().starts_with("/o2ims-infrastructureInventory/v1/subscriptions/")
    );
    let stored = rig.store.get(&body(&reply)["subscriptionId"].as_str().unwrap().into()).await.unwrap();
    assert_eq!((stored.states, stored.major), (StateForm::String, Major::V1));
    let other = json!({ "callback": rig.url, "consumerSubscriptionId": "x", "states": "string" });
    let reply = post(&routes, all(), &other).await.unwrap();
    let stored = rig.store.get(&body(&reply)["subscriptionId"].as_str().unwrap().into()).await.unwrap();
    assert_eq!(stored.states, StateForm::String);
}

#[tokio::test]
async fn the_subscription_of_another_owner_does_not_exist() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    let id = create(&routes, &rig, "a").await;
    for method in [Method::GET, Method::DELETE] {
        let error = send(&routes, one(&id).who("other"), method).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let list = send(&routes, all().who("other"), Method::GET).await.unwrap();
    assert_eq!(body(&list), json!([]));
    assert_eq!(send(&routes, one("absent"), Method::GET).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_read_is_conditional_and_renews_the_lease_lazily() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    let id = create(&routes, &rig, "a").await;
    let again =
        send(&routes, one(&id).header(http::header::IF_NONE_MATCH, "\"1\""), Method::GET).await.unwrap();
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    rig.clock.advance(Duration::from_mins(5));
    let read = send(&routes, one(&id), Method::GET).await.unwrap();
    assert_eq!(header(&read, &ETAG).as_deref(), Some("\"1\""), "what it says is the same");
    let stored = rig.store.get(&id.as_str().into()).await.unwrap();
    assert_eq!(stored.expires_at.since(stored.created_at), Duration::from_secs(1300));
}

#[tokio::test]
async fn a_delete_answers_204_and_in_the_fields_v1_200() {
    let rig = Rig::start().await;
    let spec = SubscriptionRoutes::new(desk(&rig, |_| {}));
    let field = SubscriptionRoutes::new(desk(&rig, |settings| settings.compatibility = Compatibility::Field));
    for (routes, major, status) in [
        (&spec, Major::V1, StatusCode::NO_CONTENT),
        (&spec, Major::V2, StatusCode::NO_CONTENT),
        (&field, Major::V1, StatusCode::OK),
        (&field, Major::V2, StatusCode::NO_CONTENT),
    ] {
        let id = create(routes, &rig, "a").await;
        let reply = send(routes, one(&id).major(major), Method::DELETE).await.unwrap();
        assert_eq!((reply.status, reply.body.len()), (status, 0));
        assert_eq!(send(routes, one(&id), Method::DELETE).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_delete_meant_for_another_revision_does_nothing() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    let id = create(&routes, &rig, "a").await;
    for condition in ["\"2\"", "W/\"1\"", "\"x\", \"y\""] {
        let caller = one(&id).header(http::header::IF_MATCH, condition);
        assert_eq!(
            send(&routes, caller, Method::DELETE).await.unwrap_err().kind(),
            ErrorKind::PreconditionFailed
        );
    }
    let caller = one(&id).header(http::header::IF_MATCH, "\"7\", \"1\"");
    assert_eq!(send(&routes, caller, Method::DELETE).await.unwrap().status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn lists_are_filtered_selected_and_paged() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    for number in 0..5 {
        create(&routes, &rig, &format!("c-{number}")).await;
    }
    let ids = async |query: &str| {
        let reply = send(&routes, all().query(query), Method::GET).await.unwrap();
        let shown = body(&reply);
        let ids: Vec<_> = shown.as_array().unwrap().iter().map(|one| one["subscriptionId"].clone()).collect();
        (ids, header(&reply, &LINK))
    };
    let (every, none) = ids("").await;
    assert_eq!((every.len(), none), (5, None));
    let (first, next) = ids("limit=2").await;
    assert_eq!(first, every[..2]);
    let next = next.unwrap();
    assert!(
        next.starts_with("</o2ims-infrastructureInventory/v2/subscriptions?limit=2&nextpage_opaque_marker=")
    );
    let query = next.split(['?', '>']).nth(1).unwrap();
    let (second, _) = ids(query).await;
    assert_eq!(second, every[2..4]);
    let (third, end) = ids("limit=2&nextpage_opaque_marker=3").await;
    assert_eq!((third.as_slice(), end), (&every[4..], None));
    let beyond =
        send(&routes, all().query("limit=2&nextpage_opaque_marker=4"), Method::GET).await.unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::Invalid);
    let (filtered, _) = ids("filter=(in,consumerSubscriptionId,c-1,c-3)").await;
    assert_eq!(filtered.len(), 2);
    let faulty = send(&routes, all().query("filter=(eq,owner,x)"), Method::GET).await.unwrap_err();
    assert_eq!(&*faulty.params()[0].name, "filter");
}

#[tokio::test]
async fn a_list_is_conditional() {
    let rig = Rig::start().await;
    let routes = SubscriptionRoutes::new(desk(&rig, |_| {}));
    let first = send(&routes, all(), Method::GET).await.unwrap();
    let tag = header(&first, &ETAG).unwrap();
    let again = send(&routes, all().header(http::header::IF_NONE_MATCH, &tag), Method::GET).await.unwrap();
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}
