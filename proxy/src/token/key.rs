//! The public keys of an issuer, a JWK set, and the check of a signature with one of them.
//!
//! Source: RFC 7517, sections 4 and 5; RFC 7518, sections 3 and 6; RFC 8037, section 2.

use crate::conf::tree::Algorithm;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use netweave_model::{Error, ErrorKind, Result};
use serde::Deserialize;

/// Most bytes of a set.
pub const MAX_SET: usize = 256 << 10;
/// Most keys of a set.
const MAX_KEYS: usize = 64;
/// Shortest RSA modulus, in bytes. Source: RFC 7518, section 3.3.
const MIN_MODULUS: usize = 256;
/// What stands before the coordinates of a point that is written out. Source: SEC 1, section 2.3.3.
const UNCOMPRESSED: u8 = 4;

impl Algorithm {
    /// Reads the name that a header or a key has for it; only these exist here.
    pub(super) fn read(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// The keys that an issuer signs with.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// One key, for each algorithm that it may be used with.
#[derive(Debug)]
struct Key {
    kid: Option<String>,
    uses: Vec<(Algorithm, ParsedPublicKey)>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a JWK set. Keys that are of no use here (secrets, other curves, keys for encryption) are left out.
    ///
    /// # Errors
    /// `Invalid`: it is no set, it is larger than is read, or no key of it is of use.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let faulty = |what: &'static str| Error::new(ErrorKind::Invalid, what);
        if json.len() > MAX_SET {
            return Err(faulty("is a set of keys that is too large"));
        }
        let set: Set =
            serde_json::from_slice(json).map_err(|error| faulty("is no JWK set").with_source(error))?;
        if set.keys.len() > MAX_KEYS {
            return Err(faulty("holds too many keys"));
        }
        let keys: Vec<Key> = set.keys.into_iter().filter_map(Jwk::key).collect();
        if keys.is_empty() {
            return Err(faulty("holds no key that is of use"));
        }
        Ok(Self { keys })
    }

    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Says whether there is no key; a set that was parsed has one.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Checks a signature by the key of that name. A token that names none is checked if one key alone fits its algorithm, so
    /// that nobody can have many signatures checked by one request.
    ///
    /// `None`: there is no such key. Otherwise whether the signature fits.
    pub(super) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        (signed, signature): (&[u8], &[u8]),
    ) -> Option<bool> {
        let named = self.keys.iter().filter(|key| kid.is_none() || key.kid.as_deref() == kid);
        let uses = named.flat_map(|key| &key.uses);
        let mut fitting = uses.filter_map(|(of, key)| (*of == algorithm).then_some(key));
        let key = fitting.next()?;
        if fitting.next().is_some() {
            return None;
        }
        Some(key.verify_sig(signed, signature).is_ok())
    }
}

impl Jwk {
    /// Returns the key, if it is one to verify signatures with.
    fn key(self) -> Option<Key> {
        let other_use = self.r#use.as_deref().is_some_and(|name| name != "sig");
        let other_ops = self.key_ops.as_ref().is_some_and(|names| !names.iter().any(|name| name == "verify"));
        if other_use || other_ops {
            return None;
        }
        let mut uses = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => self.rsa()?,
            ("EC", Some("P-256")) => self.point(Algorithm::Es256, 32)?,
            ("EC", Some("P-384")) => self.point(Algorithm::Es384, 48)?,
            ("OKP", Some("Ed25519")) => {
                let key = ParsedPublicKey::new(&ED25519, bytes(self.x.as_ref(), 32)?).ok()?;
                vec![(Algorithm::EdDsa, key)]
            }
            _ => return None,
        };
        if let Some(name) = &self.alg {
            uses.retain(|(algorithm, _)| Algorithm::read(name) == Some(*algorithm));
        }
        (!uses.is_empty()).then_some(Key { kid: self.kid, uses })
    }

    fn rsa(&self) -> Option<Vec<(Algorithm, ParsedPublicKey)>> {
        let number = |text: Option<&String>| URL_SAFE_NO_PAD.decode(text?).ok();
        let key = RsaPublicKeyComponents { n: number(self.n.as_ref())?, e: number(self.e.as_ref())? };
        if key.n.len() < MIN_MODULUS {
            return None;
        }
        let of = |parameters| key.to_parsed_public_key(parameters).ok();
        Some(vec![
            (Algorithm::Rs256, of(&RSA_PKCS1_2048_8192_SHA256)?),
            (Algorithm::Ps256, of(&RSA_PSS_2048_8192_SHA256)?),
        ])
    }

    fn point(&self, algorithm: Algorithm, size: usize) -> Option<Vec<(Algorithm, ParsedPublicKey)>> {
        let (x, y) = (bytes(self.x.as_ref(), size)?, bytes(self.y.as_ref(), size)?);
        let point = [&[UNCOMPRESSED], &*x, &*y].concat();
        let parameters =
            if algorithm == Algorithm::Es256 { &ECDSA_P256_SHA256_FIXED } else { &ECDSA_P384_SHA384_FIXED };
        Some(vec![(algorithm, ParsedPublicKey::new(parameters, point).ok()?)])
    }
}

/// Reads a value that has exactly so many bytes.
fn bytes(text: Option<&String>, size: usize) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok().filter(|bytes| bytes.len() == size)
}
