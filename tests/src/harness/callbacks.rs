//! Many callbacks on one loopback port, told apart by their paths: each keeps everything it accepted and answers as told.
//!
//! Signatures are checked here from the words of Standard Webhooks, not with the gateway's own code.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::Value;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What is known of one path.
#[derive(Default)]
struct Callback {
    /// The status to answer with; 204 if none is set.
    status: Option<u16>,
    /// The subscription's secret; without it signatures are not checked.
    secret: Option<String>,
    /// How long each delivery is held before it is answered.
    hold: Duration,
    accepted: Vec<Value>,
    badly_signed: usize,
}

/// Deliveries that are being answered, and the most of them at any time.
#[derive(Default)]
struct Crowd {
    now: usize,
    most: usize,
}

/// Is told each notification that a callback accepted, with its path.
pub type Sink = Box<dyn Fn(&str, Value) + Send + Sync>;

type State = Arc<Shared>;

#[derive(Default)]
struct Shared {
    callbacks: Mutex<HashMap<String, Callback>>,
    crowd: Mutex<Crowd>,
    sink: Option<Sink>,
}

/// The callbacks; they end when this is dropped.
pub struct Callbacks {
    state: State,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Callbacks {
    /// Starts on a free port.
    pub async fn start() -> Self {
        Self::launch(None).await
    }

    /// Starts on a free port; what is accepted is passed on and not kept.
    pub async fn passing_on(sink: Sink) -> Self {
        Self::launch(Some(sink)).await
    }

    async fn launch(sink: Option<Sink>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Shared { sink, ..Shared::default() });
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { state, address, server }
    }

    /// Returns the callback of a path such as `/a`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sets the status with which a path answers from now on; what is answered by another than 2xx is not kept.
    pub fn answer(&self, path: &str, status: u16) {
        self.at(path, |callback| callback.status = Some(status));
    }

    /// Holds each delivery to a path for so long before it is answered.
    pub fn hold(&self, path: &str, time: Duration) {
        self.at(path, |callback| callback.hold = time);
    }

    /// Returns how many deliveries came at the same time, at most.
    pub fn most_at_once(&self) -> usize {
        self.state.crowd(|crowd| crowd.most)
    }

    /// Checks signatures of a path from now on, with the secret that came with its subscription.
    pub fn trust(&self, path: &str, secret: &str) {
        self.at(path, |callback| callback.secret = Some(secret.to_owned()));
    }

    /// Returns the bodies that a path accepted, oldest first.
    pub fn received(&self, path: &str) -> Vec<Value> {
        self.at(path, |callback| callback.accepted.clone())
    }

    /// Returns how many deliveries to a path had a signature that does not fit.
    pub fn badly_signed(&self, path: &str) -> usize {
        self.at(path, |callback| callback.badly_signed)
    }

    fn at<T>(&self, path: &str, change: impl FnOnce(&mut Callback) -> T) -> T {
        self.state.at(path, change)
    }
}

impl Shared {
    fn crowd<T>(&self, change: impl FnOnce(&mut Crowd) -> T) -> T {
        change(&mut self.crowd.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn at<T>(&self, path: &str, change: impl FnOnce(&mut Callback) -> T) -> T {
        let mut callbacks = self.callbacks.lock().unwrap_or_else(PoisonError::into_inner);
        change(callbacks.entry(path.to_owned()).or_default())
    }

    /// Does with a delivery what its path is told to; returns the status of the answer.
    fn take(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> u16 {
        let read = || serde_json::from_slice(body).unwrap_or_default();
        let status = self.at(path, |callback| {
            if callback.secret.as_deref().is_some_and(|secret| !signed(secret, headers, body)) {
                callback.badly_signed += 1;
            }
            let status = callback.status.unwrap_or(204);
            if (200..300).contains(&status) && self.sink.is_none() {
                callback.accepted.push(read());
            }
            status
        });
        if let Some(sink) = self.sink.as_ref().filter(|_| (200..300).contains(&status)) {
            sink(path, read());
        }
        status
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, state: State) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request| receive(request, Arc::clone(&state)));
            // A connection that breaks is the sender's business: it will try again.
            Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn receive(request: Request<Incoming>, state: State) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    state.crowd(|crowd| {
        crowd.now += 1;
        crowd.most = crowd.most.max(crowd.now);
    });
    let hold = state.at(head.uri.path(), |callback| callback.hold);
    tokio::time::sleep(hold).await;
    let status = state.take(head.uri.path(), &head.headers, &body);
    state.crowd(|crowd| crowd.now -= 1);
    Ok(Response::builder().status(status).body(Empty::new()).expect("a response"))
}

/// `webhook-signature` holds `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes that the
/// secret's base64 after `whsec_` stands for.
fn signed(secret: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key =
        secret.strip_prefix("whsec_").and_then(|base64| STANDARD.decode(base64).ok()).unwrap_or_default();
    let mut message = format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).into_bytes();
    message.extend_from_slice(body);
    let expected = STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &message));
    text("webhook-signature").split(' ').any(|one| one.strip_prefix("v1,") == Some(&expected))
}

#[test]
fn a_signature_fits_its_body_and_no_other() {
    let secret = format!("whsec_{}", STANDARD.encode([7; 24]));
    let mut headers = HeaderMap::new();
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[7; 24]), b"one.1700000000.{}");
    let signature = format!("v1,{}", STANDARD.encode(mac));
    for (name, value) in
        [("webhook-id", "one"), ("webhook-timestamp", "1700000000"), ("webhook-signature", &signature)]
    {
        headers.insert(http::HeaderName::try_from(name).expect("a name"), value.parse().expect("a value"));
    }
    assert!(signed(&secret, &headers, b"{}"));
    assert!(!signed(&secret, &headers, b"{ }"));
}
