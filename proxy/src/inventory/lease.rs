//! Leadership over one source: taken, renewed while it is needed, and given up before another pod may take over.

use super::sources::Sources;
use netweave_model::port::{Fence, Leases, Renewal};
use netweave_model::{Error, ErrorKind, Result, SourceName};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a lease lives without renewal: a dead leader is replaced after at most this.
const LEASE: Duration = Duration::from_secs(3);
/// A lease is renewed when it is this old: at each second's tick of its watcher.
pub(super) const RENEW: Duration = Duration::from_millis(900);
/// A leader whose renewals fail for this long stops writing, before others may take over.
const SELF_FENCE: Duration = Duration::from_secs(2);

/// The lease of one source, held or not.
pub struct Lease {
    source: SourceName,
    name: String,
    holder: Arc<str>,
    leases: Arc<dyn Leases>,
    sources: Arc<Sources>,
    tenure: Mutex<Option<Tenure>>,
}

/// The lease while it is held.
#[derive(Clone, Copy)]
struct Tenure {
    fence: Fence,
    renewed_at: Instant,
    /// Another pod that leads fewer sources asks for it.
    wanted: bool,
}

/// Returns the name of a source's lease.
pub fn name_of(source: &SourceName) -> String {
    format!("source:{source}")
}

impl Lease {
    /// Makes the lease of a source, not held yet. `holder` names this process to the other pods.
    pub fn new(source: SourceName, holder: Arc<str>, leases: Arc<dyn Leases>, sources: Arc<Sources>) -> Self {
        let name = name_of(&source);
        Self { source, name, holder, leases, sources, tenure: Mutex::new(None) }
    }

    /// Takes the lease, or takes it again; `None` while another pod holds it.
    ///
    /// # Errors
    /// `Unavailable`: the store does not answer.
    pub async fn take(&self) -> Result<Option<Fence>> {
        let asked_at = Instant::now();
        let fence = self.leases.acquire(&self.name, &self.holder, LEASE).await?;
        self.hold(fence.map(|fence| Tenure { fence, renewed_at: asked_at, wanted: false }));
        Ok(fence)
    }

    /// Renews the lease if it is due and returns its fence; `None` if it is lost.
    ///
    /// # Errors
    /// `Unavailable`: it could not be renewed for so long that this process must stop writing.
    pub async fn keep(&self) -> Result<Option<Fence>> {
        let tenure = *self.tenure();
        let Some(tenure) = tenure else { return Ok(None) };
        let now = Instant::now();
        if now - tenure.renewed_at < RENEW {
            return Ok(Some(tenure.fence));
        }
        match self.leases.renew(&self.name, tenure.fence, LEASE).await {
            Ok(Renewal::Held) => self.prolong(Tenure { renewed_at: now, wanted: false, ..tenure }),
            Ok(Renewal::Wanted) => self.prolong(Tenure { renewed_at: now, wanted: true, ..tenure }),
            Ok(Renewal::Lost) => {
                self.hold(None);
                return Ok(None);
            }
            // The time is looked at again: to be refused may take long.
            Err(_) if tenure.renewed_at.elapsed() < SELF_FENCE => {}
            Err(error) => {
                self.hold(None);
                return Err(error);
            }
        }
        Ok(Some(tenure.fence))
    }

    /// Returns the fence to write with, after renewing if that is due.
    ///
    /// # Errors
    /// `Conflict`: the lease is lost. Otherwise as [`keep`](Self::keep).
    pub async fn fence(&self) -> Result<Fence> {
        let lost = || Error::new(ErrorKind::Conflict, "another gateway writes this source now");
        self.keep().await?.ok_or_else(lost)
    }

    /// Returns whether another pod should have the lease, by the latest renewal.
    pub fn is_wanted(&self) -> bool {
        self.tenure().is_some_and(|tenure| tenure.wanted)
    }

    /// Notes that the lease turned out to be lost.
    pub fn lost(&self) {
        self.hold(None);
    }

    /// Gives the lease back, so that another pod can take it at once.
    ///
    /// # Errors
    /// `Unavailable`: the store does not answer; the lease runs out by itself.
    pub async fn resign(&self) -> Result<()> {
        let tenure = *self.tenure();
        self.hold(None);
        match tenure {
            Some(tenure) => self.leases.release(&self.name, tenure.fence).await,
            None => Ok(()),
        }
    }

    /// Notes a renewal, unless another one showed meanwhile that the lease is lost.
    fn prolong(&self, renewed: Tenure) {
        if let Some(tenure) = self.tenure().as_mut().filter(|tenure| tenure.fence == renewed.fence) {
            *tenure = renewed;
        }
    }

    fn hold(&self, tenure: Option<Tenure>) {
        let before = std::mem::replace(&mut *self.tenure(), tenure);
        if before.is_some() != tenure.is_some() {
            self.sources.leading(&self.source, tenure.is_some());
        }
    }

    fn tenure(&self) -> MutexGuard<'_, Option<Tenure>> {
        self.tenure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fakes::{FakeClock, FakeIds};
    use async_trait::async_trait;
    use netweave_memory::Memory;
    use netweave_model::port::Clock;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::time::{advance, sleep};

    /// A store that stops answering when it is told to; to say so takes it a while.
    struct Store {
        clock: Arc<FakeClock>,
        leases: Memory,
        away: AtomicBool,
    }

    const LATE: Duration = Duration::from_millis(1500);

    impl Store {
        fn new() -> Arc<Self> {
            let clock = FakeClock::new();
            let now: Arc<dyn Clock> = Arc::clone(&clock) as _;
            Arc::new(Self { leases: Memory::new(now, FakeIds::new()), clock, away: AtomicBool::new(false) })
        }

        /// Lets time pass here and there.
        async fn pass(&self, time: Duration) {
            self.clock.forward(time);
            advance(time).await;
        }

        async fn other_takes_it(&self) -> bool {
            self.leases.acquire("source:a", "other", LEASE).await.unwrap().is_some()
        }
    }

    #[async_trait]
    impl Leases for Store {
        async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Fence>> {
            self.leases.acquire(name, holder, ttl).await
        }

        async fn renew(&self, name: &str, fence: Fence, ttl: Duration) -> Result<Renewal> {
            if self.away.load(Ordering::SeqCst) {
                sleep(LATE).await;
                return Err(Error::new(ErrorKind::Unavailable, "away"));
            }
            self.leases.renew(name, fence, ttl).await
        }

        async fn release(&self, name: &str, fence: Fence) -> Result<()> {
            Leases::release(&self.leases, name, fence).await
        }

        async fn revoke(&self, name: &str) -> Result<bool> {
            self.leases.revoke(name).await
        }

        async fn wait_for_release(&self) {
            self.leases.wait_for_release().await;
        }
    }

    fn lease(store: &Arc<Store>) -> Lease {
        let source = SourceName::from("a");
        let sources = Arc::new(Sources::new([(source.clone(), "fake")]));
        Lease::new(source, Arc::from("pod"), Arc::clone(store) as _, sources)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_when_it_is_due_and_given_back() {
        let store = Store::new();
        let lease = lease(&store);
        let fence = lease.take().await.unwrap().unwrap();
        for _ in 0..10 {
            store.pass(RENEW).await;
            assert_eq!(lease.fence().await.unwrap(), fence);
        }
        assert!(!store.other_takes_it().await);
        lease.resign().await.unwrap();
        assert_eq!(lease.keep().await.unwrap(), None);
        assert!(store.other_takes_it().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_ran_out_is_lost_once_another_pod_has_it() {
        let store = Store::new();
        let lease = lease(&store);
        lease.take().await.unwrap().unwrap();
        store.pass(LEASE * 2).await;
        assert!(store.other_takes_it().await);
        assert_eq!(lease.fence().await.unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(lease.take().await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_could_not_renew_for_two_seconds_stops_writing() {
        let store = Store::new();
        let lease = lease(&store);
        let fence = lease.take().await.unwrap().unwrap();
        store.away.store(true, Ordering::SeqCst);
        assert_eq!(lease.fence().await.unwrap(), fence, "it was renewed just now");
        store.pass(RENEW).await;
        assert_eq!(lease.fence().await.unwrap_err().kind(), ErrorKind::Unavailable, "the refusal came late");
        assert_eq!(lease.keep().await.unwrap(), None);
    }
}
