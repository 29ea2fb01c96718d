//! Stops asking a backend that keeps failing, and tries it again now and then with one call.

use async_trait::async_trait;
use netweave_model::port::{Backend, Capabilities, Changes, Clock, Look};
use netweave_model::{Error, ErrorKind, Kind, Object, ObjectKey, Result, Retry, Timestamp};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// When the breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trip {
    /// Failures in a row that open it.
    pub in_a_row: usize,
    /// The latest calls that are looked at; half of them failing opens it too.
    pub window: usize,
    /// How long it stays open first; each failed trial doubles it.
    pub pause: Duration,
    /// The longest it stays open.
    pub longest: Duration,
}

impl Default for Trip {
    fn default() -> Self {
        Self { in_a_row: 5, window: 20, pause: Duration::from_secs(30), longest: Duration::from_mins(10) }
    }
}

/// Refuses calls with `Unavailable` while the backend is known to fail.
///
/// An answer that refuses the credentials opens it at once. Throttling does not count, and neither do answers about the
/// object asked for: they show that the backend works.
pub struct Breaker {
    inner: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    trip: Trip,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// The latest calls, `true` for a failure.
    latest: VecDeque<bool>,
    in_a_row: usize,
    /// How long it stays open next time.
    pause: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    Open {
        until: Timestamp,
    },
    /// One trial call is on its way.
    Trial,
}

/// What a call's outcome says about the backend.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Works,
    Fails,
    /// It will go on failing: the credentials are refused.
    Refuses,
    Nothing,
}

impl Breaker {
    /// Wraps a backend.
    pub fn new(inner: Arc<dyn Backend>, clock: Arc<dyn Clock>, trip: Trip) -> Self {
        let state = State {
            phase: Phase::Closed,
            latest: VecDeque::with_capacity(trip.window),
            in_a_row: 0,
            pause: trip.pause,
        };
        Self { inner, clock, trip, state: Mutex::new(state) }
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let admitted = self.admit()?;
        let outcome = call.await;
        admitted.settle(verdict(&outcome));
        outcome
    }

    /// Lets a call through, or refuses it.
    fn admit(&self) -> Result<Admitted<'_>> {
        let mut state = self.lock();
        let trial = match state.phase {
            Phase::Closed => false,
            Phase::Open { until } if self.clock.now() >= until => {
                state.phase = Phase::Trial;
                true
            }
            Phase::Open { until } => return Err(refused(until.since(self.clock.now()))),
            Phase::Trial => return Err(refused(Duration::from_secs(1))),
        };
        Ok(Admitted { breaker: self, trial, settled: false })
    }

    fn settle(&self, trial: bool, verdict: Verdict) {
        let mut state = self.lock();
        // Late answers of calls from before it opened say nothing new.
        if trial != (state.phase == Phase::Trial) {
            return;
        }
        match verdict {
            Verdict::Works => {
                state.note(false, self.trip.window);
                if trial {
                    *state = State {
                        phase: Phase::Closed,
                        latest: VecDeque::with_capacity(self.trip.window),
                        in_a_row: 0,
                        pause: self.trip.pause,
                    };
                }
            }
            Verdict::Fails | Verdict::Refuses => {
                state.note(true, self.trip.window);
                let failures = state.latest.iter().filter(|failed| **failed).count();
                let half = state.latest.len() >= self.trip.window && failures * 2 >= self.trip.window;
                if trial || verdict == Verdict::Refuses || state.in_a_row >= self.trip.in_a_row || half {
                    self.open(&mut state);
                }
            }
            // The trial told nothing: the next call is another.
            Verdict::Nothing if trial => state.phase = Phase::Open { until: self.clock.now() },
            Verdict::Nothing => {}
        }
    }

    fn open(&self, state: &mut State) {
        state.phase = Phase::Open { until: self.clock.now().plus(state.pause) };
        state.pause = (state.pause * 2).min(self.trip.longest);
        state.latest.clear();
        state.in_a_row = 0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, failed: bool, window: usize) {
        if self.latest.len() >= window {
            self.latest.pop_front();
        }
        self.latest.push_back(failed);
        self.in_a_row = if failed { self.in_a_row + 1 } else { 0 };
    }
}

/// A call on its way. Dropped without an answer it told nothing, so that a trial is never left hanging.
struct Admitted<'a> {
    breaker: &'a Breaker,
    trial: bool,
    settled: bool,
}

impl Admitted<'_> {
    fn settle(mut self, verdict: Verdict) {
        self.settled = true;
        self.breaker.settle(self.trial, verdict);
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.breaker.settle(self.trial, Verdict::Nothing);
        }
    }
}

fn verdict<T>(outcome: &Result<T>) -> Verdict {
    match outcome.as_ref().map_err(Error::kind) {
        Err(ErrorKind::Unavailable | ErrorKind::Timeout) => Verdict::Fails,
        Err(ErrorKind::Unauthenticated | ErrorKind::Forbidden) => Verdict::Refuses,
        Err(ErrorKind::RateLimited | ErrorKind::Internal) => Verdict::Nothing,
        Ok(_)
        | Err(
            ErrorKind::Invalid
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::PreconditionFailed
            | ErrorKind::TooLarge
            | ErrorKind::Unsupported,
        ) => Verdict::Works,
    }
}

fn refused(pause: Duration) -> Error {
    Error::new(ErrorKind::Unavailable, "the infrastructure does not answer at present")
        .with_private("the breaker is open")
        .with_retry(Retry::After(pause))
}

#[async_trait]
impl Backend for Breaker {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    /// Always asked, and never counted: it is how one learns that a source is back.
    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        self.call(self.inner.look(kinds)).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        self.call(self.inner.get(key)).await
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        self.inner.changes(kinds)
    }
}

#[cfg(test)]
mod tests;
