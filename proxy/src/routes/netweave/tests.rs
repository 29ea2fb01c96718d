//! The operations under `/netweave/v1/`.

use super::*;
use crate::inventory::catalog::Catalog;
use crate::routes::subscriptions::tests::{Caller, body, desk, header};
use crate::services::fakes::{Rig, Share, object};
use http::header::{CACHE_CONTROL, ETAG, IF_MATCH};
use netweave_model::error::Retry;
use netweave_model::port::{Change, Clock, Leases, Renewal, Subscriptions};
use netweave_model::subscription::{Major, StateForm};
use netweave_model::{ErrorKind, Kind, SourceName, Subscription, SubscriptionState};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn routes(rig: &Rig) -> NetweaveRoutes {
    NetweaveRoutes::new(Parts {
        desk: desk(rig, |_| {}),
        log: rig.store.share(),
        sources: Arc::new(Sources::new([(rig.source.clone(), "file")])),
        leases: rig.store.share(),
        catalog: Arc::new(Catalog::new([rig.source.clone()])),
        limits: Limits::default(),
    })
}

async fn send(rig: &Rig, caller: Caller<'_>, method: Method, body: &Value) -> Result<Reply> {
    let routes = routes(rig);
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
    caller.call(method, &body, async |call| routes.serve(call).await).await
}

async fn act(rig: &Rig, subscription: &Subscription, action: Action, body: &Value) -> Result<Reply> {
    let method = if action == Action::Deliveries { Method::GET } else { Method::POST };
    send(rig, Caller::new(Operation::Act(subscription.id.as_str().into(), action)), method, body).await
}

fn lease(subscription: &Subscription) -> Caller<'_> {
    Caller::new(Operation::Lease(subscription.id.as_str().into()))
}

#[tokio::test]
async fn the_caller_reads_who_it_is_and_what_is_left() {
    let rig = Rig::start().await;
    rig.subscribe(None).await;
    let reply = send(&rig, Caller::new(Operation::Caller), Method::GET, &Value::Null).await.unwrap();
    let shown = body(&reply);
    assert_eq!(
        (&shown["name"], &shown["field"], &shown["certificateDaysLeft"]),
        (&json!("smo"), &json!("dns"), &json!(2))
    );
    assert_eq!(shown["subscriptions"], json!({ "used": 1, "allowed": 250 }));
    assert_eq!(shown["limits"]["bodyBytes"], json!(1_048_576));
    assert_eq!(header(&reply, &CACHE_CONTROL).as_deref(), Some("no-store"));
    let error =
        send(&rig, Caller::new(Operation::Caller).query("a=b"), Method::GET, &Value::Null).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn sources_are_shown_without_the_words_of_their_failures() {
    let rig = Rig::start().await;
    let routes = routes(&rig);
    let name = SourceName::from("lab");
    let at = rig.clock.now();
    routes.parts.sources.seen(&name, at, true);
    rig.clock.advance(7 * SECOND);
    routes.parts.sources.failed(
        &name,
        rig.clock.now(),
        &Error::new(ErrorKind::Timeout, "x").with_private("10.0.0.1"),
    );
    let reply =
        Caller::new(Operation::Sources).call(Method::GET, b"", async |call| routes.serve(call).await).await;
    let shown = body(&reply.unwrap());
    let failed = rig.clock.now().to_string();
    assert_eq!(
        shown,
        json!([{ "name": "lab", "backend": "file", "live": false, "seenAt": at.to_string(), "ageSeconds": 7,
                 "failure": { "at": failed, "kind": "timeout" }, "objects": {} }])
    );
}

#[tokio::test]
async fn a_source_is_read_anew_once_in_ten_seconds_if_somebody_watches_it() {
    let rig = Rig::start().await;
    let routes = routes(&rig);
    let ask = async |source: &str| {
        let caller = Caller::new(Operation::Refresh(source.to_owned().into()));
        caller.call(Method::POST, b"", async |call| routes.serve(call).await).await
    };
    assert_eq!(ask("other").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(ask("lab").await.unwrap_err().kind(), ErrorKind::Conflict);
    let fence = rig.store.acquire("source:lab", "pod", 60 * SECOND).await.unwrap().unwrap();
    assert_eq!(ask("lab").await.unwrap().status, StatusCode::ACCEPTED);
    assert_eq!(Leases::renew(&*rig.store, "source:lab", fence, SECOND).await.unwrap(), Renewal::Lost);
    rig.clock.advance(4 * SECOND);
    let early = ask("lab").await.unwrap_err();
    assert_eq!((early.kind(), early.retry()), (ErrorKind::RateLimited, Retry::After(6 * SECOND)));
    rig.clock.advance(6 * SECOND);
    assert_eq!(ask("lab").await.unwrap_err().kind(), ErrorKind::Conflict, "nobody has it again");
}

#[tokio::test]
async fn the_lease_shows_state_and_backlog() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    rig.answer_next(&[500]);
    rig.changes(3).await;
    rig.deliver().await;
    let reply = send(&rig, lease(&subscription), Method::GET, &Value::Null).await.unwrap();
    let shown = body(&reply);
    for (name, value) in [
        ("state", json!("active")),
        ("major", json!("v2")),
        ("states", json!("object")),
        ("leaseSeconds", json!(1000)),
        ("expiresAt", json!(subscription.expires_at.to_string())),
        ("backlog", json!(3)),
        ("failures", json!(1)),
        ("dead", json!(0)),
        ("lastSequence", json!(3)),
        ("nextAttempt", json!(rig.backlog(&subscription).await.next_attempt.unwrap().to_string())),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    assert!(shown.get("secret").is_none() && shown.get("owner").is_none());
    let other = send(&rig, lease(&subscription).who("other"), Method::GET, &Value::Null).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_replacement_is_checked_like_a_creation_and_activates() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(Some("(eq,resourcePoolId,p)")).await;
    let state = Some(SubscriptionState::Suspended { reason: "gone".to_owned() });
    let update = netweave_model::port::Update { state, ..Default::default() };
    rig.store.update(&subscription.id, None, update).await.unwrap();
    let shown = body(&send(&rig, lease(&subscription), Method::GET, &Value::Null).await.unwrap());
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("suspended"), &json!("gone")));
    let url = format!("{}/new", rig.url);
    let wanted = json!({ "callback": url, "states": "string" });
    for (condition, kind) in
        [("\"1\"", ErrorKind::PreconditionFailed), ("\"9\"", ErrorKind::PreconditionFailed)]
    {
        let caller = lease(&subscription).header(IF_MATCH, condition);
        assert_eq!(send(&rig, caller, Method::PUT, &wanted).await.unwrap_err().kind(), kind);
    }
    for faulty in
        [json!({}), json!({ "callback": "http://10.0.0.1/" }), json!({ "callback": url, "filter": "(" })]
    {
        assert_eq!(
            send(&rig, lease(&subscription), Method::PUT, &faulty).await.unwrap_err().kind(),
            ErrorKind::Invalid
        );
    }
    let reply =
        send(&rig, lease(&subscription).header(IF_MATCH, "\"2\""), Method::PUT, &wanted).await.unwrap();
    assert_eq!(header(&reply, &ETAG).as_deref(), Some("\"3\""));
    let stored = rig.store.get(&subscription.id).await.unwrap();
    assert_eq!(
        (stored.callback, stored.states, stored.state),
        (url, StateForm::String, SubscriptionState::Active)
    );
    assert_eq!((stored.filter, stored.consumer_subscription_id), (None, None));
}

#[tokio::test]
async fn a_lease_is_renewed_for_its_length_or_another() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    rig.clock.advance(10 * SECOND);
    let until = |lease: Duration| json!(rig.clock.now().plus(lease).to_string());
    for (asked, lease) in [
        (Value::Null, 1000),
        (json!({}), 1000),
        (json!({ "lease": "2h" }), 7200),
        (json!({ "lease": "1m" }), 60),
    ] {
        let reply = act(&rig, &subscription, Action::Renew, &asked).await.unwrap();
        assert_eq!(body(&reply)["expiresAt"], until(lease * SECOND), "{asked}");
    }
    for faulty in ["59s", "8d", "soon", "60"] {
        let error = act(&rig, &subscription, Action::Renew, &json!({ "lease": faulty })).await.unwrap_err();
        assert_eq!(&*error.params()[0].name, "/lease", "{faulty}");
    }
}

#[tokio::test]
async fn a_test_notice_is_delivered_and_shown_among_the_attempts() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    let reply = act(&rig, &subscription, Action::Test, &Value::Null).await.unwrap();
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    let queued = body(&reply);
    rig.deliver().await;
    let told = rig.told();
    assert_eq!(
        (told[0].0.as_str(), json!(told[0].1), json!(told[0].2)),
        ("TEST", queued["sequence"].clone(), queued["notificationId"].clone())
    );
    let shown = body(&act(&rig, &subscription, Action::Deliveries, &Value::Null).await.unwrap());
    let attempt = &shown["attempts"][0];
    assert_eq!(
        (&attempt["status"], &attempt["delivered"], &attempt["error"]),
        (&json!(204), &json!(true), &Value::Null)
    );
    assert_eq!(shown["deadLetters"], json!([]));
}

async fn with_dead_letter(rig: &Rig) -> Subscription {
    let subscription = rig.subscribe(None).await;
    rig.answer_next(&[400; 5]);
    rig.changes(1).await;
    for _ in 0..5 {
        rig.deliver().await;
        rig.clock.advance(100 * SECOND);
    }
    subscription
}

#[tokio::test]
async fn dead_letters_are_shown_and_replayed_under_their_ids() {
    let rig = Rig::start().await;
    let subscription = with_dead_letter(&rig).await;
    let shown = body(&act(&rig, &subscription, Action::Deliveries, &Value::Null).await.unwrap());
    let letter = &shown["deadLetters"][0];
    assert_eq!(
        (&letter["reason"], &letter["sequence"], &letter["objectType"]),
        (&json!("refused"), &json!(1), &json!("ResourceInfo"))
    );
    let none = act(&rig, &subscription, Action::Replay, &json!({ "from": 2 })).await.unwrap();
    assert_eq!(body(&none)["deadLetters"], json!(0));
    let reply = act(&rig, &subscription, Action::Replay, &Value::Null).await.unwrap();
    assert_eq!((reply.status, body(&reply)["deadLetters"].clone()), (StatusCode::ACCEPTED, json!(1)));
    rig.deliver().await;
    let told = rig.told();
    assert_eq!(told[5].2, told[0].2);
}

#[tokio::test]
async fn kept_changes_since_a_time_are_replayed_through_the_filter_and_once() {
    let rig = Rig::start().await;
    let subscription = with_dead_letter(&rig).await;
    let begin = subscription.created_at;
    let other = Change::Upsert(object(Kind::AlarmDictionary, "d", &json!({})));
    rig.commit(&[other]).await;
    rig.clock.advance(SECOND);
    let since = rig.clock.now();
    rig.change("r", 8).await;
    rig.change("r", 9).await;
    rig.fan_out().await;
    rig.deliver().await;
    let before = rig.told();
    let reply =
        act(&rig, &subscription, Action::Replay, &json!({ "since": since.to_string() })).await.unwrap();
    assert_eq!(body(&reply), json!({ "deadLetters": 0, "changes": 2, "complete": true }));
    rig.deliver().await;
    let ids = |told: &[(String, u64, String)]| told.iter().map(|(_, _, id)| id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&rig.told()[before.len()..]), ids(&before[before.len() - 2..]), "the same notifications");
    let all = act(&rig, &subscription, Action::Replay, &json!({ "since": begin.to_string() })).await.unwrap();
    assert_eq!(
        body(&all),
        json!({ "deadLetters": 1, "changes": 2, "complete": true }),
        "the dead letter comes once"
    );
    rig.clock.advance(1000 * SECOND);
}

#[tokio::test]
async fn a_replay_says_when_the_log_does_not_reach_back() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    rig.changes(40).await;
    rig.clock.advance(SECOND);
    let head = rig.store.head().await.unwrap();
    rig.store.trim(head, Duration::ZERO).await.unwrap();
    rig.change("r", 77).await;
    rig.fan_out().await;
    let since = subscription.created_at.to_string();
    let reply = act(&rig, &subscription, Action::Replay, &json!({ "since": since })).await.unwrap();
    assert_eq!(body(&reply), json!({ "deadLetters": 0, "changes": 1, "complete": false }));
    for faulty in
        [json!({ "since": "yesterday" }), json!({ "from": -1 }), json!({ "from": 1, "since": since })]
    {
        let error = act(&rig, &subscription, Action::Replay, &faulty).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{faulty}");
    }
}

#[tokio::test]
async fn a_replay_stops_where_the_queue_is_full_and_says_so() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    rig.changes(310).await;
    rig.deliver().await;
    let since = json!({ "since": subscription.created_at.to_string() });
    let some = act(&rig, &subscription, Action::Replay, &since).await.unwrap();
    let next = rig.clock.now().to_string();
    let expected = json!({ "deadLetters": 0, "changes": 300, "complete": false, "nextSince": next });
    assert_eq!(body(&some), expected);
    let error = act(&rig, &subscription, Action::Test, &Value::Null).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_dry_run_says_whether_and_why() {
    let rig = Rig::start().await;
    let filter = "(eq,extensions/env,test)";
    let subscription = rig.subscribe(Some(filter)).await;
    let env = |env: &str| json!({ "resourceId": "r", "extensions": { "env": env } });
    let table = [
        (json!({ "objectType": "ResourceInfo", "post": env("test") }), false, "excluded"),
        (json!({ "objectType": "ResourceInfo", "post": env("prod") }), true, "notExcluded"),
        (
            json!({ "objectType": "ResourceInfo", "prior": env("test"), "post": env("prod") }),
            true,
            "notExcluded",
        ),
        (
            json!({ "objectType": "ResourceInfo", "prior": env("prod"), "post": env("test") }),
            false,
            "excluded",
        ),
        (json!({ "objectType": "ResourceInfo", "prior": env("test") }), false, "excluded"),
        (
            json!({ "objectType": "ResourceInfo", "eventType": "DELETE", "prior": env("prod"), "post": env("test") }),
            true,
            "notExcluded",
        ),
        (json!({ "objectType": "ResourceInfo", "eventType": 2, "prior": env("test") }), false, "excluded"),
        (json!({ "objectType": "ResourcePoolInfo", "post": env("test") }), true, "notExcluded"),
        (json!({ "objectType": "AlarmDictionary", "post": {} }), false, "notCovered"),
    ];
    for (supposed, sent, reason) in table {
        let stored = act(&rig, &subscription, Action::DryRun, &supposed).await.unwrap();
        let mut unstored = supposed.clone();
        unstored["filter"] = filter.into();
        let unstored = send(&rig, Caller::new(Operation::DryRun), Method::POST, &unstored).await.unwrap();
        for reply in [stored, unstored] {
            let shown = body(&reply);
            assert_eq!((&shown["sent"], &shown["reason"]), (&json!(sent), &json!(reason)), "{supposed}");
        }
    }
    for (faulty, name) in [
        (json!({}), "/objectType"),
        (json!({ "objectType": "Nope", "post": {} }), "/objectType"),
        (json!({ "objectType": "ResourceInfo" }), "/post"),
        (json!({ "objectType": "ResourceInfo", "post": "x" }), "/post"),
        (json!({ "objectType": "ResourceInfo", "eventType": "MOVE", "post": {} }), "/eventType"),
        (json!({ "objectType": "ResourceInfo", "eventType": "DELETE", "post": {} }), "/prior"),
        (json!({ "objectType": "ResourceInfo", "post": {}, "filter": "(eq,nope,1)" }), "/filter"),
        (json!({ "objectType": "ResourceInfo", "post": {}, "major": "v3" }), "/major"),
    ] {
        let error = send(&rig, Caller::new(Operation::DryRun), Method::POST, &faulty).await.unwrap_err();
        assert_eq!((error.kind(), &*error.params()[0].name), (ErrorKind::Invalid, name), "{faulty}");
    }
    let location = json!({ "objectType": "LocationInfo", "post": {}, "major": "v1" });
    let reply = send(&rig, Caller::new(Operation::DryRun), Method::POST, &location).await.unwrap();
    assert_eq!(body(&reply)["reason"], json!("notCovered"));
    assert_eq!(subscription.major, Major::V2);
}

#[tokio::test]
async fn a_lease_can_be_deleted_here_too() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe(None).await;
    let reply = send(&rig, lease(&subscription), Method::DELETE, &Value::Null).await.unwrap();
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert_eq!(rig.store.get(&subscription.id).await.unwrap_err().kind(), ErrorKind::NotFound);
}
