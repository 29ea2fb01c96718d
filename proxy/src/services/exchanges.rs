//! Exchanges: takes up certificates, secrets and keys for callbacks when their files change, and says when certificates end.
//!
//! The contents are looked at, not the times, as for the listener in `services/certificates.rs`.

use super::Service;
use crate::audit::Audit;
use crate::listen::certificate_end;
use crate::telemetry::metrics::Metrics;
use crate::webhook::signers::Signers;
use async_trait::async_trait;
use netweave_http::{Outbound, TokenCalls};
use netweave_model::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::{error, info};

/// Pause between two looks at the files.
const PAUSE: Duration = Duration::from_secs(1);

/// What the service works with.
pub struct Parts {
    /// The client of the services.
    pub outbound: Arc<Outbound>,
    /// The client that tries callbacks; it reads the same files, so nothing is told of it.
    pub trial: Arc<Outbound>,
    /// What signs, and what seals.
    pub signers: Arc<Signers>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The audit log.
    pub audit: Arc<Audit>,
}

/// The service.
pub struct Exchanges {
    parts: Parts,
    /// The calls for tokens that are counted already.
    told: Mutex<TokenCalls>,
}

impl Exchanges {
    /// Makes the service.
    pub fn new(parts: Parts) -> Self {
        let exchanges = Self { parts, told: Mutex::default() };
        exchanges.ends();
        exchanges
    }

    fn tell(&self, what: &'static str, domain: &str, result: &Result<()>) {
        let word = if result.is_ok() { "ok" } else { "failed" };
        let Parts { metrics, audit, .. } = &self.parts;
        metrics.webhook_reloads.with_label_values(&[what, word]).inc();
        audit.event(
            audit.now("webhook.reload").with("what", what).with("domain", domain).with("result", word),
        );
        match result {
            Ok(()) => taken(what, domain),
            Err(error) => refused(what, domain, error),
        }
    }

    /// Publishes when the first certificate that is shown to callbacks ends.
    fn ends(&self) {
        let chains = self.parts.outbound.chains();
        if let Some(end) = chains.iter().flatten().filter_map(certificate_end).min() {
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit into 53 bits")]
            self.parts.metrics.certificate_expiry.with_label_values(&["webhook_client"]).set(end as f64);
        }
    }

    fn tokens(&self) {
        let (one, other) = (self.parts.outbound.token_calls(), self.parts.trial.token_calls());
        let now = TokenCalls { fetched: one.fetched + other.fetched, failed: one.failed + other.failed };
        let before = std::mem::replace(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner), now);
        let count = |result, by| self.parts.metrics.webhook_tokens.with_label_values(&[result]).inc_by(by);
        count("ok", now.fetched - before.fetched);
        count("failed", now.failed - before.failed);
    }
}

fn taken(what: &str, domain: &str) {
    info!(what, domain, "files for callbacks were loaded again");
}

fn refused(what: &str, domain: &str, error: &Error) {
    error!(what, domain, %error, "files for callbacks cannot be loaded again; the old ones stay");
}

#[async_trait]
impl Service for Exchanges {
    fn name(&self) -> &'static str {
        "exchanges"
    }

    async fn activate(&self) -> Result<bool> {
        for exchange in self.parts.outbound.look() {
            self.tell("tls", &exchange.domain, &exchange.result);
            self.ends();
        }
        drop(self.parts.trial.look());
        for (domain, result) in self.parts.signers.look() {
            self.tell("secrets", domain, &result);
        }
        if let Some(result) = self.parts.signers.keys().look() {
            self.tell("keys", "", &result);
        }
        self.tokens();
        Ok(false)
    }

    async fn wait(&self) {
        tokio::time::sleep(PAUSE).await;
    }
}
