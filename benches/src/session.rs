//! What one call of the load generator has seen so far, for the report: kept outside the bench, so that an interrupted one
//! leaves it behind too.

use crate::drive::Kind;
use crate::heap;
use crate::report::Book;
use hdrhistogram::Histogram;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A run that was handed in.
pub(crate) struct Measured {
    pub(crate) kind: Kind,
    /// Latencies in nanoseconds, if they are not given to the report otherwise.
    pub(crate) latency: Option<Histogram<u64>>,
    /// What is wrong with it.
    pub(crate) faults: Vec<String>,
}

struct Session {
    /// The report that is being made.
    book: Option<Arc<Mutex<Book>>>,
    /// Runs since its last row.
    pending: Vec<Measured>,
    /// Texts of several lines that were printed.
    texts: Vec<String>,
    /// The gateway's flame graph.
    flame: Option<String>,
    /// Who held the memory of each gateway.
    heaps: Vec<heap::Profile>,
    /// A round that is not counted: nothing is printed or written.
    rehearsal: bool,
    /// An open loop was not kept.
    invalid: bool,
}

impl Session {
    const fn new() -> Self {
        Self {
            book: None,
            pending: Vec::new(),
            texts: Vec::new(),
            flame: None,
            heaps: Vec::new(),
            rehearsal: false,
            invalid: false,
        }
    }
}

static SESSION: Mutex<Session> = Mutex::new(Session::new());
/// Load has begun.
static LOADED: AtomicBool = AtomicBool::new(false);

fn session<T>(f: impl FnOnce(&mut Session) -> T) -> T {
    f(&mut SESSION.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Begins a round that is not counted.
pub(crate) fn rehearse() {
    session(|all| all.rehearsal = true);
}

/// Ends that round: what it left is forgotten but for profiles.
pub(crate) fn rehearsed() {
    session(|all| {
        let (flame, heaps) = (all.flame.take(), std::mem::take(&mut all.heaps));
        *all = Session { flame, heaps, ..Session::new() };
    });
    LOADED.store(false, Ordering::Relaxed);
}

/// Says whether the round is not counted.
pub(crate) fn rehearsal() -> bool {
    session(|all| all.rehearsal)
}

/// Says that load begins.
pub(crate) fn loaded() {
    LOADED.store(true, Ordering::Relaxed);
}

/// Says whether load has begun.
pub(crate) fn is_loaded() -> bool {
    LOADED.load(Ordering::Relaxed)
}

/// Takes a run for the next row of the report.
pub(crate) fn measured(run: Measured) {
    session(|all| all.pending.push(run));
}

/// Hands out the runs since the last row, which count from now on.
pub(crate) fn pending() -> Vec<Measured> {
    session(|all| {
        all.invalid |= all.pending.iter().any(|run| run.kind == Kind::Open && !run.faults.is_empty());
        std::mem::take(&mut all.pending)
    })
}

/// Forgets the latencies of the runs since the last row.
pub(crate) fn forget_latency() {
    session(|all| all.pending.iter_mut().for_each(|run| run.latency = None));
}

/// Forgets the runs since the last row.
pub(crate) fn discard() {
    session(|all| all.pending.clear());
}

/// Returns the faults of the runs since the last row.
pub(crate) fn pending_faults() -> Vec<String> {
    session(|all| all.pending.iter().flat_map(|run| run.faults.clone()).collect())
}

/// Takes the report that is being made.
pub(crate) fn opened(book: &Arc<Mutex<Book>>) {
    session(|all| all.book = Some(Arc::clone(book)));
}

/// Says that the report is complete.
pub(crate) fn closed() {
    session(|all| all.book = None);
}

/// Keeps a text that was printed.
pub(crate) fn said(text: &str) {
    session(|all| all.texts.push(text.to_owned()));
}

/// Returns the texts that were printed.
pub(crate) fn texts() -> Vec<String> {
    session(|all| all.texts.clone())
}

/// Keeps the flame graph.
pub(crate) fn drawn(flame: String) {
    session(|all| all.flame = Some(flame));
}

/// Keeps who held a gateway's memory, in place of an earlier one of its name.
pub(crate) fn held(profile: heap::Profile) {
    session(|all| match all.heaps.iter_mut().find(|one| one.name == profile.name) {
        Some(earlier) => *earlier = profile,
        None => all.heaps.push(profile),
    });
}

/// Returns who held the memory of each gateway, if that was asked for.
pub(crate) fn heaps() -> Vec<heap::Profile> {
    session(|all| all.heaps.clone())
}

/// Returns the flame graph, if one was made.
pub(crate) fn flame() -> Option<String> {
    session(|all| all.flame.clone())
}

/// Says whether an open loop was not kept, so that the bench fails.
pub fn invalid() -> bool {
    session(|all| all.invalid)
}

/// How a bench ended before its end.
#[derive(Clone, Debug)]
pub enum End {
    /// By a signal.
    Interrupted,
    /// By this fault.
    Failed(String),
}

/// Writes the report of a bench that did not come to its end, as far as it got; returns its last line, if there was one.
///
/// # Errors
/// The folder cannot be written.
pub fn broken_off(folder: &Path, end: End) -> crate::Result<Option<String>> {
    // A round that is not counted has nothing to tell, but whoever ends it is answered.
    let book = session(|all| all.book.take().filter(|_| !std::mem::take(&mut all.rehearsal)));
    let Some(book) = book else { return Ok(None) };
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    let summary = match end {
        End::Interrupted => {
            book.interrupted = true;
            "interrupted=1"
        }
        End::Failed(fault) => {
            book.faults.push(format!("the bench failed: {fault}"));
            "failed=1"
        }
    };
    book.faults.extend(pending().into_iter().flat_map(|run| run.faults));
    book.write(folder, summary).map(Some)
}
