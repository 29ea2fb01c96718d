//! SHA-256 as text: checksums, fingerprints, and names that say nothing of what they are made of.

use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write;

/// Bytes of half a hash, for what must be told apart but is no proof.
const HALF: usize = 16;

/// Returns the SHA-256 of some bytes as 64 lower-case hex digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Returns the first half of the SHA-256 of some bytes as 32 lower-case hex digits.
pub fn half_sha256(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    hex(hash.as_ref().get(..HALF).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Text takes text; there is nothing that could fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
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
