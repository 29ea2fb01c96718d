//! Which servers the client of an API trusts.

use crate::{Api, ApiSettings};
use bytes::Bytes;
use http::Request;
use netweave_model::port::Clock;
use netweave_model::{ErrorKind, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// Answers 204 to whoever trusts the certificate; returns the port.
async fn server(certificate: CertificateDer<'static>, key: &KeyPair) -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 4096];
            drop(stream.read(&mut head).await);
            drop(stream.write_all(b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n").await);
            drop(stream.shutdown().await);
        }
    });
    port
}

/// A certificate that signed itself, for `localhost`.
fn own(is_ca: bool, ended: bool) -> (CertifiedIssuer<'static, KeyPair>, CertificateDer<'static>) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    if ended {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let der = CertificateDer::from_pem_slice(issuer.pem().as_bytes()).unwrap();
    (issuer, der)
}

/// Asks a server; `Ok` is the status, `Err` the cause as the log shows it.
async fn ask(ca: Option<PathBuf>, url: String) -> Result<u16, String> {
    let settings = ApiSettings { ca, ..ApiSettings::default() };
    let api = Api::new(&settings, Arc::new(Epoch)).unwrap();
    let asked = api.call(Request::get(url).body(Bytes::new()).unwrap()).await;
    asked.map(|answer| answer.status).map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        error.to_string()
    })
}

fn file(folder: &TempDir, pem: &str) -> PathBuf {
    let path = folder.path().join("ca.crt");
    std::fs::write(&path, pem).unwrap();
    path
}

#[tokio::test]
async fn a_servers_own_certificate_is_trusted_if_it_is_named_and_only_under_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for is_ca in [false, true] {
        let (issuer, der) = own(is_ca, false);
        let port = server(der, issuer.key()).await;
        let named = || Some(file(&folder, &issuer.pem()));
        assert_eq!(ask(named(), format!("https://localhost:{port}/")).await, Ok(204), "authority: {is_ca}");
        let elsewhere = ask(named(), format!("https://127.0.0.1:{port}/")).await.unwrap_err();
        assert!(elsewhere.contains("not valid for name"), "{elsewhere}");
        let (stranger, _) = own(is_ca, false);
        for ca in [Some(file(&folder, &stranger.pem())), None] {
            assert!(ask(ca, format!("https://localhost:{port}/")).await.is_err(), "a stranger");
        }
    }
}

#[tokio::test]
async fn an_own_certificate_that_ended_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, der) = own(true, true);
    let port = server(der, issuer.key()).await;
    let refused =
        ask(Some(file(&folder, &issuer.pem())), format!("https://localhost:{port}/")).await.unwrap_err();
    assert!(refused.contains("expired"), "{refused}");
}

#[tokio::test]
async fn a_certificate_of_the_named_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, _) = own(true, false);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let port = server(leaf.der().clone(), &key).await;
    assert_eq!(ask(Some(file(&folder, &issuer.pem())), format!("https://localhost:{port}/")).await, Ok(204));
}
