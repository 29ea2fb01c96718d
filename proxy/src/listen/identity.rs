//! Who is calling, as the verified client certificate says, or in mode `token` the token.

use crate::digest;
use netweave_model::{Error, ErrorKind, Result, Timestamp};
use std::net::IpAddr;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Longest name that is taken from a certificate, in bytes; RFC 5280 bounds common names at 64 characters.
const MAX_NAME: usize = 512;
/// Most alternative names that are kept for the audit log.
const MAX_NAMES: usize = 16;

/// Which field of the certificate the name comes from; the first that is present, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityField {
    /// The first URI subject alternative name (SPIFFE).
    Uri,
    /// The first DNS subject alternative name.
    Dns,
    /// The subject's common name.
    CommonName,
    /// No field of a certificate: a bearer token says it.
    Token,
}

impl IdentityField {
    /// Returns its name in answers and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Uri => "uri",
            Self::Dns => "dns",
            Self::CommonName => "commonName",
            Self::Token => "token",
        }
    }
}

/// A verified client, for the life of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name by which rules and subscriptions know it.
    pub name: String,
    /// Where the name comes from.
    pub field: IdentityField,
    /// The subject's common name, if it has one; the audit log shows it always.
    pub common_name: Option<String>,
    /// SHA-256 of the certificate, in lower-case hex; empty without one.
    pub fingerprint: String,
    /// When the certificate ends, or the token that stands for it.
    pub not_after: Timestamp,
    /// What only the audit log shows.
    pub facts: Facts,
}

/// What a certificate says beside the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its serial number, in lower-case hex.
    pub serial: String,
    /// When it ends, as records say it.
    pub ends: String,
    /// Its URI and DNS alternative names, such as `DNS:smo.example.net`; the first 16 that a log can show.
    pub alternative_names: Vec<String>,
}

impl Identity {
    /// Reads the identity out of a certificate that is verified already.
    ///
    /// # Errors
    /// `Unauthenticated`: the certificate cannot be read, names nobody, or names somebody in a way no log can show.
    pub fn read(certificate: &[u8]) -> Result<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|error| nobody("cannot be read").with_source(error))?;
        let common_name = parsed.subject().iter_common_name().next();
        let common_name = common_name.and_then(|name| name.as_str().ok()).map(str::to_owned);
        let alternatives = parsed
            .subject_alternative_name()
            .map_err(|error| nobody("has unreadable names").with_source(error))?;
        let alternatives =
            alternatives.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
        let (field, name) =
            choose(alternatives, common_name.as_deref()).ok_or_else(|| nobody("names nobody"))?;
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(nobody("has a name that is empty, too long or not printable"));
        }
        // Rules and owners know names alone, so no host name or common name may pass for a URI.
        if field != IdentityField::Uri && name.contains("://") {
            return Err(nobody("has a URI where a name should be"));
        }
        let not_after = Timestamp(parsed.validity().not_after.timestamp().saturating_mul(1000));
        Ok(Self {
            name: name.to_owned(),
            field,
            common_name: common_name
                .filter(|name| name.len() <= MAX_NAME && !name.chars().any(char::is_control)),
            fingerprint: digest::sha256(certificate),
            not_after,
            facts: Facts {
                serial: parsed.serial.to_str_radix(16),
                ends: not_after.to_string(),
                alternative_names: alternatives.iter().filter_map(shown).take(MAX_NAMES).collect(),
            },
        })
    }
}

fn nobody(what: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, "the client certificate names nobody")
        .with_private(format!("the client certificate {what}"))
}

/// Returns the URI and DNS alternative names of a certificate, such as `DNS:smo.example.net`, and its addresses; the first 16
/// that a log can show.
pub fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
    names.iter().filter_map(|name| shown(name).or_else(|| address(name))).take(MAX_NAMES).collect()
}

/// Writes an address as an alternative name.
fn address(name: &GeneralName<'_>) -> Option<String> {
    let GeneralName::IPAddress(bytes) = name else { return None };
    let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
    let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok()?;
    Some(format!("IP:{address}"))
}

/// Writes an alternative name as logs show it.
fn shown(name: &GeneralName<'_>) -> Option<String> {
    let uri = if let GeneralName::URI(uri) = name { Some(format!("URI:{uri}")) } else { None };
    let dns = if let GeneralName::DNSName(dns) = name { Some(format!("DNS:{dns}")) } else { None };
    let text = uri.or(dns)?;
    (text.len() <= MAX_NAME && !text.chars().any(char::is_control)).then_some(text)
}

fn choose<'a>(
    alternatives: &[GeneralName<'a>],
    common_name: Option<&'a str>,
) -> Option<(IdentityField, &'a str)> {
    let uri = alternatives.iter().find_map(|name| {
        if let GeneralName::URI(uri) = name { Some((IdentityField::Uri, *uri)) } else { None }
    });
    let dns = alternatives.iter().find_map(|name| {
        if let GeneralName::DNSName(dns) = name { Some((IdentityField::Dns, *dns)) } else { None }
    });
    uri.or(dns).or(common_name.map(|name| (IdentityField::CommonName, name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn certificate(common_name: Option<&str>, names: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(name) = common_name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        params.subject_alt_names = names;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn the_name_comes_from_uri_then_dns_then_common_name() {
        let uri = || SanType::URI("spiffe://o2/smo".try_into().unwrap());
        let dns = || SanType::DnsName("smo.example.net".try_into().unwrap());
        for (names, field, name) in [
            (vec![dns(), uri()], IdentityField::Uri, "spiffe://o2/smo"),
            (vec![dns()], IdentityField::Dns, "smo.example.net"),
            (vec![], IdentityField::CommonName, "smo"),
        ] {
            let identity = Identity::read(&certificate(Some("smo"), names)).unwrap();
            assert_eq!((identity.field, identity.name.as_str()), (field, name));
            assert_eq!(identity.common_name.as_deref(), Some("smo"));
            assert_eq!(identity.fingerprint.len(), 64);
        }
    }

    #[test]
    fn a_certificate_that_names_nobody_is_refused() {
        let refused = [
            certificate(None, vec![]),
            certificate(Some("two\nlines"), vec![]),
            certificate(Some(&"x".repeat(600)), vec![]),
            certificate(Some("spiffe://o2/smo"), vec![]),
            b"not a certificate".to_vec(),
        ];
        for certificate in refused {
            assert_eq!(Identity::read(&certificate).unwrap_err().kind(), ErrorKind::Unauthenticated);
        }
    }
}
