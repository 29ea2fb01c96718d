//! Tries a call again when its error says that this may help: the only place that acts on `Retry`.

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use netweave_model::port::{Backend, Capabilities, Changes, Look};
use netweave_model::{Error, ErrorKind, Kind, Object, ObjectKey, Result, Retry};
use std::sync::Arc;
use std::time::Duration;

/// How often a call is tried, and how long the pauses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// Calls in all, the first included.
    pub most: usize,
    /// Upper bound of the first pause; it doubles with each try. The pause itself is random below it.
    pub pause: Duration,
    /// A source that wants a longer pause than this is not asked again now.
    pub patience: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { most: 3, pause: Duration::from_millis(250), patience: Duration::from_secs(3) }
    }
}

/// Repeats calls whose error is retryable. All calls of the port only read, so repeating them is harmless.
pub struct Retrying {
    inner: Arc<dyn Backend>,
    attempts: Attempts,
}

impl Retrying {
    /// Wraps a backend.
    pub fn new(inner: Arc<dyn Backend>, attempts: Attempts) -> Self {
        Self { inner, attempts }
    }

    /// Makes a call until it is answered; after an error of a kind that is not `worth` it, no more.
    async fn tried<T, F: Future<Output = Result<T>>>(
        &self,
        call: impl FnMut() -> F,
        worth: impl Fn(ErrorKind) -> bool,
    ) -> Result<T> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.attempts.pause)
            .with_max_times(self.attempts.most.saturating_sub(1));
        call.retry(pauses)
            .sleep(tokio::time::sleep)
            .when(|error: &Error| error.retry() != Retry::Never && worth(error.kind()))
            .adjust(|error, pause| self.pause(error, pause?))
            .await
    }

    /// Draws the pause: full jitter, or the time that the source asked for and a little more.
    fn pause(&self, error: &Error, bound: Duration) -> Option<Duration> {
        let drawn = bound.mul_f64(fastrand::f64());
        match error.retry() {
            Retry::Never => None,
            Retry::Later => Some(drawn),
            Retry::After(wanted) if wanted > self.attempts.patience => None,
            Retry::After(wanted) => Some(wanted + drawn),
        }
    }
}

#[async_trait]
impl Backend for Retrying {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn probe(&self) -> Result<()> {
        // A probe asks how things are now, so it is asked once.
        self.inner.probe().await
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        // Many calls: if one came too often or took too long, all of them again are worse. Whoever looks has longer pauses.
        let worth = |kind| !matches!(kind, ErrorKind::RateLimited | ErrorKind::Timeout);
        self.tried(|| self.inner.look(kinds), worth).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        self.tried(|| self.inner.get(key), |_| true).await
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        self.inner.changes(kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::fake::{Fake, Turn};
    use netweave_model::Id;
    use tokio::time::Instant;

    fn over(fake: &Arc<Fake>) -> Retrying {
        Retrying::new(Arc::clone(fake) as Arc<dyn Backend>, Attempts::default())
    }

    /// Gets one object, which is not there if it can be asked for.
    async fn calls_for(fake: &Arc<Fake>) -> (usize, bool, Duration) {
        let key = ObjectKey { kind: Kind::Resource, id: Id::from("any") };
        let began = Instant::now();
        let error = over(fake).get(&key).await.unwrap_err();
        (fake.calls(), error.kind() == ErrorKind::NotFound, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_is_not_repeated_when_it_came_too_often_or_took_too_long() {
        for (kind, calls) in
            [(ErrorKind::Unavailable, 2), (ErrorKind::RateLimited, 1), (ErrorKind::Timeout, 1)]
        {
            let fake = Fake::failing([kind]);
            let good = over(&fake).look(&[Kind::Resource]).await.is_ok();
            assert_eq!((fake.calls(), good), (calls, calls == 2), "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_retryable_failure_is_tried_three_times_in_all() {
        let once = Fake::failing([ErrorKind::Unavailable]);
        assert_eq!(calls_for(&once).await.0, 2);
        let always = Fake::failing([ErrorKind::Timeout; 9]);
        let (calls, good, took) = calls_for(&always).await;
        assert_eq!((calls, good), (3, false));
        assert!(took <= Duration::from_millis(750), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn other_failures_are_final() {
        for kind in [ErrorKind::Forbidden, ErrorKind::NotFound, ErrorKind::Invalid, ErrorKind::Internal] {
            assert_eq!(calls_for(&Fake::failing([kind])).await.0, 1, "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_wanted_pause_is_kept_unless_it_is_too_long() {
        let after = |seconds| {
            let error = Error::new(ErrorKind::RateLimited, "slow down");
            Fake::new([Turn::Fail(error.with_retry(Retry::After(Duration::from_secs(seconds))))])
        };
        let (calls, good, took) = calls_for(&after(2)).await;
        assert!(calls == 2 && good && took >= Duration::from_secs(2), "{calls} {took:?}");
        let (calls, good, _) = calls_for(&after(20)).await;
        assert!(calls == 1 && !good);
    }
}
