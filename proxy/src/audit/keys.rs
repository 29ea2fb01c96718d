//! The keys of the audit log, read from files: what signs, what verifies, what seals, what stands in for values.

use crate::digest;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netweave_model::{Error, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// Largest file of a key.
const MAX_FILE: u64 = 64 << 10;
/// Size of a secret.
pub const SECRET: usize = 32;
/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo`. Source: RFC 8410, section 4.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The key that signs checkpoints.
pub struct Signer {
    pair: Ed25519KeyPair,
    id: String,
}

/// The key that verifies checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    key: Vec<u8>,
    id: String,
}

/// A secret of 32 bytes; it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET]);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.id)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Signer {
    /// Reads a private key in PKCS#8 form from a PEM file.
    ///
    /// # Errors
    /// `Invalid`: the file cannot be read or holds no Ed25519 key.
    pub fn read(path: &Path) -> Result<Self> {
        let unusable = || refused(path, "holds no Ed25519 key in PKCS#8 form");
        let pem = PrivatePkcs8KeyDer::from_pem_slice(&contents(path)?)
            .map_err(|error| unusable().with_source(error))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pem.secret_pkcs8_der());
        pair.map(Self::new).map_err(|error| unusable().with_source(error))
    }

    /// Makes a new key.
    ///
    /// # Errors
    /// `Internal`: there is no randomness.
    pub fn generate() -> Result<Self> {
        let pair = Ed25519KeyPair::generate();
        pair.map(Self::new).map_err(|error| Error::internal("no key can be made").with_source(error))
    }

    fn new(pair: Ed25519KeyPair) -> Self {
        let id = digest::half_sha256(pair.public_key().as_ref());
        Self { pair, id }
    }

    /// Names the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the key that verifies what this one signs.
    pub fn public(&self) -> Public {
        Public { key: self.pair.public_key().as_ref().to_vec(), id: self.id.clone() }
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl Public {
    /// Reads a public key in `SubjectPublicKeyInfo` form from a PEM file.
    ///
    /// # Errors
    /// `Invalid`: the file cannot be read or holds no Ed25519 key.
    pub fn read(path: &Path) -> Result<Self> {
        let unusable = || refused(path, "holds no public Ed25519 key");
        let pem = SubjectPublicKeyInfoDer::from_pem_slice(&contents(path)?);
        let pem = pem.map_err(|error| unusable().with_source(error))?;
        let key = pem.as_ref().strip_prefix(&SPKI).filter(|key| key.len() == SECRET).ok_or_else(unusable)?;
        Ok(Self { key: key.to_vec(), id: digest::half_sha256(key) })
    }

    /// Names the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Says whether a signature is that of this key.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.key).verify(message, signature).is_ok()
    }
}

impl Secret {
    /// Reads 32 bytes, as they are or in base64, from a file.
    ///
    /// # Errors
    /// `Invalid`: the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let contents = contents(path)?;
        if let Ok(raw) = contents.as_slice().try_into() {
            return Ok(Self(raw));
        }
        let decoded = Zeroizing::new(STANDARD.decode(contents.trim_ascii()).unwrap_or_default());
        let secret = decoded.as_slice().try_into();
        secret
            .map(Self)
            .map_err(|error| refused(path, "must hold 32 bytes, as they are or in base64").with_source(error))
    }

    /// Takes 32 bytes.
    pub fn new(bytes: [u8; SECRET]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Names the secret without telling it.
    pub fn id(&self) -> String {
        digest::sha256_of(&[b"netweave-audit-key-id/1\n", &self.0]).chars().take(32).collect()
    }
}

fn contents(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    read.map_err(|error| refused(path, "cannot be read").with_source(error))?;
    Ok(bytes)
}

/// Names the file: this error is shown to the operator only.
fn refused(path: &Path, what: &str) -> Error {
    Error::invalid("audit", format!("{} {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{KeyPair as Pair, PKCS_ED25519};

    fn file(contents: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), contents).unwrap();
        file
    }

    #[test]
    fn a_pair_in_pem_files_signs_and_verifies() {
        let pair = Pair::generate_for(&PKCS_ED25519).unwrap();
        let signer = Signer::read(file(pair.serialize_pem().as_bytes()).path()).unwrap();
        let public = Public::read(file(pair.public_key_pem().as_bytes()).path()).unwrap();
        assert_eq!(signer.public(), public);
        assert!(public.verifies(b"m", &signer.sign(b"m")));
        assert!(!public.verifies(b"n", &signer.sign(b"m")));
    }

    #[test]
    fn other_keys_and_other_files_are_refused() {
        let other = Pair::generate().unwrap();
        assert!(Signer::read(file(other.serialize_pem().as_bytes()).path()).is_err());
        assert!(Public::read(file(other.public_key_pem().as_bytes()).path()).is_err());
        assert!(Signer::read(Path::new("/none")).is_err());
        assert!(Secret::read(file(b"short").path()).is_err());
    }

    #[test]
    fn a_secret_is_raw_or_base64_and_is_never_printed() {
        let raw = [7_u8; 32];
        let secret = Secret::read(file(&raw).path()).unwrap();
        assert_eq!(
            secret,
            Secret::read(file(format!("{}\n", STANDARD.encode(raw)).as_bytes()).path()).unwrap()
        );
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }
}
