//! When a source must be asked: a read of something older than its lifetime, or of something never read.
//!
//! Reads call [`Fills`], which never waits for a source unless there is nothing to show. The lists themselves are made
//! by one [`Filler`] per source, a service: one list at a time, under the source's lease, committed to the log like any
//! change; everybody, this process included, reads the result from there.
//!
//! A collection is answered once every source that offers its kind was read. While one was not, readers wait for it, at
//! most ten seconds; one whose fill failed is passed over and the answer is marked stale. Only if that leaves no source at
//! all the answer is 503. Nobody is told that an object does not exist while a source that may have it was never read.

use super::catalog::{Catalog, Views};
use super::feed::{Feed, Listed};
use super::per_kind::PerKind;
use super::sources::SourceState;
use crate::conf::tree::Ttl;
use crate::services::Service;
use async_trait::async_trait;
use netweave_model::port::{Clock, Ids};
use netweave_model::{Error, ErrorKind, Kind, Result, Retry, Timestamp};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// How long a read waits for the first list of a source. Source: `docs/architecture.md`, section 2.
const FIRST_READ: Duration = Duration::from_secs(10);
/// Least time between two lists of one kind, whatever is asked: absent objects must not make a call storm.
const PAUSE: Duration = Duration::from_secs(5);
/// How long an idle filler sleeps at most; it is woken earlier when it is needed.
const IDLE: Duration = Duration::from_secs(1);

/// What a read is about, as far as lifetimes go. Also the `class` label of cache metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A list of resources.
    ResourceLists,
    /// A single resource.
    Resources,
    /// Pools, sites, locations.
    ResourcePools,
    /// Types, dictionaries, deployment managers.
    Capabilities,
}

/// How well what is known of a collection can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// How long ago the least fresh source confirmed it; `None` if every source is watched live.
    pub age: Option<Duration>,
    /// A source fails, was never read, or is older than its lifetime.
    pub stale: bool,
}

/// All sources, as reads see them.
pub struct Fills {
    lines: Vec<Arc<Line>>,
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    ttl: Ttl,
}

/// The service that lists one source when it is asked to.
pub struct Filler {
    line: Arc<Line>,
    ids: Arc<dyn Ids>,
}

/// One source with what is wanted of it.
struct Line {
    feed: Arc<Feed>,
    offers: Vec<Kind>,
    slots: PerKind<Slot>,
    work: Notify,
}

#[derive(Default)]
struct Slot {
    wanted: AtomicBool,
    state: Mutex<SlotState>,
}

#[derive(Clone, Copy, Default)]
struct SlotState {
    /// When the latest list ended, well or not.
    ended_at: Option<Timestamp>,
    /// The latest list failed.
    failed: bool,
    /// Stretches lifetimes by up to a tenth either way, so that pods and kinds do not ask in step; per thousand.
    jitter: i32,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 4] = [
        Self::ResourceLists,
        Self::Resources,
        Self::ResourcePools,
        Self::Capabilities,
    ];

    /// Returns the class of a read of a kind: of a list, or of one object.
    pub const fn of(kind: Kind, single: bool) -> Self {
        match kind {
            Kind::Resource if single => Self::Resources,
            Kind::Resource => Self::ResourceLists,
            Kind::ResourcePool | Kind::OCloudSite | Kind::Location => Self::ResourcePools,
            Kind::ResourceType
            | Kind::AlarmDictionary
            | Kind::PerformanceDictionary
            | Kind::DeploymentManager => Self::Capabilities,
        }
    }

    /// Returns the metric label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ResourceLists => "resourceLists",
            Self::Resources => "resources",
            Self::ResourcePools => "resourcePools",
            Self::Capabilities => "capabilities",
        }
    }

    /// Returns the lifetime that the configuration gives.
    pub const fn lifetime(self, ttl: &Ttl) -> Duration {
        match self {
            Self::ResourceLists => ttl.resource_lists.0,
            Self::Resources => ttl.resources.0,
            Self::ResourcePools => ttl.resource_pools.0,
            Self::Capabilities => ttl.capabilities.0,
        }
    }
}

/// What a read can expect of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Every source was read.
    Whole,
    /// Sources whose first list failed are missing.
    Partial,
    /// A source was never read, and it did not fail yet.
    Pending,
    /// No source was ever read, and all failed.
    Nothing,
}

impl Fills {
    /// Makes the readers' side and one service per source.
    pub fn new(
        feeds: Vec<Arc<Feed>>,
        catalog: Arc<Catalog>,
        clock: Arc<dyn Clock>,
        ids: &Arc<dyn Ids>,
        ttl: Ttl,
    ) -> (Self, Vec<Filler>) {
        let lines: Vec<_> = feeds.into_iter().map(|feed| Arc::new(Line::new(feed))).collect();
        let fillers = lines
            .iter()
            .map(|line| Filler::new(Arc::clone(line), Arc::clone(ids)))
            .collect();
        (
            Self {
                lines,
                catalog,
                clock,
                ttl,
            },
            fillers,
        )
    }

    /// Returns the lifetime of a class.
    pub fn lifetime(&self, class: Class) -> Duration {
        class.lifetime(&self.ttl)
    }

    /// Says how fresh these kinds are, and asks sources again whose answers are older than their lifetime.
    pub fn freshness(&self, kinds: &[Kind], class: Class) -> Freshness {
        let (now, lifetime) = (self.clock.now(), self.lifetime(class));
        let mut freshness = Freshness::default();
        let Some(states) = self.lines.first().map(|line| line.feed.desk().sources.states()) else {
            return freshness;
        };
        for line in &self.lines {
            let Some(state) = states.get(&line.feed.name) else {
                continue;
            };
            for kind in kinds.iter().filter(|kind| line.offers.contains(kind)) {
                let seen = line.freshness(state, *kind, now, lifetime);
                freshness.age = freshness.age.max(seen.age);
                freshness.stale |= seen.stale;
            }
        }
        freshness
    }

    /// Waits until these kinds can be answered; at once unless a source was never read.
    ///
    /// `every` asks for all sources: whoever is told that something does not exist must not learn it from half of them.
    ///
    /// # Errors
    /// `Unavailable` with its pause: nothing is known of one of the kinds, and asking for it failed or took too long.
    pub async fn known(&self, kinds: &[Kind], every: bool) -> Result<()> {
        let settled = async {
            let mut pulse = self.catalog.pulse();
            loop {
                match self.standing(kinds) {
                    Standing::Whole => return Ok(()),
                    Standing::Partial if !every => return Ok(()),
                    Standing::Partial | Standing::Nothing => return Err(unread()),
                    Standing::Pending => {}
                }
                if pulse.changed().await.is_err() {
                    return Err(unread());
                }
            }
        };
        timeout(FIRST_READ, settled)
            .await
            .unwrap_or_else(|_| Err(unread()))
    }

    /// Compares what is offered with what is known; asks for what was never read.
    fn standing(&self, kinds: &[Kind]) -> Standing {
        let views = self.catalog.views();
        if !views.loaded {
            return Standing::Pending;
        }
        let worst = kinds.iter().map(|kind| self.standing_of(&views, *kind));
        let rank = |standing: &Standing| match standing {
            Standing::Whole => 0,
            Standing::Partial => 1,
            Standing::Pending => 2,
            Standing::Nothing => 3,
        };
        worst.max_by_key(rank).unwrap_or(Standing::Whole)
    }

    fn standing_of(&self, views: &Views, kind: Kind) -> Standing {
        let (mut read, mut failed, mut pending) = (0, 0, 0);
        for line in self.lines.iter().filter(|line| line.offers.contains(&kind)) {
            if views.view(&line.feed.name, kind).is_some_and(|view| view.known) {
                read += 1;
            } else {
                line.want(kind);
                if line.slots.get(kind).state().failed {
                    failed += 1
                } else {
                    pending += 1
                }
            }
        }
        match (read, failed, pending) {
            (_, 0, 0) => Standing::Whole,
            (_, _, 1..) => Standing::Pending,
            (0, ..) => Standing::Nothing,
            _ => Standing::Partial,
        }
    }
}

impl Line {
    fn new(feed: Arc<Feed>) -> Self {
        let offers = feed.backend.capabilities().kinds.clone();
        Self {
            feed,
            offers,
            slots: PerKind::from_fn(|_| Slot::default()),
            work: Notify::new(),
        }
    }

    fn freshness(&self, state: &SourceState, kind: Kind, now: Timestamp, lifetime: Duration) -> Freshness {
        if state.live {
            return Freshness::default();
        }
        let Some(confirmed) = *state.kinds.get(kind) else {
            return Freshness {
                age: None,
                stale: true,
            };
        };
        let age = now.since(confirmed);
        if age > self.slots.get(kind).state().stretch(lifetime) {
            self.want(kind);
        }
        Freshness {
            age: Some(age),
            stale: state.fails(kind) || age > lifetime,
        }
    }

    /// Asks the filler for a list; asking again before it began changes nothing.
    fn want(&self, kind: Kind) {
        if !self.slots.get(kind).wanted.swap(true, Ordering::AcqRel) {
            self.work.notify_one();
        }
    }
}

impl Slot {
    fn state(&self) -> SlotState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: SlotState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

impl SlotState {
    fn stretch(self, lifetime: Duration) -> Duration {
        let factor = f64::from(1000_i32.saturating_add(self.jitter)) / 1000.0;
        lifetime.mul_f64(factor.max(0.0))
    }

    fn rests(self, now: Timestamp) -> bool {
        self.ended_at.is_some_and(|ended| now.since(ended) < PAUSE)
    }
}

impl Filler {
    fn new(line: Arc<Line>, ids: Arc<dyn Ids>) -> Self {
        for (_, slot) in line.slots.iter() {
            slot.set(SlotState {
                jitter: jitter(&*ids),
                ..SlotState::default()
            });
        }
        Self { line, ids }
    }

    fn now(&self) -> Timestamp {
        self.line.feed.desk().clock.now()
    }

    /// Returns the first kind whose list is wanted and whose pause is over.
    async fn next(&self) -> Option<Kind> {
        let now = self.now();
        for (kind, due) in self.line.feed.held().await {
            if now >= due {
                return Some(kind);
            }
        }
        let ready = |slot: &Slot| slot.wanted.load(Ordering::Acquire) && !slot.state().rests(now);
        self.line
            .slots
            .iter()
            .find(|(_, slot)| ready(slot))
            .map(|(kind, _)| kind)
    }

    /// Lists one kind and commits it, if this process may.
    async fn fill(&self, kind: Kind) -> Result<Option<Listed>> {
        let feed = &self.line.feed;
        if feed.lead().await?.is_none() {
            return Ok(None);
        }
        let begun = feed.begin(kind).await;
        let asked_at = self.now();
        let listing = feed.backend.list(kind).await?;
        let listed = feed.commit_list(kind, listing.objects, Some(begun)).await?;
        if listed == Listed::Committed {
            feed.desk().sources.filled(&feed.name, kind, asked_at);
        }
        Ok(Some(listed))
    }

    /// Keeps what came of a list, and tells those who wait for it.
    fn settle(&self, kind: Kind, outcome: &Result<Option<Listed>>) {
        let feed = &self.line.feed;
        let now = self.now();
        if let Err(error) = outcome {
            warn!(source = %feed.name, %kind, %error, "the source did not deliver a list");
            let live = feed
                .desk()
                .sources
                .state(&feed.name)
                .is_some_and(|state| state.live);
            if !live {
                feed.desk().sources.failed(&feed.name, now, error);
            }
        } else {
            debug!(source = %feed.name, %kind, ?outcome, "asked the source for a list");
        }
        // Without the lease nothing was asked: try again soon, the holder may be gone.
        let rested = if matches!(outcome, Ok(None)) {
            PAUSE.saturating_sub(IDLE)
        } else {
            Duration::ZERO
        };
        let ended_at = Some(now.minus(rested));
        let state = SlotState {
            ended_at,
            failed: outcome.is_err(),
            jitter: jitter(&*self.ids),
        };
        let slot = self.line.slots.get(kind);
        slot.set(state);
        slot.wanted.store(false, Ordering::Release);
        feed.desk().catalog.ring();
    }
}

#[async_trait]
impl Service for Filler {
    fn name(&self) -> &'static str {
        "fill"
    }

    /// Makes one list. Dropped in the middle, the list stays wanted.
    async fn activate(&self) -> Result<bool> {
        let Some(kind) = self.next().await else {
            return Ok(false);
        };
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

/// Draws a number of thousandths between -100 and 100.
fn jitter(ids: &dyn Ids) -> i32 {
    let draw = ids.uuid().as_u128() % 201;
    i32::try_from(draw).unwrap_or(100) - 100
}

fn unread() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the inventory of a source has not been read yet",
    )
    .with_retry(Retry::After(PAUSE))
}

#[cfg(test)]
mod tests;
