//! When a source must be asked: a read of something older than its lifetime, or of something never read.
//!
//! Reads call [`Fills`], which never waits for a source unless there is nothing to show. The lists themselves are made
//! by one [`Filler`] per source; everybody, this process included, reads their results from the log.
//!
//! A collection is answered once every source that offers its kind was read. While one was not, readers wait for it, at
//! most ten seconds; one whose fill failed, or for which readers have waited so long in vain, is passed over, but for what is
//! known of parts of it, and the answer is marked stale. Only if that leaves nothing at all the answer is 503. Nobody is told
//! that an object does not exist while a source that may have it was never read.
//!
//! Why a source fails is known to the process that leads it; others only see that its first list does not come.

use super::catalog::{Catalog, Views};
use super::class::Class;
use super::feed::Feed;
use super::filler::Filler;
use super::line::{Freshness, Line, PAUSE};
use crate::access::Scope;
use crate::conf::tree::Ttl;
use arc_swap::ArcSwap;
use netweave_model::port::{Clock, Ids};
use netweave_model::{Error, ErrorKind, Kind, Result, Retry};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a read waits for the first list of a source. Source: `docs/architecture.md`, section 2.
const FIRST_READ: Duration = Duration::from_secs(10);

/// All sources, as reads see them.
pub struct Fills {
    lines: Vec<Arc<Line>>,
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    ttl: ArcSwap<Ttl>,
}

/// What a read can expect of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Every source was read.
    Whole,
    /// Sources whose first list failed, or does not come, are missing.
    Partial,
    /// A source was never read, and it did not fail yet.
    Pending,
    /// Nothing was ever read of any source, and all failed.
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
        let lines: Vec<_> = feeds.into_iter().map(|feed| Arc::new(Line::new(feed, &**ids))).collect();
        let fillers = lines.iter().map(|line| Filler::new(Arc::clone(line), Arc::clone(ids))).collect();
        (Self { lines, catalog, clock, ttl: ArcSwap::from_pointee(ttl) }, fillers)
    }

    /// Returns the lifetime of a class.
    pub fn lifetime(&self, class: Class) -> Duration {
        class.lifetime(&self.ttl.load())
    }

    /// Puts other lifetimes in force.
    pub fn replace(&self, ttl: Ttl) {
        self.ttl.store(Arc::new(ttl));
    }

    /// Says how fresh these kinds are in the sources that may be seen, and asks sources again whose answers are older than their lifetime.
    pub fn freshness(&self, scope: &Scope, kinds: &[Kind], class: Class) -> Freshness {
        let (now, lifetime, views) = (self.clock.now(), self.lifetime(class), self.catalog.views());
        let mut freshness = Freshness::default();
        let Some(states) = self.lines.first().map(|line| line.feed.desk().sources.states()) else {
            return freshness;
        };
        for line in self.seen(scope) {
            let Some(state) = states.get(&line.feed.name) else {
                continue;
            };
            for kind in kinds.iter().filter(|kind| line.offers.contains(kind)) {
                let seen = line.freshness(state, *kind, now, lifetime);
                freshness.age = freshness.age.max(seen.age);
                freshness.stale |= seen.stale || !is_known(&views, line, *kind);
            }
        }
        freshness
    }

    /// Waits until these kinds can be answered; at once unless a source that may be seen was never read.
    ///
    /// `every` asks for all sources: whoever is told that something does not exist must not learn it from half of them.
    ///
    /// # Errors
    /// `Unavailable` with its pause: nothing is known of one of the kinds, and asking for it failed or took too long.
    pub async fn known(&self, scope: &Scope, kinds: &[Kind], every: bool) -> Result<()> {
        let settled = async {
            let mut pulse = self.catalog.pulse();
            loop {
                if let Some(verdict) = self.verdict(scope, kinds, every) {
                    return verdict;
                }
                if pulse.changed().await.is_err() {
                    return Err(unread());
                }
            }
        };
        let loaded = self.catalog.views().loaded;
        if let Ok(known) = timeout(FIRST_READ, settled).await {
            return known;
        }
        if loaded {
            self.pass_over(scope, kinds);
        }
        self.verdict(scope, kinds, every).unwrap_or_else(|| Err(unread()))
    }

    /// Whether these kinds can be answered; `None` while that is open.
    fn verdict(&self, scope: &Scope, kinds: &[Kind], every: bool) -> Option<Result<()>> {
        match self.standing(scope, kinds) {
            Standing::Whole => Some(Ok(())),
            Standing::Partial if !every => Some(Ok(())),
            Standing::Partial | Standing::Nothing => Some(Err(unread())),
            Standing::Pending => None,
        }
    }

    /// Has nobody wait any more for the first lists that have not come.
    fn pass_over(&self, scope: &Scope, kinds: &[Kind]) {
        let views = self.catalog.views();
        for kind in kinds {
            let unread = self.offering(scope, *kind).filter(|line| !is_known(&views, line, *kind));
            unread.for_each(|line| line.slots.get(*kind).pass_over());
        }
    }

    fn seen(&self, scope: &Scope) -> impl Iterator<Item = &Arc<Line>> {
        self.lines.iter().filter(|line| scope.covers_source(&line.feed.name))
    }

    fn offering(&self, scope: &Scope, kind: Kind) -> impl Iterator<Item = &Arc<Line>> {
        self.seen(scope).filter(move |line| line.offers.contains(&kind))
    }

    /// Compares what is offered with what is known; asks for what was never read.
    fn standing(&self, scope: &Scope, kinds: &[Kind]) -> Standing {
        let views = self.catalog.views();
        if !views.loaded {
            return Standing::Pending;
        }
        let worst = kinds.iter().map(|kind| self.standing_of(&views, scope, *kind));
        let rank = |standing: &Standing| match standing {
            Standing::Whole => 0,
            Standing::Partial => 1,
            Standing::Pending => 2,
            Standing::Nothing => 3,
        };
        worst.max_by_key(rank).unwrap_or(Standing::Whole)
    }

    fn standing_of(&self, views: &Views, scope: &Scope, kind: Kind) -> Standing {
        let (mut read, mut parts, mut failed, mut pending) = (0, 0, 0, 0);
        for line in self.offering(scope, kind) {
            if is_known(views, line, kind) {
                read += 1;
                line.slots.get(kind).arrived();
            } else {
                line.want(kind, self.clock.now());
                if line.slots.get(kind).is_passed_over() {
                    failed += 1;
                    parts +=
                        usize::from(views.view(&line.feed.name, kind).is_some_and(|view| !view.is_empty()));
                } else {
                    pending += 1;
                }
            }
        }
        match (read + parts, failed, pending) {
            (_, 0, 0) => Standing::Whole,
            (_, _, 1..) => Standing::Pending,
            (0, ..) => Standing::Nothing,
            _ => Standing::Partial,
        }
    }
}

fn is_known(views: &Views, line: &Line, kind: Kind) -> bool {
    views.view(&line.feed.name, kind).is_some_and(|view| view.known)
}

fn unread() -> Error {
    Error::new(ErrorKind::Unavailable, "the inventory of a source has not been read yet")
        .with_retry(Retry::After(PAUSE))
}

#[cfg(test)]
mod tests;
