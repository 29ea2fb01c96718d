//! Golden bodies.

use super::*;
use netweave_model::{Id, ObjectKey, Position, SourceName, SubscriptionState};
use std::sync::Arc;

fn subscription(major: Major, states: StateForm) -> Subscription {
    Subscription {
        id: Id::from("s-1"),
        owner: "smo".to_owned(),
        major,
        callback: "https://smo.example.net/n".to_owned(),
        consumer_subscription_id: Some("mine".to_owned()),
        filter: None,
        states,
        secret: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into(),
        former: None,
        lease_ms: 1000,
        created_at: Timestamp(0),
        expires_at: Timestamp(1000),
        rev: 1,
        state: SubscriptionState::Active,
    }
}

fn item(notice: Notice) -> Item {
    Item { sequence: 7, notification_id: Uuid::from_u128(9), notice, queued_at: Timestamp(1500), attempts: 0 }
}

fn change(event_type: EventType, kind: Kind, parent: Option<&str>) -> Notice {
    let state = |text: &'static str, there: bool| there.then(|| Bytes::from_static(text.as_bytes()));
    Notice::Change(Arc::new(Event {
        position: Position { generation: 1, sequence: 4 },
        notification_id: Uuid::from_u128(9),
        source: SourceName::from("lab"),
        key: ObjectKey { kind, id: Id::from("a/b") },
        parent: parent.map(Id::from),
        event_type,
        prior: state(r#"{"n":1.0,"s":"a\"b"}"#, event_type != EventType::Create),
        post: state(r#"{"n":2}"#, event_type != EventType::Delete),
        at: Timestamp(1234),
        trace: None,
    }))
}

fn rendered(major: Major, states: StateForm, notice: Notice) -> String {
    let renderer = Renderer::new("https://gw.example.net:8443/base/").unwrap();
    let body = renderer.body(&subscription(major, states), &item(notice)).unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn a_modify_carries_both_states_untouched_and_a_reference() {
    let body =
        rendered(Major::V2, StateForm::Object, change(EventType::Modify, Kind::Resource, Some("pool")));
    assert_eq!(
        body,
        concat!(
            r#"{"notificationId":"00000000-0000-0000-0000-000000000009","consumerSubscriptionId":"mine","#,
            r#""notificationEventType":1,"objectRef":"https://gw.example.net:8443/base/o2ims-infrastructureInventory/v2"#,
            r#"/resourcePools/pool/resources/a%2Fb","priorObjectState":{"n":1.0,"s":"a\"b"},"postObjectState":{"n":2},"#,
            r#""subscriptionId":"s-1","sequence":7,"objectType":"ResourceInfo","updateTime":"1970-01-01T00:00:01.234Z"}"#
        )
    );
}

#[test]
fn states_may_be_text_inside_a_string() {
    let body = rendered(Major::V1, StateForm::String, change(EventType::Modify, Kind::ResourcePool, None));
    assert!(
        body.contains(r#""priorObjectState":"{\"n\":1.0,\"s\":\"a\\\"b\"}","postObjectState":"{\"n\":2}""#),
        "{body}"
    );
    assert!(body.contains("/v1/resourcePools/a%2Fb\""), "{body}");
}

#[test]
fn a_create_has_no_prior_state_and_a_delete_no_reference_and_no_post_state() {
    let create = rendered(Major::V2, StateForm::Object, change(EventType::Create, Kind::Location, None));
    assert!(
        create.contains(r#""notificationEventType":0,"objectRef""#) && !create.contains("prior"),
        "{create}"
    );
    let delete = rendered(Major::V2, StateForm::Object, change(EventType::Delete, Kind::Location, None));
    assert!(delete.contains(r#""notificationEventType":2,"priorObjectState""#), "{delete}");
    assert!(!delete.contains("objectRef") && !delete.contains("postObjectState"), "{delete}");
}

#[test]
fn notices_are_marked_and_are_no_changes() {
    let resync = rendered(Major::V2, StateForm::Object, Notice::Resync { dropped: 12 });
    assert!(resync.starts_with(r#"{"notice":"resync","#) && resync.contains(r#""dropped":12"#), "{resync}");
    let test = rendered(Major::V2, StateForm::Object, Notice::Test);
    assert!(test.starts_with(r#"{"notice":"test","#) && !test.contains("dropped"), "{test}");
    assert!(!resync.contains("notificationEventType") && !test.contains("notificationEventType"));
}

#[test]
fn headers_sign_the_body_and_keep_the_id() {
    let subscription = subscription(Major::V2, StateForm::Object);
    let item = item(change(EventType::Create, Kind::Location, None));
    let secret = Secret::parse(subscription.secret.expose()).unwrap();
    let at = Timestamp(1_700_000_000_500);
    let headers = headers(std::slice::from_ref(&secret), (&subscription, &item), at, b"{}").unwrap();
    assert_eq!(secret.verify(&headers, b"{}", Timestamp(1_700_000_000_500)), Ok(()));
    let text = |name: &HeaderName| headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(text(&WEBHOOK_ID), text(&NOTIFICATION_ID));
    assert_eq!((text(&EVENT_TYPE), text(&SEQUENCE)), ("CREATE".to_owned(), "7".to_owned()));
    assert_eq!((text(&TIMESTAMP), text(&SUBSCRIPTION_ID)), ("1700000000".to_owned(), "s-1".to_owned()));
}

#[test]
fn a_service_uri_must_be_absolute() {
    for uri in ["", "/x", "mailto:a@b", "gw.example.net"] {
        assert!(Renderer::new(uri).is_err(), "{uri}");
    }
}
