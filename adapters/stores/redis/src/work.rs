//! Telling takers of this process that a queue may have become due. What other processes do is found by looking now and
//! then.

use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a taker waits at most before it looks.
const LOOK: Duration = Duration::from_secs(1);

/// Raised with each change by this process, in any store: a look too many does no harm.
static DUE: Notify = Notify::const_new();

/// Says that a queue may have become due.
pub(crate) fn notify() {
    DUE.notify_one();
}

/// Waits until a queue may have become due, or for a second.
pub(crate) async fn wait() {
    timeout(LOOK, DUE.notified()).await.ok();
}
