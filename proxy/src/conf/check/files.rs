//! Opens what the configuration names: certificates, keys, inventories, and the folder of the state.

use super::{Finding, Findings};
use crate::conf::tree::{Conf, Tls};
use netweave_adapters::StoreConf;
use netweave_model::Id;
use netweave_model::time::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Largest PEM file.
const MAX_PEM: u64 = 1 << 20;
/// A certificate that ends sooner is worth a warning.
const SOON: Duration = Duration::from_hours(14 * 24);
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Checks the files that a configuration names; `now` decides which certificates have ended.
///
/// Writes nothing but an empty file beside an embedded store that does not exist yet, and removes it.
pub fn files(conf: &Conf, now: Timestamp) -> Vec<Finding> {
    let mut findings = Findings::default();
    tls(&conf.api.tls, now, &mut findings);
    if let Some(path) = &conf.tracing.ca {
        authorities("tracing.ca", path, now, &mut findings);
    }
    if let Some(path) = &conf.subscriptions.callback.ca {
        authorities("subscriptions.callback.ca", path, now, &mut findings);
    }
    super::callbacks::files(&conf.subscriptions, now, &mut findings);
    if let StoreConf::Embedded(store) = &conf.state
        && let Err(reason) = writable(&store.path)
    {
        findings.fault("state.path", reason);
    }
    super::audit::files(&conf.audit, &mut findings);
    super::tokens::files(conf, now, &mut findings);
    for (index, backend) in conf.backends.iter().enumerate() {
        for (key, path, needed) in backend.files() {
            let Err(error) = File::open(path) else { continue };
            let key = format!("backends[{index}].{key}");
            if needed {
                findings.fault(key, unreadable(&error));
            } else {
                findings.warn(key, unreadable(&error));
            }
        }
    }
    findings.0
}

/// Reads the inventories that a configuration names, which may take seconds; what is wrong in them ends no start.
pub fn inventories(conf: &Conf) -> Vec<Finding> {
    let mut findings = Findings::default();
    let o_cloud = Id::from(conf.o_cloud.id.as_str());
    for (index, backend) in conf.backends.iter().enumerate() {
        for fault in backend.check_files(&o_cloud) {
            findings.warn(format!("backends[{index}].path"), fault);
        }
    }
    findings.0
}

fn unreadable(error: &std::io::Error) -> String {
    format!("cannot be read: {error}")
}

fn tls(tls: &Tls, now: Timestamp, findings: &mut Findings) {
    certificate_and_key("api.tls", (&tls.certificate, &tls.key), now, findings);
    authorities("api.tls.clientCa", &tls.client_ca, now, findings);
    if let Some(path) = &tls.crl {
        let lists = pem(path).and_then(|text| {
            let lists = CertificateRevocationListDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
            lists.map_err(|error| format!("is not PEM: {error}"))
        });
        match lists {
            Ok(lists) if lists.is_empty() => {
                findings.fault("api.tls.crl", "holds no revocation list in PEM form");
            }
            Ok(_) => {}
            Err(reason) => findings.fault("api.tls.crl", reason),
        }
    }
}

/// Checks the files that the keys `certificate` and `key` of a section name.
pub(super) fn certificate_and_key(
    section: &str,
    (certificate, key): (&Path, &Path),
    now: Timestamp,
    findings: &mut Findings,
) {
    let chain = certificates(&format!("{section}.certificate"), certificate, now, findings);
    let key = pem(key).and_then(|text| {
        PrivateKeyDer::from_pem_slice(&text)
            .map_err(|error| format!("holds no private key in PEM form: {error}"))
    });
    match (chain, key) {
        (Some(chain), Ok(key)) => pair(section, chain, key, findings),
        (None, Ok(_)) => {}
        (_, Err(reason)) => findings.fault(format!("{section}.key"), reason),
    }
}

fn pem(path: &Path) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    file.take(MAX_PEM + 1).read_to_end(&mut text).map_err(|error| unreadable(&error))?;
    let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if size > MAX_PEM { Err(format!("is larger than {} KiB", MAX_PEM >> 10)) } else { Ok(text) }
}

/// Checks that each certificate parses and is in its time, and that each was issued by the next.
fn certificates(
    key: &str,
    path: &Path,
    now: Timestamp,
    findings: &mut Findings,
) -> Option<Vec<CertificateDer<'static>>> {
    let read = pem(path).and_then(|text| {
        let all = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
        all.map_err(|error| format!("is not PEM: {error}"))
    });
    let all = match read {
        Ok(all) if all.is_empty() => Err("holds no certificate in PEM form".to_owned()),
        other => other,
    };
    let all = all.map_err(|reason| findings.fault(key, reason)).ok()?;
    let mut parsed = Vec::new();
    for (index, der) in all.iter().enumerate() {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            findings.fault(key, format!("certificate {} of the file does not parse", index + 1));
            return None;
        };
        validity(key, index, &certificate, now, findings);
        parsed.push(certificate);
    }
    Some(all)
}

/// Checks that the times of a certificate hold now and in the next days.
fn validity(
    key: &str,
    index: usize,
    certificate: &X509Certificate<'_>,
    now: Timestamp,
    findings: &mut Findings,
) {
    let number = index + 1;
    let at = |time: x509_parser::time::ASN1Time| Timestamp(time.timestamp().saturating_mul(1000));
    let (start, end) = (at(certificate.validity().not_before), at(certificate.validity().not_after));
    if end <= now {
        findings.fault(key, format!("certificate {number} of the file ended at {end}"));
    } else if start > now {
        findings.fault(key, format!("certificate {number} of the file begins at {start}"));
    } else if end <= now.plus(SOON) {
        let days = end.0.saturating_sub(now.0) / DAY_MS;
        findings.warn(key, format!("certificate {number} of the file ends in {days} days, at {end}"));
    }
}

fn pair(
    section: &str,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    findings: &mut Findings,
) {
    for (index, pair) in chain.windows(2).enumerate() {
        let [child, parent] = pair else { continue };
        let names = X509Certificate::from_der(child).ok().zip(X509Certificate::from_der(parent).ok());
        if names.is_some_and(|((_, child), (_, parent))| child.issuer() != parent.subject()) {
            let message = format!("certificate {} of the file was not issued by the one after it", index + 1);
            findings.fault(format!("{section}.certificate"), message);
        }
    }
    match CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()) {
        Ok(_) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            findings.fault(format!("{section}.key"), format!("does not belong to {section}.certificate"));
        }
        Err(error) => findings.fault(format!("{section}.key"), format!("is of no use: {error}")),
    }
}

pub(super) fn authorities(key: &str, path: &Path, now: Timestamp, findings: &mut Findings) {
    let Some(all) = certificates(key, path, now, findings) else {
        return;
    };
    for (index, der) in all.iter().enumerate() {
        let authority = X509Certificate::from_der(der).is_ok_and(|(_, certificate)| certificate.is_ca());
        if !authority {
            findings.warn(key, format!("certificate {} of the file is not that of an authority", index + 1));
        }
    }
}

/// Checks that the store's file can be opened for writing, or made.
fn writable(path: &Path) -> Result<(), String> {
    let reason = |error: std::io::Error| format!("cannot be written: {error}");
    if path.exists() {
        return OpenOptions::new().append(true).open(path).map(drop).map_err(reason);
    }
    let name = path.file_name().ok_or_else(|| "must name a file".to_owned())?;
    let mut probe = name.to_owned();
    probe.push(format!(".check-{}", std::process::id()));
    let probe = path.with_file_name(probe);
    OpenOptions::new().write(true).create_new(true).open(&probe).map_err(reason)?;
    fs::remove_file(&probe).map_err(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::time::Timestamp;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

    const NOW: &str = "2026-06-01T00:00:00Z";

    struct Files {
        dir: tempfile::TempDir,
        conf: Conf,
    }

    impl Files {
        /// Writes a CA and a server certificate that ends on a day of June or July 2026.
        fn new(month: u8, day: u8) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let mut params = CertificateParams::new([]).unwrap();
            params.distinguished_name.push(DnType::CommonName, "authority");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
            let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.not_before = date_time_ymd(2026, 5, 1);
            params.not_after = date_time_ymd(2026, month, day);
            let key = KeyPair::generate().unwrap();
            let leaf = params.signed_by(&key, &authority).unwrap();
            let mut files = Self { dir, conf: Conf::default() };
            files.write("tls.crt", &leaf.pem());
            files.write("tls.key", &key.serialize_pem());
            files.write("ca.crt", &authority.pem());
            let at = |name: &str| files.dir.path().join(name);
            files.conf.api.tls.certificate = at("tls.crt");
            files.conf.api.tls.key = at("tls.key");
            files.conf.api.tls.client_ca = at("ca.crt");
            files.conf.state =
                serde_json::from_value(serde_json::json!({"kind": "embedded", "path": at("db")})).unwrap();
            files
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.dir.path().join(name), text).unwrap();
        }

        fn findings(&self) -> Vec<(String, String, bool)> {
            let found = files(&self.conf, Timestamp::parse(NOW).unwrap());
            found.into_iter().map(|finding| (finding.path, finding.message, finding.fatal)).collect()
        }
    }

    #[test]
    fn good_files_have_no_findings_and_leave_no_trace() {
        let files = Files::new(9, 1);
        assert_eq!(files.findings(), []);
        assert_eq!(fs::read_dir(files.dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_certificate_that_ended_is_a_fault_and_one_that_ends_soon_a_warning() {
        let found = Files::new(5, 20).findings();
        assert!(found[0].1.contains("ended at 2026-05-20") && found[0].2, "{found:?}");
        let found = Files::new(6, 8).findings();
        assert!(found[0].1.contains("ends in 7 days") && !found[0].2, "{found:?}");
    }

    #[test]
    fn a_key_of_another_certificate_is_a_fault() {
        let files = Files::new(9, 1);
        files.write("tls.key", &KeyPair::generate().unwrap().serialize_pem());
        let found = files.findings();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, "does not belong to api.tls.certificate");
    }

    #[test]
    fn missing_and_broken_files_are_all_named() {
        let mut files = Files::new(9, 1);
        files.write("tls.crt", "no certificate");
        files.write("ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        files.conf.api.tls.crl = Some(files.dir.path().join("none"));
        files.conf.subscriptions.callback.ca = Some(files.dir.path().join("none"));
        files.conf.state =
            serde_json::from_value(serde_json::json!({"kind": "embedded", "path": "/none/db"})).unwrap();
        let backend = serde_json::json!([{"kind": "file", "name": "a", "path": "/none/inventory"}]);
        files.conf.backends = serde_json::from_value(backend).unwrap();
        let found = files.findings();
        let paths: Vec<_> = found.iter().map(|(path, ..)| path.as_str()).collect();
        let right = [
            "api.tls.certificate",
            "api.tls.clientCa",
            "api.tls.crl",
            "subscriptions.callback.ca",
            "state.path",
            "backends[0].path",
        ];
        assert_eq!(paths, right, "{found:?}");
    }

    #[test]
    fn a_chain_in_the_wrong_order_is_a_fault() {
        let files = Files::new(9, 1);
        let leaf = fs::read_to_string(files.dir.path().join("tls.crt")).unwrap();
        let other = Files::new(9, 1);
        let stranger = fs::read_to_string(other.dir.path().join("tls.crt")).unwrap();
        files.write("tls.crt", &format!("{leaf}{stranger}"));
        let found = files.findings();
        assert!(found.iter().any(|(_, message, _)| message.contains("not issued by")), "{found:?}");
    }
    #[test]
    fn an_unusable_inventory_is_found_with_its_lines() {
        let mut files = Files::new(9, 1);
        files.write("inventory.yaml", "apiVersion: netweave-inventory/v1\nlocations: 1\n");
        let path = files.dir.path().join("inventory.yaml");
        let backend = serde_json::json!([{"kind": "file", "name": "a", "path": path}]);
        files.conf.backends = serde_json::from_value(backend).unwrap();
        let found = inventories(&files.conf);
        assert_eq!((found.len(), found[0].path.as_str()), (1, "backends[0].path"), "{found:?}");
        assert!(found[0].message.starts_with("line 2, column "), "{found:?}");
        let many = "- 1\n".repeat(300);
        files.write("inventory.yaml", &format!("apiVersion: netweave-inventory/v1\nlocations:\n{many}"));
        let found = inventories(&files.conf);
        assert_eq!(found.len(), 11, "{found:?}");
        assert!(found[10].message.ends_with(" more faults"), "{found:?}");
    }
}
