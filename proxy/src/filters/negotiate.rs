//! Whether request and answer can meet in form: `Accept`, `Content-Type` and the `Version` of the interface.

use crate::problem::{Problem, Refused};
use crate::routes::Route;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method};
use netweave_model::subscription::Major;

/// The header in which a consumer names the version it was built for.
/// Source: O-RAN.WG6.TS.O2IMS-INTERFACE-R004-v10.00, request headers; nobody sends it, so it is never required.
const VERSION: &str = "version";
/// The media ranges that JSON fits, the most specific last.
const RANGES: [&str; 3] = ["*/*", "application/*", "application/json"];

/// Refuses what cannot be answered as asked, and bodies that are not JSON.
///
/// # Errors
/// 406 or 415.
pub fn check(head: &Parts, route: &Route<'_>, method: &Method) -> Result<(), Refused> {
    if !accepts_json(&head.headers) {
        return Err(Box::new(Problem::not_acceptable("answers are application/json")));
    }
    if !knows_version(&head.headers, route.major) {
        return Err(Box::new(Problem::not_acceptable(
            "this version of the interface is not served under this path",
        )));
    }
    if super::takes_body(method) && has_body(head) && !is_json(&head.headers) {
        return Err(Box::new(Problem::not_json()));
    }
    Ok(())
}

/// Refuses a body that came without being announced and is not JSON.
///
/// # Errors
/// 415.
pub fn check_body(headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
    if body.is_empty() || is_json(headers) { Ok(()) } else { Err(Box::new(Problem::not_json())) }
}

/// An answer in JSON is acceptable unless the header leaves it no room; the most specific range that fits decides.
/// Source: RFC 9110, 12.5.1.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut asked = false;
    let mut best = None;
    for value in headers.get_all(ACCEPT) {
        let Ok(text) = value.to_str() else { return false };
        for range in text.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            asked = true;
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or("");
            let Some(precision) = RANGES.iter().position(|fit| name.eq_ignore_ascii_case(fit)) else {
                continue;
            };
            let refused = parts.any(|parameter| {
                let weight = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
                weight.is_some_and(|weight| weight.trim_end_matches(['0', '.']).is_empty())
            });
            best = best.max(Some((precision, !refused)));
        }
    }
    best.map_or(!asked, |(_, taken)| taken)
}

/// A version that is named must be one of the major that the path asks for: `1`, `1.2` or `2.0.0`.
fn knows_version(headers: &HeaderMap, major: Major) -> bool {
    let Some(value) = headers.get(VERSION) else {
        return true;
    };
    let served = match major {
        Major::V1 => "1",
        Major::V2 => "2",
    };
    let Ok(text) = value.to_str() else { return false };
    let mut numbers = text.trim().split('.');
    let numeric =
        |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.next() == Some(served) && numbers.clone().count() <= 2 && numbers.all(numeric)
}

/// A body is announced in HTTP/1 by one of two headers; HTTP/2 may send one without saying so, see [`check_body`].
fn has_body(head: &Parts) -> bool {
    match head.headers.get(CONTENT_LENGTH) {
        Some(length) => length.as_bytes() != b"0",
        None => [CONTENT_TYPE, TRANSFER_ENCODING].iter().any(|name| head.headers.contains_key(name)),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let json = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| {
        let charset = parameter.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
        charset.is_none_or(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::table;

    fn status(method: &Method, path: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let route = table::resolve(path, &[Major::V1, Major::V2]).unwrap();
        check(&head, &route, method).err().map(|problem| problem.status().as_u16())
    }

    fn get(headers: &[(&str, &str)]) -> Option<u16> {
        status(&Method::GET, "/o2ims-infrastructureInventory/v2/resourcePools", headers)
    }

    fn post(headers: &[(&str, &str)]) -> Option<u16> {
        status(&Method::POST, "/o2ims-infrastructureInventory/v1/subscriptions", headers)
    }

    #[test]
    fn json_is_acceptable_unless_it_is_left_out() {
        for accept in [
            "*/*",
            "application/json",
            "text/html, application/*;q=0.1",
            "APPLICATION/JSON; charset=utf-8",
            "*/*;q=0, application/json",
            "",
        ] {
            assert_eq!(get(&[("accept", accept)]), None, "{accept}");
        }
        for accept in [
            "text/html",
            "application/xml",
            "application/json;q=0",
            "*/*; q=0.000",
            "application/json;q=0, */*",
            "*/*, application/*;q=0",
            "application/problem+json",
        ] {
            assert_eq!(get(&[("accept", accept)]), Some(406), "{accept}");
        }
        assert_eq!(get(&[]), None);
    }

    #[test]
    fn a_version_that_is_named_must_be_of_the_paths_major() {
        for version in ["2", "2.0", "2.0.0", " 2.1.0 "] {
            assert_eq!(get(&[("version", version)]), None, "{version}");
        }
        for version in ["1.0.0", "3", "2.x", "2.", "2.0.0.0", "", "latest"] {
            assert_eq!(get(&[("version", version)]), Some(406), "{version}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_refused_and_no_body_needs_no_type() {
        assert_eq!(post(&[("content-length", "2"), ("content-type", "application/json")]), None);
        assert_eq!(
            post(&[("content-length", "2"), ("content-type", "Application/JSON; Charset=UTF-8")]),
            None
        );
        assert_eq!(post(&[("content-length", "2")]), Some(415));
        assert_eq!(post(&[("transfer-encoding", "chunked"), ("content-type", "text/xml")]), Some(415));
        assert_eq!(
            post(&[("content-length", "2"), ("content-type", "application/json; charset=utf-16")]),
            Some(415)
        );
        assert_eq!(post(&[("content-length", "0")]), None);
        assert_eq!(post(&[]), None);
    }
    #[test]
    fn over_http2_a_missing_body_needs_no_type_and_one_that_comes_does() {
        let path = "/o2ims-infrastructureInventory/v1/subscriptions";
        let request = http::Request::builder().method(Method::POST).uri(path).version(http::Version::HTTP_2);
        let (head, ()) = request.body(()).unwrap().into_parts();
        let route = table::resolve(path, &[Major::V1]).unwrap();
        assert!(check(&head, &route, &Method::POST).is_ok());
        assert!(check_body(&head.headers, b"").is_ok());
        let refused = check_body(&head.headers, b"{}").err().map(|problem| problem.status().as_u16());
        assert_eq!(refused, Some(415));
    }
}
