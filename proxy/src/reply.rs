//! An answer in plain HTTP types, before anybody knows which protocol carries it.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};

/// The media type of every body that is not an error.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer: status, headers in the order in which they are sent, and the whole body.
///
/// `Content-Length`, `Date` and the request id are added where it is written.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; empty for 204 and 304.
    pub body: Bytes,
}

impl Reply {
    /// Makes an answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// Makes an answer with a JSON body.
    pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![(http::header::CONTENT_TYPE, JSON)], body: body.into() }
    }

    /// Returns what `Content-Length` says; `None` for a status that has no body.
    pub fn length(&self) -> Option<usize> {
        let bodiless = matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        (!bodiless).then_some(self.body.len())
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}
