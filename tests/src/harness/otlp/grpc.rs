//! A collector of traces that takes OTLP over gRPC on loopback, plainly or over TLS, and refuses calls if it is told to.
//!
//! Source: gRPC, "gRPC over HTTP2"; opentelemetry-proto 1.x, `collector/trace/v1/trace_service.proto`.

use super::{Span, document};
use crate::harness::pki::Leaf;
use crate::harness::soon;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What it has seen, and how it answers.
#[derive(Default)]
struct State {
    spans: Vec<Span>,
    /// Calls that were refused.
    refused: usize,
    /// The status with which calls are refused.
    refuses: Option<&'static str>,
}

/// The collector; ends when it is dropped.
pub struct OtlpGrpc {
    state: Arc<Mutex<State>>,
    url: String,
    server: JoinHandle<()>,
}

impl OtlpGrpc {
    /// Starts on a free port of loopback; over TLS, as the owner of a certificate, if there is one.
    ///
    /// # Panics
    /// No port is free.
    pub async fn start(leaf: Option<&Leaf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let state = Arc::<Mutex<State>>::default();
        let scheme = if leaf.is_some() { "https" } else { "http" };
        let acceptor = leaf.map(|leaf| TlsAcceptor::from(Arc::new(config(leaf))));
        let server = tokio::spawn(serve(listener, acceptor, Arc::clone(&state)));
        Self { state, url: format!("{scheme}://{address}"), server }
    }

    /// Returns where spans go.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Refuses calls with a status from now on, or takes them again.
    pub fn refuse(&self, status: Option<&'static str>) {
        lock(&self.state).refuses = status;
    }

    /// Returns how many calls were refused.
    pub fn refused(&self) -> usize {
        lock(&self.state).refused
    }

    /// Waits for a span.
    ///
    /// # Panics
    /// It does not come.
    pub async fn wait(&self, what: &str, is_it: impl Fn(&Span) -> bool) -> Span {
        soon(what, async || lock(&self.state).spans.iter().any(&is_it)).await;
        lock(&self.state).spans.iter().find(|span| is_it(span)).cloned().expect("it came")
    }
}

impl Drop for OtlpGrpc {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config(leaf: &Leaf) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key");
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("TLS 1.3").with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).expect("a certificate with its key");
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            match acceptor {
                None => converse(stream, state).await,
                // A client that does not believe the certificate is the gateway's business.
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream, state).await;
                    }
                }
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, state: Arc<Mutex<State>>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&state)));
    // How a connection ends is the gateway's business.
    http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    assert_eq!(head.uri.path(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    for (name, value) in [("content-type", "application/grpc"), ("te", "trailers")] {
        assert_eq!(head.headers.get(name).map(HeaderValue::as_bytes), Some(value.as_bytes()));
    }
    let body = body.collect().await.expect("a whole request").to_bytes();
    let length = u32::from_be_bytes(body[1..5].try_into().expect("four bytes"));
    assert_eq!((body[0], length as usize), (0, body.len() - 5), "one message, not compressed");
    let mut state = lock(&state);
    let status = state.refuses.unwrap_or("0");
    match state.refuses {
        Some(_) => state.refused += 1,
        None => state.spans.extend(document(&body[5..])),
    }
    drop(state);
    // An `ExportTraceServiceResponse` without anything in it.
    let message = if status == "0" { Bytes::from_static(&[0; 5]) } else { Bytes::new() };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    let body = Full::new(message).with_trailers(async { Some(Ok(trailers)) });
    Ok(Response::builder().header("content-type", "application/grpc").body(body).expect("a response"))
}
