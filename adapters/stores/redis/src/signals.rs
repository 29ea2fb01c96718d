//! What wakes the tasks of this process: each other, and what other processes say on `channels`.

use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// How long a taker waits at most before it looks.
const LOOK: Duration = Duration::from_secs(1);

/// The signals of one store.
#[derive(Default)]
pub(crate) struct Signals {
    commits: watch::Sender<()>,
    due: Notify,
    releases: Notify,
}

impl Signals {
    /// Says that something was committed to the log.
    pub(crate) fn committed(&self) {
        self.commits.send_replace(());
    }

    /// Returns what changes with each commit of this process.
    pub(crate) fn commits(&self) -> watch::Receiver<()> {
        self.commits.subscribe()
    }

    /// Says that a queue may have become due.
    pub(crate) fn work(&self) {
        self.due.notify_one();
    }

    /// Says that a lease was given back.
    pub(crate) fn released(&self) {
        self.releases.notify_waiters();
    }

    /// Waits until a lease was given back.
    pub(crate) async fn wait_for_release(&self) {
        self.releases.notified().await;
    }

    /// Waits until a queue may have become due, or for a second.
    pub(crate) async fn wait_for_work(&self) {
        timeout(LOOK, self.due.notified()).await.ok();
    }
}
