//! Following the log: what is there already, then what becomes visible.
//!
//! A follower pulls, so a slow one holds nobody up and holds no more than one batch; what is trimmed before it was read
//! ends the stream.

use crate::backing::Backing;
use crate::signals::Visible;
use crate::store::Store;
use futures::StreamExt;
use futures::stream;
use netweave_model::port::EntryStream;
use netweave_model::{Entry, Error, ErrorKind, Position, Result, SourceName, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::watch;

/// How many entries a follower holds at most.
const BATCH: usize = 256;

struct Follower<B: Backing> {
    store: Store<B>,
    visible: watch::Receiver<Visible>,
    at: Position,
    /// What was passed on of the sources' confirmations.
    seen: Arc<BTreeMap<SourceName, Timestamp>>,
    batch: VecDeque<Entry>,
    ended: bool,
}

/// Streams the entries after a position.
pub(crate) fn stream<B: Backing>(store: Store<B>, from: Position) -> EntryStream {
    let visible = store.signals().watch();
    let follower =
        Follower { store, visible, at: from, seen: Arc::default(), batch: VecDeque::new(), ended: false };
    stream::unfold(follower, Follower::next).boxed()
}

impl<B: Backing> Follower<B> {
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
        let visible = self.visible.borrow_and_update().clone();
        if visible.closed {
            return Err(closed());
        }
        if self.at.sequence < visible.head {
            let entries = self.store.read_now(self.at, BATCH)?;
            self.at.sequence += entries.len() as u64;
            self.batch.extend(entries);
            return Ok(());
        }
        let news = visible.seen.iter().filter(|(source, at)| self.seen.get(*source) != Some(*at));
        self.batch.extend(news.map(|(source, at)| Entry::Seen { source: source.clone(), at: *at }));
        self.seen = visible.seen;
        if self.batch.is_empty() {
            self.visible.changed().await.map_err(|_gone| closed())?;
        }
        Ok(())
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Unavailable, "the state store is closed")
}
