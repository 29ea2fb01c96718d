//! Leases: `lease:NAME` is a hash of holder, fence, end by the store's clock, generation of the log, and of those who ask;
//! `lease:held` is a hash of who has each, until when; `lease-fence` counts.

use crate::scripts::{lua, millis, number};
use crate::store::Redis;
use async_trait::async_trait;
use netweave_model::port::{Fence, Leases, Renewal};
use netweave_model::{Error, Result};
use std::time::Duration;

lua!(ACQUIRE, "lease_common.lua", "lease_acquire.lua");
lua!(RENEW, "lease_common.lua", "lease_renew.lua");
lua!(RELEASE, "lease_common.lua", "lease_release.lua");
lua!(REVOKE, "lease_common.lua", "lease_revoke.lua");

fn keys(name: &str) -> Vec<String> {
    vec![format!("lease:{name}"), "lease-fence".to_owned(), "lease:held".to_owned()]
}

#[async_trait]
impl Leases for Redis {
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Fence>> {
        let arguments = vec![holder.into(), millis(ttl)];
        let value = self.run(&ACQUIRE, keys(name), arguments).await?;
        if value.is_null() {
            return Ok(None);
        }
        let fence = value.as_u64().ok_or_else(|| Error::internal("a fence is no number"))?;
        Ok(Some(Fence(fence)))
    }

    async fn renew(&self, name: &str, fence: Fence, ttl: Duration) -> Result<Renewal> {
        let arguments = vec![number(fence.0), millis(ttl)];
        let value = self.run(&RENEW, keys(name), arguments).await?;
        Ok(match value.as_u64() {
            Some(1) => Renewal::Held,
            Some(2) => Renewal::Wanted,
            _ => Renewal::Lost,
        })
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<()> {
        self.run(&RELEASE, keys(name), vec![number(fence.0)]).await.map(drop)
    }

    async fn revoke(&self, name: &str) -> Result<bool> {
        Ok(self.run(&REVOKE, keys(name), Vec::new()).await?.as_u64() == Some(1))
    }

    async fn wait_for_release(&self) {
        self.signals().wait_for_release().await;
    }
}
