//! Dispatcher: reads the change log behind the fan-out cursor and queues each event for the subscriptions that get it.
//!
//! Which ones those are is said in `dispatcher/matcher.rs`. The step from cursor to cursor is one operation of the store,
//! so a crash repeats it, or what is left of it, or not at all; a subscription that changes in between makes it match again.

pub mod matcher;

use super::Service;
use crate::access::Access;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use futures::StreamExt;
use matcher::Matcher;
use netweave_model::port::{Deliveries, FanOut, FanOutOutcome, InventoryLog, Notice, Subscriptions};
use netweave_model::query::Paths;
use netweave_model::{Entry, ErrorKind, Event, Id, Position, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[cfg(test)]
mod overtaken;
#[cfg(test)]
mod tests;

/// Log entries read at once.
const BATCH: usize = 256;
/// Deliveries queued in one step; one event is never split.
const MAX_ITEMS: usize = 20_000;
/// How often one round matches again before it lets others run.
const MATCH_TRIES: usize = 8;
/// Pause when the log cannot be followed.
const PAUSE: Duration = Duration::from_secs(1);

/// What the dispatcher works with.
pub struct Parts {
    /// The change log.
    pub log: Arc<dyn InventoryLog>,
    /// The subscriptions.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// The delivery queues.
    pub deliveries: Arc<dyn Deliveries>,
    /// The attribute paths that the views share.
    pub paths: Arc<Paths>,
    /// Who may be told of what.
    pub access: Arc<Access>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// The service.
pub struct Dispatcher {
    parts: Parts,
    max_queue: u64,
    /// What is known of the subscriptions. A round takes it out, so a round that is dropped loses it; it is then read anew.
    matcher: Mutex<Option<Matcher>>,
    /// Where the cursor is, as far as is known here; another process may have moved it.
    reached: Mutex<Option<Position>>,
}

impl Dispatcher {
    /// Makes the service; `max_queue` is the longest queue of one subscription.
    pub fn new(parts: Parts, max_queue: u64) -> Self {
        Self { parts, max_queue, matcher: Mutex::new(None), reached: Mutex::new(None) }
    }

    /// Queues a run of entries that lies behind the cursor; returns the cursor after it, or `None` if others were faster.
    ///
    /// What is known of the subscriptions is brought up to date only when the store asks for it: when others may match.
    async fn fan_out(
        &self,
        cursor: Position,
        entries: &[Entry],
        matcher: &mut Matcher,
    ) -> Result<Option<Position>> {
        for _ in 0..MATCH_TRIES {
            let (to, items) = matcher.select(cursor, entries, MAX_ITEMS);
            match self.step(cursor, to, items, matcher).await? {
                FanOutOutcome::Done => return Ok(Some(to)),
                FanOutOutcome::Already => return Ok(None),
                FanOutOutcome::StaleMatcher => matcher.refresh(&*self.parts.subscriptions).await?,
            }
        }
        Ok(None)
    }

    async fn step(
        &self,
        from: Position,
        to: Position,
        items: Vec<(Id, Arc<Event>)>,
        matcher: &Matcher,
    ) -> Result<FanOutOutcome> {
        let (subscriptions_version, max_queue) = (matcher.version(), self.max_queue);
        self.parts.deliveries.fan_out(FanOut { from, to, subscriptions_version, items, max_queue }).await
    }

    /// The log no longer reaches back to the cursor: events may be lost, so every subscription is told to read again.
    async fn start_over(&self, cursor: Position, matcher: &mut Matcher) -> Result<()> {
        let to = self.parts.log.head().await?;
        matcher.refresh(&*self.parts.subscriptions).await?;
        tracing::error!(%cursor, %to, subscriptions = matcher.len(), "the change log has a gap, subscribers are told to resync");
        for id in matcher.ids() {
            self.tell_to_resync(id).await?;
        }
        // Whoever subscribes meanwhile has missed nothing.
        while self.step(cursor, to, Vec::new(), matcher).await? == FanOutOutcome::StaleMatcher {
            matcher.refresh(&*self.parts.subscriptions).await?;
        }
        Ok(())
    }

    /// Queues a resync notice, however long the queue is: nothing else tells of a gap.
    async fn tell_to_resync(&self, id: &Id) -> Result<()> {
        match self.parts.deliveries.enqueue(id, vec![Notice::Resync { dropped: 0 }], u64::MAX).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn round(&self, matcher: &mut Matcher) -> Result<bool> {
        // Not known again until this round has come to its end.
        let known = self.reached.lock().unwrap_or_else(PoisonError::into_inner).take();
        let cursor = if let Some(cursor) = known {
            cursor
        } else {
            let cursor = self.parts.deliveries.cursor().await?;
            matcher.refresh(&*self.parts.subscriptions).await?;
            cursor
        };
        let more = self.advance(cursor, matcher).await;
        if more.is_err() {
            self.measure(cursor).await;
        }
        more
    }

    /// Fans out what lies behind the cursor, a batch at most; returns whether there is more.
    async fn advance(&self, cursor: Position, matcher: &mut Matcher) -> Result<bool> {
        let entries = match self.parts.log.read(cursor, BATCH).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // A store that changed its server meanwhile counts in another generation, and nothing is missing.
                if self.parts.deliveries.cursor().await? == cursor {
                    self.start_over(cursor, matcher).await?;
                }
                return Ok(true);
            }
            entries => entries?,
        };
        if entries.is_empty() {
            matcher.refresh(&*self.parts.subscriptions).await?;
            self.parts.metrics.stream_length.set(0);
            self.reach(cursor);
            return Ok(false);
        }
        let Some(to) = self.fan_out(cursor, &entries, matcher).await? else {
            return Ok(true);
        };
        self.reach(to);
        let all = entries.len() < BATCH && entries.last().and_then(Entry::position) <= Some(to);
        let head = if all { to } else { self.parts.log.head().await? };
        Ok(self.waiting(head, to) > 0)
    }

    /// Counts what waits behind the cursor although nothing can be fanned out, as long as the log says where it ends.
    async fn measure(&self, cursor: Position) {
        if let Ok(head) = self.parts.log.head().await {
            self.waiting(head, cursor);
        }
    }

    /// Notes and returns how many entries lie behind a position.
    fn waiting(&self, head: Position, position: Position) -> u64 {
        let left = head.sequence.saturating_sub(position.sequence);
        self.parts.metrics.stream_length.set(i64::try_from(left).unwrap_or(i64::MAX));
        left
    }

    fn reach(&self, position: Position) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Some(position);
    }
}

#[async_trait]
impl Service for Dispatcher {
    fn name(&self) -> &'static str {
        "dispatcher"
    }

    async fn activate(&self) -> Result<bool> {
        let known = self.matcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut matcher = known
            .unwrap_or_else(|| Matcher::new(Arc::clone(&self.parts.paths), Arc::clone(&self.parts.access)));
        let more = self.round(&mut matcher).await;
        self.parts.metrics.subscriptions.set(i64::try_from(matcher.len()).unwrap_or(i64::MAX));
        *self.matcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(matcher);
        more
    }

    /// Waits until the log grows behind what was fanned out.
    async fn wait(&self) {
        let reached = *self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(from) = reached
            && let Ok(mut stream) = self.parts.log.follow(from).await
        {
            loop {
                match stream.next().await {
                    Some(Ok(Entry::Seen { .. })) => {}
                    Some(Ok(Entry::Changed(_) | Entry::Baseline { .. })) => return,
                    Some(Err(_)) | None => break,
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
