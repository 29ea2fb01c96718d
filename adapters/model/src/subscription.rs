//! A subscription to inventory changes, with its lease and its delivery state.

use crate::object::Id;
use crate::secret::Secret;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The major version of the interface through which something was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Major {
    /// Inventory 1.x.
    V1,
    /// Inventory 2.x.
    V2,
}

/// How notifications carry the object's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateForm {
    /// As a JSON object; the default of v2.
    Object,
    /// As JSON text inside a string, which the specification's type says; the default of v1.
    String,
}

/// Whether deliveries are attempted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum SubscriptionState {
    /// Deliveries are attempted.
    Active,
    /// The consumer said that the callback is gone for good (410); deliveries wait until the owner replaces the subscription.
    Suspended {
        /// Why, in words for the owner.
        reason: String,
    },
}

/// A signing secret that was replaced and signs beside its successor for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerSecret {
    /// See [`NewSubscription::secret`].
    pub secret: Secret,
    /// From then on it signs no more, by the store's clock.
    pub until: Timestamp,
}

/// The signing secrets of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningSecrets {
    /// The one that signs.
    pub secret: Secret,
    /// The one that signs beside it.
    pub former: Option<Box<FormerSecret>>,
}

/// What an owner asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubscription {
    /// The verified identity that asks; it alone may read, replace or delete.
    pub owner: String,
    /// The interface it came through.
    pub major: Major,
    /// Where notifications are posted; checked before it comes here.
    pub callback: String,
    /// The consumer's own name for it.
    pub consumer_subscription_id: Option<String>,
    /// The exclusion list in its canonical spelling; events that match are not sent.
    pub filter: Option<String>,
    /// How notifications carry states.
    pub states: StateForm,
    /// The signing secret, as Standard Webhooks spells it (`whsec_` and base64), or sealed: stores need not know.
    pub secret: Secret,
    /// How long the subscription lives without a sign of life.
    pub lease: Duration,
}

/// A stored subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Assigned by the gateway.
    pub id: Id,
    /// See [`NewSubscription::owner`].
    pub owner: String,
    /// See [`NewSubscription::major`].
    pub major: Major,
    /// See [`NewSubscription::callback`].
    pub callback: String,
    /// See [`NewSubscription::consumer_subscription_id`].
    pub consumer_subscription_id: Option<String>,
    /// See [`NewSubscription::filter`].
    pub filter: Option<String>,
    /// See [`NewSubscription::states`].
    pub states: StateForm,
    /// See [`NewSubscription::secret`].
    pub secret: Secret,
    /// The secret before this one, while both sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Box<FormerSecret>>,
    /// See [`NewSubscription::lease`], in milliseconds.
    pub lease_ms: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the lease runs out, by the store's clock, unless a sign of life renews it.
    pub expires_at: Timestamp,
    /// Raised by one with each replacement or change of state, not by a renewal; the entity tag of the subscription.
    pub rev: u64,
    /// Whether deliveries are attempted.
    #[serde(flatten)]
    pub state: SubscriptionState,
}

impl NewSubscription {
    /// Makes the subscription that was asked for; its lease begins now.
    pub fn made(self, id: Id, now: Timestamp) -> Subscription {
        Subscription {
            id,
            owner: self.owner,
            major: self.major,
            callback: self.callback,
            consumer_subscription_id: self.consumer_subscription_id,
            filter: self.filter,
            states: self.states,
            secret: self.secret,
            former: None,
            lease_ms: u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX),
            created_at: now,
            expires_at: now.plus(self.lease),
            rev: 1,
            state: SubscriptionState::Active,
        }
    }
}

/// The `InventorySubscriptionInfo` of the specification: what the interface shows of a subscription, never its secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionInfo<'a> {
    subscription_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer_subscription_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a str>,
    callback: &'a str,
}

impl<'a> SubscriptionInfo<'a> {
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
