//! What is posted to a callback: the body and its headers. Objects are copied as they were committed, never rebuilt.
//!
//! A change is an `InventoryChangeNotification`. A resync notice and a test notice have bodies of their own, told apart by
//! the member `notice`; they carry no `notificationEventType`, so that nobody takes them for a change.
//!
//! Source: O-RAN.WG6.TS.O2IMS-INTERFACE-R004-v10.00, inventory change notification, as in `docs/o2ims-coverage.md`.

use super::signature::{
    SIGNATURE, Secret, Signature, TIMESTAMP, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP,
};
use crate::present::spelling;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use netweave_model::port::{Item, Notice};
use netweave_model::subscription::{Major, StateForm};
use netweave_model::{Error, Event, EventType, Kind, Result, Subscription, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use url::Url;
use uuid::Uuid;

/// What is told: `CREATE`, `MODIFY`, `DELETE`, `RESYNC` or `TEST`.
pub const EVENT_TYPE: HeaderName = HeaderName::from_static("x-o2ims-event-type");
/// The stable id of the notification, as `webhook-id`.
pub const NOTIFICATION_ID: HeaderName = HeaderName::from_static("x-o2ims-notification-id");
/// The subscription.
pub const SUBSCRIPTION_ID: HeaderName = HeaderName::from_static("x-o2ims-subscription-id");
/// The number of the notification within the subscription.
pub const SEQUENCE: HeaderName = HeaderName::from_static("x-o2ims-sequence");

/// Returns the name of an event type.
pub const fn event_name(event_type: EventType) -> &'static str {
    match event_type {
        EventType::Create => "CREATE",
        EventType::Modify => "MODIFY",
        EventType::Delete => "DELETE",
    }
}

/// Renders the bodies of notifications.
#[derive(Clone, Debug)]
pub struct Renderer {
    root: Url,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeBody<'a> {
    notification_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer_subscription_id: Option<&'a str>,
    notification_event_type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prior_object_state: Option<State<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_object_state: Option<State<'a>>,
    subscription_id: &'a str,
    sequence: u64,
    object_type: &'static str,
    update_time: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NoticeBody<'a> {
    notice: &'static str,
    notification_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer_subscription_id: Option<&'a str>,
    subscription_id: &'a str,
    sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<u64>,
    message: &'static str,
    update_time: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum State<'a> {
    Object(&'a RawValue),
    Text(&'a str),
}

impl Renderer {
    /// Prepares links below the URI under which clients reach the API.
    ///
    /// # Errors
    /// `Invalid`: it is not an absolute URI with a host.
    pub fn new(service_uri: &str) -> Result<Self> {
        match Url::parse(service_uri) {
            Ok(root) if root.has_host() => Ok(Self { root }),
            Ok(_) | Err(_) => Err(Error::invalid("oCloud.serviceUri", "the service URI must be absolute")),
        }
    }

    /// Renders the body of one queue item.
    ///
    /// # Errors
    /// `Internal`: a stored object is not JSON.
    pub fn body(&self, subscription: &Subscription, item: &Item) -> Result<Bytes> {
        let body = match &item.notice {
            Notice::Change(event) => serde_json::to_vec(&self.change(subscription, item, event)?),
            Notice::Resync { dropped } => serde_json::to_vec(&NoticeBody {
                dropped: Some(*dropped),
                message: "notifications before this one were dropped: read the inventory again",
                ..notice("resync", subscription, item)
            }),
            Notice::Test => serde_json::to_vec(&notice("test", subscription, item)),
        };
        body.map(Bytes::from)
            .map_err(|error| Error::internal("a notification cannot be rendered").with_source(error))
    }

    fn change<'a>(
        &self,
        subscription: &'a Subscription,
        item: &Item,
        event: &'a Event,
    ) -> Result<ChangeBody<'a>> {
        let exists = event.event_type != EventType::Delete;
        let form = subscription.states;
        Ok(ChangeBody {
            notification_id: item.notification_id,
            consumer_subscription_id: subscription.consumer_subscription_id.as_deref(),
            notification_event_type: event.event_type as u8,
            object_ref: if exists { Some(self.object_ref(subscription.major, event)?) } else { None },
            prior_object_state: event.prior.as_ref().map(|json| state(json, form)).transpose()?,
            post_object_state: event.post.as_ref().map(|json| state(json, form)).transpose()?,
            subscription_id: subscription.id.as_str(),
            sequence: item.sequence,
            object_type: event.key.kind.type_name(),
            update_time: event.at.to_string(),
        })
    }

    fn object_ref(&self, major: Major, event: &Event) -> Result<String> {
        let mut url = self.root.clone();
        let id = event.key.id.as_str();
        let mut path =
            url.path_segments_mut().map_err(|()| Error::internal("the service URI has no path"))?;
        path.pop_if_empty().extend(spelling::base(major).split('/').skip(1));
        match (&event.parent, event.key.kind) {
            (Some(pool), Kind::Resource) => path.push(Kind::ResourcePool.collection()).push(pool.as_str()),
            (_, _) => &mut path,
        }
        .push(event.key.kind.collection())
        .push(id);
        drop(path);
        Ok(url.into())
    }
}

/// Makes the headers of one attempt to deliver a body, signed with all these secrets.
///
/// # Errors
/// `Internal`: an id cannot be used.
pub fn headers(
    secrets: &[Secret],
    (subscription, item): (&Subscription, &Item),
    at: Timestamp,
    body: &[u8],
) -> Result<HeaderMap> {
    let id = item.notification_id.to_string();
    let seconds = at.0.div_euclid(1000);
    let signature = Signature::of(secrets, &id, seconds, body);
    let told = match &item.notice {
        Notice::Change(event) => event_name(event.event_type),
        Notice::Resync { .. } => "RESYNC",
        Notice::Test => "TEST",
    };
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(CONTENT_TYPE, crate::reply::JSON);
    headers.insert(EVENT_TYPE, HeaderValue::from_static(told));
    headers.insert(WEBHOOK_ID, value(&id)?);
    headers.insert(NOTIFICATION_ID, value(&id)?);
    headers.insert(SUBSCRIPTION_ID, value(subscription.id.as_str())?);
    headers.insert(SEQUENCE, item.sequence.into());
    headers.insert(WEBHOOK_TIMESTAMP, seconds.into());
    headers.insert(TIMESTAMP, seconds.into());
    headers.insert(WEBHOOK_SIGNATURE, value(&signature.standard)?);
    headers.insert(SIGNATURE, value(&signature.hex)?);
    Ok(headers)
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|error| Error::internal("a header cannot be sent").with_source(error))
}

fn state(json: &[u8], form: StateForm) -> Result<State<'_>> {
    let faulty = |error: serde_json::Error| Error::internal("a stored object is not JSON").with_source(error);
    let raw: &RawValue = serde_json::from_slice(json).map_err(faulty)?;
    Ok(match form {
        StateForm::Object => State::Object(raw),
        StateForm::String => State::Text(raw.get()),
    })
}

fn notice<'a>(name: &'static str, subscription: &'a Subscription, item: &Item) -> NoticeBody<'a> {
    NoticeBody {
        notice: name,
        notification_id: item.notification_id,
        consumer_subscription_id: subscription.consumer_subscription_id.as_deref(),
        subscription_id: subscription.id.as_str(),
        sequence: item.sequence,
        dropped: None,
        message: "this is a test delivery: nothing changed",
        update_time: item.queued_at.to_string(),
    }
}

#[cfg(test)]
mod tests;
