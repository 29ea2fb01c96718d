//! The health of the sources: who answered last when, and who fails why.

use netweave_model::{Error, ErrorKind, SourceName, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What is known of one source's health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// The kind of backend, as the configuration names it.
    pub backend: &'static str,
    /// When it last confirmed that what is known is current; `None` if never.
    pub seen_at: Option<Timestamp>,
    /// A native watch is live: what is known is fresh by definition.
    pub live: bool,
    /// The latest failure, cleared by the next success.
    pub failure: Option<(Timestamp, ErrorKind)>,
}

/// The health of all configured sources. Reads and writes are short and never wait on I/O.
#[derive(Debug)]
pub struct Sources {
    states: Mutex<BTreeMap<SourceName, SourceState>>,
}

impl Sources {
    /// Starts with sources that nobody has seen yet.
    pub fn new(sources: impl IntoIterator<Item = (SourceName, &'static str)>) -> Self {
        let state = |backend| SourceState {
            backend,
            seen_at: None,
            live: false,
            failure: None,
        };
        Self {
            states: Mutex::new(
                sources
                    .into_iter()
                    .map(|(name, backend)| (name, state(backend)))
                    .collect(),
            ),
        }
    }

    /// Notes that the source confirmed its state; `live` says whether a native watch stands.
    pub fn seen(&self, source: &SourceName, at: Timestamp, live: bool) {
        self.with(source, |state| {
            state.seen_at = state.seen_at.max(Some(at));
            state.live = live;
            state.failure = None;
        });
    }

    /// Notes when the store last heard of the source, without a word about its health now.
    pub fn heard(&self, source: &SourceName, at: Timestamp) {
        self.with(source, |state| state.seen_at = state.seen_at.max(Some(at)));
    }

    /// Notes that the source failed.
    pub fn failed(&self, source: &SourceName, at: Timestamp, error: &Error) {
        self.with(source, |state| {
            state.live = false;
            state.failure = Some((at, error.kind()));
        });
    }

    /// Returns the state of one source; `None` if it is not configured.
    pub fn state(&self, source: &SourceName) -> Option<SourceState> {
        self.lock().get(source).cloned()
    }

    /// Returns the states of all sources, ordered by name.
    pub fn all(&self) -> Vec<(SourceName, SourceState)> {
        self.lock()
            .iter()
            .map(|(name, state)| (name.clone(), state.clone()))
            .collect()
    }

    fn with(&self, source: &SourceName, change: impl FnOnce(&mut SourceState)) {
        if let Some(state) = self.lock().get_mut(source) {
            change(state);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<SourceName, SourceState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
