//! One log line for many equal events, so that nobody outside can fill the log.

use std::fmt::Display;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};
use tracing::warn;

/// Pause between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Lets one line through per pause and counts the others.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    withheld: u64,
}

impl Throttle {
    /// Logs a warning with its cause, or counts it.
    pub fn warn(&self, message: &'static str, error: &dyn Display) {
        if let Some(withheld) = self.pass(Instant::now()) {
            warn!(%error, withheld, "{message}");
        }
    }

    /// Returns how many were withheld since the last line, if it is time for one.
    fn pass(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            state.withheld += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.withheld))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_passes_and_the_next_tells_how_many_did_not() {
        let throttle = Throttle::default();
        let start = Instant::now();
        assert_eq!(throttle.pass(start), Some(0));
        assert_eq!(throttle.pass(start), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(9)), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(10)), Some(2));
    }
}
