//! The port of the subscription store.

use crate::error::Result;
use crate::object::Id;
use crate::subscription::{NewSubscription, SigningSecrets, StateForm, Subscription, SubscriptionState};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many subscriptions may exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Of one owner.
    pub per_owner: u64,
    /// Of all owners.
    pub total: u64,
}

/// What came of a request to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is stored, durably.
    New(Subscription),
    /// The owner already has one with the same callback, filter and consumer id.
    Duplicate(Subscription),
    /// The owner's or the gateway's quota is used up.
    QuotaExceeded,
}

/// What a replacement changes; `None` leaves an attribute as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// New callback.
    pub callback: Option<String>,
    /// New consumer id; `Some(None)` removes it.
    pub consumer_subscription_id: Option<Option<String>>,
    /// New filter; `Some(None)` removes it.
    pub filter: Option<Option<String>>,
    /// New form of states.
    pub states: Option<StateForm>,
    /// New state: the dispatcher suspends, a replacement by the owner activates.
    pub state: Option<SubscriptionState>,
    /// New signing secrets.
    pub secrets: Option<SigningSecrets>,
}

/// A subscription after an update, and what the update means for deliveries.
#[derive(Clone, Debug)]
pub struct Updated {
    /// The new revision, with the times of the old one.
    pub subscription: Subscription,
    /// Events may go to other subscriptions from now on.
    pub rematch: bool,
    /// The owner acted: what waits is tried at once.
    pub revived: bool,
}

impl Update {
    /// Applies the change; the lease is the store's to renew.
    pub fn on(self, old: &Subscription) -> Updated {
        let Self { callback, consumer_subscription_id, filter, states, state, secrets } = self;
        let revived = callback.is_some() || state == Some(SubscriptionState::Active);
        let mut new = old.clone();
        new.callback = callback.unwrap_or(new.callback);
        new.consumer_subscription_id = consumer_subscription_id.unwrap_or(new.consumer_subscription_id);
        new.filter = filter.unwrap_or(new.filter);
        new.states = states.unwrap_or(new.states);
        new.state = state.unwrap_or(new.state);
        if let Some(SigningSecrets { secret, former }) = secrets {
            (new.secret, new.former) = (secret, former);
        }
        new.rev += 1;
        Updated { rematch: new.filter != old.filter, revived, subscription: new }
    }
}

/// One step of the subscriptions' history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionChange {
    /// It was created, replaced or renewed and looks like this now.
    Put(Subscription),
    /// It was deleted or expired.
    Gone(Id),
}

/// A subscription as it is carried from one store to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Saved {
    /// The subscription, with its secret.
    pub subscription: Subscription,
    /// The last sequence number that its notifications had.
    pub last_sequence: u64,
    /// How many notifications waited; they are not carried.
    pub waiting: u64,
    /// How many of its notifications were dead letters; they are not carried.
    pub dead: u64,
}

/// What came of a saved subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It is stored as it was saved, durably.
    Put,
    /// The store knows the same or a later revision, which stays.
    Known,
    /// Its lease has run out, or the store knows that this revision was deleted.
    Ended,
}

/// Subscriptions and their leases. Time is the store's own.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// Stores a new subscription under a fresh id; durable when this returns.
    ///
    /// # Errors
    /// `Unavailable` (retryable).
    async fn create(&self, new: NewSubscription, quota: Quota) -> Result<Created>;

    /// Reads one; an expired one is gone even before it is swept.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn get(&self, id: &Id) -> Result<Subscription>;

    /// Reads up to `limit` after the id `after`, ordered by id; of one owner, or of all.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn page(&self, owner: Option<&str>, after: Option<&Id>, limit: usize) -> Result<Vec<Subscription>>;

    /// Changes one and renews its lease; `if_rev` is the revision it must have.
    ///
    /// # Errors
    /// `NotFound`; `PreconditionFailed`: it has another revision; `Conflict`: it would equal another one of the owner;
    /// `Unavailable`.
    async fn update(&self, id: &Id, if_rev: Option<u64>, update: Update) -> Result<Subscription>;

    /// Renews the lease: for `lease` from now, or for the subscription's own length.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn renew(&self, id: &Id, lease: Option<Duration>) -> Result<Subscription>;

    /// Deletes one with its queue and delivery history; its dead letters go too.
    ///
    /// # Errors
    /// `NotFound`; `PreconditionFailed`: it has another revision than `if_rev`; `Unavailable`.
    async fn delete(&self, id: &Id, if_rev: Option<u64>) -> Result<()>;

    /// Ends all whose lease has run out, at most `limit`; their queued items become dead letters. Returns what ended.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn sweep(&self, limit: usize) -> Result<Vec<Subscription>>;

    /// Puts subscriptions that were saved elsewhere, under their ids; returns what came of each, in their order.
    ///
    /// Their sequence numbers go on after those that were saved. No quota is looked at. A call that failed may have put
    /// some of them; calling again is harmless.
    ///
    /// # Errors
    /// `Unavailable` (retryable).
    async fn restore(&self, saved: &[Saved]) -> Result<Vec<Restored>>;

    /// Returns the version now and the changes after `version`, oldest first; all of them as `Put` if that is too old.
    ///
    /// The flag says whether the list is complete (`true`: forget everything else) or a difference.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn since(&self, version: u64) -> Result<(u64, bool, Vec<SubscriptionChange>)>;
}
