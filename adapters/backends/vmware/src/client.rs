//! One call to the server, and the login that makes calls possible.

use crate::conf::Conf;
use crate::error::{self, Failure, Fault, Outcome};
use crate::soap::request::Request;
use crate::soap::xml::{self, Node};
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use netweave_http::{Api, ApiSettings, Endpoint};
use netweave_model::port::Clock;
use netweave_model::{Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

/// Time for one small answer.
pub(crate) const TIME: Duration = Duration::from_secs(10);
/// Time for one page.
pub(crate) const PAGE_TIME: Duration = Duration::from_mins(1);
/// Longest password.
const MAX_PASSWORD: u64 = 4096;
/// A password that was refused is not tried again before: five refusals within three minutes lock an account.
///
/// Source: vCenter Single Sign-On, default lockout policy, vSphere 8.0 documentation.
const REFUSED_FOR: Duration = Duration::from_mins(1);
/// Sessions that wait to be ended; older ones end by themselves after half an hour.
const MAX_RETIRED: usize = 16;
/// The API version that is spoken; newer servers speak it as well.
const ACTION: &str = "urn:vim25/6.5";

/// What names a session at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) cookie: HeaderValue,
    /// The session manager.
    pub(crate) manager: String,
}

/// Calls one server.
pub(crate) struct Connection {
    api: Api,
    endpoint: String,
    conf: Conf,
    /// A digest of the password that was refused last, and when that was.
    refused: Mutex<Option<(u64, Instant)>>,
    /// One login at a time: the next one must know whether the password was refused.
    pub(crate) login: tokio::sync::Mutex<()>,
    retired: Mutex<VecDeque<Ticket>>,
}

impl Connection {
    /// Reads the files of the section once, to see that they can be used; the server is not asked.
    ///
    /// # Errors
    /// `Invalid`: the section or one of its files is of no use.
    pub(crate) async fn open(conf: &Conf, clock: Arc<dyn Clock>) -> Result<Self> {
        if let Some((key, reason)) = conf.faults().first() {
            return Err(Error::invalid(*key, *reason));
        }
        let endpoint = conf.endpoint().ok_or_else(|| Error::invalid("url", "is no address"))?;
        let settings = ApiSettings { ca: conf.ca.clone(), ..ApiSettings::default() };
        let connection = Self {
            api: Api::new(&settings, clock)?,
            endpoint,
            conf: conf.clone(),
            refused: Mutex::new(None),
            login: tokio::sync::Mutex::new(()),
            retired: Mutex::new(VecDeque::new()),
        };
        read_password(&connection.conf.password_file).await?;
        Ok(connection)
    }

    /// Returns the URL of the API as the gateway reaches it.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn user(&self) -> &str {
        &self.conf.username
    }

    /// Reads the password as it is now.
    ///
    /// # Errors
    /// `Unauthenticated`: it cannot be read, or was refused a moment ago.
    pub(crate) async fn password(&self) -> Result<String> {
        let password = read_password(&self.conf.password_file).await.map_err(|error| {
            Error::new(ErrorKind::Unauthenticated, "the gateway has no credentials for the vCenter")
                .with_source(error)
        })?;
        let digest = digest(&password);
        let refused = *lock(&self.refused);
        if refused.is_some_and(|(known, at)| known == digest && at.elapsed() < REFUSED_FOR) {
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                "the vCenter does not accept the gateway's credentials",
            )
            .with_private("not tried again yet"));
        }
        Ok(password)
    }

    /// Notes whether a password was accepted.
    pub(crate) fn tried(&self, password: &str, accepted: bool) {
        *lock(&self.refused) = (!accepted).then(|| (digest(password), Instant::now()));
    }

    /// Notes a session that nobody uses any more; it is ended with the next one that is opened.
    pub(crate) fn retire(&self, ticket: Ticket) {
        let mut retired = lock(&self.retired);
        retired.push_back(ticket);
        if retired.len() > MAX_RETIRED {
            retired.pop_front();
        }
    }

    /// Returns the sessions that nobody uses any more, each once.
    pub(crate) fn retired(&self) -> VecDeque<Ticket> {
        std::mem::take(&mut *lock(&self.retired))
    }

    /// Makes a call in a session, or outside of one, and returns the operation's answer and the session's new cookie.
    ///
    /// # Errors
    /// A fault, as the server says it. `Timeout`, `Unavailable`, `RateLimited` (retryable): it does not answer. `TooLarge`,
    /// `Internal`: the answer is of no use.
    pub(crate) async fn call(
        &self,
        cookie: Option<&HeaderValue>,
        request: Request,
        limit: Duration,
    ) -> Outcome<(Node, Option<HeaderValue>)> {
        let operation = request.operation;
        let mut post = http::Request::post(&self.endpoint)
            .header(CONTENT_TYPE, "text/xml; charset=utf-8")
            .header("SOAPAction", ACTION)
            .extension(Endpoint(operation));
        if let Some(cookie) = cookie {
            post = post.header(COOKIE, cookie);
        }
        let post = post
            .body(request.envelope)
            .map_err(|error| Error::internal("a call cannot be made").with_source(error))?;
        let answer = match tokio::time::timeout(limit, self.api.call(post)).await {
            Ok(answer) => answer.map_err(|error| error::in_call(operation, error))?,
            Err(_) => return Err(error::in_call(operation, error::too_slow(limit)).into()),
        };
        match read(operation, answer.status, &answer.body) {
            Ok(node) => Ok((node, session(&answer.headers))),
            Err(Unusable::Fault(fault)) => Err(Failure::Fault(fault)),
            Err(Unusable::Status) => Err(error::status(answer.status, answer.retry_after).into()),
            Err(Unusable::Answer(error)) => Err(error::in_call(operation, error).into()),
        }
    }
}

/// Why there is no answer in an answer.
pub(crate) enum Unusable {
    Fault(Fault),
    /// The status says all that there is.
    Status,
    Answer(Error),
}

/// Looks for the operation's answer in an envelope.
pub(crate) fn read(operation: &str, status: u16, body: &[u8]) -> std::result::Result<Node, Unusable> {
    let odd = |why: &'static str| Unusable::Answer(Error::internal(why));
    let parsed = std::str::from_utf8(body)
        .map_err(|error| Error::internal("it is not UTF-8").with_source(error))
        .and_then(xml::parse);
    let envelope = match parsed {
        Ok(envelope) => envelope,
        // A page of a proxy, or nothing.
        Err(_) if status != 200 => return Err(Unusable::Status),
        Err(error) => return Err(Unusable::Answer(error)),
    };
    let body =
        envelope.kids.into_iter().find(|kid| &*kid.name == "Body").filter(|_| &*envelope.name == "Envelope");
    let answer = body.and_then(|body| body.kids.into_iter().next());
    match answer {
        Some(fault) if &*fault.name == "Fault" => Err(Unusable::Fault(Fault::of(&fault))),
        Some(_) | None if status != 200 => Err(Unusable::Status),
        Some(answer) if answer.name.strip_suffix("Response") == Some(operation) => Ok(answer),
        Some(_) => Err(odd("it answers another call")),
        None => Err(odd("it is empty")),
    }
}

/// Returns what the server wants to be sent with every call from now on, if it says so.
fn session(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut cookies = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookie = cookies.find(|cookie| cookie.starts_with("vmware_soap_session="))?;
    let pair = cookie.split(';').next().unwrap_or_default().trim();
    let mut value = HeaderValue::from_str(pair).ok()?;
    value.set_sensitive(true);
    Some(value)
}

async fn read_password(path: &Path) -> Result<String> {
    let unusable = |error: std::io::Error| {
        Error::invalid("passwordFile", "cannot be read")
            .with_private(path.display().to_string())
            .with_source(error)
    };
    let file = tokio::fs::File::open(path).await.map_err(unusable)?;
    let mut text = String::new();
    file.take(MAX_PASSWORD + 1).read_to_string(&mut text).await.map_err(unusable)?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() || u64::try_from(text.len()).map_or(true, |length| length > MAX_PASSWORD) {
        return Err(Error::invalid("passwordFile", "must hold one password of at most 4096 bytes"));
    }
    Ok(password.to_owned())
}

fn digest(password: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    password.hash(&mut hasher);
    hasher.finish()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
