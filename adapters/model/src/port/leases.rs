//! The port of leadership: one holder per name, with a token that fences out its predecessors.

use crate::error::Result;
use async_trait::async_trait;
use std::time::Duration;

/// A token that grows with each new holder of a lease; a write with an older one is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// Leases by name. Time is the store's own.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes the lease if nobody holds it, or if `holder` already does; `None` if another one holds it.
    ///
    /// A fresh hold has a higher fence than every earlier one of that name; taking it again while holding keeps the fence.
    ///
    /// # Errors
    /// `Unavailable` (retryable): the store does not answer.
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Fence>>;

    /// Prolongs a held lease; `false` if it is no longer held with this fence.
    ///
    /// # Errors
    /// As `acquire`.
    async fn renew(&self, name: &str, fence: Fence, ttl: Duration) -> Result<bool>;

    /// Gives a held lease back; does nothing if it is no longer held with this fence.
    ///
    /// # Errors
    /// As `acquire`.
    async fn release(&self, name: &str, fence: Fence) -> Result<()>;
}
