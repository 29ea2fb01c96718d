//! Which client certificates are believed, exchangeable while connections live.
//!
//! rustls does not verify a certificate again when a session is resumed, and nobody verifies open connections after a
//! reload; so whoever uses an identity asks [`Trust::confirm`] with the generation it was last confirmed under.
//!
//! Verifying a chain costs as much as the rest of a resumed handshake, and of the same authorities it has the same outcome while time
//! does not change it. So a chain that was found good is not verified again for a minute; that it was is forgotten with an exchange.

use crate::digest;
use arc_swap::ArcSwap;
use netweave_model::{Error, Result, Timestamp};
use quick_cache::sync::Cache;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

/// Seconds for which a chain that was found good is not verified again.
const AGAIN: u64 = 60;
/// Chains of which that is remembered.
const CHAINS: usize = 1024;

/// The client verifier of the API listener.
#[derive(Debug)]
pub struct Trust {
    current: ArcSwap<Verifier>,
    generation: AtomicU64,
    /// Tells of each exchange.
    exchanged: watch::Sender<()>,
    mandatory: bool,
}

/// What verifies, and the chains that it has found good: by the hash of all of their bytes, from when until when, in seconds.
#[derive(Debug)]
struct Verifier {
    by: Arc<dyn ClientCertVerifier>,
    /// The second from which on a revocation list is overdue, if that counts.
    overdue: u64,
    good: Cache<String, Range<u64>>,
}

impl Verifier {
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> std::result::Result<ClientCertVerified, rustls::Error> {
        let (key, at) = (hash(leaf, rest), now.as_secs());
        if self.good.get(&key).is_some_and(|times| times.contains(&at)) {
            return Ok(ClientCertVerified::assertion());
        }
        let verified = self.by.verify_client_cert(leaf, rest, now)?;
        if let Some(end) = end(leaf, rest) {
            self.good.insert(key, at..end.min(self.overdue).min(at + AGAIN));
        }
        Ok(verified)
    }
}

/// Returns the SHA-256 of a chain, of each certificate with its length.
fn hash(leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> String {
    let mut hash = digest::Running::default();
    for certificate in std::iter::once(leaf).chain(rest) {
        hash.update(&certificate.len().to_be_bytes());
        hash.update(certificate);
    }
    hash.finish()
}

/// Returns the second from which on a certificate of a chain holds no more; `None` if one cannot be read.
fn end(leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Option<u64> {
    let ends = std::iter::once(leaf).chain(rest).map(|certificate| {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        u64::try_from(parsed.validity().not_after.timestamp()).ok()
    });
    ends.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// What a verifier is built from.
#[derive(Debug, Default)]
pub struct Authorities {
    /// The authorities whose certificates are believed, at least one.
    pub roots: Vec<CertificateDer<'static>>,
    /// Their revocation lists; if there is one, every certificate of a chain must be covered by one that is in date.
    pub revoked: Vec<CertificateRevocationListDer<'static>>,
    /// Lists are believed although they should have been replaced.
    pub stale: bool,
}

impl Authorities {
    fn verifier(self, provider: &Arc<CryptoProvider>) -> Result<Verifier> {
        let mut roots = RootCertStore::empty();
        for root in self.roots {
            roots.add(root).map_err(|error| faulty("an authority is not usable").with_source(error))?;
        }
        // Anonymous clients are turned away by the filters, which can say why, or by `client_auth_mandatory` below.
        let overdue =
            if self.stale { None } else { self.revoked.iter().filter_map(|list| next_update(list)).min() };
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .allow_unauthenticated();
        if !self.revoked.is_empty() {
            builder = builder.with_crls(self.revoked);
            if !self.stale {
                builder = builder.enforce_revocation_expiration();
            }
        }
        let verifier =
            builder.build().map_err(|error| faulty("no client verifier can be built").with_source(error))?;
        Ok(Verifier { by: verifier, overdue: overdue.unwrap_or(u64::MAX), good: Cache::new(CHAINS) })
    }
}

/// Returns the second at which a revocation list should have been replaced; 0 if it does not say, so that nothing is remembered.
fn next_update(list: &[u8]) -> Option<u64> {
    let (_, parsed) = CertificateRevocationList::from_der(list).ok()?;
    Some(parsed.next_update().and_then(|end| u64::try_from(end.timestamp()).ok()).unwrap_or(0))
}

fn faulty(what: &str) -> Error {
    Error::internal(what)
}

impl Trust {
    /// Builds a verifier; `mandatory` makes handshakes without a certificate fail.
    ///
    /// # Errors
    /// `Internal`: there is no usable authority, or a revocation list cannot be read.
    pub fn try_new(
        authorities: Authorities,
        mandatory: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self> {
        let verifier = authorities.verifier(provider)?;
        Ok(Self {
            current: ArcSwap::from_pointee(verifier),
            generation: AtomicU64::new(1),
            exchanged: watch::Sender::new(()),
            mandatory,
        })
    }

    /// Exchanges the authorities; identities of before are confirmed again at their next request.
    ///
    /// # Errors
    /// As [`Trust::try_new`]; the old authorities stay.
    pub fn replace(&self, authorities: Authorities, provider: &Arc<CryptoProvider>) -> Result<()> {
        self.current.store(Arc::new(authorities.verifier(provider)?));
        self.generation.fetch_add(1, Ordering::Release);
        self.exchanged.send_replace(());
        Ok(())
    }

    /// Returns a receiver that is told of each exchange from now on.
    pub fn exchanges(&self) -> watch::Receiver<()> {
        self.exchanged.subscribe()
    }

    /// Returns the generation of the authorities, raised by each exchange.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Verifies a chain, leaf first, against the authorities of now.
    pub fn confirm(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> bool {
        let Some((leaf, rest)) = chain.split_first() else {
            return false;
        };
        let now = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now.0).unwrap_or(0)));
        self.current.load().verify(leaf, rest, now).is_ok()
    }
}

impl ClientCertVerifier for Trust {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    /// Names no authorities: the list would be borrowed from a verifier that may be exchanged, and is public.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> std::result::Result<ClientCertVerified, rustls::Error> {
        self.current.load().verify(leaf, rest, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.current.load().by.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.current.load().by.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().by.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{
        CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose,
        RevokedCertParams, SerialNumber,
    };
    use time::OffsetDateTime;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn at(hours: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(NOW.0 / 1000 + hours * 3600).unwrap()
    }

    /// An authority, and a leaf of it with this serial number.
    struct Pki {
        issuer: CertifiedIssuer<'static, KeyPair>,
    }

    impl Pki {
        fn new() -> Self {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            (params.not_before, params.not_after) = (at(-24), at(24));
            Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
        }

        fn leaf(&self, serial: u64) -> [CertificateDer<'static>; 1] {
            self.leaf_until(serial, at(1))
        }

        fn leaf_until(&self, serial: u64, end: OffsetDateTime) -> [CertificateDer<'static>; 1] {
            let mut params = CertificateParams::default();
            params.serial_number = Some(SerialNumber::from(serial));
            (params.not_before, params.not_after) = (at(-1), end);
            [params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().clone()]
        }

        fn authorities(&self) -> Authorities {
            Authorities { roots: vec![self.issuer.der().clone()], ..Authorities::default() }
        }

        fn revoking(&self, serial: u64, next_update: OffsetDateTime) -> Authorities {
            let revoked = RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: at(-2),
                reason_code: None,
                invalidity_date: None,
            };
            let list = CertificateRevocationListParams {
                this_update: at(-12),
                next_update,
                crl_number: SerialNumber::from(1_u64),
                issuing_distribution_point: None,
                revoked_certs: vec![revoked],
                key_identifier_method: rcgen::KeyIdMethod::Sha256,
            };
            let list = list.signed_by(&self.issuer).unwrap();
            Authorities { revoked: vec![list.der().clone()], ..self.authorities() }
        }
    }

    fn trust(authorities: Authorities) -> Result<Trust> {
        Trust::try_new(authorities, false, &Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
    }

    #[test]
    fn a_chain_is_believed_until_it_ends_or_its_authority_goes() {
        let (pki, other) = (Pki::new(), Pki::new());
        let trust = trust(pki.authorities()).unwrap();
        let leaf = pki.leaf(1);
        assert!(trust.confirm(&leaf, NOW));
        assert!(!trust.confirm(&leaf, NOW.plus(Duration::from_hours(2))));
        assert!(!trust.confirm(&other.leaf(1), NOW));
        assert!(!trust.confirm(&[], NOW));
        let before = trust.generation();
        trust.replace(other.authorities(), &Arc::new(rustls::crypto::aws_lc_rs::default_provider())).unwrap();
        assert!(trust.generation() > before && !trust.confirm(&leaf, NOW));
    }

    #[test]
    fn a_good_chain_is_not_verified_again_for_a_minute_and_believed_no_longer_than_it_holds() {
        let (pki, other) = (Pki::new(), Pki::new());
        let (first, second) = (trust(pki.authorities()).unwrap(), trust(other.authorities()).unwrap());
        let (leaf, short) = (pki.leaf(1), pki.leaf_until(2, at(0) + time::Duration::seconds(30)));
        // A verifier that refuses both, and remembers what the first has found.
        for chain in [&leaf, &short] {
            assert!(first.confirm(chain, NOW));
            let key = hash(&chain[0], &[]);
            let times = first.current.load().good.get(&key).unwrap();
            second.current.load().good.insert(key, times);
        }
        let confirmed = |chain: &[CertificateDer<'_>], seconds: [u64; 3]| {
            seconds.map(|seconds| second.confirm(chain, NOW.plus(Duration::from_secs(seconds))))
        };
        assert_eq!(confirmed(&leaf, [0, 59, 60]), [true, true, false]);
        assert_eq!(confirmed(&short, [0, 29, 30]), [true, true, false]);
        assert_eq!(confirmed(&pki.leaf(1), [0, 1, 2]), [false; 3], "another one, by its bytes");
        assert_eq!(second.current.load().good.len(), 2, "what is refused is not remembered");
    }

    #[test]
    fn a_revoked_certificate_is_not_believed_and_an_overdue_list_believes_nobody() {
        let pki = Pki::new();
        let current = trust(pki.revoking(7, at(12))).unwrap();
        assert!(!current.confirm(&pki.leaf(7), NOW));
        assert!(current.confirm(&pki.leaf(8), NOW));
        let overdue = trust(pki.revoking(7, at(-1))).unwrap();
        assert!(!overdue.confirm(&pki.leaf(8), NOW));
        let soon = trust(pki.revoking(7, at(0) + time::Duration::seconds(30))).unwrap();
        let leaf = pki.leaf(9);
        let confirmed =
            [0, 29, 31].map(|seconds| soon.confirm(&leaf, NOW.plus(Duration::from_secs(seconds))));
        assert_eq!(confirmed, [true, true, false], "also if it was found good before");
    }

    #[test]
    fn without_an_authority_there_is_no_verifier() {
        assert!(trust(Authorities::default()).is_err());
    }
}
