//! The time of day of the machine that all measured processes share.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns microseconds since 1970, to be compared with what a store has stamped.
#[expect(clippy::disallowed_methods, reason = "compared with stamps of other processes of the same machine")]
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
