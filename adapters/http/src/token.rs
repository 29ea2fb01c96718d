//! Client credentials of OAuth 2.0: one token per trust domain, fetched when it is needed and kept until shortly before its end.
//!
//! Whoever needs a token while it is being fetched waits for that one fetch. A fetch that failed is not repeated at once: all
//! deliveries of the domain fail meanwhile, and wait as their own rules say.
//!
//! Source: RFC 6749, sections 2.3.1 and 4.4; RFC 6750, section 2.1.

use crate::guard::Guard;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use netweave_model::backoff::Backoff;
use netweave_model::{Error, ErrorKind, Result, Retry, Secret};
use reqwest::{Client, Response};
use serde::Deserialize;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use url::form_urlencoded::{Serializer, byte_serialize};

#[cfg(test)]
mod tests;

/// The word for a delivery that found no token.
pub const NO_TOKEN: &str = "token";
/// Largest answer of a token server that is read.
const MAX_ANSWER: usize = 64 << 10;
/// Longest token. Source: what servers commonly take for a header.
const MAX_TOKEN: usize = 8 << 10;
/// Largest secret in a file.
const MAX_SECRET: u64 = 4 << 10;
/// How long a token counts whose server does not say. Source: RFC 6749, 5.1, leaves it open.
const UNSAID: u64 = 300;
/// Longest part of a token's life that is left unused.
const MARGIN: Duration = Duration::from_mins(1);
/// A token that was fetched because its predecessor was refused is not replaced sooner, whoever refuses it.
const SETTLED: Duration = Duration::from_secs(10);
/// Shortest and longest pause after a fetch that failed.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a file, which is read each time.
    File(PathBuf),
    /// In an environment variable of this process.
    Variable(String),
}

/// How a trust domain gets its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2Settings {
    /// The token endpoint; the rules for callbacks hold for it too.
    pub token_url: String,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretSource,
    /// What is asked for; absent if it is none.
    pub scope: Option<String>,
    /// For whom; absent if it is none.
    pub audience: Option<String>,
    /// The authorities of the token endpoint, as a PEM file; without it those of the domain.
    pub ca: Option<PathBuf>,
}

/// How often tokens were fetched since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCalls {
    /// With a token.
    pub fetched: u64,
    /// Without.
    pub failed: u64,
}

/// The tokens of one domain.
pub(crate) struct Tokens {
    settings: OAuth2Settings,
    guard: Arc<Guard>,
    state: Mutex<State>,
    fetched: AtomicU64,
    failed: AtomicU64,
}

struct State {
    token: Option<Arc<Token>>,
    backoff: Backoff,
    rests_until: Option<Instant>,
}

/// A token as it is shown.
#[derive(Debug)]
pub(crate) struct Token {
    /// The value of `Authorization`; marked as sensitive.
    pub(crate) header: HeaderValue,
    born: Instant,
    /// From then on a new one is fetched.
    renew_at: Instant,
    /// From then on it is of no use.
    ends: Instant,
    /// It stands in for one that was refused.
    substitute: bool,
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    token_type: String,
    #[serde(default)]
    expires_in: Option<Seconds>,
}

/// Some servers write the number as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl SecretSource {
    /// Reads the secret, without the line ends around it.
    ///
    /// # Errors
    /// `Invalid`: it cannot be read, is empty or too long.
    pub fn read(&self) -> Result<Secret> {
        let refuse = |what: &'static str| Error::invalid("clientSecret", what);
        let text = match self {
            Self::Variable(name) => std::env::var(name)
                .map(Secret::from)
                .map_err(|error| refuse("the variable of the client secret is not set").with_source(error))?,
            Self::File(path) => {
                let mut text = String::new();
                let read = std::fs::File::open(path)
                    .and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text));
                read.map_err(|error| {
                    refuse("the file of the client secret cannot be read")
                        .with_private(path.display().to_string())
                        .with_source(error)
                })?;
                Secret::from(text)
            }
        };
        let trimmed = text.expose().trim_matches(['\r', '\n']);
        if trimmed.is_empty() || trimmed.len() as u64 > MAX_SECRET {
            return Err(refuse("the client secret must have 1 to 4096 bytes"));
        }
        Ok(Secret::from(trimmed))
    }
}

impl Tokens {
    pub(crate) fn new(settings: OAuth2Settings, guard: Arc<Guard>) -> Self {
        let state = State { token: None, backoff: Backoff::new(PAUSES.0, PAUSES.1), rests_until: None };
        Self {
            settings,
            guard,
            state: Mutex::new(state),
            fetched: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    pub(crate) fn calls(&self) -> TokenCalls {
        TokenCalls {
            fetched: self.fetched.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    /// Returns a token that counts, from memory or from its server.
    ///
    /// # Errors
    /// `Unavailable` (`token`): there is none, or not in time.
    pub(crate) async fn get(&self, client: &Client, deadline: Instant) -> Result<Arc<Token>> {
        self.other_than(None, client, deadline).await
    }

    /// Returns another token in place of one that was refused; `None` if that one was a substitute itself a moment ago.
    pub(crate) async fn instead_of(
        &self,
        refused: &Arc<Token>,
        client: &Client,
        deadline: Instant,
    ) -> Option<Result<Arc<Token>>> {
        if refused.substitute && refused.born.elapsed() < SETTLED {
            return None;
        }
        Some(self.other_than(Some(refused), client, deadline).await)
    }

    async fn other_than(
        &self,
        refused: Option<&Arc<Token>>,
        client: &Client,
        deadline: Instant,
    ) -> Result<Arc<Token>> {
        let late = |error| missing("the time for an attempt has passed").with_source(error);
        let mut state = timeout_at(deadline, self.state.lock()).await.map_err(late)?;
        let now = Instant::now();
        if state.token.as_ref().zip(refused).is_some_and(|(token, refused)| Arc::ptr_eq(token, refused)) {
            state.token = None;
        }
        if let Some(token) = state.token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(Arc::clone(token));
        }
        if state.rests_until.is_some_and(|until| now < until) {
            return state.last(now).ok_or_else(|| missing("its server failed a moment ago"));
        }
        let fetched = match timeout_at(deadline, self.fetch(client, refused.is_some())).await {
            Ok(fetched) => fetched,
            Err(error) => Err(late(error)),
        };
        match fetched {
            Ok(token) => {
                self.fetched.fetch_add(1, Ordering::Relaxed);
                let token = Arc::new(token);
                state.backoff.reset();
                (state.rests_until, state.token) = (None, Some(Arc::clone(&token)));
                Ok(token)
            }
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                let pause = state.backoff.failed(Retry::Later);
                state.rests_until = Some(Instant::now() + pause);
                tracing::warn!(client = self.settings.client_id, %error, "no token for callbacks could be fetched");
                state.last(Instant::now()).ok_or(error)
            }
        }
    }

    async fn fetch(&self, client: &Client, substitute: bool) -> Result<Token> {
        let settings = &self.settings;
        let url = self.guard.parse(&settings.token_url);
        let url = url.map_err(|error| missing("its address is not allowed").with_source(error))?;
        let begun = Instant::now();
        let request = client
            .post(url)
            .header(AUTHORIZATION, basic(settings)?)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(form(settings));
        let unreachable =
            |error: reqwest::Error| missing("its server does not answer").with_source(error.without_url());
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status != http::StatusCode::OK {
            return Err(
                missing("its server refuses").with_private(format!("the token server answered {status}"))
            );
        }
        granted(&body(&mut response).await?, begun, substitute)
    }
}

impl State {
    /// Returns the last token if it counts a little longer.
    fn last(&self, now: Instant) -> Option<Arc<Token>> {
        self.token.as_ref().filter(|token| now < token.ends).map(Arc::clone)
    }
}

/// Writes what is asked for.
fn form(settings: &OAuth2Settings) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    for (name, value) in [("scope", &settings.scope), ("audience", &settings.audience)] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    form.finish()
}

/// Writes name and secret of the client, each escaped as in a form.
fn basic(settings: &OAuth2Settings) -> Result<HeaderValue> {
    let secret = settings.client_secret.read()?;
    let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::from(format!("{}:{}", escaped(&settings.client_id), escaped(secret.expose())));
    sensitive(&Secret::from(format!("Basic {}", STANDARD.encode(pair.expose()))))
}

fn sensitive(text: &Secret) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text.expose())
        .map_err(|_odd| missing("it holds what cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

async fn body(response: &mut Response) -> Result<BytesMut> {
    let mut body = BytesMut::new();
    let broken = |error: reqwest::Error| missing("its answer broke off").with_source(error.without_url());
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(missing("its answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads what a token server granted. Its words are not repeated: they hold a secret.
fn granted(body: &[u8], begun: Instant, substitute: bool) -> Result<Token> {
    let granted: Granted =
        serde_json::from_slice(body).map_err(|_odd| missing("its answer cannot be understood"))?;
    if !granted.token_type.eq_ignore_ascii_case("bearer") {
        return Err(missing("it is of another type than Bearer"));
    }
    let token = granted.access_token.expose();
    if token.is_empty() || token.len() > MAX_TOKEN {
        return Err(missing("it is empty or too long"));
    }
    let header = sensitive(&Secret::from(format!("Bearer {token}")))?;
    let seconds = match granted.expires_in {
        None => None,
        Some(Seconds::Number(number)) => Some(number),
        Some(Seconds::Text(text)) => text.parse().ok(),
    };
    let day = Duration::from_hours(24);
    let life = seconds
        .map_or(Some(Duration::from_secs(UNSAID)), |seconds| Duration::try_from_secs_f64(seconds).ok());
    let life = life.unwrap_or_default().min(day);
    let ends = begun + life;
    Ok(Token { header, born: Instant::now(), renew_at: ends - (life / 10).min(MARGIN), ends, substitute })
}

/// The error of a delivery that found no token; the public text is the word for it.
fn missing(why: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, NO_TOKEN).with_private(why)
}
