//! A collector of traces that takes whatever it is sent, and counts it.

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use netweave_benches::Result;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// It ends when this is dropped.
pub(super) struct Collector {
    pub(super) address: SocketAddr,
    bytes: Arc<AtomicU64>,
    _server: JoinSet<()>,
}

impl Collector {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, bytes, mut server) =
            (listener.local_addr()?, Arc::new(AtomicU64::new(0)), JoinSet::new());
        server.spawn(serve(listener, Arc::clone(&bytes)));
        Ok(Self { address, bytes, _server: server })
    }

    /// Returns the address of its traces.
    pub(super) fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    /// Returns how many bytes it was sent.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, bytes: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let bytes = Arc::clone(&bytes);
        let take = service_fn(move |request| take(request, Arc::clone(&bytes)));
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), take);
        connections.spawn(async move {
            // A connection that breaks is the sender's business: it will try again.
            connection.await.ok();
        });
    }
}

async fn take(
    request: Request<Incoming>,
    bytes: Arc<AtomicU64>,
) -> std::result::Result<Response<Empty<Bytes>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    Ok(Response::new(Empty::new()))
}
