//! The span of an attempt to deliver, and what its callback is told of it.
//!
//! Source of names: OpenTelemetry semantic conventions, HTTP client spans.

use crate::telemetry::trace::span::{Kind, Value};
use crate::telemetry::trace::{Over, Tracer};
use http::{HeaderMap, HeaderValue};
use netweave_http::{Answer, TRACE_PARENT};
use netweave_model::port::Item;
use netweave_model::{Result, Subscription, Trace, trace};
use std::time::Duration;

/// Tells the callback the trace that is current, if any.
pub(super) fn name(headers: &mut HeaderMap) {
    let value = trace::current().and_then(|trace| HeaderValue::from_str(&trace.to_string()).ok());
    if let Some(value) = value {
        headers.insert(TRACE_PARENT, value);
    }
}

/// Hands over the span that is current.
pub(super) fn end(
    tracer: &Tracer,
    parent: Option<Trace>,
    (subscription, item): (&Subscription, &Item),
    (result, took): (&Result<Answer>, Duration),
) {
    tracer.end(trace::current(), |own| {
        let callback = url::Url::parse(&subscription.callback).ok();
        let mut attributes: Vec<(&str, Value)> = vec![
            ("http.request.method", "POST".into()),
            ("netweave.subscription.id", subscription.id.to_string().into()),
            ("netweave.notification.id", item.notification_id.to_string().into()),
        ];
        if item.attempts > 0 {
            attributes.push(("http.request.resend_count", item.attempts.into()));
        }
        let host = callback.as_ref().and_then(|url| url.host_str());
        attributes.extend(host.map(|host| ("server.address", host.to_owned().into())));
        let port = callback.as_ref().and_then(url::Url::port_or_known_default);
        attributes.extend(port.map(|port| ("server.port", port.into())));
        let error = match result {
            Ok(answer) => {
                attributes.push(("http.response.status_code", answer.status.into()));
                (answer.status >= 400).then(|| answer.status.to_string())
            }
            Err(error) => Some(error.public().to_owned()),
        };
        let failed = error.is_some();
        attributes.extend(error.map(|error| ("error.type", error.into())));
        let (name, spans) = ("POST notification".into(), (parent, own));
        Over { name, kind: Kind::Client, spans, took, failed, attributes }
    });
}
