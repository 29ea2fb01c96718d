//! Objectives: takes a reading of the counters now and then, for `/status`.

use super::Service;
use crate::objectives::{Objectives, TICK};
use async_trait::async_trait;
use netweave_model::Result;
use std::sync::Arc;

/// The service.
pub struct ObjectiveReadings {
    objectives: Arc<Objectives>,
}

impl ObjectiveReadings {
    /// Makes the service.
    pub fn new(objectives: Arc<Objectives>) -> Self {
        Self { objectives }
    }
}

#[async_trait]
impl Service for ObjectiveReadings {
    fn name(&self) -> &'static str {
        "objectives"
    }

    async fn activate(&self) -> Result<bool> {
        self.objectives.tick();
        Ok(false)
    }

    async fn wait(&self) {
        tokio::time::sleep(TICK).await;
    }
}
