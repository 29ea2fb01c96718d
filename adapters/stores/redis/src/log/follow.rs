//! Following the log: what is there already, then what comes.
//!
//! A follower pulls, so a slow one holds nobody up and holds no more than one batch. It looks again when somebody says
//! that there is more, and now and then by itself.

use super::Look;
use crate::store::Redis;
use futures::StreamExt;
use futures::stream;
use netweave_model::port::EntryStream;
use netweave_model::{Entry, Position, Result, SourceName, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::watch;

/// How many entries a follower holds at most.
const BATCH: usize = 256;

/// How long it waits between two looks, first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

struct Follower {
    store: Redis,
    commits: watch::Receiver<()>,
    at: Position,
    /// What was passed on of the sources' confirmations.
    seen: BTreeMap<SourceName, Timestamp>,
    batch: VecDeque<Entry>,
    pause: Duration,
    ended: bool,
}

/// Streams the entries after a position.
pub(super) fn stream(store: Redis, from: Position) -> EntryStream {
    let follower = Follower {
        commits: store.signals().commits(),
        store,
        at: from,
        seen: BTreeMap::new(),
        batch: VecDeque::new(),
        pause: PAUSE.0,
        ended: false,
    };
    stream::unfold(follower, Follower::next).boxed()
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Entry>, Self)> {
        if self.ended {
            return None;
        }
        loop {
            if let Some(entry) = self.batch.pop_front() {
                return Some((Ok(entry), self));
            }
            if let Err(error) = self.fill().await {
                self.ended = true;
                return Some((Err(error), self));
            }
        }
    }

    /// Gets the next entries; the confirmations of sources come after the entries that they confirm.
    async fn fill(&mut self) -> Result<()> {
        self.commits.mark_unchanged();
        let Look { entries, seen } = self.store.look(self.at, BATCH).await?;
        self.at.sequence += entries.len() as u64;
        self.batch.extend(entries);
        for (source, at) in seen {
            if self.seen.insert(source.clone(), at) != Some(at) {
                self.batch.push_back(Entry::Seen { source, at });
            }
        }
        if self.batch.is_empty() {
            self.wait().await;
        } else {
            self.pause = PAUSE.0;
        }
        Ok(())
    }

    async fn wait(&mut self) {
        let woken = tokio::time::timeout(self.pause, self.commits.changed()).await.is_ok();
        self.pause = if woken { PAUSE.0 } else { PAUSE.1.min(self.pause * 2) };
    }
}
