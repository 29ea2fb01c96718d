//! What contents are called: a digest, equal wherever the contents are equal, whoever holds them and since when.
//!
//! The version of many objects is the sum of theirs, so a change costs the hash of one object. It is 256 bits wide, as
//! sums of fewer could be made equal by whoever chooses enough objects.

use aws_lc_rs::digest::{SHA256, digest};
use std::fmt;

/// A digest of contents; the default is that of nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Version([u128; 2]);

/// Makes the order of sources count; any odd number does.
const STEP: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

impl Version {
    /// Returns the version of one object.
    pub fn of(id: &str, json: &[u8]) -> Self {
        let mut text = Vec::with_capacity(id.len() + 1 + json.len());
        text.extend_from_slice(id.as_bytes());
        text.push(0);
        text.extend_from_slice(json);
        let hash = digest(&SHA256, &text);
        let (halves, _) = hash.as_ref().as_chunks::<16>();
        Self(std::array::from_fn(|half| halves.get(half).copied().map_or(0, u128::from_be_bytes)))
    }

    /// Returns the first half of the digest as bytes.
    pub fn half(self) -> [u8; 16] {
        self.0[0].to_be_bytes()
    }

    /// Returns the version of these contents with an object more.
    #[must_use]
    pub fn with(self, object: Self) -> Self {
        self.zip(object, u128::wrapping_add)
    }

    /// Returns the version of these contents without one of their objects.
    #[must_use]
    pub fn without(self, object: Self) -> Self {
        self.zip(object, u128::wrapping_sub)
    }

    /// Returns the version of these contents followed by others; which come first counts.
    #[must_use]
    pub fn then(self, others: Self) -> Self {
        self.zip(others, |mine, other| mine.wrapping_mul(STEP).wrapping_add(other))
    }

    fn zip(self, other: Self, combine: impl Fn(u128, u128) -> u128) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([combine(a, c), combine(b, d)])
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.0;
        write!(f, "{a:032x}{b:032x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_again_leaves_no_trace() {
        let [a, b] = ["a", "b"].map(|id| Version::of(id, b"{}"));
        assert_ne!(a, b);
        assert_eq!(Version::default().with(a).with(b).without(a), b);
        assert_eq!(Version::default().with(b).without(b), Version::default());
        assert_eq!(a.with(b), b.with(a));
    }

    #[test]
    fn which_contents_come_first_counts() {
        let [a, b] = ["a", "b"].map(|id| Version::of(id, b"{}"));
        assert_ne!(a.then(b), b.then(a));
        assert_ne!(Version::of("a", b"{}"), Version::of("a", b"[]"));
    }

    #[test]
    fn it_is_the_same_in_every_process() {
        // The SHA-256 of one zero byte.
        let known = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(Version::of("", b"").to_string(), known);
        assert!(known.starts_with(&crate::digest::hex(&Version::of("", b"").half())));
    }
}
