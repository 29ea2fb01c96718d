//! Which trace a piece of work belongs to, and what goes with it: the context of a task, without an argument everywhere.
//!
//! A context holds while the future that it was given to is polled, on whichever thread that is; work that is spawned has
//! none unless it is given one.
//!
//! Source: W3C Trace Context, level 1, section 3.2.

use crate::port::CallObserver;
use futures::Stream;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::pin::pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Length of a `traceparent` of version 00.
const LENGTH: usize = 55;
/// The flag that says that the trace is recorded.
const SAMPLED: u8 = 1;

/// A trace, and the span in it that what is done now belongs to. Written as a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Trace {
    /// The trace.
    pub id: NonZeroU128,
    /// The span.
    pub span: NonZeroU64,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

/// A text is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTrace;

impl fmt::Display for NoTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is no traceparent")
    }
}

impl Trace {
    /// Returns the id of the trace as it is logged: 32 hexadecimal digits.
    pub fn id_text(&self) -> String {
        format!("{:032x}", self.id)
    }

    /// Returns the id of the span as it is logged: 16 hexadecimal digits.
    pub fn span_text(&self) -> String {
        format!("{:016x}", self.span)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.id, self.span, u8::from(self.sampled))
    }
}

impl FromStr for Trace {
    type Err = NoTrace;

    /// Reads a `traceparent`; what a later version adds behind is not looked at.
    fn from_str(text: &str) -> Result<Self, NoTrace> {
        let lower = |text: &str| !text.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'+');
        let (known, rest) = text.split_at_checked(LENGTH).filter(|(known, _)| lower(known)).ok_or(NoTrace)?;
        let mut parts = known.split('-');
        let mut part = |length: usize| parts.next().filter(|part| part.len() == length).ok_or(NoTrace);
        let hex = |text: &str| u64::from_str_radix(text, 16).map_err(|_none| NoTrace);
        let version = hex(part(2)?)?;
        let id = u128::from_str_radix(part(32)?, 16).ok().and_then(NonZeroU128::new).ok_or(NoTrace)?;
        let span = NonZeroU64::new(hex(part(16)?)?).ok_or(NoTrace)?;
        let flags = u8::from_str_radix(part(2)?, 16).map_err(|_none| NoTrace)?;
        let fits = if version == 0 { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
        let fits = fits && version != 0xff;
        if fits { Ok(Self { id, span, sampled: flags & SAMPLED != 0 }) } else { Err(NoTrace) }
    }
}

impl From<Trace> for String {
    fn from(trace: Trace) -> Self {
        trace.to_string()
    }
}

impl TryFrom<String> for Trace {
    type Error = NoTrace;

    fn try_from(text: String) -> Result<Self, NoTrace> {
        text.parse()
    }
}

/// What makes one source be asked, and what comes of it: the way of a trace through work that nobody waits for.
#[derive(Debug, Default)]
pub struct Causes {
    asked: Mutex<Option<Trace>>,
    done: Mutex<Option<Trace>>,
}

impl Causes {
    /// Notes that something done now wants the source to be asked.
    pub fn ask(&self) {
        if let Some(trace) = current() {
            *held(&self.asked) = Some(trace);
        }
    }

    /// Takes what wants the source to be asked, as the source is asked now.
    pub fn take(&self) -> Option<Trace> {
        held(&self.asked).take()
    }

    /// Notes as what the source was asked; `None`: what comes of it belongs to no trace.
    pub fn note(&self, own: Option<Trace>) {
        *held(&self.done) = own;
    }

    /// Returns as what the source was asked last.
    pub fn done(&self) -> Option<Trace> {
        *held(&self.done)
    }
}

fn held(slot: &Mutex<Option<Trace>>) -> MutexGuard<'_, Option<Trace>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What goes with a piece of work.
#[derive(Clone, Default)]
pub struct Context {
    /// The trace that it belongs to; what it calls is told.
    pub trace: Option<Trace>,
    /// Who is told of calls to an infrastructure.
    pub calls: Option<Arc<dyn CallObserver>>,
    /// What makes a source be asked, and where it is noted as what.
    pub causes: Option<Arc<Causes>>,
}

thread_local! {
    static CURRENT: RefCell<Context> =
        const { RefCell::new(Context { trace: None, calls: None, causes: None }) };
}

/// Puts the former context back.
struct Entered(Context);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.replace(std::mem::take(&mut self.0));
    }
}

impl Context {
    /// Makes a context of a trace alone.
    pub fn of(trace: Option<Trace>) -> Self {
        Self { trace, ..Self::default() }
    }

    /// Returns the context of what is done now.
    pub fn current() -> Self {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Does something at once within this context.
    pub fn enter<T>(&self, work: impl FnOnce() -> T) -> T {
        let _former = Entered(CURRENT.replace(self.clone()));
        work()
    }

    /// Does something within this context.
    pub async fn within<F: Future>(self, work: F) -> F::Output {
        let mut work = pin!(work);
        std::future::poll_fn(move |waker| self.enter(|| work.as_mut().poll(waker))).await
    }

    /// Has a stream make its items within a context.
    pub fn streaming<S: Stream + Unpin>(self, mut stream: S) -> impl Stream<Item = S::Item> {
        futures::stream::poll_fn(move |waker| self.enter(|| std::pin::Pin::new(&mut stream).poll_next(waker)))
    }
}

/// Returns the trace that what is done now belongs to.
pub fn current() -> Option<Trace> {
    CURRENT.with_borrow(|context| context.trace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let trace: Trace = TEXT.parse().unwrap();
        assert_eq!((trace.to_string().as_str(), trace.sampled), (TEXT, true));
        assert_eq!(trace.id_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.span_text(), "00f067aa0ba902b7");
        let unsampled: Trace = TEXT.replace("-01", "-02").parse().unwrap();
        assert!(!unsampled.sampled);
        let later = format!("{}-more", TEXT.replacen("00-", "01-", 1));
        assert!(later.parse::<Trace>().is_ok(), "a later version may be longer");
        assert_eq!(serde_json::from_str::<Trace>(&serde_json::to_string(&trace).unwrap()).unwrap(), trace);
    }

    #[test]
    fn what_is_no_traceparent_is_refused() {
        for wrong in [
            "",
            "00",
            TEXT.trim_end_matches('1'),
            &format!("{TEXT}-more"),
            &format!("{TEXT}0"),
            &TEXT.replacen("00-", "ff-", 1),
            &TEXT.to_uppercase(),
            &TEXT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &TEXT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &TEXT.replace("4bf92f", "+bf92f"),
            &TEXT.replace("-00f067", "_00f067"),
            &TEXT.replace('4', "é"),
        ] {
            assert_eq!(wrong.parse::<Trace>(), Err(NoTrace), "{wrong}");
        }
    }

    #[test]
    fn a_context_holds_for_its_future_and_not_beside_it() {
        let trace: Trace = TEXT.parse().unwrap();
        let work = async {
            let first = current();
            pending_once().await;
            (first, current())
        };
        let mut work = pin!(Context::of(Some(trace)).within(work));
        assert!(work.as_mut().now_or_never().is_none());
        assert_eq!(current(), None);
        assert_eq!(work.now_or_never(), Some((Some(trace), Some(trace))));
        assert_eq!(current(), None);
    }

    /// Is pending once.
    async fn pending_once() {
        let mut asked = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut asked, true) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
}
