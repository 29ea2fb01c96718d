//! Bounds what strangers can make the log grow by: so many records of one kind each second, and a count of the others.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Records of one kind in a second.
const MOST: u32 = 100;
const SECOND: Duration = Duration::from_secs(1);

/// The records of one kind.
#[derive(Debug, Default)]
pub(super) struct Flood(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    began: Option<Instant>,
    passed: u32,
    withheld: u64,
}

impl Flood {
    /// Lets a record through, with the number of those that were withheld since the last, or withholds it.
    pub(super) fn pass(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.began.is_none_or(|began| now.saturating_duration_since(began) >= SECOND) {
            (state.began, state.passed) = (Some(now), 0);
        }
        if state.passed >= MOST {
            state.withheld += 1;
            return None;
        }
        state.passed += 1;
        Some(std::mem::take(&mut state.withheld))
    }

    /// Returns how many are withheld, and forgets them.
    pub(super) fn withheld(&self) -> u64 {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).withheld)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_for_a_second_is_counted_and_told_with_the_next() {
        let (flood, start) = (Flood::default(), Instant::now());
        let passed = (0..MOST + 7).filter(|_| flood.pass(start).is_some()).count();
        assert_eq!(passed, MOST as usize);
        assert_eq!(flood.pass(start + SECOND), Some(7));
        assert_eq!(flood.pass(start + SECOND), Some(0));
        assert_eq!(flood.withheld(), 0);
    }
}
