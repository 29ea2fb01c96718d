//! The client of an infrastructure's API: one request, one answer, and a bound on everything.
//!
//! Unlike [`crate::Outbound`] it goes where the operator's configuration says, so there is no guard; it reads answers, so
//! there is a bound on their size. No redirect is followed (a token would follow it), no proxy or cookie is used.

use crate::{client, tls};
use bytes::{Bytes, BytesMut};
use http::header::{HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use netweave_model::port::{Clock, InfrastructureCall};
use netweave_model::trace::Context;
use netweave_model::{Error, ErrorKind, Result, Retry, Timestamp};
use reqwest::{Body, Client};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// The header that says which trace a call belongs to. Source: W3C Trace Context, section 3.2.
pub const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Idle connections kept per host.
const IDLE_PER_HOST: usize = 8;

/// What bounds the calls of one API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// Authorities for the server's certificate, beside the platform's, or that certificate itself, as a PEM file.
    pub ca: Option<PathBuf>,
    /// Time for a connection: resolution, TCP and TLS.
    pub connect_timeout: Duration,
    /// Time for one call from its start to the end of the answer.
    pub timeout: Duration,
    /// Silence after which a call is given up, whatever time it has left; `None` for none.
    pub silence: Option<Duration>,
    /// Most bytes of an answer's body; a longer one is an error, never cut short.
    pub max_body: usize,
    /// Whether only HTTP/2 is spoken, also without TLS.
    pub http2_only: bool,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            ca: None,
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_mins(1),
            silence: None,
            max_body: 32 * 1024 * 1024,
            http2_only: false,
        }
    }
}

/// What a request asks for, for those who count: one of few names. It goes with the request as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint(pub &'static str);

/// What the server answered, whatever status it has.
#[derive(Clone, Debug)]
pub struct ApiAnswer {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// How long the server asks to wait, if it does.
    pub retry_after: Option<Duration>,
    /// The whole body.
    pub body: Bytes,
    /// The fields behind the body.
    pub trailers: HeaderMap,
}

/// A client with a pool of connections per host; cheap to share, to be used on one runtime.
pub struct Api {
    client: Client,
    clock: Arc<dyn Clock>,
    max_body: usize,
}

impl Api {
    /// Builds the client; nothing is asked yet.
    ///
    /// # Errors
    /// `Invalid`, naming `ca`: the file of authorities is unusable. `Internal`: the client cannot be built.
    pub fn new(settings: &ApiSettings, clock: Arc<dyn Clock>) -> Result<Self> {
        let times = (settings.connect_timeout, settings.timeout);
        let mut client = client::builder(tls::api(settings.ca.as_deref(), "ca")?, times, IDLE_PER_HOST);
        if let Some(silence) = settings.silence {
            client = client.read_timeout(silence);
        }
        if settings.http2_only {
            client = client.http2_prior_knowledge();
        }
        let client = client
            .build()
            .map_err(|error| Error::internal("the client cannot be built").with_source(error))?;
        Ok(Self { client, clock, max_body: settings.max_body })
    }

    /// Sends a request and reads the whole answer. The server is told the trace that it belongs to, and whoever counts calls
    /// is told how it went.
    ///
    /// # Errors
    /// `Timeout`: no complete answer in time, or silence. `Unavailable`: no connection, or it broke before the answer's end; not
    /// retryable when the answer is longer than its bound. The public text names no address.
    pub async fn call(&self, mut request: Request<Bytes>) -> Result<ApiAnswer> {
        let Context { trace: parent, calls, .. } = Context::current();
        let own = calls.as_ref().map_or(parent, |calls| calls.begin(parent));
        if let Some(value) = own.and_then(|own| HeaderValue::from_str(&own.to_string()).ok()) {
            request.headers_mut().insert(TRACE_PARENT, value);
        }
        let Some(calls) = calls else { return self.send(request).await };
        let Endpoint(endpoint) = request.extensions().get().copied().unwrap_or(Endpoint("other"));
        let (method, uri) = (method_of(request.method()), request.uri().clone());
        let began = Instant::now();
        let answer = self.send(request).await;
        calls.called(&InfrastructureCall {
            endpoint,
            method,
            server: uri.host().map(|host| (host, port_of(&uri))),
            outcome: answer.as_ref().map(|answer| answer.status).map_err(Error::kind),
            took: began.elapsed(),
            spans: (parent, own),
        });
        answer
    }

    async fn send(&self, request: Request<Bytes>) -> Result<ApiAnswer> {
        let request = reqwest::Request::try_from(request)
            .map_err(|error| Error::internal("a request cannot be made").with_source(error))?;
        let response = self.client.execute(request).await.map_err(broken)?;
        let announced = response.content_length().unwrap_or_default();
        if usize::try_from(announced).map_or(true, |length| length > self.max_body) {
            return Err(too_long(self.max_body));
        }
        let (head, body) = http::Response::from(response).into_parts();
        let (body, trailers) = self.read(body).await?;
        Ok(ApiAnswer {
            status: head.status.as_u16(),
            retry_after: retry_after(&head.headers, self.clock.now()),
            headers: head.headers,
            body,
            trailers,
        })
    }

    /// Reads a body to its end, and what stands behind it.
    async fn read(&self, mut from: Body) -> Result<(Bytes, HeaderMap)> {
        let (mut body, mut trailers) = (BytesMut::new(), HeaderMap::new());
        while let Some(frame) = from.frame().await {
            match frame.map_err(broken)?.into_data() {
                Ok(chunk) if body.len() + chunk.len() > self.max_body => return Err(too_long(self.max_body)),
                Ok(chunk) => body.extend_from_slice(&chunk),
                Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
            }
        }
        Ok((body.freeze(), trailers))
    }
}

/// Returns the name of a method, of the few that are used.
fn method_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

fn port_of(uri: &http::Uri) -> u16 {
    uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 })
}

fn too_long(bound: usize) -> Error {
    Error::new(ErrorKind::Unavailable, "the infrastructure's answer is longer than is read")
        .with_private(format!("more than {bound} bytes"))
        .with_retry(Retry::Never)
}

fn broken(error: reqwest::Error) -> Error {
    let (kind, public) = if error.is_timeout() {
        (ErrorKind::Timeout, "the infrastructure did not answer in time")
    } else {
        (ErrorKind::Unavailable, "the infrastructure does not answer")
    };
    // The URL may hold what only the log of the caller should decide to show.
    Error::new(kind, public).with_source(error.without_url())
}

/// Reads `Retry-After`: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse::<u32>().unwrap_or(u32::MAX).into()));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Timestamp(at.as_millisecond()).since(now))
}
