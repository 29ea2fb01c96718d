use super::*;
use http::HeaderMap;
use serde_json::json;

fn answered(status: u16, retry_after: Option<u64>, body: &str) -> Error {
    answer(&ApiAnswer {
        status,
        headers: HeaderMap::new(),
        retry_after: retry_after.map(Duration::from_secs),
        body: body.to_owned().into(),
        trailers: HeaderMap::new(),
    })
}

/// A refusal in the form that Compute Engine has used since its beginning.
fn old(status: u16, reason: &str) -> String {
    let errors = json!([{ "message": "vendor words", "domain": "usageLimits", "reason": reason }]);
    json!({ "error": { "code": status, "message": "vendor words", "errors": errors } }).to_string()
}

/// A refusal in the form of newer interfaces.
fn new(status: u16, reason: &str) -> String {
    let details = json!([
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com" },
        { "@type": "type.googleapis.com/google.rpc.LocalizedMessage", "message": "vendor words" },
    ]);
    json!({ "error": { "code": status, "message": "vendor words", "status": "PERMISSION_DENIED", "details": details } })
        .to_string()
}

#[test]
fn every_answer_has_its_kind() {
    use ErrorKind as E;
    let after = |seconds| Retry::After(Duration::from_secs(seconds));
    for (status, pause, body, kind, retry) in [
        (400, None, old(400, "invalid"), E::Internal, Retry::Never),
        (401, None, old(401, "authError"), E::Unauthenticated, Retry::Never),
        (403, None, old(403, "forbidden"), E::Forbidden, Retry::Never),
        (403, None, old(403, "accessNotConfigured"), E::Forbidden, Retry::Never),
        (403, None, new(403, "SERVICE_DISABLED"), E::Forbidden, Retry::Never),
        (403, None, String::new(), E::Forbidden, Retry::Never),
        (403, None, old(403, "rateLimitExceeded"), E::RateLimited, after(30)),
        (403, Some(7), old(403, "rateLimitExceeded"), E::RateLimited, after(7)),
        (403, None, old(403, "userRateLimitExceeded"), E::RateLimited, after(30)),
        (403, None, old(403, "quotaExceeded"), E::RateLimited, after(30)),
        (403, None, new(403, "RATE_LIMIT_EXCEEDED"), E::RateLimited, after(30)),
        (404, None, old(404, "notFound"), E::NotFound, Retry::Never),
        (408, None, String::new(), E::Timeout, Retry::Later),
        (410, None, String::new(), E::Internal, Retry::Never),
        (429, None, new(429, "RATE_LIMIT_EXCEEDED"), E::RateLimited, after(30)),
        (429, Some(2), "<html>".to_owned(), E::RateLimited, after(2)),
        (500, None, old(500, "backendError"), E::Unavailable, Retry::Later),
        (502, None, "<html>".to_owned(), E::Unavailable, Retry::Later),
        (503, Some(3), old(503, "backendError"), E::Unavailable, after(3)),
        (504, None, String::new(), E::Timeout, Retry::Later),
        (302, None, String::new(), E::Internal, Retry::Never),
        // A body that is not what it should be takes nothing from the status.
        (403, None, r#"{"error": "denied"}"#.to_owned(), E::Forbidden, Retry::Never),
        (
            403,
            None,
            r#"{"error": {"errors": {"reason": "rateLimitExceeded"}}}"#.to_owned(),
            E::Forbidden,
            Retry::Never,
        ),
    ] {
        let mapped = answered(status, pause, &body);
        assert_eq!((mapped.kind(), mapped.retry()), (kind, retry), "{status} {body}");
        assert!(!mapped.public().contains("vendor"), "{mapped}");
    }
}

#[test]
fn the_log_shows_what_the_cloud_said_up_to_a_bound() {
    let mapped = answered(403, None, &old(403, "forbidden"));
    assert!(mapped.to_string().contains("403 forbidden: vendor words"), "{mapped}");
    let long = json!({ "error": { "message": "x".repeat(10_000) } }).to_string();
    assert!(answered(500, None, &long).to_string().len() < 1000);
}

#[test]
fn credentials_that_may_come_are_waited_for_and_others_are_refused() {
    let mapped = |transient| credentials(CredentialsError::from_msg(transient, "vendor words"));
    assert_eq!((mapped(true).kind(), mapped(true).retry()), (ErrorKind::Unavailable, Retry::Later));
    assert_eq!((mapped(false).kind(), mapped(false).retry()), (ErrorKind::Unauthenticated, Retry::Never));
    assert!(!mapped(true).public().contains("vendor") && !mapped(false).public().contains("vendor"));
}

#[test]
fn a_list_is_never_not_found() {
    assert_eq!(of_list(answered(404, None, "")).kind(), ErrorKind::Unavailable);
    assert_eq!(of_list(answered(403, None, "")).kind(), ErrorKind::Forbidden);
}
