//! Leadership over one source: taken, renewed while it is needed, and given up before another pod may take over.

use super::sources::Sources;
use netweave_model::port::{Clock, Fence, Leases};
use netweave_model::{Error, ErrorKind, Result, SourceName, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    clock: Arc<dyn Clock>,
    sources: Arc<Sources>,
    tenure: Mutex<Option<Tenure>>,
}

/// The lease while it is held.
#[derive(Clone, Copy)]
struct Tenure {
    fence: Fence,
    renewed_at: Timestamp,
}

impl Lease {
    /// Makes the lease of a source, not held yet. `holder` names this process to the other pods.
    pub fn new(
        source: SourceName,
        holder: Arc<str>,
        leases: Arc<dyn Leases>,
        clock: Arc<dyn Clock>,
        sources: Arc<Sources>,
    ) -> Self {
        let name = format!("source:{source}");
        Self { source, name, holder, leases, clock, sources, tenure: Mutex::new(None) }
    }

    /// Takes the lease, or takes it again; `None` while another pod holds it.
    ///
    /// # Errors
    /// `Unavailable`: the store does not answer.
    pub async fn take(&self) -> Result<Option<Fence>> {
        let asked_at = self.clock.now();
        let fence = self.leases.acquire(&self.name, &self.holder, LEASE).await?;
        self.hold(fence.map(|fence| Tenure { fence, renewed_at: asked_at }));
        Ok(fence)
    }

    /// Renews the lease if it is due and returns its fence; `None` if it is lost.
    ///
    /// # Errors
    /// `Unavailable`: it could not be renewed for so long that this process must stop writing.
    pub async fn keep(&self) -> Result<Option<Fence>> {
        let tenure = *self.tenure();
        let Some(tenure) = tenure else { return Ok(None) };
        let now = self.clock.now();
        if now.since(tenure.renewed_at) < RENEW {
            return Ok(Some(tenure.fence));
        }
        match self.leases.renew(&self.name, tenure.fence, LEASE).await {
            Ok(true) => self.hold(Some(Tenure { renewed_at: now, ..tenure })),
            Ok(false) => {
                self.hold(None);
                return Ok(None);
            }
            Err(_) if now.since(tenure.renewed_at) < SELF_FENCE => {}
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
    use netweave_memory::Memory;

    fn lease() -> (Arc<FakeClock>, Arc<dyn Leases>, Lease) {
        let clock = FakeClock::new();
        let now: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let leases: Arc<dyn Leases> = Arc::new(Memory::new(Arc::clone(&now), FakeIds::new()));
        let source = SourceName::from("a");
        let sources = Arc::new(Sources::new([(source.clone(), "fake")]));
        let lease = Lease::new(source, Arc::from("pod"), Arc::clone(&leases), now, sources);
        (clock, leases, lease)
    }

    #[tokio::test]
    async fn a_lease_is_renewed_when_it_is_due_and_given_back() {
        let (clock, leases, lease) = lease();
        let fence = lease.take().await.unwrap().unwrap();
        for _ in 0..10 {
            clock.forward(RENEW);
            assert_eq!(lease.fence().await.unwrap(), fence);
        }
        lease.resign().await.unwrap();
        assert_eq!(lease.keep().await.unwrap(), None);
        assert!(leases.acquire("source:a", "other", LEASE).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_lease_that_ran_out_is_lost_once_another_pod_has_it() {
        let (clock, leases, lease) = lease();
        lease.take().await.unwrap().unwrap();
        clock.forward(LEASE * 2);
        assert!(leases.acquire("source:a", "other", LEASE).await.unwrap().is_some());
        assert_eq!(lease.fence().await.unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(lease.take().await.unwrap(), None);
    }
}
