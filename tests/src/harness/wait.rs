//! Waiting for a condition, against a deadline.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(10);

/// What a test allows for something that should happen at once: long enough for a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Asks until there is an answer, and returns it with the time that took.
pub async fn until<T>(limit: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> (T, Duration) {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return (answer, start.elapsed());
        }
        assert!(start.elapsed() <= limit, "waited {limit:?} for {what}");
        tokio::time::sleep(STEP).await;
    }
}

/// Waits until a condition holds, with the patience for something that should happen at once.
pub async fn soon(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    until(SOON, what, async || holds().await.then_some(())).await;
}
