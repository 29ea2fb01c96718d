//! What an answer of a callback means, and how long to wait before the next attempt.

use netweave_http::Answer;
use netweave_model::Result;
use netweave_model::port::Ids;
use std::time::Duration;

/// Tries of an item that the consumer refuses, before it becomes a dead letter.
pub const REFUSED_TRIES: u32 = 5;
/// Longest pause that a consumer can ask for. Source: as above.
pub const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);
/// Pause before the first repetition; doubled with each failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Shortest pause, whatever the dice say.
const MIN_PAUSE: Duration = Duration::from_millis(100);

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Any 2xx: it is delivered.
    Delivered,
    /// 410: the callback is gone for good.
    Gone,
    /// No answer, 408, 425, 429 or 5xx: try again, after the given pause if the consumer asks for one.
    Retry(Option<Duration>),
    /// Any other answer, redirects included: try a few times, then give up.
    Refused,
}

impl Outcome {
    /// Reads the meaning of an attempt's result.
    pub fn of(result: &Result<Answer>) -> Self {
        let Ok(answer) = result else {
            return Self::Retry(None);
        };
        match answer.status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            408 | 425 | 429 | 500.. => {
                Self::Retry(answer.retry_after.map(|pause| pause.clamp(FIRST_PAUSE, MAX_RETRY_AFTER)))
            }
            _ => Self::Refused,
        }
    }
}

/// Returns the pause before the next attempt: a random part of 1 s, doubled with each failure so far, up to `max`.
///
/// This is known as full jitter.
pub fn pause(failures: u32, max: Duration, ids: &dyn Ids) -> Duration {
    let longest =
        FIRST_PAUSE.saturating_mul(1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX)).min(max);
    let dice = u64::from_be_bytes(ids.secret().first_chunk().copied().unwrap_or_default());
    let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(dice % millis.saturating_add(1)).max(MIN_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::{Error, ErrorKind};
    use uuid::Uuid;

    struct Dice(u8);

    impl Ids for Dice {
        fn uuid(&self) -> Uuid {
            Uuid::nil()
        }

        fn secret(&self) -> [u8; 32] {
            [self.0; 32]
        }
    }

    fn of(status: u16, retry_after: Option<u64>) -> Outcome {
        let retry_after = retry_after.map(Duration::from_secs);
        Outcome::of(&Ok(Answer { status, retry_after, took: Duration::ZERO }))
    }

    #[test]
    fn each_status_has_its_meaning() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(of(status, None), Outcome::Delivered, "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(of(status, None), Outcome::Retry(None), "{status}");
        }
        for status in [101, 300, 301, 302, 304, 307, 400, 401, 403, 404, 405, 409, 413, 415, 422] {
            assert_eq!(of(status, None), Outcome::Refused, "{status}");
        }
        assert_eq!(of(410, None), Outcome::Gone);
        let error = Err(Error::new(ErrorKind::Unavailable, "refused"));
        assert_eq!(Outcome::of(&error), Outcome::Retry(None));
    }

    #[test]
    fn retry_after_is_honoured_between_a_second_and_ten_minutes() {
        assert_eq!(of(503, Some(0)), Outcome::Retry(Some(FIRST_PAUSE)));
        assert_eq!(of(429, Some(7)), Outcome::Retry(Some(Duration::from_secs(7))));
        assert_eq!(of(503, Some(86_400)), Outcome::Retry(Some(MAX_RETRY_AFTER)));
    }

    #[test]
    fn the_pause_grows_to_its_cap_and_is_jittered() {
        let max = Duration::from_mins(5);
        for failures in [0, 1, 5, 8, 9, 31, 32, u32::MAX] {
            let longest = Duration::from_secs(1_u64.checked_shl(failures).unwrap_or(u64::MAX)).min(max);
            for dice in 0..=255 {
                let pause = pause(failures, max, &Dice(dice));
                assert!((MIN_PAUSE..=longest).contains(&pause), "{failures} {dice}: {pause:?}");
            }
        }
        assert_ne!(pause(8, max, &Dice(1)), pause(8, max, &Dice(2)));
    }
}
