//! Certificates and authorities that are exchanged while clients ask, and a client that is revoked.

use crate::asked::Asked;
use crate::networks::recorded;
use http::Method;
use netweave_tests::harness::client::{Client, V2, tls};
use netweave_tests::harness::figures::{full, record};
use netweave_tests::harness::pki::{Leaf, Pki};
use netweave_tests::harness::{Gateway, Inventory, Setup, soon};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How many clients ask all the time.
const CLIENTS: usize = 4;
/// One exchange in so many is that of the authority.
const AUTHORITY: usize = 5;
/// Requests of a client before it connects anew.
const KEPT: usize = 7;
const ASKED: &str = "/netweave/v1/self";
const RELOADED: &str = "netweave_tls_reloads_total{result=\"ok\"}";

/// A secret as Kubernetes mounts it: files are links through `..data`, which is exchanged at once.
pub(crate) struct Mounted {
    folder: tempfile::TempDir,
    version: usize,
}

impl Mounted {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let mut mounted = Self { folder: tempfile::tempdir().expect("a folder"), version: 0 };
        mounted.put(files);
        for (name, _) in files {
            let link = Path::new("..data").join(name);
            std::os::unix::fs::symlink(link, mounted.path(name)).expect("a link");
        }
        mounted
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn put(&mut self, files: &[(&str, &str)]) {
        self.version += 1;
        let version = format!("..version-{}", self.version);
        std::fs::create_dir(self.path(&version)).expect("a folder");
        for (name, text) in files {
            std::fs::write(self.path(&version).join(name), text).expect("a file");
        }
        let new = self.path("..data_tmp");
        std::os::unix::fs::symlink(version, &new).expect("a link");
        std::fs::rename(new, self.path("..data")).expect("the new link in place of the old");
    }
}

/// The certificate that clients show, and the authorities that they believe.
struct Shown {
    authorities: String,
    leaf: Leaf,
}

/// What the clients of a load have in common.
struct Load {
    url: String,
    shown: Mutex<Arc<Shown>>,
    asked: Asked,
}

impl Load {
    fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks until the end, each time with what is to be shown at that time; the clients that are moved off are waited for.
    async fn ask(self: Arc<Self>) {
        let mut shown = self.shown();
        let mut client = Client::trusting(&shown.authorities, Some(&shown.leaf), &self.url);
        for request in 1.. {
            if !self.asked.goes_on() {
                return;
            }
            let now = self.shown();
            if !Arc::ptr_eq(&now, &shown) || request % KEPT == 0 {
                client = Client::trusting(&now.authorities, Some(&now.leaf), &self.url);
                shown = now;
            }
            let answer = client.ask(Method::GET, ASKED, &[], "").await;
            self.asked.count(&answer, matches!(&answer, Ok(answer) if answer.status == 200));
        }
    }

    /// Has all clients show something else, and waits until none shows what was shown before.
    async fn show(&self, shown: Shown) {
        let before = std::mem::replace(
            &mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner),
            Arc::new(shown),
        );
        soon("all clients have moved on", async || Arc::strong_count(&before) == 1).await;
    }
}

/// Starts a gateway whose pair and authorities are mounted.
async fn served_from(mounted: &Mounted) -> Gateway {
    Setup::memory()
        .set("/api/tls/certificate", json!(mounted.path("tls.crt")))
        .set("/api/tls/key", json!(mounted.path("tls.key")))
        .set("/api/tls/clientCa", json!(mounted.path("ca.crt")))
        .start()
        .await
}

/// Puts files in place and waits until the gateway has taken them.
async fn exchange(gateway: &Gateway, mounted: &mut Mounted, files: &[(&str, &str)]) {
    let before = gateway.metric(RELOADED).await.unwrap_or_default();
    mounted.put(files);
    soon("the certificates are exchanged", async || {
        gateway.metric(RELOADED).await.unwrap_or_default() > before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_authorities_are_exchanged_under_load_and_no_request_fails() {
    let mut pki = Pki::new();
    let server = pki.server();
    let files = [("tls.crt", &*server.certificate), ("tls.key", &server.key), ("ca.crt", &pki.authority())];
    let mut mounted = Mounted::new(&files);
    let gateway = served_from(&mounted).await;
    let shown = |pki: &Pki, authorities: String| Shown { authorities, leaf: pki.client("smo") };
    let load = Arc::new(Load {
        url: gateway.url(),
        shown: Mutex::new(Arc::new(shown(&pki, pki.authority()))),
        asked: Asked::default(),
    });
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(Arc::clone(&load).ask())).collect();
    let rotations = if full() { 100 } else { 10 };
    for rotation in 1..=rotations {
        if rotation % AUTHORITY == 0 {
            // The new authority is believed beside the old one, everybody moves over, the old one goes.
            let new = Pki::new();
            let both = format!("{}{}", pki.authority(), new.authority());
            let server = pki.server();
            exchange(
                &gateway,
                &mut mounted,
                &[("tls.crt", &server.certificate), ("tls.key", &server.key), ("ca.crt", &both)],
            )
            .await;
            load.show(shown(&new, both.clone())).await;
            pki = new;
        }
        let server = pki.server();
        let files =
            [("tls.crt", &*server.certificate), ("tls.key", &server.key), ("ca.crt", &pki.authority())];
        exchange(&gateway, &mut mounted, &files).await;
    }
    let requests = load.asked.end(clients).await;
    assert!(requests > rotations * CLIENTS, "{requests} requests");
    record(&format!("rotations={rotations} rotation_requests={requests}"));
}

#[tokio::test]
async fn files_that_do_not_fit_leave_the_old_ones_and_raise_a_metric() {
    let pki = Pki::new();
    let server = pki.server();
    let good = [("tls.crt", &*server.certificate), ("tls.key", &server.key), ("ca.crt", &pki.authority())];
    let mut mounted = Mounted::new(&good);
    let gateway = served_from(&mounted).await;
    let client = Client::new(&pki, Some(&pki.client("smo")), gateway.url());
    let other = pki.server();
    mounted.put(&[("tls.crt", &*other.certificate), good[1], good[2]]);
    let failed = "netweave_tls_reloads_total{result=\"failed\"}";
    soon("the pair is refused", async || gateway.metric(failed).await == Some(1.0)).await;
    client.get(ASKED).await.expect(200);
    assert!(gateway.log().contains("the old ones stay"), "an operator is told");
    mounted.put(&[("tls.crt", &*other.certificate), ("tls.key", &other.key), good[2]]);
    soon("the pair that fits is taken", async || gateway.metric(RELOADED).await == Some(1.0)).await;
    Client::new(&pki, Some(&pki.client("smo")), gateway.url()).get(ASKED).await.expect(200);
}

/// Opens a connection with settings that remember sessions.
async fn connect(settings: &Arc<ClientConfig>, gateway: &Gateway) -> std::io::Result<TlsStream<TcpStream>> {
    let address = gateway.api_address();
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::clone(settings)).connect(ServerName::from(address.ip()), tcp).await
}

/// Asks on an open connection; returns the status line, empty if the connection has ended.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    let request = format!("GET {ASKED} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return String::new();
    }
    let mut read = vec![0; 64 << 10];
    let mut text = String::new();
    while !text.ends_with('}') {
        match stream.read(&mut read).await {
            Ok(count) if count > 0 => text.push_str(&String::from_utf8_lossy(&read[..count])),
            Ok(_) | Err(_) => return String::new(),
        }
    }
    text.lines().next().unwrap_or_default().to_owned()
}

/// Waits until a client gets nothing over a new connection.
async fn disbelieved(settings: &Arc<ClientConfig>, gateway: &Gateway) {
    soon("the client is not believed any more", async || {
        let Ok(mut fresh) = connect(settings, gateway).await else { return true };
        !ask(&mut fresh).await.contains(" 200 ")
    })
    .await;
}

#[tokio::test]
async fn a_revoked_client_is_out_within_five_seconds_with_its_open_connection_and_its_sessions() {
    let pki = Arc::new(Pki::new());
    let (revoked, kept) = (pki.client_numbered("revoked", 7), pki.client_numbered("kept", 8));
    let mut lists = Mounted::new(&[("crl.pem", &pki.revocations(&[]))]);
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory()
        .pki(&pki)
        .file("lab", &inventory)
        .set("/api/tls/crl", json!(lists.path("crl.pem")))
        .start()
        .await;
    let settings = Arc::new(tls(&pki, Some(&revoked)));
    let mut open = connect(&settings, &gateway).await.expect("a connection");
    assert!(ask(&mut open).await.contains(" 200 "));
    let mut second = connect(&settings, &gateway).await.expect("a connection");
    assert!(ask(&mut second).await.contains(" 200 "));
    assert_eq!(second.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed), "sessions are resumed");
    drop(second);
    let mut other = connect(&Arc::new(tls(&pki, Some(&kept))), &gateway).await.expect("a connection");
    assert!(ask(&mut other).await.contains(" 200 "));

    lists.put(&[("crl.pem", &pki.revocations(&[7]))]);
    let began = Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(5), open.read(&mut [0; 64])).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "the open connection is closed: {ended:?}");
    let took = began.elapsed();
    // A resumed handshake verifies nothing by itself; its session is of no use.
    if let Ok(mut resumed) = connect(&settings, &gateway).await {
        let status = ask(&mut resumed).await;
        assert!(status.is_empty() || status.contains(" 401 "), "{status}");
    }
    let fresh = Client::new(&pki, Some(&revoked), gateway.url()).ask(Method::GET, ASKED, &[], "").await;
    assert!(!matches!(&fresh, Ok(answer) if answer.status != 401), "{fresh:?}");
    assert!(ask(&mut other).await.contains(" 200 "), "nobody else is touched");
    Client::new(&pki, Some(&kept), gateway.url()).get(&format!("{V2}/resourcePools")).await.expect(200);
    assert_eq!(gateway.metric("netweave_connections_distrusted_total").await, Some(1.0));
    record(&format!("revoked_ms={}", took.as_millis()));
}

#[tokio::test]
async fn a_change_that_is_under_way_when_its_client_is_revoked_is_answered_and_on_record() {
    let pki = Arc::new(Pki::new());
    let revoked = pki.client_numbered("revoked", 7);
    let mut lists = Mounted::new(&[("crl.pem", &pki.revocations(&[]))]);
    let gateway = Setup::memory()
        .pki(&pki)
        .set("/api/tls/crl", json!(lists.path("crl.pem")))
        .set("/subscriptions/callback/verify", json!("get204"))
        .set("/audit/sinks", json!(["file"]))
        .set("/audit/file/directory", json!("audit"))
        .start()
        .await;
    let settings = Arc::new(tls(&pki, Some(&revoked)));
    let callback = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let body =
        json!({ "callback": format!("http://{}/", callback.local_addr().expect("its address")) }).to_string();
    let mut open = connect(&settings, &gateway).await.expect("a connection");
    let head =
        format!("POST {V2}/subscriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    let request = format!("{head}x-request-id: under-way\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    open.write_all(request.as_bytes()).await.expect("a request");
    let (mut asked, _) = callback.accept().await.expect("the callback is tried");
    lists.put(&[("crl.pem", &pki.revocations(&[7]))]);
    disbelieved(&settings, &gateway).await;
    asked.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("an answer");
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), open.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection is closed behind the answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 201 ") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
    let record = recorded(&gateway, |record| record["requestId"] == "under-way").await;
    assert_eq!((&record["status"], &record["decision"]), (&json!(201), &json!("allowed")), "{record}");
}

#[tokio::test]
async fn a_change_whose_body_comes_after_its_client_was_revoked_is_not_made() {
    let pki = Arc::new(Pki::new());
    let revoked = pki.client_numbered("revoked", 7);
    let mut lists = Mounted::new(&[("crl.pem", &pki.revocations(&[]))]);
    let gateway = Setup::memory().pki(&pki).set("/api/tls/crl", json!(lists.path("crl.pem"))).start().await;
    let settings = Arc::new(tls(&pki, Some(&revoked)));
    let mut open = connect(&settings, &gateway).await.expect("a connection");
    let body = json!({ "callback": "http://127.0.0.1:9/" }).to_string();
    let head =
        format!("POST {V2}/subscriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    let request = format!("{head}content-length: {}\r\nexpect: 100-continue\r\n\r\n", body.len());
    open.write_all(request.as_bytes()).await.expect("a head");
    let mut answer = vec![0; 1024];
    let read = open.read(&mut answer).await.expect("a word that the body may come");
    assert!(answer[..read].starts_with(b"HTTP/1.1 100 "));
    lists.put(&[("crl.pem", &pki.revocations(&[7]))]);
    disbelieved(&settings, &gateway).await;
    open.write_all(body.as_bytes()).await.expect("a body");
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), open.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection is closed behind the answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn the_end_of_every_certificate_is_a_metric_also_that_of_clients() {
    let gateway = Setup::memory().start().await;
    gateway.client("smo").get(ASKED).await.expect(200);
    for role in ["server", "client_ca", "observed_client"] {
        let sample = format!("netweave_tls_certificate_expiration_timestamp_seconds{{role=\"{role}\"}}");
        soon(role, async || gateway.metric(&sample).await.is_some_and(|end| end > 1.7e9)).await;
    }
}

#[tokio::test]
async fn the_hybrid_key_exchange_is_offered() {
    let gateway = Setup::memory().start().await;
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::X25519MLKEM768];
    let settings = netweave_tests::harness::client::tls_by(provider, gateway.pki(), None);
    let stream = connect(&Arc::new(settings), &gateway).await.expect("a handshake by X25519MLKEM768 alone");
    let group = stream.get_ref().1.negotiated_key_exchange_group().expect("a group");
    assert_eq!(group.name(), rustls::NamedGroup::X25519MLKEM768);
}
