//! The request target: bounded, and in the characters that URIs have, whichever protocol brought it.

use crate::problem::{Problem, Refused};
use http::request::Parts;

/// Refuses a path and query that is too long or not plain ASCII.
///
/// # Errors
/// 414 or 400.
pub fn check(head: &Parts, longest: usize) -> Result<(), Refused> {
    let Some(target) = head.uri.path_and_query() else {
        return Err(Box::new(Problem::malformed("the request has no path")));
    };
    let target = target.as_str();
    if target.len() > longest {
        return Err(Box::new(Problem::target_too_long(longest)));
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Box::new(Problem::malformed(
            "the request target holds a character that must be percent-encoded",
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(uri: &str) -> Option<u16> {
        let (head, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
        check(&head, 20).err().map(|problem| problem.status().as_u16())
    }

    #[test]
    fn long_and_foreign_targets_are_refused() {
        assert_eq!(status("/short?a=b"), None);
        assert_eq!(status("/exactly-20-bytes-ok"), None);
        assert_eq!(status("/exactly-21-bytes-not"), Some(414));
        assert_eq!(status("/é"), Some(400));
    }
}
