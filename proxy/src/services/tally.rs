//! Tally: tells other processes once a second what was let through here, and takes what they let through from the limits here.
//!
//! While the store does not answer, the limits hold for this process alone; a metric counts each time.

use super::Service;
use crate::filters::limits::Shares;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use netweave_model::Result;
use netweave_model::port::{Clock, Tally as Port};
use std::sync::Arc;
use std::time::Duration;

/// How often totals are exchanged.
const PAUSE: Duration = Duration::from_secs(1);
/// Totals of one exchange.
const BATCH: usize = 500;

/// The service.
pub struct Tally {
    /// What all processes have in common.
    pub port: Arc<dyn Port>,
    /// The limits here.
    pub shares: Arc<Shares>,
    /// The time of requests.
    pub clock: Arc<dyn Clock>,
    /// Counts failures.
    pub metrics: Arc<Metrics>,
    /// Names this process.
    pub process: String,
}

#[async_trait]
impl Service for Tally {
    fn name(&self) -> &'static str {
        "tally"
    }

    async fn activate(&self) -> Result<bool> {
        for batch in self.shares.used(self.clock.now()).chunks(BATCH) {
            let totals: Vec<_> = batch.iter().map(|(name, share)| (name.clone(), share.passed())).collect();
            let others = self.port.exchange(&self.process, &totals).await;
            let others = others.inspect_err(|_| self.metrics.limits_not_shared.inc())?;
            for ((_, share), total) in batch.iter().zip(others) {
                share.others_passed(total);
            }
        }
        Ok(false)
    }

    async fn wait(&self) {
        tokio::time::sleep(PAUSE).await;
    }
}
