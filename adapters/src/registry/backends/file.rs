//! An inventory in a file.

use super::Section;
use crate::layers::Guard;
use async_trait::async_trait;
use netweave_file::{Conf, File};
use netweave_model::port::{Backend, Clock};
use netweave_model::{Id, Result};
use std::path::Path;
use std::sync::Arc;

/// Faults of one file that are shown to somebody who checks it.
const MAX_FAULTS: usize = 10;

#[async_trait]
impl Section for Conf {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "file"
    }

    fn guard(&self) -> Guard {
        Guard::local()
    }

    /// A source that is gone at the start is no reason not to serve what is known of it.
    fn files(&self) -> Vec<(&'static str, &Path, bool)> {
        vec![("path", &self.path, false)]
    }

    fn check_files(&self, o_cloud_id: &Id) -> Vec<String> {
        netweave_file::check(self, o_cloud_id, MAX_FAULTS)
    }

    async fn connect(&self, o_cloud_id: &Id, _clock: Arc<dyn Clock>) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(File::open(self, o_cloud_id)?))
    }
}
