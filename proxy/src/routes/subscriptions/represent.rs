//! A subscription as the interface shows it. The signing secret is in none of these.

use http::HeaderValue;
use netweave_model::{Error, Result, Subscription};
use serde::Serialize;

/// The `InventorySubscriptionInfo` of the specification.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Info<'a> {
    subscription_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer_subscription_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a str>,
    callback: &'a str,
}

impl<'a> Info<'a> {
    /// Shows a subscription.
    pub fn of(subscription: &'a Subscription) -> Self {
        Self {
            subscription_id: subscription.id.as_str(),
            consumer_subscription_id: subscription.consumer_subscription_id.as_deref(),
            filter: subscription.filter.as_deref(),
            callback: &subscription.callback,
        }
    }
}

/// Renders the `InventorySubscriptionInfo` of a subscription.
///
/// # Errors
/// `Internal`: never in practice.
pub fn info(subscription: &Subscription) -> Result<Vec<u8>> {
    json(&Info::of(subscription))
}

/// Returns the entity tag of a subscription: its revision.
///
/// # Errors
/// `Internal`: never in practice.
pub fn etag(subscription: &Subscription) -> Result<HeaderValue> {
    HeaderValue::try_from(format!("\"{}\"", subscription.rev))
        .map_err(|error| Error::internal("an entity tag").with_source(error))
}

/// Renders a document.
///
/// # Errors
/// `Internal`: never in practice.
pub fn json<T: Serialize>(document: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(document)
        .map_err(|error| Error::internal("a document cannot be rendered").with_source(error))
}
