//! `netweave-floor ADDRESS FOLDER`: the least that a server in Rust needs for the bytes that the gateway is measured with.
//!
//! hyper over rustls with the same provider, allocator, protocol version and client certificates, two threads, and files that
//! were read at the start. No limits, no roles, no log, no metrics.
#![expect(clippy::print_stderr, reason = "a program of benches: its output is a log")]

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use netweave_benches::Result;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bodies by path.
type Files = HashMap<String, Bytes>;

#[tokio::main]
async fn main() -> Result<()> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: netweave-floor ADDRESS FOLDER".into());
    };
    let folder = Path::new(&folder);
    let acceptor = TlsAcceptor::from(Arc::new(tls(folder)?));
    let files = Arc::new(files(&folder.join("www"))?);
    let listener = TcpListener::bind(&address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&files)));
    }
}

fn tls(folder: &Path) -> Result<ServerConfig> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(folder.join("ca.crt"))? {
        roots.add(authority?)?;
    }
    let chain =
        CertificateDer::pem_file_iter(folder.join("tls.crt"))?.collect::<std::result::Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("tls.key"))?;
    let mut config = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build()?)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

fn files(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files
            .insert(format!("/{}", entry.file_name().to_string_lossy()), std::fs::read(entry.path())?.into());
    }
    Ok(files)
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, files: Arc<Files>) {
    stream.set_nodelay(true).ok();
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let body = files.get(request.uri().path()).cloned();
        async move { Ok::<_, Infallible>(answer(body)) }
    });
    if let Err(error) =
        Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
    {
        eprintln!("{error}");
    }
}

fn answer(body: Option<Bytes>) -> Response<Full<Bytes>> {
    let status = if body.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = Response::new(Full::new(body.unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
