//! Which fault a call meets, and which calls there were.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What happens to a call instead of, or before, an answer of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It reaches the peer so much later.
    Delay(Duration),
    /// The connection ends without an answer; as the fault of all calls it also ends those under way and refuses new
    /// connections by ending them at once.
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
    /// The peer's answer breaks off in the middle of its body.
    Truncate,
    /// The peer's answer with a body of the same length that says nothing.
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
    is_cut: watch::Sender<bool>,
}

impl Faults {
    pub(super) fn replace(&self, rules: Vec<Rule>) {
        let cut =
            rules.iter().any(|rule| rule.text.is_empty() && rule.left.is_none() && rule.fault == Fault::Cut);
        self.state().rules = rules;
        self.is_cut.send_replace(cut);
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

    /// Tells when the wire is cut, and when it no longer is.
    pub(super) fn cuts(&self) -> watch::Receiver<bool> {
        self.is_cut.subscribe()
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
