//! Backlog: measures what waits in the queues of all subscriptions, and how long the oldest has waited.

use super::Service;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use netweave_model::Result;
use netweave_model::port::{Clock, Deliveries};
use std::sync::Arc;
use std::time::Duration;

/// Pause between two looks: each asks the store for the length of every queue.
const PAUSE: Duration = Duration::from_secs(15);

/// The service.
pub struct Backlog {
    deliveries: Arc<dyn Deliveries>,
    /// The store's time: items are stamped with it.
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl Backlog {
    /// Makes the service.
    pub fn new(deliveries: Arc<dyn Deliveries>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { deliveries, clock, metrics }
    }
}

#[async_trait]
impl Service for Backlog {
    fn name(&self) -> &'static str {
        "backlog"
    }

    async fn activate(&self) -> Result<bool> {
        let standing = self.deliveries.standing().await?;
        let now = self.clock.now();
        let age = standing.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
        self.metrics.backlog_items.set(i64::try_from(standing.items).unwrap_or(i64::MAX));
        self.metrics.backlog_age.set(age.as_secs_f64());
        Ok(false)
    }

    async fn wait(&self) {
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::fakes::{Rig, Share};

    #[tokio::test]
    async fn the_age_is_that_of_the_oldest_item_and_ends_with_it() {
        let rig = Rig::start().await;
        let backlog = Backlog::new(rig.store.share(), rig.clock.share(), Arc::clone(&rig.metrics));
        let look = async || {
            backlog.activate().await.unwrap();
            (rig.metrics.backlog_items.get(), rig.metrics.backlog_age.get().round())
        };
        assert_eq!(look().await, (0, 0.0));
        rig.subscribe(None).await;
        rig.changes(2).await;
        rig.clock.advance(Duration::from_secs(40));
        rig.changes(1).await;
        assert_eq!(look().await, (3, 40.0));
        rig.deliver().await;
        assert_eq!(look().await, (0, 0.0));
    }
}
