//! TLS for outbound calls: the full provider, whatever the process has installed for its own listener.

mod own;

use netweave_model::{Error, ErrorKind, Result};
use own::OrOwn;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tracing::warn;

/// Builds a client configuration that trusts the platform's authorities and, if given, those of a PEM file.
///
/// `setting` is what the configuration calls the file.
///
/// # Errors
/// `Invalid`: the file cannot be read or holds no certificate. `Internal`: the provider refuses its own defaults.
pub(crate) fn client(ca: Option<&Path>, setting: &'static str) -> Result<ClientConfig> {
    let mut roots = platform();
    if let Some(path) = ca {
        add_file(&mut roots, path, setting)?;
    }
    note_if_empty(&roots);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| Error::internal("the TLS provider lacks its own versions").with_source(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Builds the client configuration of a trust domain: authorities in PEM form, beside the platform's or alone, and the
/// chain and key that are shown, in PEM form. Returns the chain too.
///
/// # Errors
/// `Invalid`: something is not PEM, or the key does not belong to the certificate. `Internal`: as [`client`].
pub(crate) fn domain(
    ca: Option<(&[u8], bool)>,
    pair: Option<(&[u8], &[u8])>,
) -> Result<(ClientConfig, Vec<CertificateDer<'static>>)> {
    let mut roots = if ca.is_some_and(|(_, alone)| alone) { RootCertStore::empty() } else { platform() };
    if let Some((pem, _)) = ca {
        for certificate in chain(pem, "a file of authorities for callbacks holds no certificate")? {
            roots
                .add(certificate)
                .map_err(|error| unusable("an authority of callbacks cannot be used", error))?;
        }
    }
    note_if_empty(&roots);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| Error::internal("the TLS provider lacks its own versions").with_source(error))?
        .with_root_certificates(roots);
    let (mut config, chain) = match pair {
        None => (builder.with_no_client_auth(), Vec::new()),
        Some((certificate, key)) => {
            let chain = chain(certificate, "a file of a certificate for callbacks holds none")?;
            let key = PrivateKeyDer::from_pem_slice(key)
                .map_err(|error| unusable("a file of a key for callbacks holds none", error))?;
            let config = builder.with_client_auth_cert(chain.clone(), key);
            let config = config.map_err(|error| {
                unusable("certificate and key for callbacks do not belong together", error)
            })?;
            (config, chain)
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, chain))
}

fn chain(pem: &[u8], none: &'static str) -> Result<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<std::result::Result<Vec<_>, _>>();
    let all = all.map_err(|error| unusable(none, error))?;
    if all.is_empty() { Err(Error::invalid("subscriptions.callback", none)) } else { Ok(all) }
}

fn unusable(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::invalid("subscriptions.callback", what).with_source(error)
}

/// Builds a client configuration as [`client`] does, which also trusts a server whose own certificate is in the file, as
/// that of an appliance may be. Names and dates are checked all the same.
///
/// # Errors
/// As [`client`].
pub(crate) fn api(ca: Option<&Path>, setting: &'static str) -> Result<ClientConfig> {
    let mut config = client(ca, setting)?;
    if let Some(path) = ca {
        let mut roots = platform();
        add_file(&mut roots, path, setting)?;
        let provider = Arc::clone(config.crypto_provider());
        let rules = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(
            |error| Error::internal("the authorities cannot be used for checks").with_source(error),
        )?;
        let own = certificates(path, setting)?;
        config.dangerous().set_certificate_verifier(Arc::new(OrOwn::new(rules, own)));
    }
    Ok(config)
}

/// Returns the authorities of the platform, as far as they can be read.
fn platform() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let failures = native.errors.len();
    let (_, ignored) = roots.add_parsable_certificates(native.certs);
    if failures > 0 || ignored > 0 {
        warn!(ignored, failures, "some of the platform's certificate authorities cannot be read");
    }
    roots
}

fn note_if_empty(roots: &RootCertStore) {
    if roots.is_empty() {
        warn!("no certificate authorities are known: every https call will fail");
    }
}

fn add_file(roots: &mut RootCertStore, path: &Path, setting: &'static str) -> Result<()> {
    for certificate in certificates(path, setting)? {
        roots
            .add(certificate)
            .map_err(|error| faulty(path, setting, "an authority cannot be used").with_source(error))?;
    }
    Ok(())
}

/// Reads the certificates of a PEM file, at least one.
fn certificates(path: &Path, setting: &'static str) -> Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| {
            faulty(path, setting, "the file of authorities cannot be read").with_source(error)
        })?;
    if certificates.is_empty() {
        return Err(faulty(path, setting, "the file of authorities holds no certificate"));
    }
    Ok(certificates)
}

fn faulty(path: &Path, setting: &'static str, what: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, what)
        .with_param(setting, what, None)
        .with_private(path.display().to_string())
}

#[cfg(test)]
mod tests;
