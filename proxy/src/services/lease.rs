//! The lease of a subscription: when a sign of life is worth a write, and when the end is near.
//!
//! Renewals are lazy: only when a fifth of the lease is gone, so that deliveries and reads do not write each time.

use netweave_model::port::Subscriptions;
use netweave_model::{ErrorKind, Result, Subscription, Timestamp};
use std::time::Duration;

/// A renewal is worth a write when this part of the lease is gone: one in five.
const WORTH: u32 = 5;
/// The callback is probed when less than this part of the lease is left: one in ten.
const LAST: u32 = 10;

/// Returns the length of a lease.
pub fn length(subscription: &Subscription) -> Duration {
    Duration::from_millis(subscription.lease_ms)
}

/// Returns when a sign of life becomes worth a write.
pub fn worth_renewing(subscription: &Subscription, now: Timestamp) -> bool {
    let lease = length(subscription);
    subscription.expires_at.since(now) < lease.saturating_sub(lease / WORTH)
}

/// Returns from when on the callback is asked for a sign of life.
pub fn last_part(subscription: &Subscription) -> Timestamp {
    subscription.expires_at.minus(length(subscription) / LAST)
}

/// Notes a sign of life: renews the lease if that is worth a write. Returns the subscription as it is now.
///
/// # Errors
/// `NotFound`: it has ended meanwhile. `Unavailable`.
pub async fn alive(
    subscriptions: &dyn Subscriptions,
    known: Subscription,
    now: Timestamp,
) -> Result<Subscription> {
    if worth_renewing(&known, now) { subscriptions.renew(&known.id, None).await } else { Ok(known) }
}

/// As [`alive`], for a caller whose own work does not depend on it: a store that fails is met at the next sign of life.
pub async fn try_alive(
    subscriptions: &dyn Subscriptions,
    known: Subscription,
    now: Timestamp,
) -> Subscription {
    match alive(subscriptions, known.clone(), now).await {
        Ok(renewed) => renewed,
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(subscription = %known.id, %error, "a lease could not be renewed");
            }
            known
        }
    }
}
