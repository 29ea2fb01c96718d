//! Certificates for the measured servers and the client: one authority, EC keys.

use crate::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::Path;
use std::sync::Arc;

/// An authority that can give its server another certificate.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Makes one and writes `ca.crt`, `tls.crt` and `tls.key` into a folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn set_up(folder: &Path) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "netweave bench authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = Self(CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?);
        std::fs::write(folder.join("ca.crt"), authority.0.pem())?;
        authority.write_server(folder)?;
        Ok(authority)
    }

    /// Writes `tls.crt` and `tls.key`, in place of those that are there; returns the certificate.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write_server(&self, folder: &Path) -> Result<CertificateDer<'static>> {
        let server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let key = KeyPair::generate()?;
        let server = server.signed_by(&key, &self.0)?;
        for (name, text) in [("tls.crt", server.pem()), ("tls.key", key.serialize_pem())] {
            let new = folder.join(format!("{name}.new"));
            std::fs::write(&new, text)?;
            std::fs::rename(new, folder.join(name))?;
        }
        Ok(server.der().clone())
    }

    /// Returns the client's side, with a certificate.
    ///
    /// # Errors
    /// There is no randomness for a key.
    pub fn client(&self) -> Result<Arc<ClientConfig>> {
        let mut client = CertificateParams::default();
        client.distinguished_name.push(DnType::CommonName, "bench-client");
        let key = KeyPair::generate()?;
        let leaf = client.signed_by(&key, &self.0)?.der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone())?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config =
            ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(vec![leaf], key)?;
        Ok(Arc::new(config))
    }
}

/// Writes `ca.crt`, `tls.crt` and `tls.key` into a folder and returns the client's side, with a certificate.
///
/// # Errors
/// The folder cannot be written.
pub fn set_up(folder: &Path) -> Result<Arc<ClientConfig>> {
    Authority::set_up(folder)?.client()
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
