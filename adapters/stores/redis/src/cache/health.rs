//! Whether the cache's server is worth asking, and whether it may be filled; looked at in the background.

use super::{Inner, PATIENCE};
use crate::info::Info;
use fred::prelude::{Client, ClientLike, KeysInterface};
use fred::types::InfoKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

/// How often a server that answers is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How often one that does not.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Where a server that must not drop anything is full enough, in percent of its memory.
const FULL: u64 = 70;
/// A key that a server holds if it holds state.
const OF_STATE: &str = "log:generation";

/// What is known of the server.
#[derive(Default)]
pub(super) struct Health {
    /// It did not answer; nobody should wait for it.
    resting: AtomicBool,
    /// It may not be filled.
    full: AtomicBool,
    /// It answered once.
    was_well: AtomicBool,
    /// Wakes who looks after it.
    ill: Notify,
}

impl Health {
    pub(super) fn rests(&self) -> bool {
        self.resting.load(Ordering::Relaxed)
    }

    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    pub(super) fn was_well(&self) -> bool {
        self.was_well.load(Ordering::Relaxed)
    }

    /// Notes that it did not answer.
    pub(super) fn rest(&self) {
        if !self.resting.swap(true, Ordering::Relaxed) {
            let known = self.was_well();
            warn!(known, "the shared response cache does not answer in time; the gateway goes on without it");
            self.ill.notify_one();
        }
    }

    /// Notes that it answered, and whether it is full.
    fn well(&self, full: bool) {
        self.was_well.store(true, Ordering::Relaxed);
        let was_full = self.full.swap(full, Ordering::Relaxed);
        let rested = self.resting.swap(false, Ordering::Relaxed);
        if rested || was_full != full {
            info!(full, "the shared response cache answers");
        }
    }
}

/// Looks after the server, for ever.
pub(super) async fn attend(inner: Arc<Inner>) {
    loop {
        let looked = timeout(PATIENCE, look(&inner)).await;
        if let Ok(Ok(full)) = looked {
            inner.health.well(full);
        } else {
            inner.health.rest();
        }
        if inner.health.rests() {
            sleep(LOOK_AGAIN).await;
        } else {
            timeout(LOOK, inner.health.ill.notified()).await.unwrap_or_default();
        }
    }
}

/// Returns whether the server may not be filled any further.
async fn look(inner: &Inner) -> Result<bool, fred::error::Error> {
    let client = &inner.client;
    let memory: String = client.info(Some(InfoKind::Memory)).await?;
    Ok(is_full(&Info::read(&memory), holds_state(client).await?))
}

/// Returns whether a server holds state as well as answers.
pub(super) async fn holds_state(client: &Client) -> Result<bool, fred::error::Error> {
    client.exists(OF_STATE).await
}

/// Judges what the server says of its memory.
///
/// One that holds nothing but answers and drops the oldest by itself is never full.
fn is_full(info: &Info, of_state: bool) -> bool {
    let number = |name| info.number(name).unwrap_or_default();
    let drops = info.text("maxmemory_policy").starts_with("allkeys-");
    let (used, limit) = (number("used_memory"), number("maxmemory"));
    (of_state || !drops) && limit > 0 && used.saturating_mul(100) > limit.saturating_mul(FULL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_full(used: u64, policy: &str, limit: u64, of_state: bool) -> bool {
        let memory = format!(
            "# Memory\r\nused_memory:{used}\r\nused_memory_rss:99\r\nmaxmemory:{limit}\r\nmaxmemory_policy:{policy}\r\n"
        );
        super::is_full(&Info::read(&memory), of_state)
    }

    #[test]
    fn a_server_that_must_not_drop_anything_is_full_at_seven_tenths() {
        assert!(!is_full(70, "noeviction", 100, false));
        assert!(is_full(71, "noeviction", 100, false));
        assert!(is_full(71, "allkeys-lru", 100, true), "it would drop state");
        assert!(!is_full(100, "allkeys-lru", 100, false), "it drops answers");
        assert!(!is_full(100, "noeviction", 0, true), "no bound");
    }
}
