//! A Kubernetes cluster.

use super::{Section, needed};
use async_trait::async_trait;
use netweave_kubernetes::{Conf, Kubernetes};
use netweave_model::port::{Backend, Clock};
use netweave_model::{Id, Result};
use std::path::Path;
use std::sync::Arc;

#[async_trait]
impl Section for Conf {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "kubernetes"
    }

    fn files(&self) -> Vec<(&'static str, &Path, bool)> {
        needed([("kubeconfig", self.kubeconfig.as_ref())])
    }

    async fn connect(&self, o_cloud_id: &Id, clock: Arc<dyn Clock>) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(Kubernetes::connect(self, o_cloud_id, clock).await?))
    }
}
