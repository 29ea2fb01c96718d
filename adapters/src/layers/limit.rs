//! Few calls at a time, and not too many per second, so that the gateway is no burden to what lies behind it.

use async_trait::async_trait;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use netweave_model::port::{Backend, Capabilities, Changes, Look};
use netweave_model::{Error, ErrorKind, Kind, Object, ObjectKey, Result};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many calls there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At the same time.
    pub at_once: usize,
    /// Per second, in the long run.
    pub per_second: NonZeroU32,
    /// At once after a pause.
    pub burst: NonZeroU32,
    /// How long a call waits for its turn.
    pub wait: Duration,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            at_once: 4,
            per_second: NonZeroU32::new(20).unwrap_or(NonZeroU32::MIN),
            burst: NonZeroU32::new(40).unwrap_or(NonZeroU32::MIN),
            wait: Duration::from_secs(10),
        }
    }
}

/// Lets calls through when it is their turn; one that waits too long fails with `Unavailable` (retryable).
pub struct Limit {
    inner: Arc<dyn Backend>,
    slots: Semaphore,
    bucket: DefaultDirectRateLimiter,
    wait: Duration,
}

impl Limit {
    /// Wraps a backend.
    pub fn new(inner: Arc<dyn Backend>, rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self {
            inner,
            slots: Semaphore::new(rate.at_once),
            bucket: RateLimiter::direct(quota),
            wait: rate.wait,
        }
    }

    /// Waits for a slot and for a token.
    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        let turn = async {
            let slot = self.slots.acquire().await.map_err(|error| busy().with_source(error))?;
            while let Err(refused) = self.bucket.check() {
                tokio::time::sleep(refused.wait_time_from(DefaultClock::default().now())).await;
            }
            Ok(slot)
        };
        tokio::time::timeout(self.wait, turn).await.unwrap_or_else(|_| Err(busy()))
    }
}

fn busy() -> Error {
    Error::new(ErrorKind::Unavailable, "too many calls wait for the infrastructure")
}

#[async_trait]
impl Backend for Limit {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    /// Does not wait for its turn: a probe that did would tell of the gateway's calls, not of the source.
    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        let _slot = self.turn().await?;
        self.inner.look(kinds).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        let _slot = self.turn().await?;
        self.inner.get(key).await
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        self.inner.changes(kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::fake::{Fake, Turn};
    use std::sync::atomic::Ordering;

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_run_at_once_than_allowed() {
        let fake = Fake::slow(Duration::from_millis(10));
        let limit = Limit::new(Arc::clone(&fake) as Arc<dyn Backend>, Rate::default());
        let outcomes = futures::future::join_all((0..20).map(|_| limit.list(Kind::Resource))).await;
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(fake.most_at_once.load(Ordering::SeqCst), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_too_long_fails() {
        let rate = Rate { at_once: 1, ..Rate::default() };
        let limit = Limit::new(Fake::new([Turn::Hang]), rate);
        let hanging = limit.list(Kind::Resource);
        tokio::pin!(hanging);
        assert!(futures::poll!(&mut hanging).is_pending());
        assert_eq!(limit.list(Kind::Resource).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn the_burst_is_free_and_then_the_rate_holds() {
        let second = NonZeroU32::new(100).unwrap();
        let rate = Rate { per_second: second, burst: NonZeroU32::new(5).unwrap(), ..Rate::default() };
        let limit = Limit::new(Fake::new([]), rate);
        let began = std::time::Instant::now();
        for _ in 0..8 {
            limit.list(Kind::Resource).await.unwrap();
        }
        // Three calls beyond the burst need a hundredth of a second each.
        assert!(began.elapsed() >= Duration::from_millis(25), "{:?}", began.elapsed());
    }
}
