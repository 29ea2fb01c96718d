//! Leases: `lease:NAME` is a hash of holder, fence, end by the store's clock, and generation of the log.

use crate::scripts::{lua, millis, number};
use crate::store::Redis;
use async_trait::async_trait;
use netweave_model::port::{Fence, Leases};
use netweave_model::{Error, Result};
use std::time::Duration;

lua!(ACQUIRE, "lease_acquire.lua");
lua!(RENEW, "lease_renew.lua");
lua!(RELEASE, "lease_release.lua");

fn keys(name: &str) -> Vec<String> {
    vec![format!("lease:{name}"), "lease-fence".to_owned()]
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

    async fn renew(&self, name: &str, fence: Fence, ttl: Duration) -> Result<bool> {
        let arguments = vec![number(fence.0), millis(ttl)];
        let value = self.run(&RENEW, keys(name), arguments).await?;
        Ok(value.as_u64() == Some(1))
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<()> {
        self.run(&RELEASE, keys(name), vec![number(fence.0)]).await.map(drop)
    }
}
