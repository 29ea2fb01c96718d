//! How far a bench is, on standard error: one line that is written anew on a terminal, a line now and then elsewhere.

use crate::drive::Run;
use crate::drive::Whole;
use crate::session;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// Between two lines where nobody looks at a terminal.
const RARELY: Duration = Duration::from_secs(30);

struct Shown {
    name: &'static str,
    began: Option<Instant>,
    rows: usize,
    live: Option<Weak<Mutex<Whole>>>,
    /// There is an unfinished line on the terminal.
    dirty: bool,
    /// The last plain line.
    last: Option<Instant>,
}

static SHOWN: Mutex<Shown> =
    Mutex::new(Shown { name: "", began: None, rows: 0, live: None, dirty: false, last: None });

fn shown<T>(f: impl FnOnce(&mut Shown) -> T) -> T {
    f(&mut SHOWN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Begins a bench.
pub(crate) fn begin(name: &'static str) {
    shown(|all| {
        (all.name, all.rows) = (name, 0);
        all.began = Some(Instant::now());
    });
}

/// Counts a row of its report.
pub(crate) fn row() {
    shown(|all| all.rows += 1);
}

/// Shows the latencies of a run from now on.
pub(crate) fn follow(whole: &Arc<Mutex<Whole>>) {
    shown(|all| all.live = Some(Arc::downgrade(whole)));
}

/// Ends the line on the terminal, before something else is written.
pub(crate) fn clear() {
    shown(|all| {
        if std::mem::take(&mut all.dirty) {
            write!(stderr(), "\r\x1b[K").ok();
        }
    });
}

/// Shows how far it is, if it is time to.
pub fn tick() {
    if session::rehearsal() {
        return;
    }
    shown(|all| {
        let Some(line) = all.line() else { return };
        if stderr().is_terminal() {
            all.dirty = write!(stderr(), "\r\x1b[K{line}").and_then(|()| stderr().flush()).is_ok();
        } else if all.last.or(all.began).is_none_or(|last| last.elapsed() >= RARELY) {
            all.last = Some(Instant::now());
            writeln!(stderr(), "{line}").ok();
        }
    });
}

impl Shown {
    fn line(&self) -> Option<String> {
        let began = self.began?;
        let live = self.live.as_ref().and_then(Weak::upgrade).and_then(|whole| {
            let whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
            let (requests, took) = (whole.latency.len(), whole.latest - whole.began);
            (requests > 0).then(|| Run { requests, took, latency: whole.latency.clone() })
        });
        Some(line(self.name, began.elapsed(), self.rows, live.as_ref()))
    }
}

fn line(name: &str, since: Duration, rows: usize, run: Option<&Run>) -> String {
    let rate = run.map(|run| {
        format!(", {:.0}/s, p50 {:.0} us, p99 {:.0} us", run.rate(), run.micros(0.5), run.micros(0.99))
    });
    format!("{name}: {} s, {rows} rows{}", since.as_secs(), rate.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;

    #[test]
    fn a_line_has_rate_and_percentiles_once_there_are_answers() {
        let since = Duration::from_secs(12);
        assert_eq!(line("small", since, 3, None), "small: 12 s, 3 rows");
        let mut latency = Histogram::new_with_max(1_000_000, 3).unwrap();
        for _ in 0..100 {
            latency.record(200_000).unwrap();
        }
        let run = Run { requests: 100, took: Duration::from_secs(2), latency };
        let text = line("small", since, 3, Some(&run));
        assert_eq!(text, "small: 12 s, 3 rows, 50/s, p50 200 us, p99 200 us");
    }
}
