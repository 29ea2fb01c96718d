//! Reads the heads of requests that have no body, for whoever answers them without a session of Pingora's.

use super::head::MAX_FIELDS;
use super::link::Link;
use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use std::mem::MaybeUninit;

/// Answers requests that have no body.
pub(crate) trait Direct {
    /// Answers one; `last` asks to end the connection with it. Returns whether the connection can be used again.
    fn direct(&self, head: Parts, link: &mut Link, last: bool) -> impl Future<Output = bool> + Send;
}

/// Reads a head that has been judged, and that is all there is. Values are pieces of the head and not copied, as are the target
/// and the names that are not standard ones.
pub(super) fn parse(head: &Bytes) -> Option<Parts> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut []);
    let read = request.parse_with_uninit_headers(head, &mut fields).ok()?;
    if read.is_partial() {
        return None;
    }
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(request.method?.as_bytes()).ok()?;
    let target = PathAndQuery::from_maybe_shared(head.slice_ref(request.path?.as_bytes())).ok()?;
    parts.uri = Uri::from(target);
    parts.headers = HeaderMap::with_capacity(request.headers.len());
    for field in &*request.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(field.value)).ok()?;
        parts.headers.append(name, value);
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_becomes_its_method_target_and_fields() {
        let head = b"GET /a/b?c=d HTTP/1.1\r\nHost: x\r\nAccept: a\r\nX-Own:  b \r\naccept: c\r\n\r\n";
        let parts = parse(&Bytes::from_static(head)).unwrap();
        assert_eq!((parts.method, parts.uri.path(), parts.uri.query()), (Method::GET, "/a/b", Some("c=d")));
        let accepts: Vec<_> = parts.headers.get_all("accept").iter().collect();
        assert_eq!(accepts, ["a", "c"]);
        assert_eq!(parts.headers["x-own"], "b");
    }

    #[test]
    fn what_cannot_be_read_is_left_to_pingora() {
        for head in ["GET /a HTTP/1.1\r\nHost: x\r\n", "GET a HTTP/1.1\r\n\r\n", "GET /a HTTP/3\r\n\r\n"] {
            assert!(parse(&Bytes::from_static(head.as_bytes())).is_none(), "{head}");
        }
    }
}
