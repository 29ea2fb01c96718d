//! The port of counts that all processes add up, for limits that they share.

use crate::error::Result;
use async_trait::async_trait;

/// Totals of all processes, by name.
#[async_trait]
pub trait Tally: Send + Sync {
    /// Says how much `process` has counted for each name since it began, and returns what all others have together, in the same
    /// order. A name that nobody speaks of for two minutes begins again at nothing. Calling again is harmless.
    ///
    /// # Errors
    /// `Unavailable` (retryable).
    async fn exchange(&self, process: &str, totals: &[(String, u64)]) -> Result<Vec<u64>>;
}
