//! Token keys: fetches the keys of one token issuer, in its time and when a token names a key that is not there.

use super::Service;
use crate::telemetry::throttle::Throttle;
use crate::token::{Issuer, MAX_SET};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::ACCEPT;
use netweave_http::{Api, ApiSettings};
use netweave_model::port::Clock;
use netweave_model::{Error, ErrorKind, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Time for a connection to an issuer.
const CONNECT: Duration = Duration::from_secs(3);
/// Time for a whole fetch.
const TIME: Duration = Duration::from_secs(5);
/// Longest pause after a fetch that failed; a service that waits can be woken by a token, one that backs off cannot.
const RETRY: Duration = Duration::from_secs(5);
/// Pause between two looks at a file.
const LOOK: Duration = Duration::from_secs(1);

/// The service of one issuer.
pub struct TokenKeys {
    issuer: Arc<Issuer>,
    origin: Origin,
    clock: Arc<dyn Clock>,
    failed: AtomicBool,
    failures: Throttle,
}

/// Where keys come from.
enum Origin {
    Address(Box<Api>, String),
    File(PathBuf),
}

impl TokenKeys {
    /// Makes the service; nothing is fetched yet.
    ///
    /// # Errors
    /// `Invalid`: the issuer has no place for its keys, or the file of its authorities is of no use.
    pub fn new(issuer: Arc<Issuer>, clock: Arc<dyn Clock>) -> Result<Self> {
        let conf = &issuer.conf;
        let origin = match (&conf.jwks_url, &conf.jwks_file) {
            (Some(url), _) => {
                let settings = ApiSettings {
                    ca: conf.ca.clone(),
                    connect_timeout: CONNECT,
                    timeout: TIME,
                    silence: None,
                    max_body: MAX_SET,
                    ..ApiSettings::default()
                };
                Origin::Address(Box::new(Api::new(&settings, Arc::clone(&clock))?), url.clone())
            }
            (None, Some(path)) => Origin::File(path.clone()),
            (None, None) => return Err(Error::invalid("access.tokens.issuers", "an issuer has no keys")),
        };
        Ok(Self { issuer, origin, clock, failed: AtomicBool::new(false), failures: Throttle::default() })
    }

    async fn fetch(&self) -> Result<Bytes> {
        let (api, url) = match &self.origin {
            Origin::Address(api, url) => (api, url),
            Origin::File(path) => return crate::token::read_file(path).map(Bytes::from),
        };
        let request = http::Request::get(url).header(ACCEPT, "application/jwk-set+json, application/json");
        let request = request
            .body(Bytes::new())
            .map_err(|error| Error::internal("an issuer's address is none").with_source(error))?;
        let answer = api.call(request).await?;
        if answer.status == 200 {
            return Ok(answer.body);
        }
        let status = format!("status {}", answer.status);
        Err(Error::new(ErrorKind::Unavailable, "an issuer did not answer with its keys").with_private(status))
    }
}

#[async_trait]
impl Service for TokenKeys {
    fn name(&self) -> &'static str {
        "token-keys"
    }

    async fn activate(&self) -> Result<bool> {
        let fetched = self.fetch().await.and_then(|json| self.issuer.take(&json, Instant::now()));
        self.issuer.fetched(fetched.is_ok(), self.clock.now());
        self.failed.store(fetched.is_err(), Ordering::Relaxed);
        if let Err(error) = fetched {
            let error = Error::new(error.kind(), "it stays with the keys that it has, for their grace")
                .with_private(self.issuer.conf.name.as_str())
                .with_source(error);
            self.failures.warn("the keys of a token issuer cannot be read", &error);
        }
        Ok(false)
    }

    async fn wait(&self) {
        let pause = match self.origin {
            Origin::Address(..) if self.failed.load(Ordering::Relaxed) => {
                RETRY.min(self.issuer.conf.refresh.0)
            }
            Origin::Address(..) => self.issuer.conf.refresh.0,
            Origin::File(_) => LOOK,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.issuer.wanted() => {}
        }
    }
}
