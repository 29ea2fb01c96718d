//! Closed and open loop over HTTP/2: a few connections, on each so many streams at once that as much is under way as over HTTP/1.1.

use crate::Result;
use crate::connection::Target;
use crate::drive::{Ask, CONNECTIONS, Run, at_rate, saturated};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

/// Streams of each connection.
const STREAMS: u32 = 4;
/// How often a request is tried that no connection took.
const TRIES: usize = 3;

/// Sends on each stream as soon as the former answer is complete.
///
/// # Errors
/// The server does not speak HTTP/2 over TLS, an answer is not 200, or a connection breaks.
pub async fn closed(target: &Target, path: &str, length: Duration) -> Result<Run> {
    saturated(streams(target, path).await?, length).await
}

/// Sends at a fixed rate over all streams; latency counts from when a request was due.
///
/// # Errors
/// As [`closed`], and an answer that is missing ten seconds after the end.
pub async fn open(target: &Target, path: &str, length: Duration, rate: u32) -> Result<Run> {
    at_rate(streams(target, path).await?, (length, rate)).await
}

async fn streams(target: &Target, path: &str) -> Result<Vec<Streamed>> {
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS / STREAMS {
        let connection = Arc::new(Connection::open(target).await?);
        let uri = format!("https://{}{path}", target.address);
        let streamed = || Streamed { connection: Arc::clone(&connection), uri: uri.clone() };
        all.extend((0..STREAMS).map(|_| streamed()));
    }
    Ok(all)
}

/// Sends so many requests on one connection, each when the former answer is complete.
///
/// # Errors
/// As [`closed`].
pub async fn times(target: &Target, path: &str, count: usize) -> Result<()> {
    let connection = Connection::open(target).await?;
    let uri = format!("https://{}{path}", target.address);
    for _ in 0..count {
        ask(&connection, &uri).await?;
    }
    Ok(())
}

/// A connection that several streams share. A server may end it after so many requests; then another one takes its place.
struct Connection {
    target: Target,
    current: Mutex<SendRequest<Empty<Bytes>>>,
}

impl Connection {
    async fn open(target: &Target) -> Result<Self> {
        Ok(Self { target: target.clone(), current: Mutex::new(connect(target).await?) })
    }

    /// Returns a sender on a connection that takes requests.
    async fn sender(&self) -> Result<SendRequest<Empty<Bytes>>> {
        let mut current = self.current.lock().await;
        if current.is_closed() {
            *current = connect(&self.target).await?;
        }
        Ok(current.clone())
    }
}

async fn connect(target: &Target) -> Result<SendRequest<Empty<Bytes>>> {
    let tls = target.tls.as_ref().ok_or("HTTP/2 is measured over TLS only")?;
    let mut tls = rustls::ClientConfig::clone(tls);
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = TcpStream::connect(target.address).await?;
    tcp.set_nodelay(true)?;
    let stream =
        TlsConnector::from(Arc::new(tls)).connect(ServerName::from(target.address.ip()), tcp).await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err("the server does not speak HTTP/2".into());
    }
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// One stream after the other of a connection, and what is asked on them.
struct Streamed {
    connection: Arc<Connection>,
    uri: String,
}

impl Ask for Streamed {
    async fn ask(&mut self) -> Result<()> {
        ask(&self.connection, &self.uri).await
    }
}

/// Sends a request; again on another connection if the server ended the one before it took it, which it may do a few times.
async fn ask(connection: &Connection, uri: &str) -> Result<()> {
    for _ in 0..TRIES {
        let mut sender = connection.sender().await?;
        if sender.ready().await.is_err() {
            continue;
        }
        let request = Request::get(uri).header(http::header::ACCEPT, "application/json");
        let answer = match sender.send_request(request.body(Empty::new())?).await {
            Err(error) if sender.is_closed() && !error.is_parse() => continue,
            answer => answer?,
        };
        if answer.status() != http::StatusCode::OK {
            return Err(format!("status {}", answer.status()).into());
        }
        answer.into_body().collect().await?;
        return Ok(());
    }
    Err(format!("{TRIES} connections in a row were ended before they took a request").into())
}
