//! Renews the lease of a source beside its watch, whose turns may take longer than a lease lives: a look at twenty thousand
//! objects is taken in at once. A watch that hangs loses the lease all the same.

use super::TICK;
use crate::inventory::feed::Feed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How long a turn of the watch may take before the lease is left to run out.
pub(super) const LONGEST_TURN: Duration = Duration::from_mins(1);

/// Renews while it lives. What comes of it, the watch sees at its next tick.
pub(super) struct Keeper {
    turned_at: Arc<Mutex<Instant>>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Begins to renew a lease that was taken just now.
    pub(super) fn new(feed: &Arc<Feed>) -> Self {
        let turned_at = Arc::new(Mutex::new(Instant::now()));
        let task = tokio::spawn(keep(Arc::clone(feed), Arc::clone(&turned_at)));
        Self { turned_at, task }
    }

    /// Notes that the watch is alive.
    pub(super) fn turned(&self) {
        *self.turned_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(feed: Arc<Feed>, turned_at: Arc<Mutex<Instant>>) {
    let hangs = || turned_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > LONGEST_TURN;
    while !hangs() && matches!(feed.lease().keep().await, Ok(Some(_))) {
        sleep(TICK).await;
    }
}
