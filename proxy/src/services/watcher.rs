//! Watches one source: its change stream goes to the log in small batches, while this process holds the source's lease.
//!
//! A complete list (`Reset .. Synced`) is gathered first and committed as a whole, so that one which lacks too much can
//! be held back (see `inventory::feed`). Errors in the stream change the source's health, never what is known of it; the
//! stream recovers by itself. Whoever loses the lease stops, and waits to lead again.

mod keeper;

use super::Service;
use crate::inventory::feed::{CHUNK, Feed, Listed};
use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use keeper::Keeper;
use netweave_model::port::{Change, Changes, Fence};
use netweave_model::{Error, ErrorKind, Kind, Object, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tracing::{info, warn};

/// How long a change waits for others to share its commit.
const GATHER: Duration = Duration::from_millis(20);
/// How often the lease is looked after, and how long one who does not lead waits before it asks again.
const TICK: Duration = Duration::from_secs(1);
/// How often the source is asked whether it answers: a stream whose other end has vanished may be silent for long.
const PROBE: Duration = Duration::from_mins(1);
/// When it is asked first, and again after it did not answer.
const PROBE_SOON: Duration = Duration::from_secs(10);
/// How many ticks a live source may be silent before its being current is written down.
const SILENT_TICKS: u32 = 10;

/// The watcher of one source.
pub struct Watcher {
    feed: Arc<Feed>,
}

/// How a leadership ended.
enum End {
    /// Another pod has the lease.
    Lost,
    /// It was given back, for another pod that leads fewer sources.
    HandedOver,
}

/// One leadership: from the stream's start to its end.
struct Watch<'a> {
    feed: &'a Feed,
    /// A lease that was lost and taken again has another one; what happened in between is not in the stream.
    fence: Fence,
    kinds: Vec<Kind>,
    /// Lists that are being delivered, by kind.
    lists: BTreeMap<Kind, Vec<Object>>,
    /// Kinds of which this stream delivered a complete list that was committed.
    synced: BTreeSet<Kind>,
    /// Single changes that wait to be committed, and since when.
    batch: Vec<Change>,
    due: Option<Instant>,
    /// The stream has named a failure and nothing good since.
    failing: bool,
    /// The source did not answer when it was asked last, and the stream has named nothing good since.
    mute: bool,
    silent_ticks: u32,
}

impl Watcher {
    /// Makes the watcher of one source.
    pub fn new(feed: Arc<Feed>) -> Self {
        Self { feed }
    }
}

#[async_trait]
impl Service for Watcher {
    fn name(&self) -> &'static str {
        "watcher"
    }

    /// Leads the source for as long as it can. Dropped at any point, the next round starts with complete lists.
    async fn activate(&self) -> Result<bool> {
        let Some(fence) = self.feed.lease().take().await? else { return Ok(false) };
        info!(source = %self.feed.name, "watching the source");
        let keeper = Keeper::new(&self.feed);
        match Watch::new(&self.feed, fence).run(&keeper).await? {
            End::Lost => warn!(source = %self.feed.name, "the source's lease is lost"),
            End::HandedOver => info!(source = %self.feed.name, "another gateway takes over the source"),
        }
        Ok(false)
    }

    async fn wait(&self) {
        tokio::select! {
            () = sleep(TICK) => {}
            () = self.feed.desk().leases.wait_for_release() => {}
        }
    }

    async fn stop(&self) {
        if let Err(error) = self.feed.lease().resign().await {
            warn!(source = %self.feed.name, %error, "the source's lease could not be given back");
        }
    }
}

impl<'a> Watch<'a> {
    fn new(feed: &'a Feed, fence: Fence) -> Self {
        Self {
            feed,
            fence,
            kinds: feed.backend.capabilities().kinds.clone(),
            lists: BTreeMap::new(),
            synced: BTreeSet::new(),
            batch: Vec::new(),
            due: None,
            failing: false,
            mute: false,
            silent_ticks: 0,
        }
    }

    /// Reads the stream until the lease is lost or handed over.
    async fn run(&mut self, keeper: &Keeper) -> Result<End> {
        let mut changes: Changes = self.feed.backend.changes(&self.kinds);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut probe = self.probe_after(PROBE_SOON);
        loop {
            keeper.turned();
            let due = self.due;
            let gathered = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let end = tokio::select! {
                _ = ticks.tick() => self.tick().await,
                () = gathered => self.flush().await.map(|()| None),
                answer = &mut probe => {
                    probe = self.probe_after(probe_pause(&answer));
                    self.probed(answer);
                    Ok(None)
                }
                change = self.feed.asking(changes.next()) => match change {
                    Some(change) => self.take(change).await.map(|()| None),
                    None => Err(Error::new(ErrorKind::Unavailable, "the source's change stream has ended")),
                },
            };
            match end {
                Ok(None) => {}
                Ok(Some(end)) => return Ok(end),
                Err(error) if error.kind() == ErrorKind::Conflict => return Ok(End::Lost),
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks after the lease, and writes down now and then that a silent live source is current.
    async fn tick(&mut self) -> Result<Option<End>> {
        let lease = self.feed.lease();
        if lease.keep().await? != Some(self.fence) {
            return Ok(Some(End::Lost));
        }
        // What was read of a list would have to be read again.
        if lease.is_wanted() && self.lists.is_empty() {
            self.flush().await?;
            lease.resign().await?;
            return Ok(Some(End::HandedOver));
        }
        self.silent_ticks += 1;
        if self.silent_ticks >= SILENT_TICKS && self.native() && self.is_current().await {
            self.batch.push(Change::Heartbeat);
            self.flush().await?;
        }
        Ok(None)
    }

    fn probe_after(&self, pause: Duration) -> BoxFuture<'static, Result<()>> {
        let backend = Arc::clone(&self.feed.backend);
        async move {
            sleep(pause).await;
            backend.probe().await
        }
        .boxed()
    }

    fn probed(&mut self, answer: Result<()>) {
        let was_mute = std::mem::replace(&mut self.mute, answer.is_err());
        if let Err(error) = answer {
            self.fail(&error, was_mute);
        }
    }

    async fn take(&mut self, change: Result<Change>) -> Result<()> {
        match change {
            Ok(Change::Reset(kind)) => {
                self.flush().await?;
                self.lists.insert(kind, Vec::new());
            }
            Ok(Change::Synced(kind)) => self.list(kind).await?,
            Ok(Change::Upsert(object)) => match self.lists.get_mut(&object.key.kind) {
                Some(list) => list.push(object),
                None => self.gather(Change::Upsert(object)).await?,
            },
            Ok(Change::Delete(key)) => match self.lists.get_mut(&key.kind) {
                Some(list) => list.retain(|object| object.key != key),
                None => self.gather(Change::Delete(key)).await?,
            },
            Ok(Change::Heartbeat) => self.gather(Change::Heartbeat).await?,
            Err(error) => {
                // A sign of life from before it, which waits to be committed, must not hide it.
                self.flush().await?;
                let known = std::mem::replace(&mut self.failing, true);
                self.fail(&error, known);
            }
        }
        Ok(())
    }

    /// Commits a list that is complete.
    async fn list(&mut self, kind: Kind) -> Result<()> {
        self.flush().await?;
        let Some(objects) = self.lists.remove(&kind) else {
            return Ok(());
        };
        // Nothing can be compared with what the views do not hold yet.
        self.feed.desk().catalog.until(|views| views.loaded).await;
        let (causes, native) = (self.feed.causes(), self.native());
        if native && let Some(asked) = causes.take() {
            // Nobody looked: the list that somebody asked for is what the stream began with.
            causes.note(Some(asked));
        }
        let listed = self.feed.commit_list(kind, objects, None).await;
        if native {
            causes.note(None);
        }
        let desk = self.feed.desk();
        match listed? {
            Listed::Committed => desk.sources.filled(&self.feed.name, kind, desk.clock.now()),
            // Else a source that was asked too often before would not be asked for the second list.
            Listed::Held | Listed::Outdated => desk.sources.answered(&self.feed.name),
        }
        self.synced.insert(kind);
        self.silent_ticks = 0;
        (self.failing, self.mute) = (false, false);
        self.confirm().await;
        Ok(())
    }

    /// Adds a single change to the batch, which is committed when it is full or due.
    async fn gather(&mut self, change: Change) -> Result<()> {
        self.batch.push(change);
        if self.batch.len() >= CHUNK {
            return self.flush().await;
        }
        self.due.get_or_insert_with(|| Instant::now() + GATHER);
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.due = None;
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.feed.commit(&batch).await?;
        if batch.contains(&Change::Heartbeat) {
            // Other changes may come from one part of the source while another fails.
            (self.failing, self.mute) = (false, false);
        }
        self.silent_ticks = 0;
        self.confirm().await;
        Ok(())
    }

    /// Notes that the source is alive, if all its kinds are current.
    async fn confirm(&self) {
        if self.is_current().await {
            let desk = self.feed.desk();
            desk.sources.seen(&self.feed.name, desk.clock.now(), self.native());
        }
    }

    fn native(&self) -> bool {
        self.feed.backend.capabilities().native_watch
    }

    /// Returns whether every kind is known as the source has it now.
    async fn is_current(&self) -> bool {
        let complete = self.kinds.iter().all(|kind| self.synced.contains(kind)) && self.lists.is_empty();
        complete && !self.failing && !self.mute && self.feed.held().await.is_empty()
    }

    /// Notes that the source fails, in the log unless that is known; what is known of the source stays.
    fn fail(&self, error: &Error, known: bool) {
        let desk = self.feed.desk();
        desk.sources.failed(&self.feed.name, desk.clock.now(), error);
        if !known {
            warn!(source = %self.feed.name, %error, "the source fails; what is known of it stays");
        }
    }
}

/// Returns when the source is asked again. One that is asked too often, or does not let the gateway in, is not asked more
/// often than one that is well.
fn probe_pause(answer: &Result<()>) -> Duration {
    match answer.as_ref().map_err(Error::kind) {
        Ok(()) | Err(ErrorKind::RateLimited | ErrorKind::Unauthenticated | ErrorKind::Forbidden) => PROBE,
        Err(_) => PROBE_SOON,
    }
}

#[cfg(test)]
mod tests;
