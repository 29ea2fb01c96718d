//! Entity tags of bodies, and whether a client has the body already.

use crate::digest;
use crate::inventory::version::Version;
use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderValue};
use netweave_model::{Error, Result};

/// Bytes of all `If-None-Match` headers together that are read; a longer condition does not hold.
const MAX_CONDITION: usize = 4096;

/// Makes the strong entity tag of a body: half of its SHA-256, in hex.
///
/// # Errors
/// `Internal`: never in practice; hex is a header value.
pub fn of(body: &[u8]) -> Result<HeaderValue> {
    quoted(&digest::half_sha256(body))
}

/// Makes the strong entity tag of a list: half of the SHA-256, in hex, of half its objects' digests each and of the selectors.
///
/// What the objects are is in their digests, so none of their bytes is read again; half of one is as strong as the tag.
///
/// # Errors
/// As [`of`].
pub fn of_list(objects: impl Iterator<Item = Version>, selectors: &str) -> Result<HeaderValue> {
    let mut text = Vec::with_capacity(selectors.len() + 1 + 16 * objects.size_hint().0);
    text.extend_from_slice(selectors.as_bytes());
    text.push(0);
    for object in objects {
        text.extend_from_slice(&object.half());
    }
    quoted(&digest::half_sha256(&text))
}

fn quoted(digits: &str) -> Result<HeaderValue> {
    let tag = format!("\"{digits}\"");
    HeaderValue::try_from(tag).map_err(|error| Error::internal("an entity tag").with_source(error))
}

/// Returns whether the request's `If-None-Match` says that the client has this body.
///
/// Compares weakly, over all headers and lists; `*` holds for every body there is.
///
/// Source: RFC 9110, 13.1.2 and 8.8.3.2.
pub fn has_it(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let conditions = headers.get_all(IF_NONE_MATCH);
    if conditions.iter().map(HeaderValue::len).sum::<usize>() > MAX_CONDITION {
        return false;
    }
    conditions.iter().any(|condition| names(condition.as_bytes(), etag.as_bytes()))
}

/// Returns whether a list of entity tags names this one. Tags hold no quotes, but they may hold commas.
fn names(list: &[u8], etag: &[u8]) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    let Some(etag) = etag.strip_prefix(b"\"").and_then(|etag| etag.strip_suffix(b"\"")) else {
        return false;
    };
    // Every second part of a text split at its quotes stands between quotes.
    list.split(|byte| *byte == b'"').skip(1).step_by(2).any(|quoted| quoted == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(conditions: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for condition in conditions {
            headers.append(IF_NONE_MATCH, HeaderValue::from_static(condition));
        }
        has_it(&headers, &HeaderValue::from_static("\"ab\""))
    }

    #[test]
    fn a_tag_is_quoted_stable_and_depends_on_the_body() {
        let tag = of(b"[]").unwrap();
        assert_eq!(tag, "\"4f53cda18c2baa0c0354bb5f9a3ecbe5\"", "sha256 of []");
        assert_ne!(tag, of(b"[ ]").unwrap());
    }

    #[test]
    fn the_tag_of_a_list_depends_on_its_objects_their_order_and_what_is_shown_of_them() {
        let of = |objects: &[u8], selectors| {
            let versions = objects.iter().map(|byte| Version::of("a", &[*byte]));
            of_list(versions, selectors).unwrap()
        };
        assert_eq!(of(&[1, 2], ""), of(&[1, 2], ""));
        for other in [of(&[2, 1], ""), of(&[1], ""), of(&[], ""), of(&[1, 2], "fields=a")] {
            assert_ne!(of(&[1, 2], ""), other);
        }
        assert_eq!(of(&[], "").len(), 34);
    }

    #[test]
    fn lists_weak_tags_and_the_star_are_understood() {
        for held in [
            &["\"ab\""] as &[_],
            &["W/\"ab\""],
            &["\"x\", W/\"ab\""],
            &["*"],
            &[" * "],
            &["\"x\"", "\"ab\""],
            &["\"a,b\",\"ab\""],
        ] {
            assert!(has(held), "{held:?}");
        }
        for other in
            [&[] as &[_], &["\"abc\""], &["ab"], &["\"x\", \"y\""], &["\"x\",ab,\"y\""], &[""], &["\"*\""]]
        {
            assert!(!has(other), "{other:?}");
        }
    }
}
