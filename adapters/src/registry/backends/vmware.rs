//! A vCenter or an ESXi host.

use super::{Section, needed};
use async_trait::async_trait;
use netweave_model::port::{Backend, Clock};
use netweave_model::{Id, Result};
use netweave_vmware::{Conf, Vmware};
use std::path::Path;
use std::sync::Arc;

#[async_trait]
impl Section for Conf {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "vmware"
    }

    fn faults(&self) -> Vec<(&'static str, &'static str)> {
        self.faults()
    }

    fn is_encrypted(&self) -> bool {
        self.is_encrypted()
    }

    fn files(&self) -> Vec<(&'static str, &Path, bool)> {
        needed([("passwordFile", Some(&self.password_file)), ("ca", self.ca.as_ref())])
    }

    async fn connect(&self, o_cloud_id: &Id, clock: Arc<dyn Clock>) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(Vmware::connect(self, o_cloud_id, clock).await?))
    }
}
