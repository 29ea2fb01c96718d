//! SHA-256 as text: checksums, fingerprints, and names that say nothing of what they are made of.

use aws_lc_rs::digest::{Context, SHA256, digest};

/// Bytes of half a hash, for what must be told apart but is no proof.
const HALF: usize = 16;

/// Returns the SHA-256 of some bytes as 64 lower-case hex digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Returns the SHA-256 of some bytes that follow each other as 64 lower-case hex digits.
pub fn sha256_of(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    hex(context.finish().as_ref())
}

/// The SHA-256 of what comes piece by piece.
#[derive(Clone)]
pub struct Running(Context);

impl Default for Running {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Running {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the hash of all pieces as 64 lower-case hex digits.
    pub fn finish(self) -> String {
        hex(self.0.finish().as_ref())
    }
}

/// Returns the first half of the SHA-256 of some bytes as 32 lower-case hex digits.
pub fn half_sha256(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    hex(hash.as_ref().get(..HALF).unwrap_or_default())
}

/// Returns bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let mut text = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_written_in_hex() {
        assert_eq!(sha256(b"[]"), "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945");
        assert_eq!(half_sha256(b"[]"), "4f53cda18c2baa0c0354bb5f9a3ecbe5");
    }
}
