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

    /// Waits until a queue may have become due, or for a second.
    pub(crate) async fn wait_for_work(&self) {
        timeout(LOOK, self.due.notified()).await.ok();
    }
}
