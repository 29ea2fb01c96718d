//! The chain that a listener shows, whoever issued it.

use super::super::verdict::{Finding, State};
use super::super::{Exit, Failure};
use super::facts::{self, Looked};
use crate::conf::certificates::Holds;
use netweave_model::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

/// How long a listener has for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Notes the chain that is shown. Nothing is sent on such a connection, so anything may be believed on it.
#[derive(Debug)]
struct Noting {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(leaf).chain(others).map(|one| one.clone().into_owned()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Looks at the chain of a listener.
///
/// # Errors
/// The URL names none, it cannot be reached, or it shows no certificate.
pub(super) async fn look(url: &Url, now: Timestamp) -> Result<Looked, Failure> {
    let usage = || Failure::new(Exit::Usage, "the URL must be https://HOST[:PORT]");
    let host = url.host().filter(|_| url.scheme() == "https").ok_or_else(usage)?;
    let port = url.port_or_known_default().ok_or_else(usage)?;
    let host = match host {
        url::Host::Domain(name) => name.to_owned(),
        url::Host::Ipv4(address) => address.to_string(),
        url::Host::Ipv6(address) => address.to_string(),
    };
    let name = ServerName::try_from(host.clone()).map_err(|_error| usage())?;
    let shown = tokio::time::timeout(HANDSHAKE, chain(&host, port, name.clone())).await;
    let silent = || Failure::new(Exit::Unreachable, format!("{url} does not answer within 10 s"));
    let chain = shown.map_err(|_elapsed| silent())?;
    let chain = chain.map_err(|error| Failure::new(Exit::Unreachable, format!("{url}: {error}")))?;
    let mut looked = Looked {
        key: "listener".to_owned(),
        path: url.to_string(),
        serves: "shown to clients",
        certificates: Vec::new(),
        lists: Vec::new(),
        findings: Vec::new(),
    };
    for der in &chain {
        match facts::certificate(der, now) {
            Ok(one) => looked.certificates.push(one),
            Err(what) => looked.findings.push(failed(what, "have it issued anew")),
        }
    }
    let ends = looked.certificates.iter().filter_map(|one| facts::ends_soon(one, Holds::Own, now));
    looked.findings.extend(ends);
    if !chain.first().is_some_and(|leaf| names(leaf, &name)) {
        let what = format!("the certificate is not for `{host}`");
        looked.findings.push(failed(what, "have one issued with that name, or use a name that it has"));
    }
    Ok(looked)
}

fn failed(what: String, change: &str) -> Finding {
    Finding { state: State::Failed, what, change: change.to_owned(), runbook: None }
}

/// Returns the chain, leaf first; a listener that refuses strangers has shown it all the same.
async fn chain(
    host: &str,
    port: u16,
    name: ServerName<'static>,
) -> std::io::Result<Vec<CertificateDer<'static>>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let noting = Arc::new(Noting { provider: Arc::clone(&provider), chain: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&noting) as _)
        .with_no_client_auth();
    let stream = TcpStream::connect((host, port)).await?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let chain = std::mem::take(&mut *noting.chain.lock().unwrap_or_else(PoisonError::into_inner));
    if chain.is_empty() {
        connected?;
    }
    Ok(chain)
}

/// Whether a certificate is for a name.
fn names(leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    ParsedCertificate::try_from(leaf).is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
}
