//! Any bytes as a client's certificate: a name that rules and logs can take, or nobody; as an authority and as a
//! revocation list, which nothing but their signatures makes believed.

use netweave::access::Access;
use netweave::conf::tree;
use netweave::listen::identity::{Identity, IdentityField};
use netweave::listen::trust::{Authorities, Trust};
use netweave_model::{ErrorKind, Timestamp};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use std::sync::{Arc, OnceLock};

/// The only trust domain whose SPIFFE identities are accepted.
const TRUSTED: &str = "o2";
const MAX_NAME: usize = 512;
const MAX_NAMES: usize = 16;

/// Runs one input.
///
/// # Panics
/// A name passes for what it is not, or a refusal is another than 401.
pub fn run(bytes: &[u8]) {
    match Identity::read(bytes) {
        Ok(identity) => judge(&identity, bytes),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}"),
    }
    authorities(bytes);
}

fn judge(identity: &Identity, bytes: &[u8]) {
    let plain = |name: &str| name.len() <= MAX_NAME && !name.chars().any(char::is_control);
    assert!(!identity.name.is_empty() && plain(&identity.name), "{:?}", identity.name);
    assert!(identity.common_name.as_deref().is_none_or(plain), "{:?}", identity.common_name);
    let names = &identity.facts.alternative_names;
    assert!(names.len() <= MAX_NAMES && names.iter().all(|name| plain(name)), "{names:?}");
    assert!(identity.facts.serial.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()));
    assert_eq!(identity.fingerprint.len(), 64);
    if identity.field != IdentityField::Uri {
        assert!(!identity.name.contains("://"), "{:?}", identity.name);
    }
    // Whatever the case of the scheme, a SPIFFE identity is one of the trusted domain.
    let lower = identity.name.to_ascii_lowercase();
    if let (Some(rest), Some(_)) = (lower.strip_prefix("spiffe://"), access().of(&identity.name)) {
        assert_eq!(rest.split('/').next(), Some(TRUSTED), "{:?}", identity.name);
    }
    assert_eq!(Identity::read(bytes).expect("it was read before"), *identity);
}

fn access() -> &'static Access {
    static ACCESS: OnceLock<Access> = OnceLock::new();
    ACCESS.get_or_init(|| {
        let conf = tree::Access { trust_domains: vec![TRUSTED.to_owned()], ..tree::Access::default() };
        Access::new(&conf, &tree::Rate::default(), 1)
    })
}

/// An authority of one's own making does not make its owner a client of another one.
fn authorities(bytes: &[u8]) {
    let (provider, theirs) = (Arc::new(default_provider()), CertificateDer::from(bytes));
    let now = Timestamp(1_800_000_000_000);
    let roots = vec![CertificateDer::from(OURS).into_owned()];
    let trust = Trust::try_new(Authorities { roots, ..Authorities::default() }, true, &provider);
    let trust = trust.expect("our authority is usable");
    assert!(!trust.confirm(std::slice::from_ref(&theirs), now), "believed without a signature");
    let revoked = vec![CertificateRevocationListDer::from(bytes.to_vec())];
    let lists = Authorities { roots: vec![CertificateDer::from(OURS).into_owned()], revoked, stale: true };
    drop(Trust::try_new(lists, true, &provider));
    drop(Trust::try_new(
        Authorities { roots: vec![theirs.into_owned()], ..Authorities::default() },
        true,
        &provider,
    ));
}

/// The certificate of an authority whose key nobody has.
const OURS: &[u8] = include_bytes!("authority.der");
