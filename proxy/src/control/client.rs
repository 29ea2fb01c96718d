//! Asks a running gateway through its control socket.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use netweave_model::{Error, ErrorKind, Result};
use serde_json::Value;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::net::UnixStream;

/// Largest answer that is read.
const MAX_ANSWER: usize = 1 << 20;
/// Time for one call.
const TIME: Duration = Duration::from_secs(30);

/// One connection to a running gateway.
pub struct Client(SendRequest<Full<Bytes>>);

impl Client {
    /// Connects; needs a runtime.
    ///
    /// # Errors
    /// `Forbidden`: the socket is another user's. `Unavailable`: nobody answers.
    pub async fn connect(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path).await.map_err(|error| unreachable(path, error))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(async move {
            // Whoever waits for an answer is told that the connection broke.
            connection.await.ok();
        });
        Ok(Self(sender))
    }

    /// Asks for something; returns the status and the body, null if it is none of JSON.
    ///
    /// # Errors
    /// `Unavailable`: the connection broke. `Timeout`: there was no answer in 30 s.
    pub async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value)> {
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let (status, body) = within(TIME, self.ask(method, path, body, MAX_ANSWER)).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Asks for something that takes its time, or is long; returns the status and the body, of at most so many bytes.
    ///
    /// # Errors
    /// `Unavailable`: the connection broke, or the answer is longer. `Timeout`: there was no answer in that time.
    pub async fn fetch(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
        (time, most): (Duration, usize),
    ) -> Result<(StatusCode, Bytes)> {
        within(time, self.ask(method, path, body.to_string().into(), most)).await
    }

    /// Waits until the process has ended.
    pub async fn ended(mut self) {
        // It is never answered, so whatever comes of it is the end.
        self.ask(Method::GET, "/end", Bytes::new(), MAX_ANSWER).await.ok();
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
        most: usize,
    ) -> Result<(StatusCode, Bytes)> {
        let request = Request::builder().method(method).uri(path).header(http::header::HOST, "localhost");
        let request = request.body(Full::new(body));
        let request =
            request.map_err(|error| Error::internal("a request cannot be made").with_source(error))?;
        let answer = self.0.send_request(request).await.map_err(broken)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), most).collect().await.map_err(broken)?.to_bytes();
        Ok((status, body))
    }
}

async fn within<T>(time: Duration, call: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |error| Error::new(ErrorKind::Timeout, "the gateway does not answer").with_source(error);
    tokio::time::timeout(time, call).await.map_err(|error: tokio::time::error::Elapsed| late(error))?
}

fn unreachable(path: &Path, error: io::Error) -> Error {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let kind = if denied { ErrorKind::Forbidden } else { ErrorKind::Unavailable };
    Error::new(kind, format!("{}: {error}", path.display())).with_source(error)
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unavailable, "the connection to the gateway broke").with_source(error)
}
