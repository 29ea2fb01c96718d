//! The outbound client: posts notifications and probes callbacks, and connects only where the guard lets it.
//!
//! No redirect is followed, no proxy or cookie is used, and of an answer only the status and `Retry-After` are kept.

use crate::api::retry_after;
use crate::domain::{Domain, DomainSettings};
use crate::guard::Guard;
use crate::settings::Settings;
use crate::token::TokenCalls;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use netweave_model::port::Clock;
use netweave_model::{Error, ErrorKind, Result};
use reqwest::Response;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::CertificateDer;
use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// Most bytes of an answer's body that are read, so that the connection can be used again.
const MAX_BODY: usize = 64 * 1024;
/// Longest time spent on an answer's body.
const BODY_TIME: Duration = Duration::from_secs(1);
/// The word for a call that the guard refused at connect time.
pub const FORBIDDEN_ADDRESS: &str = "forbidden-address";

/// What a callback answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// How long the callback asks to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// Time from the call to the head of the answer.
    pub took: Duration,
}

/// The client for all outbound calls of notifications; cheap to share, with a pool of connections per host.
///
/// Whom it believes and what it shows is a matter of the callback's trust domain.
pub struct Outbound {
    /// In the order in which they are asked; the last one takes all others.
    domains: Vec<Domain>,
    rest: Domain,
    guard: Arc<Guard>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// The files of a trust domain were loaded again.
#[derive(Debug)]
pub struct Exchange {
    /// The name of the domain; empty for the callbacks that are of none.
    pub domain: String,
    /// How it went; if not well, the old ones stay.
    pub result: Result<()>,
}

impl Outbound {
    /// Builds the client; it must be used on one runtime.
    ///
    /// # Errors
    /// `Invalid`: a file is unusable. `Internal`: a client cannot be built.
    pub fn new(settings: &Settings, guard: Arc<Guard>, clock: Arc<dyn Clock>) -> Result<Self> {
        let times = (settings.connect_timeout, settings.timeout);
        let domain = |domain: &DomainSettings| Domain::new(domain, settings.ca.as_ref(), times, &guard);
        let domains = settings.domains.iter().map(domain).collect::<Result<_>>()?;
        let rest = domain(&DomainSettings::default())?;
        Ok(Self { domains, rest, guard, timeout: settings.timeout, clock })
    }

    /// Loads the files of all trust domains again that hold something else than before; returns those.
    pub fn look(&self) -> Vec<Exchange> {
        let looked = self.all().map(|domain| (domain, domain.look()));
        looked
            .filter_map(|(domain, result)| Some(Exchange { domain: domain.name.clone(), result: result? }))
            .collect()
    }

    /// Lets go of the connections that stand, so that the guard is asked again for each host. Files are read again; one that
    /// cannot be used leaves its domain as it is, with its connections.
    pub fn renew(&self) {
        self.all().for_each(Domain::renew);
    }

    /// Returns the certificates that are shown to callbacks, each with its chain, leaf first.
    pub fn chains(&self) -> Vec<Vec<CertificateDer<'static>>> {
        let chains = self.all().map(|domain| domain.loaded().chain.clone());
        chains.filter(|chain| !chain.is_empty()).collect()
    }

    /// Returns how often tokens were fetched, over all domains.
    pub fn token_calls(&self) -> TokenCalls {
        let calls = self.domains.iter().filter_map(|domain| domain.tokens.as_ref());
        calls.map(crate::token::Tokens::calls).fold(TokenCalls::default(), |sum, calls| TokenCalls {
            fetched: sum.fetched + calls.fetched,
            failed: sum.failed + calls.failed,
        })
    }

    fn all(&self) -> impl Iterator<Item = &Domain> {
        self.domains.iter().chain([&self.rest])
    }

    /// Posts a body and waits for the answer's head; whatever status it has, it is an answer.
    ///
    /// # Errors
    /// The public text is one word, fit for a delivery record: `Forbidden` (`forbidden-address`): the guard refuses the
    /// URL or an address it leads to. `Unavailable`: `refused`, `dns`, `tls`, `io`, or `token`: the trust domain of the
    /// callback has tokens, and there is none now. `Timeout`: `timeout`.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answer> {
        self.call(Method::POST, url, headers, body).await
    }

    /// Asks whether anybody answers at a URL at all; any answer is a sign of life.
    ///
    /// # Errors
    /// As `post`.
    pub async fn probe(&self, url: &str) -> Result<Answer> {
        self.call(Method::HEAD, url, HeaderMap::new(), Bytes::new()).await
    }

    /// Tries a callback before it is registered: a GET must answer 204.
    ///
    /// # Errors
    /// `Invalid`, naming `/callback`: it answered something else, or not at all.
    ///
    /// Source: ETSI GS NFV-SOL 015, 5.9, as summarised in `docs/o2ims-coverage.md`.
    pub async fn get204(&self, url: &str) -> Result<()> {
        let refuse = |reason: &'static str| Error::invalid("/callback", reason);
        match self.call(Method::GET, url, HeaderMap::new(), Bytes::new()).await {
            Ok(answer) if answer.status == 204 => Ok(()),
            Ok(answer) => {
                Err(refuse("the callback did not answer GET with 204")
                    .with_private(answer.status.to_string()))
            }
            Err(error) => Err(refuse("the callback did not answer GET").with_source(error)),
        }
    }

    async fn call(&self, method: Method, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answer> {
        let url = self
            .guard
            .parse(url)
            .map_err(|error| Error::new(ErrorKind::Forbidden, FORBIDDEN_ADDRESS).with_source(error))?;
        let begun = Instant::now();
        let domain = self.domains.iter().find(|domain| domain.covers(&url)).unwrap_or(&self.rest);
        let mut call = Sending { method, url, headers, body, deadline: begun + self.timeout };
        let mut response = call.through(domain).await?;
        let answer = Answer {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers(), self.clock.now()),
            took: begun.elapsed(),
        };
        // The status is what counts. The body is read only to keep the connection; if it does not end in time or in
        // size, dropping the response closes the connection.
        let drained = tokio::time::timeout(BODY_TIME, drain(&mut response)).await;
        if !matches!(drained, Ok(Ok(()))) {
            tracing::debug!(status = answer.status, "closed a connection whose answer did not end");
        }
        Ok(answer)
    }
}

/// One call, which may be sent twice: with a token, and with another one if that is refused.
struct Sending {
    method: Method,
    url: url::Url,
    headers: HeaderMap,
    body: Bytes,
    deadline: Instant,
}

impl Sending {
    async fn through(&mut self, domain: &Domain) -> Result<Response> {
        let loaded = domain.loaded();
        // Any answer to a question for a sign of life is one; no token is spent on it.
        let Some(tokens) = domain.tokens.as_ref().filter(|_| self.method != Method::HEAD) else {
            let headers = std::mem::take(&mut self.headers);
            return self.once(&loaded.callbacks, headers).await;
        };
        let token = tokens.get(&loaded.tokens, self.deadline).await?;
        self.headers.insert(AUTHORIZATION, token.header.clone());
        let response = self.once(&loaded.callbacks, self.headers.clone()).await?;
        if response.status() != http::StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        match tokens.instead_of(&token, &loaded.tokens, self.deadline).await {
            None => Ok(response),
            Some(other) => {
                self.headers.insert(AUTHORIZATION, other?.header.clone());
                let headers = std::mem::take(&mut self.headers);
                self.once(&loaded.callbacks, headers).await
            }
        }
    }

    async fn once(&self, client: &reqwest::Client, headers: HeaderMap) -> Result<Response> {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(self.body.clone().into());
        *request.timeout_mut() = Some(self.deadline.saturating_duration_since(Instant::now()));
        client.execute(request).await.map_err(named)
    }
}

/// Reads a body to its end or to its bound, and forgets it.
async fn drain(response: &mut Response) -> reqwest::Result<()> {
    let mut length = 0;
    while let Some(chunk) = response.chunk().await? {
        length += chunk.len();
        if length > MAX_BODY {
            break;
        }
    }
    Ok(())
}

/// Names what went wrong in one word.
fn named(error: reqwest::Error) -> Error {
    if let Some(forbidden) = cause::<Forbidden>(&error) {
        let detail = forbidden.0.clone();
        return Error::new(ErrorKind::Forbidden, FORBIDDEN_ADDRESS).with_private(detail);
    }
    let (kind, word) = if error.is_timeout() {
        (ErrorKind::Timeout, "timeout")
    } else if error.is_dns() {
        (ErrorKind::Unavailable, "dns")
    } else if cause::<rustls::Error>(&error).is_some() {
        (ErrorKind::Unavailable, "tls")
    } else if cause::<std::io::Error>(&error)
        .is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
    {
        (ErrorKind::Unavailable, "refused")
    } else {
        (ErrorKind::Unavailable, "io")
    };
    Error::new(kind, word).with_source(error.without_url())
}

/// Finds a cause of a certain type; looks inside I/O errors too, which hide theirs.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| cause::<T>(inner)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Resolves names for the client through the guard, so that a connection goes only to an address that was checked.
pub(crate) struct Pinned {
    guard: Arc<Guard>,
}

impl Pinned {
    pub(crate) fn new(guard: Arc<Guard>) -> Self {
        Self { guard }
    }
}

/// Marks, inside the client's error, that it was the guard that refused.
#[derive(Debug)]
struct Forbidden(String);

impl std::fmt::Display for Forbidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Forbidden {}

/// Hands an error to the client so that [`named`] finds it again.
fn marked(error: Error) -> Box<dyn StdError + Send + Sync> {
    if error.kind() == ErrorKind::Forbidden {
        Box::new(Forbidden(error.to_string()))
    } else {
        Box::new(error)
    }
}

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.guard);
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await.map_err(marked)?;
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
