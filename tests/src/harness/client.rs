//! An SMO's HTTP client: mutual TLS, one identity.

use super::pki::{Leaf, Pki};
use bytes::Bytes;
use http::{HeaderMap, Method};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The API's base paths.
pub const V1: &str = "/o2ims-infrastructureInventory/v1";
/// The API's base path of the second major.
pub const V2: &str = "/o2ims-infrastructureInventory/v2";

/// How long any answer may take; a test that expects a stall sets its own.
const PATIENCE: Duration = Duration::from_secs(30);

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Returns a header as text; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the body as a JSON array.
    #[track_caller]
    pub fn list(&self) -> Vec<Value> {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless the status is this one; returns the answer for more questions.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Fails unless this is a problem document of the status, complete and without `instance`; returns it.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["type"].is_string() && problem["title"].is_string(), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        assert!(problem.get("instance").is_none(), "{problem}");
        assert_eq!(
            problem["requestId"].as_str().expect("a request id"),
            self.header("x-request-id"),
            "{problem}"
        );
        problem
    }

    /// Returns the target of `Link: <...>; rel="next"`, if there is a next page.
    pub fn next(&self) -> Option<String> {
        let link = self.header("link");
        let target = link.strip_prefix('<')?.split_once(">; rel=\"next\"")?.0;
        Some(target.to_owned())
    }
}

/// Asks one gateway as one identity, or as nobody.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    /// Makes a client that trusts the test's authority, with a certificate or without.
    pub fn new(pki: &Pki, leaf: Option<&Leaf>, base: impl Into<String>) -> Self {
        Self::trusting(&pki.authority(), leaf, base)
    }

    /// Makes the same client for authorities as PEM.
    pub fn trusting(authorities: &str, leaf: Option<&Leaf>, base: impl Into<String>) -> Self {
        let authorities =
            reqwest::Certificate::from_pem_bundle(authorities.as_bytes()).expect("authorities as PEM");
        let mut builder = reqwest::Client::builder()
            .tls_certs_only(authorities)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE);
        if let Some(leaf) = leaf {
            let pem = format!("{}{}", leaf.certificate, leaf.key);
            builder = builder
                .identity(reqwest::Identity::from_pem(pem.as_bytes()).expect("the certificate as PEM"));
        }
        Self { http: builder.build().expect("a client"), base: base.into() }
    }

    /// Makes a client for plain HTTP.
    pub fn plain(base: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { http, base: base.into() }
    }

    /// Asks; returns what came, or why nothing did.
    ///
    /// A path that is a whole URL is taken as it is, as `Link` and `Location` give it.
    ///
    /// # Errors
    /// No answer came: refused, reset, timed out.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> reqwest::Result<Answer> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = self.http.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.body(body.to_owned());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await? })
    }

    /// Sends a request with headers and a body.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let sent = self.ask(method.clone(), path, headers, body).await;
        sent.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// Sends a GET with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, "").await
    }

    /// Sends a DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], "").await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], &body.to_string()).await
    }

    /// Replaces by JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[("content-type", "application/json")], &body.to_string()).await
    }

    /// Reads a whole collection, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut objects = Vec::new();
        let mut next = Some(path.to_owned());
        for _ in 0..10_000 {
            let Some(page) = next else { return objects };
            let answer = self.get(&page).await.expect(200);
            next = answer.next();
            objects.extend(answer.list());
        }
        panic!("{path} has no last page");
    }
}

/// Makes the settings of TLS connections that trust an authority and may show a certificate.
pub fn tls(pki: &Pki, leaf: Option<&Leaf>) -> ClientConfig {
    tls_by(rustls::crypto::aws_lc_rs::default_provider(), pki, leaf)
}

/// Makes the same settings with the suites and groups of a provider.
pub fn tls_by(provider: CryptoProvider, pki: &Pki, leaf: Option<&Leaf>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pki.authority().as_bytes()).expect("the authority"))
        .expect("an authority");
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.3");
    let builder = builder.with_root_certificates(roots);
    match leaf {
        Some(leaf) => {
            let certificate =
                CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(vec![certificate], key).expect("a certificate with its key")
        }
        None => builder.with_no_client_auth(),
    }
}

/// Opens a TLS connection on which a test speaks HTTP/1.1 by hand.
pub async fn raw(pki: &Pki, leaf: Option<&Leaf>, address: SocketAddr) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(address).await.expect("a connection");
    let name = ServerName::from(address.ip());
    TlsConnector::from(Arc::new(tls(pki, leaf))).connect(name, tcp).await.expect("a handshake")
}
