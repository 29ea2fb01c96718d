//! Certificates: loads the files of the listener again when they change, and says when each certificate ends.
//!
//! The contents are looked at, not the times: a mounted secret is exchanged by a link, and its files may keep theirs.

use super::Service;
use crate::listen::Renewal;
use async_trait::async_trait;
use netweave_model::Result;
use std::sync::Arc;
use std::time::Duration;

/// Pause between two looks at the files; what was revoked is out within five seconds.
const PAUSE: Duration = Duration::from_secs(1);

/// The service.
pub struct Certificates {
    renewal: Arc<Renewal>,
}

impl Certificates {
    /// Makes the service.
    pub fn new(renewal: Arc<Renewal>) -> Self {
        Self { renewal }
    }
}

#[async_trait]
impl Service for Certificates {
    fn name(&self) -> &'static str {
        "certificates"
    }

    async fn activate(&self) -> Result<bool> {
        self.renewal.look();
        Ok(false)
    }

    async fn wait(&self) {
        tokio::time::sleep(PAUSE).await;
    }
}
