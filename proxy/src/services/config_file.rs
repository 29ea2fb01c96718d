//! Reads the configuration again when its file changes, also when a link to it does.

use super::Service;
use crate::control::Reloader;
use async_trait::async_trait;
use netweave_model::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// Pause between two looks at the file.
const PAUSE: Duration = Duration::from_secs(1);

/// The service.
pub struct ConfigFile(Arc<Reloader>);

impl ConfigFile {
    /// Makes the service.
    pub fn new(reloader: Arc<Reloader>) -> Self {
        Self(reloader)
    }
}

#[async_trait]
impl Service for ConfigFile {
    fn name(&self) -> &'static str {
        "config-file"
    }

    async fn activate(&self) -> Result<bool> {
        let reloader = Arc::clone(&self.0);
        let look = tokio::task::spawn_blocking(move || reloader.look()).await;
        look.map_err(|error| Error::internal("the look at the configuration broke off").with_source(error))?;
        Ok(false)
    }

    async fn wait(&self) {
        tokio::time::sleep(PAUSE).await;
    }
}
