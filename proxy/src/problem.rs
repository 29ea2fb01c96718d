//! From an error to an answer: the only place that picks a status code for what went wrong.
//!
//! Every body is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `requestId`, where the
//! request belongs to a trace `traceId`, and, where parameters are at fault, `invalidParams`. `type` is the relative reference `/problems/<kind>`, a name and not a page.
//! There is no `instance`: clients of the field disagree about its type.

use crate::reply::Reply;
use crate::token::Fault;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use netweave_model::{Error, ErrorKind, InvalidParam, Retry, Trace};
use serde::Serialize;
use std::borrow::Cow;
use std::time::Duration;

/// The media type of every error body.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What a client is told to do about a missing certificate; there is no registered scheme for TLS client certificates.
const CERTIFICATE_ADVICE: HeaderValue = HeaderValue::from_static("TLS-Client-Certificate realm=\"o2ims\"");

/// Pause that is advised when an error says "later" without saying when.
const LATER: Duration = Duration::from_secs(1);

/// What a filter gives instead of letting a request pass. Boxed, so that the way of a good request stays small.
pub type Refused = Box<Problem>;

/// An answer to a request that failed, before it is written out.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    params: Vec<InvalidParam>,
    headers: Vec<(HeaderName, HeaderValue)>,
    private: Option<String>,
}

/// The JSON of a problem.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invalid_params: Vec<Param<'a>>,
}

#[derive(Serialize)]
struct Param<'a> {
    name: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<usize>,
}

/// Names status, `type` and title of each kind.
fn words(kind: ErrorKind) -> (StatusCode, &'static str, &'static str) {
    match kind {
        ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "invalid", "The request is not valid"),
        ErrorKind::Unauthenticated => {
            (StatusCode::UNAUTHORIZED, "unauthenticated", "Who is asking is not known")
        }
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "This is not allowed"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such resource"),
        ErrorKind::Conflict => (StatusCode::CONFLICT, "conflict", "The present state forbids this"),
        ErrorKind::PreconditionFailed => (
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "A condition of the request does not hold",
        ),
        ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large"),
        ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many requests"),
        ErrorKind::Unsupported => {
            (StatusCode::UNPROCESSABLE_ENTITY, "unsupported", "This is not offered here")
        }
        ErrorKind::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available at the moment")
        }
        ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "timeout", "A dependency did not answer in time"),
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The gateway met a fault"),
    }
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = detail.into();
        Self { status, kind, title, detail, params: Vec::new(), headers: Vec::new(), private: None }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    fn of(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        let (status, name, title) = words(kind);
        Self::new(status, name, title, detail)
    }

    /// Refuses a request that does not follow HTTP's own rules.
    pub fn malformed(detail: &'static str) -> Self {
        Self::of(ErrorKind::Invalid, detail)
    }

    /// Refuses what could not be read to its end (400); the cause goes to the log only.
    pub fn unreadable(detail: &'static str, cause: &dyn std::fmt::Display) -> Refused {
        let mut problem = Self::malformed(detail);
        problem.private = Some(cause.to_string());
        Box::new(problem)
    }

    /// Refuses a caller without an acceptable certificate (401).
    pub fn unauthenticated(detail: &'static str) -> Self {
        Self::of(ErrorKind::Unauthenticated, detail).with(WWW_AUTHENTICATE, CERTIFICATE_ADVICE)
    }

    /// Refuses a request for its bearer token (401), for the way in which it brings one (400), or because the token cannot be
    /// judged now (503).
    ///
    /// Source: RFC 6750, section 3.
    pub fn token(fault: Fault) -> Self {
        let (kind, error) = match fault {
            Fault::Missing => (ErrorKind::Unauthenticated, None),
            Fault::Request => (ErrorKind::Invalid, Some("invalid_request")),
            Fault::Unavailable => {
                return Self::of(ErrorKind::Unavailable, fault.advice())
                    .with(RETRY_AFTER, retry_after(LATER));
            }
            Fault::TooLong
            | Fault::Malformed(_)
            | Fault::Algorithm
            | Fault::Issuer
            | Fault::Audience
            | Fault::Key
            | Fault::Signature
            | Fault::Expired
            | Fault::NotYet
            | Fault::Lifetime
            | Fault::Unbound
            | Fault::OtherCertificate
            | Fault::Nobody => (ErrorKind::Unauthenticated, Some("invalid_token")),
        };
        let mut problem =
            Self::of(kind, fault.advice()).with(WWW_AUTHENTICATE, bearer(error, fault.advice()));
        problem.private = Some(format!("token {}: {}", fault.word(), fault.detail()));
        problem
    }

    /// Adds to a refusal that another token might be enough, if it is one for lack of permission.
    #[must_use]
    pub fn of_token(self) -> Self {
        if self.status != StatusCode::FORBIDDEN {
            return self;
        }
        let advice = bearer(Some("insufficient_scope"), "this needs a token that allows more");
        self.with(WWW_AUTHENTICATE, advice)
    }

    /// Refuses a path that does not exist (404).
    pub fn no_such_path() -> Self {
        Self::of(ErrorKind::NotFound, "nothing is served under this path")
    }

    /// Refuses a method that the path does not declare (405); HEAD is allowed wherever GET is.
    pub fn method_not_allowed(declared: &[Method]) -> Self {
        let mut allow = Vec::new();
        for method in declared {
            allow.push(method.as_str());
            if *method == Method::GET {
                allow.push("HEAD");
            }
        }
        let allow = HeaderValue::from_str(&allow.join(", ")).unwrap_or(HeaderValue::from_static("GET"));
        let detail = "this resource does not have this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed", detail)
            .with(ALLOW, allow)
    }

    /// Refuses what cannot be answered in the form that was asked for (406).
    pub fn not_acceptable(detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", "The asked form is not offered", detail)
    }

    /// Gives up on a request that came too slowly (408).
    pub fn too_slow(detail: &'static str) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", "The request came too slowly", detail)
    }

    /// Refuses a body above its bound (413).
    pub fn body_too_large(most: usize) -> Self {
        Self::of(ErrorKind::TooLarge, format!("the body is larger than {most} bytes"))
    }

    /// Refuses a request target above its bound (414).
    pub fn target_too_long(most: usize) -> Self {
        let detail = format!("the request target is longer than {most} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "uri-too-long", "The request target is too long", detail)
    }

    /// Refuses a body that is not JSON (415).
    pub fn not_json() -> Self {
        let detail = "bodies are taken as application/json";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The media type is not taken",
            detail,
        )
    }

    /// Refuses a head above its bounds (431): so many bytes, or so many header lines.
    pub fn head_too_large(most: usize, of: &'static str) -> Self {
        let detail = format!("the request's head has more than {most} {of}");
        Self::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head-too-large",
            "The request's head is too large",
            detail,
        )
    }

    /// Refuses a caller above its share (429), with the pause after which it may come again.
    pub fn rate_limited(pause: Duration) -> Self {
        Self::of(ErrorKind::RateLimited, "this is more than the limits allow; come back later")
            .with(RETRY_AFTER, retry_after(pause))
    }

    /// Sheds a request because too many are being answered (503), with the pause after which it may come again.
    pub fn overloaded() -> Self {
        Self::of(ErrorKind::Unavailable, "too many requests are being answered; come back later")
            .with(RETRY_AFTER, retry_after(LATER))
    }

    /// Answers for a process that is not ready (503).
    pub fn not_ready(detail: String) -> Self {
        Self::of(ErrorKind::Unavailable, detail).with(RETRY_AFTER, retry_after(LATER))
    }

    /// Answers for a fault of ours (500); `private` goes to the log only.
    pub fn internal(private: String) -> Self {
        let mut problem = Self::of(ErrorKind::Internal, "the gateway met a fault of its own");
        problem.private = Some(private);
        problem
    }

    /// Answers a request whose error Pingora picked the status of, so that its answers look like ours.
    pub fn of_status(status: StatusCode) -> Self {
        if status.is_server_error() {
            return Self::internal("an error without a kind".to_owned());
        }
        let title = "The request is not valid";
        Self::new(status, "invalid", title, "the request could not be read")
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the kind, the last segment of `type`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Returns what only the log may hold.
    pub fn private(&self) -> Option<&str> {
        self.private.as_deref()
    }

    /// Writes the answer; an empty `request_id` is left out.
    pub fn reply(&self, request_id: &str) -> Reply {
        self.reply_in(request_id, None)
    }

    /// Writes the answer to a request that may belong to a trace.
    pub fn reply_in(&self, request_id: &str, trace: Option<Trace>) -> Reply {
        let params = self.params.iter().map(|param| Param {
            name: &param.name,
            reason: &param.reason,
            position: param.position,
        });
        let body = Body {
            r#type: format!("/problems/{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            request_id,
            trace_id: trace.map(|trace| trace.id_text()),
            invalid_params: params.collect(),
        };
        let json = serde_json::to_vec(&body).unwrap_or_else(|_| b"{}".to_vec());
        let mut headers = vec![(CONTENT_TYPE, PROBLEM_JSON)];
        headers.extend(self.headers.iter().cloned());
        Reply { status: self.status, headers, body: json.into() }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let (status, kind, title) = words(error.kind());
        let mut problem = Self::new(status, kind, title, error.public().to_owned());
        problem.params = error.params().to_vec();
        problem.private = Some(error.to_string());
        match error.retry() {
            Retry::Never => {}
            Retry::Later => problem.headers.push((RETRY_AFTER, retry_after(LATER))),
            Retry::After(pause) => problem.headers.push((RETRY_AFTER, retry_after(pause))),
        }
        if error.kind() == ErrorKind::Unauthenticated {
            problem.headers.push((WWW_AUTHENTICATE, CERTIFICATE_ADVICE));
        }
        problem
    }
}

/// Writes what RFC 6750 tells a client; `advice` is plain ASCII without quotes.
fn bearer(error: Option<&str>, advice: &str) -> HeaderValue {
    let text = error.map_or_else(
        || "Bearer realm=\"o2ims\"".to_owned(),
        |error| format!("Bearer realm=\"o2ims\", error=\"{error}\", error_description=\"{advice}\""),
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Bearer realm=\"o2ims\""))
}

/// Rounds a pause up to whole seconds, at least one.
fn retry_after(pause: Duration) -> HeaderValue {
    let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
    HeaderValue::from(seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn body(problem: &Problem) -> Value {
        serde_json::from_slice(&problem.reply("r-1").body).unwrap()
    }

    #[test]
    fn every_kind_has_its_status() {
        for (kind, status) in [
            (ErrorKind::Invalid, 400),
            (ErrorKind::Unauthenticated, 401),
            (ErrorKind::Forbidden, 403),
            (ErrorKind::NotFound, 404),
            (ErrorKind::Conflict, 409),
            (ErrorKind::PreconditionFailed, 412),
            (ErrorKind::TooLarge, 413),
            (ErrorKind::RateLimited, 429),
            (ErrorKind::Unsupported, 422),
            (ErrorKind::Unavailable, 503),
            (ErrorKind::Timeout, 504),
            (ErrorKind::Internal, 500),
        ] {
            assert_eq!(Problem::from(&Error::new(kind, "x")).status().as_u16(), status, "{kind:?}");
        }
    }

    #[test]
    fn a_problem_names_parameter_and_position_and_has_no_instance() {
        let error = Error::new(ErrorKind::Invalid, "the filter is not valid")
            .with_param("filter", "an operator is missing", Some(3))
            .with_private("secret host");
        let expected = json!({
            "type": "/problems/invalid", "title": "The request is not valid", "status": 400,
            "detail": "the filter is not valid", "requestId": "r-1",
            "invalidParams": [{"name": "filter", "reason": "an operator is missing", "position": 3}],
        });
        assert_eq!(body(&Problem::from(&error)), expected);
    }

    #[test]
    fn retry_advice_becomes_retry_after_in_whole_seconds() {
        let error =
            Error::new(ErrorKind::Unavailable, "x").with_retry(Retry::After(Duration::from_millis(1200)));
        let reply = Problem::from(&error).reply("");
        assert!(reply.headers.contains(&(RETRY_AFTER, HeaderValue::from(2))));
        let reply = Problem::rate_limited(Duration::ZERO).reply("");
        assert!(reply.headers.contains(&(RETRY_AFTER, HeaderValue::from(1))));
    }

    #[test]
    fn a_token_that_is_refused_is_told_in_the_form_of_its_scheme() {
        let told = |problem: &Problem| {
            let reply = problem.reply("");
            let header = reply.headers.iter().find(|(name, _)| *name == WWW_AUTHENTICATE);
            (
                reply.status.as_u16(),
                header.map(|(_, value)| value.to_str().unwrap().to_owned()).unwrap_or_default(),
            )
        };
        assert_eq!(told(&Problem::token(Fault::Missing)), (401, "Bearer realm=\"o2ims\"".to_owned()));
        let (status, header) = told(&Problem::token(Fault::Expired));
        assert_eq!(status, 401);
        assert!(
            header.ends_with("error=\"invalid_token\", error_description=\"the token has expired\""),
            "{header}"
        );
        let (status, header) = told(&Problem::token(Fault::Request));
        assert!(status == 400 && header.contains("error=\"invalid_request\""), "{header}");
        assert_eq!(told(&Problem::token(Fault::Unavailable)), (503, String::new()));
        let (status, header) = told(&Problem::of(ErrorKind::Forbidden, "x").of_token());
        assert!(status == 403 && header.contains("error=\"insufficient_scope\""), "{header}");
        assert_eq!(told(&Problem::no_such_path().of_token()), (404, String::new()));
    }

    #[test]
    fn allow_lists_head_beside_get() {
        let reply = Problem::method_not_allowed(&[Method::GET, Method::DELETE]).reply("");
        assert!(reply.headers.contains(&(ALLOW, HeaderValue::from_static("GET, HEAD, DELETE"))));
    }

    #[test]
    fn the_private_side_stays_out_of_the_answer() {
        let problem = Problem::from(&Error::internal("at 10.0.0.1"));
        assert!(!String::from_utf8_lossy(&problem.reply("r").body).contains("10.0.0.1"));
        assert!(problem.private().unwrap().contains("10.0.0.1"));
    }
}
