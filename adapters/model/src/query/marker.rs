//! Page markers: where the next page starts, in a text that needs no memory on the server.

use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::num::NonZeroU32;
use uuid::Uuid;

/// The parameter that carries a marker.
pub(super) const PARAMETER: &str = "nextpage_opaque_marker";

/// Version of the markers' form; another one is refused.
const VERSION: u8 = 1;
/// How long a marker may be; the longest key that one can hold is about 3,000 bytes.
const MAX_MARKER: usize = 4096;
/// How many digits a page number may have.
const MAX_DIGITS: usize = 9;
const HEAD: usize = 1 + CHECK + HASH;
const CHECK: usize = 4;
const HASH: usize = 8;

/// Where a page starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    /// The page with this number, from 1.
    Page(NonZeroU32),
    /// After the object with this key; the key is what the collection is sorted by.
    After {
        /// The last key of the page before.
        key: String,
    },
}

impl Marker {
    /// Writes the marker of the page after `key`, for the collection and query that it belongs to.
    ///
    /// It consists of letters, digits, `-` and `_`.
    pub fn after(collection: &str, key: &str, query_hash: u64) -> String {
        let mut bytes = Vec::with_capacity(HEAD + key.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&check(collection, key.as_bytes(), query_hash));
        bytes.extend_from_slice(&query_hash.to_be_bytes());
        bytes.extend_from_slice(key.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a marker: one to nine digits are a page number, all else must be ours.
    ///
    /// # Errors
    /// `Invalid`: it is empty, was changed, or is another collection's, another query's or another version's.
    pub(super) fn parse(text: &str, collection: &str, query_hash: u64) -> Result<Self> {
        if text.is_empty() {
            return Err(refused("the marker is empty; start at the first page, without a marker"));
        }
        if text.len() <= MAX_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let page = text.parse().map_err(|_parse| refused("page numbers start at 1"))?;
            return Ok(Self::Page(page));
        }
        let key = (text.len() <= MAX_MARKER).then(|| read(text, collection, query_hash)).flatten();
        key.map(|key| Self::After { key }).ok_or_else(|| {
            refused("the marker does not belong to this query; start at the first page, without a marker")
        })
    }

    /// Writes the marker for a cache key.
    pub(super) fn canonical(&self) -> String {
        match self {
            Self::Page(page) => format!("page={page}"),
            Self::After { key } => format!("after={key}"),
        }
    }
}

fn read(text: &str, collection: &str, query_hash: u64) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (head, key) = bytes.split_at_checked(HEAD)?;
    let mut expected = vec![VERSION];
    expected.extend_from_slice(&check(collection, key, query_hash));
    expected.extend_from_slice(&query_hash.to_be_bytes());
    (head == expected).then(|| String::from_utf8(key.to_vec()).ok()).flatten()
}

/// Guards against mistakes, not against forgery: a forged marker shows nothing that a query could not.
fn check(collection: &str, key: &[u8], query_hash: u64) -> [u8; CHECK] {
    let mut bytes = query_hash.to_be_bytes().to_vec();
    bytes.extend_from_slice(collection.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(key);
    let [a, b, c, d, ..] = stable_hash(&bytes).to_be_bytes();
    [a, b, c, d]
}

/// Hashes bytes; the same in every process and release, which the standard library's hash is not.
pub(super) fn stable_hash(bytes: &[u8]) -> u64 {
    /// Namespace of these hashes; fixed for ever.
    const NAMESPACE: Uuid = Uuid::from_u128(0x0f5e_3a8c_1d0b_5c51_8d6e_5b3c_92aa_7e10);
    Uuid::new_v5(&NAMESPACE, bytes).as_u64_pair().0
}

fn refused(reason: &'static str) -> Error {
    Error::invalid(PARAMETER, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_to_nine_digits_are_a_page_number() {
        let page = |text| Marker::parse(text, "resources", 7);
        assert_eq!(page("1").unwrap(), Marker::Page(NonZeroU32::MIN));
        assert_eq!(page("000000042").unwrap(), Marker::Page(NonZeroU32::new(42).unwrap()));
        for text in ["0", "000", "", "1234567890", "-1", "+1", "1.0", "\u{661}"] {
            let error = page(text).unwrap_err();
            assert_eq!(error.params()[0].name, PARAMETER, "{text}");
        }
        assert!(page("").unwrap_err().params()[0].reason.starts_with("the marker is empty"));
    }

    #[test]
    fn a_marker_of_another_collection_query_or_version_is_refused() {
        let marker = Marker::after("resources/a", "k", 7);
        assert_eq!(Marker::parse(&marker, "resources/a", 7).unwrap(), Marker::After { key: "k".into() });
        assert!(Marker::parse(&marker, "resources/b", 7).is_err());
        assert!(Marker::parse(&marker, "resources/a", 8).is_err());
        let mut bytes = URL_SAFE_NO_PAD.decode(&marker).unwrap();
        bytes[0] = VERSION + 1;
        assert!(Marker::parse(&URL_SAFE_NO_PAD.encode(bytes), "resources/a", 7).is_err());
        assert!(
            Marker::parse(&Marker::after("resources/a", &"k".repeat(5000), 7), "resources/a", 7).is_err()
        );
    }

    #[test]
    fn the_form_does_not_change_by_accident() {
        // Pinned: pods of two releases read each other's markers during a roll-out.
        assert_eq!(Marker::after("resources", "0001", 1), "AaEGJIUAAAAAAAAAATAwMDE");
    }

    proptest! {
        #[test]
        fn markers_round_trip(collection in "[a-z/]{1,20}", key in "\\PC{0,80}", hash: u64) {
            let marker = Marker::after(&collection, &key, hash);
            prop_assert!(marker.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            prop_assert_eq!(Marker::parse(&marker, &collection, hash).unwrap(), Marker::After { key });
        }

        #[test]
        fn changed_markers_are_refused(key in "\\PC{0,40}", hash: u64, at: prop::sample::Index, by in 1_u8..64) {
            let marker = Marker::after("resources", &key, hash).into_bytes();
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let mut changed = marker;
            let at = at.index(changed.len());
            let digit = alphabet.iter().position(|byte| *byte == changed[at]).unwrap();
            changed[at] = alphabet[(digit + usize::from(by)) % 64];
            prop_assert!(Marker::parse(std::str::from_utf8(&changed).unwrap(), "resources", hash).is_err());
        }

        #[test]
        fn no_text_is_taken_for_a_marker_of_ours(text in "\\PC{10,60}") {
            prop_assert!(Marker::parse(&text, "resources", 7).is_err());
        }
    }
}
