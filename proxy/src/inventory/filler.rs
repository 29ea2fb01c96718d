//! Has a source read when reads want it: one list at a time, under the source's lease, committed like any change.
//!
//! A source that can only be asked is asked by its change stream, which knows what it told and when something is gone. A
//! list beside it would ask twice and know neither, so the stream is asked to look earlier; only what the gate holds back
//! is listed.

use super::feed::Listed;
use super::line::{Line, PAUSE};
use crate::services::Service;
use async_trait::async_trait;
use netweave_model::port::Ids;
use netweave_model::{Error, ErrorKind, Kind, Result, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tracing::warn;

/// How long an idle filler sleeps at most; it is woken earlier when it is needed.
const IDLE: Duration = Duration::from_secs(1);

/// The service that lists one source when it is asked to.
pub struct Filler {
    line: Arc<Line>,
    ids: Arc<dyn Ids>,
}

impl Filler {
    pub(super) fn new(line: Arc<Line>, ids: Arc<dyn Ids>) -> Self {
        Self { line, ids }
    }

    fn now(&self) -> Timestamp {
        self.line.feed.desk().clock.now()
    }

    /// Returns the first kind whose list is due, and whether it must be confirmed or is wanted only; never before its pause
    /// is over.
    async fn next(&self) -> Option<(Kind, bool)> {
        let now = self.now();
        self.line.forget_met(now);
        let due = self.line.feed.held().await;
        let due = |kind| due.iter().any(|(held, at)| *held == kind && now >= *at);
        let ready = self.line.slots.iter().filter(|(_, slot)| !slot.rests(now));
        let mut ready = ready.map(|(kind, slot)| (kind, due(kind), slot.is_wanted()));
        ready.find(|(_, due, wanted)| *due || *wanted).map(|(kind, due, _)| (kind, due))
    }

    /// Asks the stream to look earlier. Whoever waits goes on waiting unless the source is known to fail.
    fn refresh(&self, kind: Kind) {
        let feed = &self.line.feed;
        feed.backend.refresh();
        let fails = feed.desk().sources.state(&feed.name).is_some_and(|state| state.failure.is_some());
        self.line.slots.get(kind).settle(self.now(), fails, &*self.ids);
        feed.desk().catalog.ring();
    }

    /// Lists one kind and commits it; `None` if another pod leads the source.
    async fn fill(&self, kind: Kind) -> Result<Option<Listed>> {
        let feed = &self.line.feed;
        if feed.lease().take().await?.is_none() {
            return Ok(None);
        }
        let begun = feed.begin(kind).await;
        let asked_at = self.now();
        let listing = feed.asking(feed.backend.list(kind)).await.inspect_err(|error| self.blame(error))?;
        let listed = feed.commit_list(kind, listing.objects, Some(begun)).await;
        // What the change stream tells next has nothing to do with it.
        feed.causes().note(None);
        let listed = listed?;
        if listed == Listed::Committed {
            feed.desk().sources.filled(&feed.name, kind, asked_at);
        }
        Ok(Some(listed))
    }

    /// Notes that the source failed, unless its watch says otherwise.
    fn blame(&self, error: &Error) {
        let feed = &self.line.feed;
        let sources = &feed.desk().sources;
        if !sources.state(&feed.name).is_some_and(|state| state.live) {
            sources.failed(&feed.name, self.now(), error);
        }
    }

    /// Whether the source says that it is asked too often. Then its watch alone asks it, less and less.
    fn is_spared(&self) -> bool {
        let feed = &self.line.feed;
        let failure = feed.desk().sources.state(&feed.name).and_then(|state| state.failure);
        matches!(failure, Some((_, ErrorKind::RateLimited)))
    }

    /// Keeps what came of a list.
    fn settle(&self, kind: Kind, outcome: &Result<Option<Listed>>) {
        // Without the lease nothing was asked: try again soon, the holder may be gone.
        let rested = if matches!(outcome, Ok(None)) { PAUSE.saturating_sub(IDLE) } else { Duration::ZERO };
        self.end(kind, rested, outcome.is_err());
        if let Err(error) = outcome {
            warn!(source = %self.line.feed.name, %kind, %error, "a list of the source could not be had");
        }
    }

    /// Ends what was wanted of a kind, and tells those who wait for it.
    fn end(&self, kind: Kind, rested: Duration, failed: bool) {
        self.line.slots.get(kind).settle(self.now().minus(rested), failed, &*self.ids);
        self.line.feed.desk().catalog.ring();
    }
}

#[async_trait]
impl Service for Filler {
    fn name(&self) -> &'static str {
        "fill"
    }

    /// Makes one list. Dropped in the middle, the list stays wanted.
    async fn activate(&self) -> Result<bool> {
        let Some((kind, due)) = self.next().await else {
            return Ok(false);
        };
        if !due && !self.line.feed.backend.capabilities().native_watch {
            self.refresh(kind);
            return Ok(true);
        }
        if self.is_spared() {
            self.end(kind, Duration::ZERO, true);
            return Ok(true);
        }
        let outcome = self.fill(kind).await;
        self.settle(kind, &outcome);
        Ok(true)
    }

    async fn wait(&self) {
        tokio::select! {
            () = self.line.work.notified() => {}
            () = sleep(IDLE) => {}
        }
    }
}
