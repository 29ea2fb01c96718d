//! The port of leadership: one holder per name, with a token that fences out its predecessors.

use crate::error::Result;
use async_trait::async_trait;
use std::time::Duration;

/// A token that grows with each new holder of a lease; a write with an older one is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// What a renewal found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The lease is held on.
    Held,
    /// It is held on, but one that has fewer asks for it: it should be given back as soon as that does no harm.
    Wanted,
    /// It is no longer held with this fence.
    Lost,
}

/// Leases by name. Time is the store's own.
///
/// A store that several processes share spreads the leases: it lets go from one that has two more than another one who
/// asks, and moves no other.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes the lease if nobody holds it, or if `holder` already does; `None` if another one has it or is to have it.
    ///
    /// Who gets `None` is taken for one who waits for as long as it asks every second.
    ///
    /// A fresh hold has a higher fence than every earlier one of that name; taking it again while holding keeps the fence.
    ///
    /// # Errors
    /// `Unavailable` (retryable): the store does not answer.
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Fence>>;

    /// Prolongs a held lease.
    ///
    /// # Errors
    /// As `acquire`.
    async fn renew(&self, name: &str, fence: Fence, ttl: Duration) -> Result<Renewal>;

    /// Gives a held lease back, for one who asks for it if there is one; does nothing if it is no longer held with this
    /// fence.
    ///
    /// # Errors
    /// As `acquire`.
    async fn release(&self, name: &str, fence: Fence) -> Result<()>;

    /// Takes a lease from whoever holds it, and tells those who wait: its holder finds it lost, and whoever takes it next,
    /// which may be the same, begins anew. Returns whether anybody held it.
    ///
    /// # Errors
    /// As `acquire`.
    async fn revoke(&self, name: &str) -> Result<bool>;

    /// Waits until a lease was given back, or the future is dropped. One given back before it was called is not noticed.
    async fn wait_for_release(&self);
}
