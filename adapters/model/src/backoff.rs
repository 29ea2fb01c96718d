//! Pauses between attempts at something that fails.

use crate::error::Retry;
use std::time::Duration;

/// Pauses that double with each failure in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    pause: Duration,
}

impl Backoff {
    /// Begins without a failure; the first one asks for the least pause.
    pub fn new(least: Duration, most: Duration) -> Self {
        Self { least, most: most.max(least), pause: Duration::ZERO }
    }

    /// Returns the pause after one more failure: at least what it asks for, as far as the longest pause allows.
    pub fn failed(&mut self, retry: Retry) -> Duration {
        let wanted = match retry {
            Retry::After(wanted) => wanted,
            Retry::Never | Retry::Later => Duration::ZERO,
        };
        self.pause = (self.pause * 2).max(wanted).clamp(self.least, self.most);
        self.pause
    }

    /// Returns the present pause; none before a failure.
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// Forgets the failures.
    pub fn reset(&mut self) {
        self.pause = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_between_their_bounds_and_begin_anew_after_a_success() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(2), seconds(10));
        let pauses: Vec<_> = (0..4).map(|_| backoff.failed(Retry::Later)).collect();
        assert_eq!(pauses, [seconds(2), seconds(4), seconds(8), seconds(10)]);
        backoff.reset();
        assert_eq!(backoff.pause(), Duration::ZERO);
        assert_eq!(backoff.failed(Retry::After(seconds(7))), seconds(7));
        assert_eq!(backoff.failed(Retry::After(seconds(60))), seconds(10));
    }
}
