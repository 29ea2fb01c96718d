//! No call takes longer than its limit.

use async_trait::async_trait;
use netweave_model::port::{Backend, Capabilities, Changes, Look};
use netweave_model::{Error, ErrorKind, Kind, Object, ObjectKey, Result};
use std::sync::Arc;
use std::time::Duration;

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a probe.
    pub probe: Duration,
    /// For one object.
    pub get: Duration,
    /// For a whole list; its pages have their own limit in the backend.
    pub list: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { probe: Duration::from_secs(5), get: Duration::from_secs(10), list: Duration::from_mins(2) }
    }
}

/// Ends calls that take too long with `Timeout` (retryable).
pub struct Timeout {
    inner: Arc<dyn Backend>,
    limits: Limits,
}

impl Timeout {
    /// Wraps a backend.
    pub fn new(inner: Arc<dyn Backend>, limits: Limits) -> Self {
        Self { inner, limits }
    }
}

async fn within<T>(limit: Duration, call: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, call).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::new(ErrorKind::Timeout, "the infrastructure did not answer in time")
            .with_private(format!("no answer within {limit:?}"))),
    }
}

#[async_trait]
impl Backend for Timeout {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn probe(&self) -> Result<()> {
        within(self.limits.probe, self.inner.probe()).await
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        within(self.limits.list, self.inner.look(kinds)).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        within(self.limits.get, self.inner.get(key)).await
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        self.inner.changes(kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::fake::{Fake, Turn};

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_is_a_retryable_timeout() {
        let backend = Timeout::new(Fake::new([Turn::Hang, Turn::Answer]), Limits::default());
        let error = backend.list(Kind::Resource).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Timeout, netweave_model::Retry::Later));
        assert!(backend.list(Kind::Resource).await.is_ok());
    }
}
