//! Background work: each service is a reconciler over stored state, and `driver` runs them all.

pub mod certificates;
pub mod config_file;
pub mod dispatcher;
pub mod driver;
pub mod exchanges;
#[cfg(test)]
pub(crate) mod fakes;
pub mod housekeeper;
pub mod lease;
pub mod notifier;
pub mod resealer;
pub mod role_checks;
pub mod sweeper;
pub mod takeover;
pub mod tally;
pub mod token_keys;
pub mod watcher;

use async_trait::async_trait;
use netweave_model::Result;

/// One background service.
///
/// The driver calls `activate` again at once while it answers `true`, waits with `wait` when it answers `false`, and
/// backs off with jitter when it fails; the next round is the retry. At shutdown both futures are dropped, then `stop`
/// runs, so both must be cancel safe.
#[async_trait]
pub trait Service: Send + Sync {
    /// Returns the name for logs and metrics.
    fn name(&self) -> &'static str;

    /// Does one round of work: idempotent, safe to run twice. Returns whether more waits.
    ///
    /// # Errors
    /// Any kind; it is logged by the driver.
    async fn activate(&self) -> Result<bool>;

    /// Waits for the next reason to run: a timer or a signal, which carries no data.
    async fn wait(&self);

    /// Hands over what others may take, at shutdown.
    async fn stop(&self) {}
}
