//! What followers and takers are told once it is durable.

use netweave_model::{SourceName, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// What an operation makes visible as soon as it is durable.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// Sequence number of the last log entry.
    pub head: u64,
    /// When each source was last confirmed.
    pub seen: Arc<BTreeMap<SourceName, Timestamp>>,
    /// A queue may have become due.
    pub due: bool,
    /// The store's time of the operation.
    pub at: Timestamp,
}

/// The part of a publication that followers compare with what they passed on already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visible {
    pub(crate) head: u64,
    pub(crate) seen: Arc<BTreeMap<SourceName, Timestamp>>,
    pub(crate) closed: bool,
}

/// Wakes followers of the log and takers of deliveries. Costs nothing while nothing happens.
#[derive(Debug, Default)]
pub struct Signals {
    visible: watch::Sender<Visible>,
    due: Notify,
    releases: Notify,
}

impl Signals {
    /// Makes a publication visible.
    pub fn publish(&self, publication: &Publication) {
        self.visible.send_if_modified(|visible| {
            let changed = visible.head < publication.head || !Arc::ptr_eq(&visible.seen, &publication.seen);
            if changed {
                visible.head = visible.head.max(publication.head);
                visible.seen = Arc::clone(&publication.seen);
            }
            changed
        });
        if publication.due {
            self.due.notify_one();
        }
    }

    /// Ends all streams with an error: the store is closed.
    pub fn close(&self) {
        self.visible.send_modify(|visible| visible.closed = true);
        self.due.notify_one();
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Visible> {
        self.visible.subscribe()
    }

    /// Says that a lease was given back.
    pub(crate) fn released(&self) {
        self.releases.notify_waiters();
    }

    pub(crate) async fn release(&self) {
        self.releases.notified().await;
    }

    pub(crate) async fn due(&self) {
        self.due.notified().await;
    }
}
