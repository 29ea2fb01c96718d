//! The health of the sources: who answered last when, and who fails why.
//!
//! Read on every request, so reading takes no lock: states are replaced as a whole under an atomic pointer.

use super::per_kind::PerKind;
use crate::telemetry::metrics::Metrics;
use arc_swap::{ArcSwap, Guard};
use netweave_model::{Causes, Error, ErrorKind, Kind, SourceName, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The states of all sources by name, as one reader sees them.
pub type States = BTreeMap<SourceName, SourceState>;

/// What is known of one source's health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// The kind of backend, as the configuration names it.
    pub backend: &'static str,
    /// When it last confirmed that what is known is current; `None` if never.
    pub seen_at: Option<Timestamp>,
    /// The same for each kind: a fill confirms one kind only.
    pub kinds: PerKind<Option<Timestamp>>,
    /// A native watch is live: what is known is fresh by definition.
    pub live: bool,
    /// This process holds the source's lease, so it knows better than the log when the source confirmed what.
    pub leading: bool,
    /// The latest failure, cleared by the next success.
    pub failure: Option<(Timestamp, ErrorKind)>,
}

/// The health of all configured sources. Reads and writes are short and never wait on I/O.
#[derive(Debug)]
pub struct Sources {
    states: ArcSwap<States>,
    causes: BTreeMap<SourceName, Arc<Causes>>,
}

impl SourceState {
    fn new(backend: &'static str) -> Self {
        Self { backend, seen_at: None, kinds: PerKind::default(), live: false, leading: false, failure: None }
    }

    fn confirm(&mut self, at: Timestamp) {
        self.seen_at = self.seen_at.max(Some(at));
        self.kinds = PerKind::from_fn(|kind| (*self.kinds.get(kind)).max(Some(at)));
    }

    /// Returns whether the latest failure came after the latest confirmation of the kind.
    pub fn fails(&self, kind: Kind) -> bool {
        self.failure.is_some_and(|(at, _)| self.kinds.get(kind).is_none_or(|confirmed| at >= confirmed))
    }

    /// Returns whether a kind fails, or nothing was ever confirmed. A failure that another process has overcome is none.
    pub fn is_degraded(&self) -> bool {
        self.seen_at.is_none() || Kind::ALL.iter().any(|kind| self.fails(*kind))
    }
}

impl Sources {
    /// Starts with sources that nobody has seen yet.
    pub fn new(sources: impl IntoIterator<Item = (SourceName, &'static str)>) -> Self {
        let states: States =
            sources.into_iter().map(|(name, backend)| (name, SourceState::new(backend))).collect();
        let causes = states.keys().map(|name| (name.clone(), Arc::default())).collect();
        Self { states: ArcSwap::from_pointee(states), causes }
    }

    /// Returns what makes a source be asked; `None` if it is not configured.
    pub fn causes(&self, source: &SourceName) -> Option<&Arc<Causes>> {
        self.causes.get(source)
    }

    /// Notes that the source confirmed its state; `live` says whether a native watch stands.
    pub fn seen(&self, source: &SourceName, at: Timestamp, live: bool) {
        self.with(source, |state| {
            state.confirm(at);
            state.live = live;
            state.failure = None;
        });
    }

    /// Notes that the source confirmed one kind, by a complete list outside its change stream.
    pub fn filled(&self, source: &SourceName, kind: Kind, at: Timestamp) {
        self.with(source, |state| {
            state.seen_at = state.seen_at.max(Some(at));
            let confirmed = state.kinds.get_mut(kind);
            *confirmed = (*confirmed).max(Some(at));
        });
    }

    /// Notes when the store last heard of the source, without a word about its health now.
    ///
    /// For the pod that holds the lease this is its own echo and says nothing about single kinds.
    pub fn heard(&self, source: &SourceName, at: Timestamp) {
        self.with(source, |state| {
            if state.leading {
                state.seen_at = state.seen_at.max(Some(at));
            } else {
                state.confirm(at);
            }
        });
    }

    /// Notes what the store knew of the source when it was loaded.
    pub fn restored(&self, source: &SourceName, at: Timestamp) {
        self.with(source, |state| state.confirm(at));
    }

    /// Notes that the source failed.
    pub fn failed(&self, source: &SourceName, at: Timestamp, error: &Error) {
        self.with(source, |state| {
            state.live = false;
            state.failure = Some((at, error.kind()));
        });
    }

    /// Notes that the source answers again, without a word about whether what is known of it is current.
    pub fn answered(&self, source: &SourceName) {
        self.with(source, |state| state.failure = None);
    }

    /// Notes whether this process holds the source's lease; without it no watch of ours is live, and what failed here says
    /// nothing of how the source fares with the pod that asks it now.
    pub fn leading(&self, source: &SourceName, leading: bool) {
        self.with(source, |state| {
            if state.leading && !leading {
                state.failure = None;
            }
            state.leading = leading;
            state.live &= leading;
        });
    }

    /// Returns the state of one source; `None` if it is not configured.
    pub fn state(&self, source: &SourceName) -> Option<SourceState> {
        self.states.load().get(source).cloned()
    }

    /// Returns all states as they are now.
    pub fn states(&self) -> Guard<Arc<States>> {
        self.states.load()
    }

    /// Returns the states of all sources, ordered by name.
    pub fn all(&self) -> Vec<(SourceName, SourceState)> {
        self.states.load().iter().map(|(name, state)| (name.clone(), state.clone())).collect()
    }

    /// Writes age and health of all sources to their gauges; meant to be called when they are scraped.
    pub fn observe(&self, metrics: &Metrics, now: Timestamp) {
        for (name, state) in self.states.load().iter() {
            let age =
                if state.live { Some(0.0) } else { state.seen_at.map(|at| now.since(at).as_secs_f64()) };
            metrics.source_age.with_label_values(&[name.as_str()]).set(age.unwrap_or(f64::NAN));
            metrics.health_status.with_label_values(&[name.as_str()]).set(i64::from(!state.is_degraded()));
        }
    }

    fn with(&self, source: &SourceName, change: impl Fn(&mut SourceState)) {
        self.states.rcu(|states| {
            let mut states = States::clone(states);
            if let Some(state) = states.get_mut(source) {
                change(state);
            }
            states
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_lost_its_lease_forgets_what_failed_for_it() {
        let name = SourceName::from("lab");
        let sources = Sources::new([(name.clone(), "file")]);
        let metrics = Metrics::new().unwrap();
        let healthy = || {
            sources.observe(&metrics, Timestamp(9));
            metrics.health_status.with_label_values(&["lab"]).get()
        };
        sources.leading(&name, true);
        sources.seen(&name, Timestamp(1), true);
        sources.failed(&name, Timestamp(2), &Error::new(ErrorKind::Timeout, "late"));
        assert_eq!(healthy(), 0);
        sources.leading(&name, true);
        assert_eq!(healthy(), 0, "it still leads");
        sources.leading(&name, false);
        assert_eq!(healthy(), 1);
    }

    #[test]
    fn a_fill_confirms_one_kind_and_a_failure_after_it_makes_that_kind_fail() {
        let name = SourceName::from("lab");
        let sources = Sources::new([(name.clone(), "file")]);
        sources.filled(&name, Kind::Resource, Timestamp(10));
        sources.failed(&name, Timestamp(5), &Error::internal("x"));
        let state = sources.state(&name).unwrap();
        assert!(!state.fails(Kind::Resource) && state.fails(Kind::ResourcePool));
        sources.failed(&name, Timestamp(11), &Error::internal("x"));
        assert!(sources.state(&name).unwrap().fails(Kind::Resource));
    }

    #[test]
    fn a_failure_that_another_process_has_overcome_degrades_no_longer() {
        let name = SourceName::from("lab");
        let sources = Sources::new([(name.clone(), "file")]);
        let degraded = || sources.state(&name).unwrap().is_degraded();
        assert!(degraded(), "nothing was ever confirmed");
        sources.seen(&name, Timestamp(1), true);
        assert!(!degraded());
        sources.failed(&name, Timestamp(5), &Error::internal("x"));
        assert!(degraded());
        sources.heard(&name, Timestamp(7));
        assert!(!degraded(), "somebody has read it since");
    }

    #[test]
    fn the_leader_ignores_its_own_echo_and_others_trust_the_log() {
        let name = SourceName::from("lab");
        let sources = Sources::new([(name.clone(), "file")]);
        sources.leading(&name, true);
        sources.heard(&name, Timestamp(7));
        let state = sources.state(&name).unwrap();
        assert_eq!((state.seen_at, *state.kinds.get(Kind::Resource)), (Some(Timestamp(7)), None));
        sources.leading(&name, false);
        sources.heard(&name, Timestamp(8));
        assert_eq!(*sources.state(&name).unwrap().kinds.get(Kind::Resource), Some(Timestamp(8)));
    }
}
