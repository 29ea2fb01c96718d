//! What the client does with servers that behave, and with those that do not.

use super::*;
use crate::resolve::Resolver;
use async_trait::async_trait;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response as HttpResponse};
use hyper_util::rt::{TokioExecutor, TokioIo};
use netweave_model::Timestamp;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp(self.0)
    }
}

/// Answers the first question with one address and all later ones with another.
struct Rebinding {
    asked: AtomicUsize,
    first: IpAddr,
    later: IpAddr,
}

#[async_trait]
impl Resolver for Rebinding {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(vec![if asked == 0 { self.first } else { self.later }])
    }
}

fn rebinding(first: &str, later: &str) -> Arc<Rebinding> {
    Arc::new(Rebinding {
        asked: AtomicUsize::new(0),
        first: first.parse().unwrap(),
        later: later.parse().unwrap(),
    })
}

fn loopback() -> Settings {
    Settings {
        schemes: vec!["https".to_owned(), "http".to_owned()],
        allow: vec!["127.0.0.0/8".to_owned()],
        ..Settings::default()
    }
}

fn outbound(settings: &Settings, resolver: Arc<dyn Resolver>) -> (Arc<Guard>, Outbound) {
    let guard = Arc::new(Guard::new(settings, resolver).unwrap());
    let outbound = Outbound::new(settings, Arc::clone(&guard), Arc::new(At(0))).unwrap();
    (guard, outbound)
}

fn local() -> Outbound {
    outbound(&loopback(), rebinding("127.0.0.1", "127.0.0.1")).1
}

/// What was stored before a rule was tightened, or came into the store by another way, is refused when it is called.
#[tokio::test]
async fn every_spelling_of_a_forbidden_address_is_refused_at_delivery_too() {
    let settings = Settings { schemes: vec!["https".to_owned(), "http".to_owned()], ..Settings::default() };
    let refused: Vec<(String, String)> = serde_json::from_str(include_str!("../guard/refused.json")).unwrap();
    // Names lead to loopback, whatever they are.
    let (_, outbound) = outbound(&settings, rebinding("127.0.0.1", "127.0.0.1"));
    for (url, _) in &refused {
        let error = outbound.post(url, HeaderMap::new(), Bytes::new()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.public()),
            (ErrorKind::Forbidden, FORBIDDEN_ADDRESS),
            "{url}: {error}"
        );
    }
}

/// Serves connections with a fixed text each; returns the port and the number of connections so far.
async fn raw(answer: Vec<u8>, end: bool) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            read_head(&mut stream).await;
            drop(stream.write_all(&answer).await);
            if !end {
                kept.push(stream);
            }
        }
    });
    (port, connections)
}

async fn read_head(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let mut byte = [0; 1];
    while !seen.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.is_ok_and(|count| count > 0) {
        seen.push(byte[0]);
    }
}

#[tokio::test]
async fn an_answer_is_its_status_and_its_pause() {
    let (port, _) =
        raw(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n".to_vec(), true).await;
    let url = format!("http://127.0.0.1:{port}/x");
    let answer = local().post(&url, HeaderMap::new(), Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!((answer.status, answer.retry_after), (429, Some(Duration::from_secs(7))));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (port, connections) =
        raw(b"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n".to_vec(), true).await;
    let answer = local().probe(&format!("http://127.0.0.1:{port}/x")).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_body_without_end_does_not_hold_the_call() {
    let mut text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..3 {
        text.extend_from_slice(b"10000\r\n");
        text.extend(std::iter::repeat_n(b'x', 0x10000));
        text.extend_from_slice(b"\r\n");
    }
    let (port, _) = raw(text, false).await;
    let begun = Instant::now();
    let answer =
        local().post(&format!("http://127.0.0.1:{port}/"), HeaderMap::new(), Bytes::new()).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_and_a_closed_port_is_refused() {
    let settings = Settings { timeout: Duration::from_millis(200), ..loopback() };
    let (_, outbound) = outbound(&settings, rebinding("127.0.0.1", "127.0.0.1"));
    let (port, _) = raw(Vec::new(), false).await;
    let error = outbound
        .post(&format!("http://127.0.0.1:{port}/"), HeaderMap::new(), Bytes::new())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.public()), (ErrorKind::Timeout, "timeout"));
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = outbound.probe(&format!("http://127.0.0.1:{closed}/")).await.unwrap_err();
    assert_eq!((error.kind(), error.public()), (ErrorKind::Unavailable, "refused"));
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_refused_at_connect_time() {
    let settings = Settings { schemes: vec!["http".to_owned()], ..Settings::default() };
    let (port, connections) = raw(b"HTTP/1.1 204 No\r\n\r\n".to_vec(), true).await;
    let (guard, outbound) = outbound(&settings, rebinding("93.184.216.34", "127.0.0.1"));
    let url = format!("http://rebind.example.net:{port}/");
    assert!(guard.check(&url).await.is_ok(), "public when it is registered");
    let error = outbound.post(&url, HeaderMap::new(), Bytes::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.public()), (ErrorKind::Forbidden, FORBIDDEN_ADDRESS));
    assert!(error.to_string().contains("127.0.0.1"), "the log says which: {error}");
    assert_eq!(connections.load(Ordering::SeqCst), 0, "no connection was made");
}

#[tokio::test]
async fn an_address_in_the_url_is_checked_at_connect_time_too() {
    let settings = Settings { schemes: vec!["http".to_owned()], ..Settings::default() };
    let (port, connections) = raw(b"HTTP/1.1 204 No\r\n\r\n".to_vec(), true).await;
    let (_, outbound) = outbound(&settings, rebinding("93.184.216.34", "93.184.216.34"));
    for host in ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let error = outbound.probe(&format!("http://{host}:{port}/")).await.unwrap_err();
        assert_eq!(error.public(), FORBIDDEN_ADDRESS, "{host}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_callback_is_verified_by_204_and_nothing_else() {
    let (good, _) = raw(b"HTTP/1.1 204 No\r\n\r\n".to_vec(), true).await;
    let (other, _) = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(), true).await;
    let outbound = local();
    outbound.get204(&format!("http://127.0.0.1:{good}/")).await.unwrap();
    let error = outbound.get204(&format!("http://127.0.0.1:{other}/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

/// A TLS server on loopback that answers 204 in the protocol that was negotiated; returns its port and its authority.
async fn tls_server(dir: &std::path::Path) -> (u16, std::path::PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
    let leaf_key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["smo.example.net".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &ca).unwrap();
    let path = dir.join("ca.crt");
    std::fs::write(&path, ca.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let service = service_fn(|_: Request<Incoming>| async {
                let answer = HttpResponse::builder().status(204).body(Full::<Bytes>::default()).unwrap();
                Ok::<_, Infallible>(answer)
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    (port, path)
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_if_it_is_configured() {
    let dir = tempfile::tempdir().unwrap();
    let (port, ca) = tls_server(dir.path()).await;
    let url = format!("https://smo.example.net:{port}/");
    let trusting = Settings { ca: Some(ca), ..loopback() };
    let (_, outbound_with) = outbound(&trusting, rebinding("127.0.0.1", "127.0.0.1"));
    let answer = outbound_with.post(&url, HeaderMap::new(), Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(answer.status, 204, "TLS 1.2 and HTTP/2, from the full provider");
    let wrong_name = format!("https://other.example.net:{port}/");
    assert_eq!(outbound_with.probe(&wrong_name).await.unwrap_err().public(), "tls");
    let (_, outbound_without) = outbound(&loopback(), rebinding("127.0.0.1", "127.0.0.1"));
    assert_eq!(outbound_without.probe(&url).await.unwrap_err().public(), "tls");
}

#[test]
fn an_unusable_file_of_authorities_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.crt");
    std::fs::write(&empty, "nothing").unwrap();
    for ca in [dir.path().join("absent.crt"), empty] {
        let settings = Settings { ca: Some(ca), ..loopback() };
        let guard = Arc::new(Guard::new(&settings, rebinding("127.0.0.1", "127.0.0.1")).unwrap());
        assert!(Outbound::new(&settings, guard, Arc::new(At(0))).is_err());
    }
}
