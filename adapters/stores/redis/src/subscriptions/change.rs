//! Making a new subscription, and changing an old one.

use netweave_model::port::Update;
use netweave_model::{Id, NewSubscription, Subscription, SubscriptionState, Timestamp};

/// A subscription after an update, and what the update means for deliveries.
pub(super) struct Changed {
    pub(super) subscription: Subscription,
    /// Events may go to others.
    pub(super) rematch: bool,
    /// The owner acted: it is tried at once.
    pub(super) revived: bool,
}

/// Makes a subscription. The store sets the times and the revision.
pub(super) fn made(new: NewSubscription, id: Id) -> Subscription {
    Subscription {
        id,
        owner: new.owner,
        major: new.major,
        callback: new.callback,
        consumer_subscription_id: new.consumer_subscription_id,
        filter: new.filter,
        states: new.states,
        secret: new.secret,
        lease_ms: u64::try_from(new.lease.as_millis()).unwrap_or(u64::MAX),
        created_at: Timestamp::default(),
        expires_at: Timestamp::default(),
        rev: 1,
        state: SubscriptionState::Active,
    }
}

/// Applies an update. The store sets the times.
pub(super) fn changed(old: &Subscription, update: Update) -> Changed {
    let Update { callback, consumer_subscription_id, filter, states, state } = update;
    let revived = callback.is_some() || state == Some(SubscriptionState::Active);
    let mut new = old.clone();
    new.callback = callback.unwrap_or(new.callback);
    new.consumer_subscription_id = consumer_subscription_id.unwrap_or(new.consumer_subscription_id);
    new.filter = filter.unwrap_or(new.filter);
    new.states = states.unwrap_or(new.states);
    new.state = state.unwrap_or(new.state);
    new.rev += 1;
    Changed { rematch: new.filter != old.filter, revived, subscription: new }
}
