//! How the server fares.

use crate::findings;
use crate::info::Info;
use crate::store::Redis;
use async_trait::async_trait;
use netweave_model::Result;
use netweave_model::port::{StoreHealth, StoreObserver, StoreReport};
use std::sync::Arc;

#[async_trait]
impl StoreHealth for Redis {
    async fn report(&self) -> Result<StoreReport> {
        let info = Info::of(self.client()).await?;
        let watchers = self.views().all();
        let (subscriptions, entries) = self.journal().lengths();
        Ok(StoreReport {
            findings: findings::of_state(&info, &watchers),
            watchers,
            journal_subscriptions: subscriptions as u64,
            journal_entries: entries as u64,
            ..info.report()
        })
    }

    fn observed_by(&self, observer: Arc<dyn StoreObserver>) {
        self.set_observer(observer);
    }
}
