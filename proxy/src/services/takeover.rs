//! Begins to serve on the sockets of another process once this one is ready, and tells it so.

use super::Service;
use crate::listen::handover::Giver;
use crate::listen::{Ask, StopHandle};
use crate::ops::Readiness;
use async_trait::async_trait;
use netweave_model::Result;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tracing::{error, info};

/// Pause between two looks whether this process is ready.
const LOOK: Duration = Duration::from_millis(20);

/// What is done once.
struct Begin {
    giver: Giver,
    after: Box<dyn FnOnce() + Send>,
}

/// The service.
pub struct Takeover {
    begin: Mutex<Option<Begin>>,
    readiness: Arc<dyn Readiness>,
    open: watch::Sender<bool>,
    handle: StopHandle,
}

impl Takeover {
    /// Makes the service; `after` is done when the old process has stopped accepting, or is about to.
    pub fn new(
        giver: Giver,
        readiness: Arc<dyn Readiness>,
        (open, handle): (watch::Sender<bool>, StopHandle),
        after: Box<dyn FnOnce() + Send>,
    ) -> Self {
        Self { begin: Mutex::new(Some(Begin { giver, after })), readiness, open, handle }
    }
}

#[async_trait]
impl Service for Takeover {
    fn name(&self) -> &'static str {
        "takeover"
    }

    async fn activate(&self) -> Result<bool> {
        if !self.readiness.check().iter().all(|check| check.ok) {
            return Ok(false);
        }
        let Some(begin) = self.begin.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(false);
        };
        self.open.send_replace(true);
        match begin.giver.serving() {
            Ok(()) => {
                info!("the sockets were taken over");
                (begin.after)();
            }
            Err(error) => {
                error!(%error, "the old process goes on, so this one ends");
                self.handle.ask(Ask::Leave);
            }
        }
        Ok(false)
    }

    async fn wait(&self) {
        if *self.open.borrow() {
            return std::future::pending().await;
        }
        tokio::time::sleep(LOOK).await;
    }
}
