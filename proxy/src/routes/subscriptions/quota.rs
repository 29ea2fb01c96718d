//! How many subscriptions an identity and its tenant have, and whether one more is allowed.

use super::desk::Desk;
use crate::access::{Access, Grant, Tenant};
use netweave_model::port::{Created, Quota};
use netweave_model::{Id, NewSubscription, Result, Subscription};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Subscriptions counted at once.
const BATCH: usize = 1000;

/// Counts, and creates within the bounds.
pub struct Quotas {
    access: Arc<Access>,
    /// Tenants' subscriptions are counted and created one after another here. Other processes may each create one at the same
    /// moment.
    creating: Mutex<()>,
}

impl Quotas {
    /// Makes the quotas of these rules.
    pub fn new(access: Arc<Access>) -> Self {
        Self { access, creating: Mutex::default() }
    }

    /// Creates a subscription, if its owner, the owner's tenant and the gateway may have one more.
    ///
    /// # Errors
    /// `Unavailable` (retryable).
    pub(super) async fn create(&self, desk: &Desk, new: NewSubscription, grant: &Grant) -> Result<Created> {
        let quota = Quota { per_owner: grant.subscriptions, total: desk.settings().subscriptions.total };
        let bounded = grant.tenant.as_ref().and_then(|tenant| Some((tenant, tenant.subscriptions?)));
        let Some((tenant, most)) = bounded else {
            return desk.parts().subscriptions.create(new, quota).await;
        };
        let _alone = self.creating.lock().await;
        if self.of_tenant(desk, tenant).await? >= most {
            return Ok(Created::QuotaExceeded);
        }
        desk.parts().subscriptions.create(new, quota).await
    }

    /// Counts those of one owner.
    ///
    /// # Errors
    /// `Unavailable` (retryable).
    pub async fn of_owner(&self, desk: &Desk, owner: &str) -> Result<u64> {
        count(desk, Some(owner), |_| true).await
    }

    /// Counts those of all owners who act for a tenant by the rules of today.
    ///
    /// # Errors
    /// `Unavailable` (retryable).
    pub async fn of_tenant(&self, desk: &Desk, tenant: &Tenant) -> Result<u64> {
        let acts_for_it = |subscription: &Subscription| {
            self.access.tenants(&subscription.owner).iter().any(|other| other.name == tenant.name)
        };
        count(desk, None, acts_for_it).await
    }
}

async fn count(desk: &Desk, owner: Option<&str>, counts: impl Fn(&Subscription) -> bool) -> Result<u64> {
    let (mut count, mut after) = (0, None::<Id>);
    loop {
        let page = desk.parts().subscriptions.page(owner, after.as_ref(), BATCH).await?;
        count += page.iter().filter(|one| counts(one)).map(|_| 1).sum::<u64>();
        match page.last() {
            Some(last) if page.len() == BATCH => after = Some(last.id.clone()),
            Some(_) | None => return Ok(count),
        }
    }
}
