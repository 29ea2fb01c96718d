//! A subscription as the interface shows it. The signing secret is in none of these.

use http::HeaderValue;
use netweave_model::{Error, Result, Subscription, SubscriptionInfo};
use serde::Serialize;

/// Renders the `InventorySubscriptionInfo` of a subscription.
///
/// # Errors
/// `Internal`: never in practice.
pub fn info(subscription: &Subscription) -> Result<Vec<u8>> {
    json(&SubscriptionInfo::of(subscription))
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
