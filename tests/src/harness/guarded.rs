//! A consumer behind TLS that asks for a client certificate and, if it is told to, for a token; and a server of such tokens.

use super::pki::{Leaf, Pki};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use std::collections::HashSet;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// One delivery that was answered 204.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its number within its subscription.
    pub sequence: u64,
    /// Its headers.
    pub headers: HeaderMap,
    /// The certificate that was shown, as DER.
    pub certificate: Vec<u8>,
}

#[derive(Default)]
struct State {
    accepted: Vec<Delivery>,
    /// Deliveries that were answered 401.
    refused: usize,
}

/// The consumer; ends when it is dropped.
pub struct Guarded {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Guarded {
    /// Starts on a free port of an address; takes clients of these authorities, and only deliveries with a token of that
    /// server, if there is one.
    pub async fn start(address: &str, leaf: &Leaf, clients: &[&Pki], tokens: Option<&TokenServer>) -> Self {
        let listener = TcpListener::bind((address.parse::<IpAddr>().expect("an address"), 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let acceptor = TlsAcceptor::from(Arc::new(config(leaf, clients)));
        let state = Arc::<Mutex<State>>::default();
        let live = tokens.map(|tokens| Arc::clone(&tokens.state));
        let server = tokio::spawn(serve(listener, acceptor, Arc::clone(&state), live));
        Self { state, address, server }
    }

    /// Returns a callback of this consumer.
    pub fn url(&self) -> String {
        format!("https://{}/o2", self.address)
    }

    /// Returns what was accepted, oldest first.
    pub fn accepted(&self) -> Vec<Delivery> {
        lock(&self.state).accepted.clone()
    }

    /// Returns how many deliveries came without a token that counts.
    pub fn refused(&self) -> usize {
        lock(&self.state).refused
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config(leaf: &Leaf, clients: &[&Pki]) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    for pki in clients {
        let authority = CertificateDer::from_pem_slice(pki.authority().as_bytes()).expect("an authority");
        roots.add(authority).expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let chain = vec![CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key");
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.3")
        .with_client_cert_verifier(verifier.build().expect("authorities"))
        .with_single_cert(chain, key)
        .expect("a certificate with its key")
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    state: Arc<Mutex<State>>,
    live: Option<Arc<Mutex<Tokens>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state, live) = (acceptor.clone(), Arc::clone(&state), live.clone());
        tokio::spawn(async move {
            // A client without a certificate that counts is the gateway's business.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let shown: Arc<[u8]> = shown.map_or_else(Arc::default, |certificate| certificate.as_ref().into());
            let service = service_fn(move |request| {
                receive(request, Arc::clone(&state), live.clone(), Arc::clone(&shown))
            });
            Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn receive(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    live: Option<Arc<Mutex<Tokens>>>,
    shown: Arc<[u8]>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    body.collect().await.ok();
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bearer = text("authorization").strip_prefix("Bearer ").unwrap_or_default();
    if live.is_some_and(|tokens| !lock(&tokens).live.contains(bearer)) {
        lock(&state).refused += 1;
        return Ok(answer(401, Bytes::new()));
    }
    let sequence = text("x-o2ims-sequence").parse().unwrap_or_default();
    let delivery = Delivery { sequence, certificate: shown.to_vec(), headers: head.headers.clone() };
    lock(&state).accepted.push(delivery);
    Ok(answer(204, Bytes::new()))
}

fn answer(status: u16, body: Bytes) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::new(body)).expect("a response")
}

#[derive(Default)]
struct Tokens {
    /// The tokens that count.
    live: HashSet<String>,
    issued: Vec<String>,
    asked: usize,
    /// What is answered instead of a token.
    status: Option<u16>,
    seconds: f64,
    authorization: String,
}

/// A token endpoint on loopback; ends when it is dropped.
pub struct TokenServer {
    state: Arc<Mutex<Tokens>>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl TokenServer {
    /// Starts on a free port; its tokens last so many seconds, as it says. They count until they are revoked.
    pub async fn start(seconds: f64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(Tokens { seconds, ..Tokens::default() }));
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| issue(request, Arc::clone(&state)));
                    let builder = Builder::new(TokioExecutor::new());
                    builder.serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
        Self { state, address, server }
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// Answers all calls with a status instead of a token, or with tokens again.
    pub fn fail(&self, status: Option<u16>) {
        lock(&self.state).status = status;
    }

    /// Takes back all tokens.
    pub fn revoke(&self) {
        lock(&self.state).live.clear();
    }

    /// Returns the tokens that were given out.
    pub fn issued(&self) -> Vec<String> {
        lock(&self.state).issued.clone()
    }

    /// Returns how often a token was asked for.
    pub fn asked(&self) -> usize {
        lock(&self.state).asked
    }

    /// Returns the last value of `Authorization`.
    pub fn authorization(&self) -> String {
        lock(&self.state).authorization.clone()
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn issue(
    request: Request<Incoming>,
    state: Arc<Mutex<Tokens>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let authorization = authorization.unwrap_or_default().to_owned();
    request.into_body().collect().await.ok();
    let mut state = lock(&state);
    (state.asked, state.authorization) = (state.asked + 1, authorization);
    if let Some(status) = state.status {
        return Ok(answer(status, Bytes::new()));
    }
    let token = format!("bearer-canary-{}", state.issued.len() + 1);
    state.issued.push(token.clone());
    state.live.insert(token.clone());
    let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": state.seconds });
    Ok(answer(200, body.to_string().into()))
}
