//! Certificates for the measured servers and the client: one authority, EC keys.

use crate::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::Path;
use std::sync::Arc;

/// Writes `ca.crt`, `tls.crt` and `tls.key` into a folder and returns the client's side, with a certificate.
///
/// # Errors
/// The folder cannot be written.
pub fn set_up(folder: &Path) -> Result<Arc<ClientConfig>> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "netweave bench authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    let key = KeyPair::generate()?;
    std::fs::write(folder.join("ca.crt"), authority.pem())?;
    std::fs::write(folder.join("tls.crt"), server.signed_by(&key, &authority)?.pem())?;
    std::fs::write(folder.join("tls.key"), key.serialize_pem())?;

    let mut client = CertificateParams::default();
    client.distinguished_name.push(DnType::CommonName, "bench-client");
    let key = KeyPair::generate()?;
    let leaf = client.signed_by(&key, &authority)?.der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config =
        ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(vec![leaf], key)?;
    Ok(Arc::new(config))
}

/// Returns the client's side with the certificates that `serve --dev` made in its folder.
///
/// # Errors
/// They are not there.
pub fn of_dev(folder: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.crt"))?)?;
    let chain =
        CertificateDer::pem_file_iter(folder.join("smo.crt"))?.collect::<std::result::Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("smo.key"))?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(chain, key)?;
    Ok(Arc::new(config))
}
