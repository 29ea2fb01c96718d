//! A certificate authority for one test, with server and client certificates.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rcgen::{KeyUsagePurpose, SanType};
use std::path::Path;

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

/// An authority that exists for one test.
pub struct Pki {
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    /// Makes a new authority.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "netweave test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self { ca: CertifiedIssuer::self_signed(params, key).expect("a self-signed authority") }
    }

    /// Returns the authority's certificate as PEM.
    pub fn authority(&self) -> String {
        self.ca.pem()
    }

    /// Issues a server certificate for `localhost` and `127.0.0.1`.
    pub fn server(&self) -> Leaf {
        let mut params =
            CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
        params.distinguished_name.push(DnType::CommonName, "netweave-gateway");
        self.issue(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Issues a client certificate whose identity is the URI `spiffe://test/NAME`, with NAME as common name too.
    pub fn client(&self, name: &str) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let uri = format!("spiffe://test/{name}").try_into().expect("an ASCII name");
        params.subject_alt_names.push(SanType::URI(uri));
        self.issue(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// Writes `ca.crt`, `tls.crt` and `tls.key` for a gateway into a folder.
    pub fn write_server(&self, folder: &Path) {
        let leaf = self.server();
        for (name, text) in
            [("ca.crt", &self.authority()), ("tls.crt", &leaf.certificate), ("tls.key", &leaf.key)]
        {
            std::fs::write(folder.join(name), text).expect("a file of the certificates");
        }
    }

    fn issue(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Leaf {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.ca).expect("a signed certificate");
        Leaf { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Default for Pki {
    fn default() -> Self {
        Self::new()
    }
}
