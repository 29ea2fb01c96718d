//! Which fault a call meets, and which calls there were.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What happens to a call instead of, or before, an answer of the peer.
///
/// As the fault of all calls, each but a delay also breaks off the answers that are coming at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It reaches the peer so much later.
    Delay(Duration),
    /// The connection ends without an answer; as the fault of all calls it also ends all that are open and refuses new
    /// ones by ending them at once.
    Cut,
    /// The peer is not asked; this is answered.
    Answer {
        /// The status.
        status: u16,
        /// The headers.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// The peer's answer breaks off in the middle of the first part of its body.
    Truncate,
    /// The peer's answer with a body of the same parts that say nothing.
    Garbage,
    /// Answered with a body of this start which then never ends.
    Endless(&'static str),
}

impl Fault {
    /// Answers with a status and a body.
    pub fn answer(status: u16, body: impl Into<String>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.into() }
    }

    /// Refuses for load: 429 with the pause that is asked for.
    pub fn too_many(retry_after: Duration) -> Self {
        let headers = vec![("retry-after", retry_after.as_secs().to_string())];
        Self::Answer { status: 429, headers, body: String::new() }
    }
}

/// One call that was made.
#[derive(Clone, Debug)]
pub struct Call {
    /// When.
    pub at: Instant,
    /// Method and target, headers and body: what faults are chosen by.
    pub text: String,
}

/// A fault and the calls that meet it.
pub(super) struct Rule {
    /// What those calls hold.
    pub(super) text: String,
    /// How many more of them; all if there is no number.
    pub(super) left: Option<usize>,
    pub(super) fault: Fault,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    calls: Vec<Call>,
}

/// The faults and calls of one wire.
#[derive(Default)]
pub(super) struct Faults {
    state: Mutex<State>,
    /// The fault of all calls.
    of_all: watch::Sender<Option<Fault>>,
}

impl Faults {
    pub(super) fn replace(&self, rules: Vec<Rule>) {
        let of_all = rules.iter().find(|rule| rule.text.is_empty() && rule.left.is_none());
        let of_all = of_all.map(|rule| rule.fault.clone());
        self.state().rules = rules;
        self.of_all.send_replace(of_all);
    }

    pub(super) fn add(&self, rule: Rule) {
        self.state().rules.push(rule);
    }

    /// Notes a call and returns the fault that it meets.
    pub(super) fn meet(&self, text: String) -> Option<Fault> {
        let mut state = self.state();
        let fits = |rule: &&mut Rule| rule.left != Some(0) && text.contains(&rule.text);
        let fault = state.rules.iter_mut().find(fits).map(|rule| {
            rule.left = rule.left.map(|left| left - 1);
            rule.fault.clone()
        });
        state.calls.push(Call { at: Instant::now(), text });
        fault
    }

    /// Tells which faults of all calls begin from now on.
    pub(super) fn beginnings(&self) -> Beginnings {
        Beginnings(self.of_all.subscribe())
    }

    /// Waits until the wire is cut.
    pub(super) async fn cut(&self) {
        // The sender is in this very object.
        self.of_all.subscribe().wait_for(|fault| *fault == Some(Fault::Cut)).await.ok();
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    pub(super) fn count(&self, text: &str) -> usize {
        self.state().calls.iter().filter(|call| call.text.contains(text)).count()
    }

    pub(super) fn forget(&self) {
        self.state().calls.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The faults of all calls that begin from some moment on.
pub(super) struct Beginnings(watch::Receiver<Option<Fault>>);

impl Beginnings {
    /// Waits for the next one; never ends without one.
    pub(super) async fn next(&mut self) -> Fault {
        while self.0.changed().await.is_ok() {
            if let Some(fault) = self.0.borrow_and_update().clone() {
                return fault;
            }
        }
        std::future::pending().await
    }

    /// Waits for the next one that breaks off answers.
    pub(super) async fn next_break(&mut self) {
        while matches!(self.next().await, Fault::Delay(_)) {}
    }
}
