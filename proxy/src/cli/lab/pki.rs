//! The certificates of a lab: an authority whose key stays in the folder, so that faults can issue more.

use super::state::{failed, write};
use crate::cli::{Exit, Failure};
use netweave_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use std::path::Path;
use time::{Duration, OffsetDateTime};

/// The authority's certificate.
pub(super) const CA: &str = "ca.crt";
/// Its key.
const CA_KEY: &str = "ca.key";
/// The list of what it has revoked.
pub(super) const CRL: &str = "crl.pem";
/// How long the authority's certificate lasts.
const AUTHORITY: Duration = Duration::days(365);
/// How long leaves last.
pub(super) const LEAF: Duration = Duration::days(90);
/// How long a revocation list lasts.
pub(super) const LIST: Duration = Duration::days(30);
/// Certificates begin a little earlier, for clocks that differ.
const SKEW: Duration = Duration::minutes(5);
/// Who has a certificate: names of files, and whether it is the server.
const LEAVES: [(&str, bool); 3] = [("tls", true), ("smo", false), ("callback", false)];

/// Makes the authority, all certificates and an empty revocation list.
pub(super) fn make(dir: &Path, now: Timestamp) -> Result<(), Failure> {
    let key = KeyPair::generate().map_err(|error| faulty(&error))?;
    let certificate = authority(now)?.self_signed(&key).map_err(|error| faulty(&error))?;
    write(&dir.join(CA), &certificate.pem())?;
    write(&dir.join(CA_KEY), &key.serialize_pem())?;
    for (name, _) in LEAVES {
        leaf(dir, name, now, LEAF)?;
    }
    list(dir, now, LIST)
}

/// Issues a certificate anew, for that long from now.
pub(super) fn leaf(dir: &Path, name: &str, now: Timestamp, lasts: Duration) -> Result<(), Failure> {
    let server = LEAVES.contains(&(name, true));
    let mut params = params(name, now, lasts)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    if server {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let local = "localhost".try_into().map_err(|error| faulty(&error))?;
        params.subject_alt_names =
            vec![SanType::DnsName(local), SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into())];
    } else {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    }
    let key = KeyPair::generate().map_err(|error| faulty(&error))?;
    let certificate = params.signed_by(&key, &issuer(dir, now)?).map_err(|error| faulty(&error))?;
    // The pair changes in two steps; whoever reads between them keeps the old one and looks again.
    write(&dir.join(format!("{name}.key")), &key.serialize_pem())?;
    write(&dir.join(format!("{name}.crt")), &certificate.pem())
}

/// Issues the revocation list anew, to be replaced that long from now; it was issued two days ago.
pub(super) fn list(dir: &Path, now: Timestamp, lasts: Duration) -> Result<(), Failure> {
    let now_here = at(now)?;
    let number = u64::try_from(now.0.max(1)).unwrap_or(1);
    let list = CertificateRevocationListParams {
        this_update: now_here - Duration::days(2),
        next_update: now_here + lasts,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let signed = list.signed_by(&issuer(dir, now)?).map_err(|error| faulty(&error))?;
    write(&dir.join(CRL), &signed.pem().map_err(|error| faulty(&error))?)
}

fn issuer(dir: &Path, now: Timestamp) -> Result<Issuer<'static, KeyPair>, Failure> {
    let path = dir.join(CA_KEY);
    let text = std::fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
    let key = KeyPair::from_pem(&text).map_err(|error| faulty(&error))?;
    Ok(Issuer::new(authority(now)?, key))
}

fn authority(now: Timestamp) -> Result<CertificateParams, Failure> {
    let mut params = params("netweave lab", now, AUTHORITY)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn params(name: &str, now: Timestamp, lasts: Duration) -> Result<CertificateParams, Failure> {
    let now = at(now)?;
    let mut params = CertificateParams::default();
    params.not_before = now - SKEW;
    params.not_after = now + lasts;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "netweave");
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn at(time: Timestamp) -> Result<OffsetDateTime, Failure> {
    let converted = OffsetDateTime::from_unix_timestamp(time.0 / 1000);
    converted.map_err(|error| Failure::new(Exit::Failed, format!("the time is out of range: {error}")))
}

fn faulty(error: &rcgen::Error) -> Failure {
    Failure::new(Exit::Failed, format!("a certificate cannot be made: {error}"))
}
