//! `If-Match`: a write that is meant for one revision of a subscription only.

use super::represent;
use http::HeaderMap;
use http::header::IF_MATCH;
use netweave_model::{Error, ErrorKind, Result, Subscription};

/// Returns the revision that a write must meet: the one that was read, if the request has an `If-Match` at all.
///
/// # Errors
/// `PreconditionFailed`: the request is meant for another revision.
///
/// Source: RFC 9110, 13.1.1.
pub fn required_revision(headers: &HeaderMap, subscription: &Subscription) -> Result<Option<u64>> {
    if !headers.contains_key(IF_MATCH) {
        return Ok(None);
    }
    let tag = represent::etag(subscription)?;
    let mut conditions =
        headers.get_all(IF_MATCH).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    // Our tags are numbers in quotes, so a comma never lies within one. A weak tag never matches here.
    if conditions
        .any(|condition| matches!(condition.trim_ascii(), b"*") || condition.trim_ascii() == tag.as_bytes())
    {
        return Ok(Some(subscription.rev));
    }
    Err(Error::new(
        ErrorKind::PreconditionFailed,
        "the subscription has changed: read it again, then repeat the change",
    ))
}
