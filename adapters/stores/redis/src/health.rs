//! How the server fares.

use crate::client::unavailable;
use crate::findings;
use crate::info::Info;
use crate::keys;
use crate::reply::json;
use crate::store::Redis;
use async_trait::async_trait;
use fred::prelude::{KeysInterface, ListInterface, SortedSetsInterface};
use netweave_model::port::{ServerHealth, Standing, StoreHealth, StoreLoad, StoreObserver, StoreReport};
use netweave_model::{Id, Result, Timestamp};
use serde::Deserialize;
use std::sync::Arc;

/// How many lengths are asked for at once.
const AT_ONCE: usize = 500;

impl Redis {
    /// Returns each subscription with the length of its queue.
    async fn lengths(&self) -> Result<Vec<(String, u64)>> {
        let client = self.client();
        let everyone = client.zrange(keys::SUBSCRIPTIONS, 0, -1, None, false, None, false);
        let ids: Vec<String> = everyone.await.map_err(unavailable)?;
        let mut all = Vec::with_capacity(ids.len());
        for part in ids.chunks(AT_ONCE) {
            let pipeline = client.pipeline();
            for id in part {
                let () = pipeline.llen(keys::queue_of(id)).await.map_err(unavailable)?;
            }
            let lengths: Vec<u64> = pipeline.all().await.map_err(unavailable)?;
            all.extend(part.iter().cloned().zip(lengths));
        }
        Ok(all)
    }

    /// Counts what waits in all queues. Items wait in the order in which they were queued, but for a notice at the head, which
    /// is younger than the next.
    pub(crate) async fn waiting(&self) -> Result<Standing> {
        let client = self.client();
        let lengths = self.lengths().await?;
        let mut standing = Standing::default();
        let waiting: Vec<_> = lengths.into_iter().filter(|(_, length)| *length > 0).collect();
        for part in waiting.chunks(AT_ONCE) {
            let pipeline = client.pipeline();
            for (id, length) in part {
                standing.items += length;
                let () = pipeline.lrange(keys::queue_of(id), 0, 1).await.map_err(unavailable)?;
            }
            let heads: Vec<Vec<String>> = pipeline.all().await.map_err(unavailable)?;
            for head in heads.into_iter().flatten() {
                let Queued { queued_at } = json(&head.into())?;
                standing.oldest = Some(standing.oldest.map_or(queued_at, |oldest| oldest.min(queued_at)));
            }
        }
        Ok(standing)
    }
}

/// What is read of an item.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Queued {
    queued_at: Timestamp,
}

#[async_trait]
impl ServerHealth for Redis {
    async fn report(&self) -> Result<StoreReport> {
        let info = Info::of(self.client()).await?;
        let watchers = self.views().all();
        let judged = if self.views().are_settled() { watchers.as_slice() } else { &[] };
        let mut findings = findings::of_state(&info, judged);
        if let Some(own) = self.region() {
            let sends: Option<String> = self.client().get(keys::REGION).await.map_err(unavailable)?;
            findings.extend(findings::elsewhere(own, sends.as_deref().unwrap_or(own)));
        }
        let (subscriptions, entries) = self.journal().lengths();
        Ok(StoreReport {
            findings,
            watchers,
            journal_subscriptions: subscriptions as u64,
            journal_entries: entries as u64,
            ..info.report()
        })
    }
}

#[async_trait]
impl StoreHealth for Redis {
    async fn load(&self) -> Result<StoreLoad> {
        let dead = self.client().zcard(keys::DEAD).await.map_err(unavailable)?;
        let lengths = self.lengths().await?;
        let mut load = StoreLoad { subscriptions: lengths.len() as u64, dead, ..StoreLoad::default() };
        for (id, length) in lengths {
            load.queued += length;
            if length > load.longest.as_ref().map_or(0, |(_, longest)| *longest) {
                load.longest = Some((Id::from(id.as_str()), length));
            }
        }
        Ok(load)
    }

    async fn mend(&self) -> Result<u64> {
        self.compare().await
    }

    async fn take_over(&self) -> Result<String> {
        Redis::take_over(self).await
    }

    fn observed_by(&self, observer: Arc<dyn StoreObserver>) {
        self.set_observer(observer);
    }
}
