//! The spans of a request: the request itself, and the look into the response cache.
//!
//! Source of names: OpenTelemetry semantic conventions, HTTP server spans; `cache.hit` is of the operations documents.

use crate::ctx::Ctx;
use crate::telemetry::requests::template;
use crate::telemetry::trace::Over;
use crate::telemetry::trace::span::{Kind, Value};
use http::{HeaderMap, StatusCode};
use netweave_http::TRACE_PARENT;
use netweave_model::Trace;
use std::time::Instant;

/// Reads which span a request is part of, as its client says; one that says two things says nothing.
pub(super) fn parent(headers: &HeaderMap) -> Option<Trace> {
    let mut said = headers.get_all(TRACE_PARENT).iter();
    let (Some(first), None) = (said.next(), said.next()) else { return None };
    first.to_str().ok()?.parse().ok()
}

/// Describes a request that is over.
pub(super) fn of_request(ctx: &Ctx, own: Trace, status: StatusCode) -> Over {
    let route = template(ctx.seen.slot);
    let method = match ctx.method.as_str() {
        method @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH") => method,
        _ => "_OTHER",
    };
    let failed = status.is_server_error();
    let mut attributes: Vec<(&str, Value)> = vec![
        ("http.request.method", method.to_owned().into()),
        ("http.route", route.into()),
        ("http.response.status_code", status.as_u16().into()),
        ("http.response.body.size", ctx.bytes.into()),
        ("url.scheme", "https".into()),
        ("netweave.request.id", ctx.id().to_owned().into()),
    ];
    if failed {
        let what = ctx.reason.map_or_else(|| status.as_str().to_owned(), str::to_owned);
        attributes.push(("error.type", what.into()));
    }
    let spans = (ctx.spans.0, own);
    let name = format!("{method} {route}").into();
    Over { name, kind: Kind::Server, spans, took: ctx.began.elapsed(), failed, attributes }
}

/// Describes a look into the response cache.
pub(super) fn of_cache(parent: Trace, own: Trace, hit: bool, began: Instant) -> Over {
    Over {
        name: "cache".into(),
        kind: Kind::Internal,
        spans: (Some(parent), own),
        took: began.elapsed(),
        failed: false,
        attributes: vec![("cache.hit", hit.into())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_request_that_names_two_traces_names_none() {
        let value = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let mut headers = HeaderMap::new();
        assert_eq!(parent(&headers), None);
        headers.append(TRACE_PARENT, value.clone());
        assert!(parent(&headers).is_some_and(|trace| trace.sampled));
        headers.append(TRACE_PARENT, value);
        assert_eq!(parent(&headers), None);
        headers.insert(TRACE_PARENT, HeaderValue::from_static("00-0-0-0"));
        assert_eq!(parent(&headers), None);
    }
}
