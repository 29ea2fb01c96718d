//! One unary call of gRPC: how its message is framed, and how it ended.
//!
//! Source: gRPC, "gRPC over HTTP2" (PROTOCOL-HTTP2.md): requests, responses.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, TE};
use http::request::Builder;
use netweave_http::ApiAnswer;
use std::io;
use std::time::Duration;

/// The field that says how a call ended.
const STATUS: &str = "grpc-status";
/// It ended well.
const OK: &str = "0";

/// Adds the fields of a call that may take so long.
pub(super) fn request(request: Builder, time: Duration) -> Builder {
    request
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header("grpc-timeout", format!("{}m", time.as_millis()))
}

/// Frames a message: a flag for its compression, of which there is none, and its length in four bytes.
///
/// # Errors
/// The message is 4 GiB or longer.
pub(super) fn framed(message: &Bytes) -> io::Result<Bytes> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(length);
    frame.put_slice(message);
    Ok(frame.freeze())
}

/// Says how a call ended. The status stands behind the message, or among the headers if there is none.
///
/// # Errors
/// It failed, or the answer is none of gRPC.
pub(super) fn outcome(answer: &ApiAnswer) -> io::Result<()> {
    if answer.status != 200 {
        return Err(io::Error::other(format!("the collector answered {}", answer.status)));
    }
    let status = answer.trailers.get(STATUS).or_else(|| answer.headers.get(STATUS));
    match status.map(|status| status.to_str().unwrap_or("?")) {
        Some(OK) => Ok(()),
        Some(status) => {
            Err(io::Error::other(format!("the collector answered with the gRPC status {status}")))
        }
        None => Err(io::Error::other("the collector answered without a gRPC status")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};

    fn said(status: u16, header: Option<&'static str>, trailer: Option<&'static str>) -> Option<String> {
        let fields = |value: Option<&'static str>| {
            value.map(|value| (http::HeaderName::from_static(STATUS), HeaderValue::from_static(value)))
        };
        let headers = fields(header).into_iter().collect::<HeaderMap>();
        let trailers = fields(trailer).into_iter().collect::<HeaderMap>();
        let answer = ApiAnswer { status, headers, retry_after: None, body: Bytes::new(), trailers };
        outcome(&answer).err().map(|error| error.to_string())
    }

    #[test]
    fn a_call_ended_well_only_if_its_status_says_so() {
        assert_eq!(said(200, None, Some("0")), None);
        assert_eq!(said(200, Some("0"), None), None);
        for (status, header, trailer, wanted) in [
            (200, None, None, "without a gRPC status"),
            (200, None, Some("14"), "status 14"),
            (200, Some("8"), None, "status 8"),
            (200, Some("0"), Some("13"), "status 13"),
            (503, None, Some("0"), "answered 503"),
        ] {
            let said = said(status, header, trailer).unwrap();
            assert!(said.ends_with(wanted), "{said}");
        }
    }

    #[test]
    fn a_message_is_preceded_by_its_length() {
        assert_eq!(&framed(&Bytes::from_static(b"ab")).unwrap()[..], [0, 0, 0, 0, 2, b'a', b'b']);
    }
}
