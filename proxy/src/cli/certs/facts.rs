//! What certificates and revocation lists say, and how long they last.

use super::super::verdict::{Finding, State};
use crate::conf::certificates::{CertificateFile, Holds};
use crate::digest::sha256;
use crate::listen::identity::alternative_names;
use netweave_model::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::{Serialize, Serializer};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::time::ASN1Time;

/// Largest file that is read; a bundle of a hundred authorities has 200 KiB.
const MAX_FILE: u64 = 4 << 20;
/// A certificate that ends sooner is worth a warning.
const SOON: Duration = Duration::from_hours(30 * 24);
/// One that ends sooner is an emergency. Source: the alert `NetweaveCertificateEndsIn7Days`.
const URGENT: Duration = Duration::from_hours(7 * 24);
/// A revocation list that is to be replaced sooner is worth a warning. Source: the alert `NetweaveRevocationListEndsSoon`.
const LIST_SOON: Duration = Duration::from_hours(6);
const DAY_MS: i64 = 24 * 3600 * 1000;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Certificate {
    /// Whose it is.
    pub(in crate::cli) subject: String,
    /// Who issued it.
    pub(in crate::cli) issuer: String,
    /// Its alternative names, such as `DNS:o2.example.net`.
    pub(in crate::cli) names: Vec<String>,
    /// Its serial number, in lower-case hex.
    pub(in crate::cli) serial: String,
    /// SHA-256 of its DER form, in lower-case hex.
    pub(in crate::cli) fingerprint: String,
    /// Whether it is that of an authority.
    pub(in crate::cli) authority: bool,
    /// When it begins.
    #[serde(serialize_with = "text")]
    pub(in crate::cli) begins: Timestamp,
    /// When it ends.
    #[serde(serialize_with = "text")]
    pub(in crate::cli) ends: Timestamp,
    /// Whole days until then; negative if it has ended.
    pub(in crate::cli) days_left: i64,
}

/// What a revocation list says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct List {
    /// Who issued it.
    pub(in crate::cli) issuer: String,
    /// How many certificates it revokes.
    pub(in crate::cli) revoked: usize,
    /// When it is to be replaced; `None` if it does not say.
    #[serde(serialize_with = "some_text")]
    pub(in crate::cli) replaced_by: Option<Timestamp>,
}

/// A file with what is in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Looked {
    /// The key that names it.
    pub(in crate::cli) key: String,
    /// Where it is.
    pub(in crate::cli) path: String,
    /// What it is for.
    pub(in crate::cli) serves: &'static str,
    /// Its certificates, in their order.
    pub(in crate::cli) certificates: Vec<Certificate>,
    /// Its revocation lists, in their order.
    pub(in crate::cli) lists: Vec<List>,
    /// What is not as it should be.
    pub(in crate::cli) findings: Vec<Finding>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn text<S: Serializer>(at: &Timestamp, output: S) -> Result<S::Ok, S::Error> {
    output.collect_str(at)
}

#[expect(clippy::ref_option, reason = "the form that serde asks for")]
fn some_text<S: Serializer>(at: &Option<Timestamp>, output: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => output.collect_str(at),
        None => output.serialize_none(),
    }
}

/// Opens a file, and judges what is in it.
pub(in crate::cli) fn look(file: &CertificateFile, now: Timestamp) -> Looked {
    let mut looked = Looked {
        key: file.key.clone(),
        path: file.path.display().to_string(),
        serves: serves(file),
        certificates: Vec::new(),
        lists: Vec::new(),
        findings: Vec::new(),
    };
    let read = read(&file.path).and_then(|pem| match file.holds {
        Holds::Own | Holds::Authorities => certificates(&pem, now).map(|all| looked.certificates = all),
        Holds::Revocations => lists(&pem).map(|all| looked.lists = all),
    });
    if let Err(what) = read {
        let change = format!("give `{}` a PEM file that the gateway may read", file.key);
        looked.findings.push(Finding { state: State::Failed, what, change, runbook: None });
    }
    let certificates = looked.certificates.iter().filter_map(|one| ends_soon(one, file.holds, now));
    looked.findings.extend(certificates);
    looked.findings.extend(looked.lists.iter().filter_map(|list| list_ends_soon(list, now)));
    looked
}

/// Says what a file is used for.
fn serves(file: &CertificateFile) -> &'static str {
    match (file.key.as_str(), file.holds) {
        ("api.tls.certificate", _) => "shown to clients of the API",
        ("api.tls.clientCa", _) => "believed of clients of the API",
        (_, Holds::Revocations) => "revokes certificates of clients",
        (_, Holds::Own) => "shown to a server",
        (_, Holds::Authorities) => "believed of a server",
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(failed)?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > MAX_FILE { Err(format!("{} is larger than 4 MiB", path.display())) } else { Ok(bytes) }
}

fn certificates(pem: &[u8], now: Timestamp) -> Result<Vec<Certificate>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| format!("is not PEM: {error}"))?;
    if all.is_empty() {
        return Err("holds no certificate in PEM form".to_owned());
    }
    all.iter().map(|der| certificate(der, now)).collect()
}

/// Reads a certificate in DER form.
pub(in crate::cli) fn certificate(der: &[u8], now: Timestamp) -> Result<Certificate, String> {
    let (_, parsed) =
        X509Certificate::from_der(der).map_err(|error| format!("a certificate does not parse: {error}"))?;
    let ends = at(parsed.validity().not_after);
    Ok(Certificate {
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        names: alternative_names(&parsed),
        serial: parsed.serial.to_str_radix(16),
        fingerprint: sha256(der),
        authority: parsed.is_ca(),
        begins: at(parsed.validity().not_before),
        ends,
        days_left: ends.0.saturating_sub(now.0).div_euclid(DAY_MS),
    })
}

fn lists(pem: &[u8]) -> Result<Vec<List>, String> {
    let all: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| format!("is not PEM: {error}"))?;
    if all.is_empty() {
        return Err("holds no revocation list in PEM form".to_owned());
    }
    let list = |der: &CertificateRevocationListDer<'_>| {
        let (_, parsed) = CertificateRevocationList::from_der(der)
            .map_err(|error| format!("a revocation list does not parse: {error}"))?;
        Ok(List {
            issuer: parsed.issuer().to_string(),
            revoked: parsed.iter_revoked_certificates().count(),
            replaced_by: parsed.next_update().map(at),
        })
    };
    all.iter().map(list).collect()
}

fn at(time: ASN1Time) -> Timestamp {
    Timestamp(time.timestamp().saturating_mul(1000))
}

/// Judges how long a certificate lasts.
pub(in crate::cli) fn ends_soon(one: &Certificate, holds: Holds, now: Timestamp) -> Option<Finding> {
    let (subject, ends) = (&one.subject, one.ends);
    let (state, what) = if ends <= now {
        (State::Failed, format!("`{subject}` ended at {ends}"))
    } else if one.begins > now {
        (State::Failed, format!("`{subject}` begins at {}", one.begins))
    } else if ends <= now.plus(URGENT) {
        (State::Failed, format!("`{subject}` ends in {} days, at {ends}", one.days_left))
    } else if ends <= now.plus(SOON) {
        (State::Warning, format!("`{subject}` ends in {} days, at {ends}", one.days_left))
    } else {
        return None;
    };
    let change = if holds == Holds::Own {
        "have its issuer renew it, and put it in the file's place: no restart is needed"
    } else {
        "add the authority's next certificate to the file, before its own certificates change"
    };
    let page = if state == State::Failed {
        "NetweaveCertificateEndsIn7Days"
    } else {
        "NetweaveCertificateEndsIn14Days"
    };
    Some(Finding { state, what, change: change.to_owned(), runbook: Some(page) })
}

fn list_ends_soon(list: &List, now: Timestamp) -> Option<Finding> {
    let (issuer, next) = (&list.issuer, list.replaced_by?);
    let change = "fetch the authority's new list and put it in the file's place".to_owned();
    if next <= now {
        let what = format!("the revocation list of `{issuer}` should have been replaced at {next}");
        let runbook = Some("NetweaveRevocationListStale");
        return Some(Finding { state: State::Failed, what, change, runbook });
    }
    let what = format!("the revocation list of `{issuer}` is to be replaced at {next}");
    let runbook = Some("NetweaveRevocationListEndsSoon");
    (next <= now.plus(LIST_SOON)).then_some(Finding { state: State::Warning, what, change, runbook })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(days: i64) -> Option<State> {
        let now = Timestamp(1_800_000_000_000);
        let certificate = Certificate {
            subject: "CN=x".to_owned(),
            issuer: "CN=y".to_owned(),
            names: Vec::new(),
            serial: "1".to_owned(),
            fingerprint: String::new(),
            authority: false,
            begins: Timestamp(0),
            ends: Timestamp(now.0 + days * DAY_MS),
            days_left: days,
        };
        ends_soon(&certificate, Holds::Own, now).map(|finding| finding.state)
    }

    #[test]
    fn thirty_days_are_a_warning_and_seven_a_failure() {
        for (days, state) in [(31, None), (30, Some(State::Warning)), (8, Some(State::Warning))] {
            assert_eq!(ending(days), state, "{days}");
        }
        for days in [7, 1, 0, -1] {
            assert_eq!(ending(days), Some(State::Failed), "{days}");
        }
    }

    #[test]
    fn a_list_is_judged_by_when_it_is_to_be_replaced() {
        let now = Timestamp(1_800_000_000_000);
        let state = |hours: i64| {
            let next = Timestamp(now.0 + hours * 3_600_000);
            let list = List { issuer: "CN=y".to_owned(), revoked: 0, replaced_by: Some(next) };
            list_ends_soon(&list, now).map(|finding| finding.state)
        };
        assert_eq!([state(24), state(5), state(-1)], [None, Some(State::Warning), Some(State::Failed)]);
    }

    #[test]
    fn a_file_that_is_not_there_is_a_finding() {
        let file = CertificateFile {
            key: "api.tls.crl".to_owned(),
            path: "/none/crl.pem".into(),
            holds: Holds::Revocations,
        };
        let looked = look(&file, Timestamp(0));
        assert_eq!(looked.findings.len(), 1, "{looked:?}");
        assert!(looked.findings[0].what.contains("cannot be read"), "{looked:?}");
    }
}
