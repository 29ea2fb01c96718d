//! The certificates of the API listener: loaded from PEM files, served, and exchanged without a restart.

use super::trust::{Authorities, Trust};
use crate::conf::tree::{ClientAuth, CrlStale, Tls, TlsProfile};
use crate::digest::sha256;
use crate::telemetry::metrics::Metrics;
use arc_swap::ArcSwap;
use netweave_model::{Error, Result};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use std::path::Path;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

/// Sessions that may be resumed; a resumed handshake costs a third less, and its certificate is verified again.
const SESSIONS: usize = 4096;
/// Largest file that is read; a bundle of a hundred authorities has 200 KiB.
const MAX_FILE: u64 = 4 << 20;

/// Installs the process-wide TLS provider; the first thing a process does.
///
/// The listener takes its protocol versions from its own configuration, so the provider keeps all suites for
/// outbound connections.
pub fn install_provider() {
    // An error means that one is installed already, which is as good.
    aws_lc_rs::default_provider().install_default().ok();
}

/// The certificates of the API listener, as they are now.
#[derive(Debug)]
pub struct Certificates {
    files: Tls,
    provider: Arc<CryptoProvider>,
    served: Served,
    /// Which client certificates are believed.
    pub trust: Arc<Trust>,
}

/// The server's own certificate.
#[derive(Clone, Debug)]
struct Served(Arc<ArcSwap<CertifiedKey>>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificates {
    /// Loads all files.
    ///
    /// # Errors
    /// `Invalid`: a file is missing, is not PEM, or certificate and key do not belong together.
    pub fn load(files: &Tls) -> Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let served = Served(Arc::new(ArcSwap::from_pointee(own(files, &provider)?)));
        let mandatory = files.client_auth == ClientAuth::Require;
        let trust = Arc::new(Trust::try_new(authorities(files)?, mandatory, &provider)?);
        Ok(Self { files: files.clone(), provider, served, trust })
    }

    /// Loads all files again and serves them from the next handshake on.
    ///
    /// # Errors
    /// As [`Certificates::load`]; what was served before stays.
    pub fn reload(&self) -> Result<()> {
        let own = own(&self.files, &self.provider)?;
        self.trust.replace(authorities(&self.files)?, &self.provider)?;
        self.served.0.store(Arc::new(own));
        Ok(())
    }

    /// Returns a hash of what the files hold; what cannot be read is a content of its own.
    pub fn contents(&self) -> String {
        let files = [Some(&self.files.certificate), Some(&self.files.key), Some(&self.files.client_ca)];
        let files = files.into_iter().chain([self.files.crl.as_ref()]).flatten();
        let all: String =
            files.map(|path| read(path).map_or_else(|_| "-".to_owned(), |text| sha256(&text))).collect();
        sha256(all.as_bytes())
    }

    /// Publishes when the certificates that are served and believed end, and when revocation lists are to be replaced.
    pub fn report(&self, metrics: &Metrics) {
        let ends = |role: &str, chain: &[CertificateDer<'_>]| {
            if let Some(end) = chain.iter().filter_map(end).min() {
                #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit into 53 bits")]
                metrics.certificate_expiry.with_label_values(&[role]).set(end as f64);
            }
        };
        ends("server", &self.served.0.load().cert);
        if let Ok(authorities) = authorities(&self.files) {
            ends("client_ca", &authorities.roots);
            if let Some(next) = authorities.revoked.iter().filter_map(next_update).min() {
                #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit into 53 bits")]
                metrics.crl_next_update.set(next as f64);
            }
        }
    }

    /// Makes the listener's TLS configuration.
    ///
    /// # Errors
    /// `Internal`: the provider has no suite for the versions that are asked for.
    pub fn server_config(&self) -> Result<ServerConfig> {
        let versions: &[_] = match self.files.profile {
            TlsProfile::Modern => &[&version::TLS13],
            TlsProfile::Intermediate => &[&version::TLS13, &version::TLS12],
        };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .map_err(|error| Error::internal("no TLS version can be spoken").with_source(error))?
            .with_client_cert_verifier(Arc::clone(&self.trust) as _)
            .with_cert_resolver(Arc::new(self.served.clone()));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        Ok(config)
    }
}

/// Returns when a certificate ends, in seconds since 1970.
pub fn end(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

/// Returns when a revocation list is to be replaced, in seconds since 1970.
fn next_update(list: &CertificateRevocationListDer<'_>) -> Option<i64> {
    let (_, parsed) = CertificateRevocationList::from_der(list).ok()?;
    parsed.next_update().map(|time| time.timestamp())
}

fn own(files: &Tls, provider: &Arc<CryptoProvider>) -> Result<CertifiedKey> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| refused(&files.key, "holds no private key").with_source(error))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| refused(&files.key, "does not belong to the certificate").with_source(error))
}

fn authorities(files: &Tls) -> Result<Authorities> {
    let roots = certificates(&files.client_ca)?;
    let revoked = match &files.crl {
        None => Vec::new(),
        Some(path) => {
            let lists: std::result::Result<Vec<_>, _> =
                CertificateRevocationListDer::pem_slice_iter(&read(path)?).collect();
            let lists =
                lists.map_err(|error| refused(path, "holds no revocation list").with_source(error))?;
            if lists.is_empty() {
                return Err(refused(path, "holds no revocation list"));
            }
            lists
        }
    };
    Ok(Authorities { roots, revoked, stale: files.crl_stale == CrlStale::Warn })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    let found = found.map_err(|error| refused(path, "holds no certificate").with_source(error))?;
    if found.is_empty() {
        return Err(refused(path, "holds no certificate"));
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let cannot = |error| refused(path, "cannot be read").with_source(error);
    if std::fs::metadata(path).map_err(cannot)?.len() > MAX_FILE {
        return Err(refused(path, "is too large"));
    }
    std::fs::read(path).map_err(cannot)
}

/// Names the file: this error is shown to the operator only.
fn refused(path: &Path, what: &str) -> Error {
    Error::invalid("api.tls", format!("{} {what}", path.display()))
}
