//! From the change log to the views: the views' only writer.
//!
//! Loads the rows of all sources, then follows the log and patches. A gap, a trimmed past or a new generation starts
//! over from the rows. Rows of different sources are read at different positions, so nothing is published before the
//! log was read up to the furthest of them: then all views stand at one position, and versions are exact.

use super::catalog::{Catalog, Views};
use super::patch::{install, patch};
use super::sources::Sources;
use crate::services::Service;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{BoxStream, ReadyChunks};
use netweave_model::port::InventoryLog;
use netweave_model::{Entry, ErrorKind, Kind, Position, Result, SourceName};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::{info, warn};

/// How many entries one publication holds at most.
const BATCH: usize = 512;
/// How long `wait` pauses; the stream itself wakes the follower, so this is only a fallback.
const PAUSE: Duration = Duration::from_secs(1);

type Batches = ReadyChunks<BoxStream<'static, Result<Entry>>>;

/// The service that keeps the views true to the log.
pub struct Follow {
    log: Arc<dyn InventoryLog>,
    catalog: Arc<Catalog>,
    sources: Arc<Sources>,
    metrics: Arc<Metrics>,
    names: Vec<SourceName>,
    state: Mutex<State>,
}

/// What survives a round.
#[derive(Default)]
struct State {
    /// The views as far as they are patched; `None` before they are loaded.
    draft: Option<Views>,
    /// Views that a baseline announced and that are still to be loaded.
    pending: BTreeSet<(SourceName, Kind)>,
    batches: Option<Batches>,
}

/// What an entry asks for.
#[derive(PartialEq, Eq)]
enum Step {
    Done,
    StartOver,
}

impl Follow {
    /// Makes the follower of these sources.
    pub fn new(
        log: Arc<dyn InventoryLog>,
        catalog: Arc<Catalog>,
        sources: Arc<Sources>,
        metrics: Arc<Metrics>,
        names: Vec<SourceName>,
    ) -> Self {
        Self { log, catalog, sources, metrics, names, state: Mutex::default() }
    }

    /// Reads the rows of all sources, each at or after the log's head as it was before.
    async fn load(&self) -> Result<Views> {
        let start = self.log.head().await?;
        let mut views = Views::new(self.names.iter().cloned());
        let paths = self.catalog.paths();
        views.position = start;
        views.loaded = true;
        for name in &self.names {
            let snapshot = self.log.snapshot(name).await?;
            if let Some(at) = snapshot.seen_at {
                self.sources.restored(name, at);
            }
            let kinds = snapshot.known.clone();
            install(&mut views, name, snapshot, &kinds, paths);
        }
        info!(position = %views.position, sources = self.names.len(), "loaded the inventory from the store");
        Ok(views)
    }

    /// Loads what baselines announced.
    async fn load_pending(
        &self,
        views: &mut Views,
        pending: &mut BTreeSet<(SourceName, Kind)>,
    ) -> Result<()> {
        while let Some((source, _)) = pending.first().cloned() {
            let snapshot = self.log.snapshot(&source).await?;
            let kinds: Vec<Kind> =
                pending.iter().filter(|(name, _)| *name == source).map(|(_, kind)| *kind).collect();
            install(views, &source, snapshot, &kinds, self.catalog.paths());
            pending.retain(|(name, _)| *name != source);
        }
        Ok(())
    }

    /// Applies one entry; positions that are already contained are passed over.
    fn apply(&self, state: &mut State, entry: Entry) -> Step {
        let Some(views) = state.draft.as_mut() else {
            return Step::StartOver;
        };
        let position = match &entry {
            Entry::Changed(event) => event.position,
            Entry::Baseline { position, .. } => *position,
            Entry::Seen { source, at } => {
                self.sources.heard(source, *at);
                return Step::Done;
            }
        };
        if position <= views.position {
            return Step::Done;
        }
        let next = Position { sequence: views.position.sequence.saturating_add(1), ..views.position };
        if position != next {
            warn!(%position, expected = %next, "the change log has a gap");
            return Step::StartOver;
        }
        views.position = position;
        match entry {
            Entry::Changed(event) => {
                if let Some(view) = views.view_mut(&event.source, event.key.kind) {
                    patch(view, event, self.catalog.paths());
                }
            }
            Entry::Baseline { source, kind, position } => {
                if views.view(&source, kind).is_some_and(|view| view.applied < position) {
                    state.pending.insert((source, kind));
                }
            }
            Entry::Seen { .. } => {}
        }
        Step::Done
    }

    /// Takes the next batch of entries, of which at least one has arrived.
    async fn take(&self, state: &mut State, from: Position) -> Result<Step> {
        let mut batches = match state.batches.take() {
            Some(batches) => batches,
            None => self.log.follow(from).await?.ready_chunks(BATCH),
        };
        let Some(batch) = batches.next().await else {
            return Ok(Step::Done);
        };
        for entry in batch {
            if self.apply(state, entry?) == Step::StartOver {
                return Ok(Step::StartOver);
            }
        }
        state.batches = Some(batches);
        Ok(Step::Done)
    }

    /// Shows the draft to readers, if all its views stand at one position.
    fn publish(&self, views: &Views) {
        let furthest =
            views.sources.iter().flat_map(|source| source.kinds.iter()).map(|(_, view)| view.applied).max();
        if furthest.is_some_and(|furthest| furthest > views.position) {
            return;
        }
        let before = self.catalog.views();
        for source in &views.sources {
            for (kind, view) in source.kinds.iter() {
                if before.view(&source.name, kind).is_none_or(|old| old.changed != view.changed) {
                    self.count(&source.name, kind, view.len());
                }
            }
        }
        if before.position != views.position || !before.loaded {
            self.catalog.publish(views.clone());
        }
    }

    fn count(&self, source: &SourceName, kind: Kind, len: usize) {
        let count = i64::try_from(len).unwrap_or(i64::MAX);
        self.metrics.resources.with_label_values(&[source.as_str(), kind.collection()]).set(count);
        if kind == Kind::ResourcePool {
            self.metrics.resource_pools.with_label_values(&[source.as_str()]).set(count);
        }
    }

    async fn measure_lag(&self, at: Position) {
        if let Ok(head) = self.log.head().await {
            let lag =
                if head.generation == at.generation { head.sequence.saturating_sub(at.sequence) } else { 0 };
            self.metrics.follow_lag.set(i64::try_from(lag).unwrap_or(i64::MAX));
        }
    }

    /// Takes the next batch, or starts over; how far the views are behind is measured also while nothing can be read.
    async fn advance(&self, state: &mut State, from: Position) -> Result<()> {
        match self.take(state, from).await {
            Ok(Step::Done) => {}
            Ok(Step::StartOver) => *state = State::default(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                warn!(%error, "the change log's past is gone; starting over");
                *state = State::default();
            }
            Err(error) => {
                self.measure_lag(from).await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// One round: load what is missing, then one batch.
    async fn round(&self, state: &mut State) -> Result<()> {
        if state.draft.is_none() {
            let views = self.load().await?;
            (state.batches, state.pending) = (None, BTreeSet::new());
            self.publish(&views);
            state.draft = Some(views);
        }
        let Some(from) = state.draft.as_ref().map(|views| views.position) else {
            return Ok(());
        };
        if state.pending.is_empty() {
            self.advance(state, from).await?;
        }
        if let Some(views) = state.draft.as_mut() {
            self.load_pending(views, &mut state.pending).await?;
            self.publish(views);
            self.measure_lag(views.position).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Service for Follow {
    fn name(&self) -> &'static str {
        "follow"
    }

    /// Applies one batch; waits for it if there is none. Dropped at any point, the next round goes on where it stood.
    async fn activate(&self) -> Result<bool> {
        let mut state = self.state.lock().await;
        self.round(&mut state).await?;
        Ok(true)
    }

    async fn wait(&self) {
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests;
