//! Amazon Web Services.

use super::{Section, all_regions, needed};
use crate::layers::Guard;
use async_trait::async_trait;
use netweave_aws::{Aws, Conf};
use netweave_model::port::{Backend, Clock};
use netweave_model::{Id, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[async_trait]
impl Section for Conf {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "aws"
    }

    fn guard(&self) -> Guard {
        all_regions()
    }

    fn polled(&self) -> Option<Duration> {
        Some(self.poll.0)
    }

    fn faults(&self) -> Vec<(&'static str, &'static str)> {
        self.faults()
    }

    fn files(&self) -> Vec<(&'static str, &Path, bool)> {
        needed([("credentialsFile", self.credentials_file.as_ref()), ("ca", self.ca.as_ref())])
    }

    async fn connect(&self, o_cloud_id: &Id, clock: Arc<dyn Clock>) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(Aws::connect(self, o_cloud_id, clock)?))
    }
}
