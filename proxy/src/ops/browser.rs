//! The API browser: a page of the operations listener that shows the OpenAPI document. All of it is in the binary.
//!
//! The page may load what this listener serves and nothing else, and runs no script but its own.

use crate::reply::{JSON, Reply};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};

/// What the page may do: its own script, its own style, and reading what this listener serves.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");

/// The page and the document that it shows.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    document: Bytes,
}

impl Browser {
    /// Makes the page for an OpenAPI document.
    pub fn new(document: impl Into<Bytes>) -> Self {
        Self { document: document.into() }
    }

    /// Answers a path of the browser; `None` for all others.
    pub(super) fn reply(&self, path: &str) -> Option<Reply> {
        let (media, body) = match path {
            "/openapi.json" => (JSON, self.document.clone()),
            "/api/" => (HTML, Bytes::from_static(include_bytes!("browser/index.html"))),
            "/api/browser.css" => (CSS, Bytes::from_static(include_bytes!("browser/browser.css"))),
            "/api/browser.js" => (SCRIPT, Bytes::from_static(include_bytes!("browser/browser.js"))),
            _ => return None,
        };
        let headers = vec![
            (CONTENT_TYPE, media),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        Some(Reply { status: StatusCode::OK, headers, body })
    }
}
