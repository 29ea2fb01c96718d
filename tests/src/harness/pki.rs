//! A certificate authority for one test, with server and client certificates.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rcgen::{KeyIdMethod, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber};
use std::path::Path;
use time::{Duration, OffsetDateTime};

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

/// A name in a certificate.
#[derive(Clone, Copy, Debug)]
pub enum Name<'a> {
    /// The subject's common name.
    Common(&'a str),
    /// A DNS subject alternative name.
    Dns(&'a str),
    /// A URI subject alternative name.
    Uri(&'a str),
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
        self.server_for(&["localhost", "127.0.0.1"])
    }

    /// Issues the same with so much time left.
    pub fn server_ending(&self, left: Duration) -> Leaf {
        let mut params = server_params(&["localhost", "127.0.0.1"]);
        params.not_after = OffsetDateTime::now_utc() + left;
        self.issue(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Issues a server certificate for these names and addresses.
    pub fn server_for(&self, names: &[&str]) -> Leaf {
        self.issue(server_params(names), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Issues a client certificate whose identity is the URI `spiffe://test/NAME`, with NAME as common name too.
    pub fn client(&self, name: &str) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let uri = format!("spiffe://test/{name}").try_into().expect("an ASCII name");
        params.subject_alt_names.push(SanType::URI(uri));
        self.issue(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// Issues the same with a serial number, by which it can be revoked.
    pub fn client_numbered(&self, name: &str, serial: u64) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(serial));
        let uri = format!("spiffe://test/{name}").try_into().expect("an ASCII name");
        params.subject_alt_names.push(SanType::URI(uri));
        self.issue(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// Returns the list of revoked serial numbers as PEM; it is good for a day.
    pub fn revocations(&self, serials: &[u64]) -> String {
        self.revocations_until(serials, OffsetDateTime::now_utc() + Duration::DAY)
    }

    /// Returns a list without revoked serial numbers that should have been replaced a minute ago.
    pub fn stale_revocations(&self) -> String {
        self.revocations_until(&[], OffsetDateTime::now_utc() - Duration::MINUTE)
    }

    fn revocations_until(&self, serials: &[u64], next_update: OffsetDateTime) -> String {
        let now = OffsetDateTime::now_utc();
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: now - Duration::HOUR,
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: now - Duration::HOUR,
            next_update,
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.ca).expect("a signed list").pem().expect("PEM")
    }

    /// Issues a client certificate with these names, in each field one at most.
    pub fn client_named(&self, names: &[Name<'_>]) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for name in names {
            match *name {
                Name::Common(name) => params.distinguished_name.push(DnType::CommonName, name),
                Name::Dns(name) => {
                    params.subject_alt_names.push(SanType::DnsName(name.try_into().expect("an ASCII name")));
                }
                Name::Uri(name) => {
                    params.subject_alt_names.push(SanType::URI(name.try_into().expect("an ASCII name")));
                }
            }
        }
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

fn server_params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, "netweave-gateway");
    params
}

impl Default for Pki {
    fn default() -> Self {
        Self::new()
    }
}
