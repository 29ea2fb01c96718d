//! Certificates for the measured servers and the client: one authority, EC keys unless a server is to have another one.

use crate::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, DEFAULT_VERSIONS, RootCertStore, SupportedProtocolVersion};
use std::path::Path;
use std::sync::Arc;

/// What a server's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// On the curve P-256.
    P256,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 4096 bits.
    Rsa4096,
}

impl Key {
    fn generate(self) -> Result<KeyPair> {
        let rsa = |size| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size);
        Ok(match self {
            Self::P256 => KeyPair::generate()?,
            Self::Rsa2048 => rsa(RsaKeySize::_2048)?,
            Self::Rsa4096 => rsa(RsaKeySize::_4096)?,
        })
    }
}

/// An authority that can give its server another certificate.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Makes one and writes `ca.crt`, `tls.crt` and `tls.key` into a folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn set_up(folder: &Path) -> Result<Self> {
        Self::set_up_for(folder, Key::P256)
    }

    /// As [`Self::set_up`], with another key of the server.
    ///
    /// # Errors
    /// As [`Self::set_up`].
    pub fn set_up_for(folder: &Path, key: Key) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "netweave bench authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = Self(CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?);
        std::fs::write(folder.join("ca.crt"), authority.0.pem())?;
        authority.write(folder, key)?;
        Ok(authority)
    }

    /// Writes `tls.crt` and `tls.key`, in place of those that are there; returns the certificate.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write_server(&self, folder: &Path) -> Result<CertificateDer<'static>> {
        self.write(folder, Key::P256)
    }

    fn write(&self, folder: &Path, key: Key) -> Result<CertificateDer<'static>> {
        let server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let key = key.generate()?;
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
        self.client_of(DEFAULT_VERSIONS)
    }

    /// As [`Self::client`], with versions of TLS.
    ///
    /// # Errors
    /// As [`Self::client`].
    pub fn client_of(&self, versions: &[&'static SupportedProtocolVersion]) -> Result<Arc<ClientConfig>> {
        self.client_with(&KeyPair::generate()?, "bench-client", versions)
    }

    /// Returns so many clients' sides, with a certificate each and one key.
    ///
    /// # Errors
    /// As [`Self::client`].
    pub fn clients(&self, count: usize) -> Result<Vec<Arc<ClientConfig>>> {
        let key = KeyPair::generate()?;
        let one = |number| self.client_with(&key, &format!("bench-client-{number}"), DEFAULT_VERSIONS);
        (0..count).map(one).collect()
    }

    fn client_with(
        &self,
        key: &KeyPair,
        name: &str,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Arc<ClientConfig>> {
        let mut client = CertificateParams::default();
        client.distinguished_name.push(DnType::CommonName, name);
        let leaf = client.signed_by(key, &self.0)?.der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone())?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ClientConfig::builder_with_protocol_versions(versions);
        Ok(Arc::new(config.with_root_certificates(roots).with_client_auth_cert(vec![leaf], key)?))
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
