//! What the services answer -> the error of the model. The only place that knows which answer means what.

use crate::wire::fault::Fault;
use aws_credential_types::provider::error::CredentialsError;
use netweave_http::ApiAnswer;
use netweave_model::{Error, ErrorKind, Retry};
use std::time::Duration;

/// The pause after a refusal for load that names none: buckets refill by the second.
const BUSY: Duration = Duration::from_secs(1);

/// Codes of refusals, with what they mean; those that are not here are judged by their status.
///
/// Source: Amazon EC2 API Reference, "Error codes"; the same words are used by Auto Scaling and STS.
const CODES: &[(&str, ErrorKind)] = &[
    ("AuthFailure", ErrorKind::Unauthenticated),
    ("ExpiredToken", ErrorKind::Unauthenticated),
    ("ExpiredTokenException", ErrorKind::Unauthenticated),
    ("IncompleteSignature", ErrorKind::Unauthenticated),
    ("InvalidAccessKeyId", ErrorKind::Unauthenticated),
    ("InvalidClientTokenId", ErrorKind::Unauthenticated),
    ("MissingAuthenticationToken", ErrorKind::Unauthenticated),
    ("RequestExpired", ErrorKind::Unauthenticated),
    ("SignatureDoesNotMatch", ErrorKind::Unauthenticated),
    ("UnrecognizedClientException", ErrorKind::Unauthenticated),
    ("AccessDenied", ErrorKind::Forbidden),
    ("AccessDeniedException", ErrorKind::Forbidden),
    ("Blocked", ErrorKind::Forbidden),
    ("OptInRequired", ErrorKind::Forbidden),
    ("PendingVerification", ErrorKind::Forbidden),
    ("UnauthorizedOperation", ErrorKind::Forbidden),
    ("ClientRequestLimitExceeded", ErrorKind::RateLimited),
    ("EC2ThrottledException", ErrorKind::RateLimited),
    ("RequestLimitExceeded", ErrorKind::RateLimited),
    ("RequestThrottled", ErrorKind::RateLimited),
    ("Throttling", ErrorKind::RateLimited),
    ("ThrottlingException", ErrorKind::RateLimited),
    ("TooManyRequestsException", ErrorKind::RateLimited),
    ("RequestTimeout", ErrorKind::Timeout),
    ("RequestTimeoutException", ErrorKind::Timeout),
    ("InternalError", ErrorKind::Unavailable),
    ("InternalFailure", ErrorKind::Unavailable),
    ("InternalServerError", ErrorKind::Unavailable),
    ("InvalidNextToken", ErrorKind::Unavailable),
    ("InvalidPaginationToken", ErrorKind::Unavailable),
    ("ServerInternal", ErrorKind::Unavailable),
    ("ServiceUnavailable", ErrorKind::Unavailable),
    ("Unavailable", ErrorKind::Unavailable),
];

/// Maps an answer that is no success.
pub(crate) fn answer(answer: &ApiAnswer) -> Error {
    let fault = Fault::read(&String::from_utf8_lossy(&answer.body));
    let kind = of_code(&fault.code).unwrap_or_else(|| of_status(answer.status));
    let private = format!("{}: {}: {}", answer.status, fault.code, fault.message);
    let error = Error::new(kind, text(kind)).with_private(private);
    let pause =
        if kind == ErrorKind::RateLimited { answer.retry_after.or(Some(BUSY)) } else { answer.retry_after };
    match pause.filter(|_| error.retry() == Retry::Later) {
        Some(pause) => error.with_retry(Retry::After(pause)),
        None => error,
    }
}

fn of_code(code: &str) -> Option<ErrorKind> {
    if code.ends_with(".NotFound") {
        return Some(ErrorKind::NotFound);
    }
    CODES.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind)
}

/// Judges an answer that does not come from the service itself, or with a code that is new.
fn of_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        408 | 504 => ErrorKind::Timeout,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

fn text(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unauthenticated => "the cloud does not accept the gateway's credentials",
        ErrorKind::Forbidden => "the gateway may not read this in the cloud",
        ErrorKind::NotFound => "there is no such object",
        ErrorKind::RateLimited => "the cloud is asked too often",
        ErrorKind::Timeout => "the cloud did not answer in time",
        ErrorKind::Unavailable => "the cloud cannot answer at present",
        ErrorKind::Invalid
        | ErrorKind::Conflict
        | ErrorKind::PreconditionFailed
        | ErrorKind::TooLarge
        | ErrorKind::Unsupported
        | ErrorKind::Internal => "the cloud refused the request",
    }
}

/// An answer that says success and cannot be read: whoever sent it, it is not a list.
pub(crate) fn unreadable(private: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, "the cloud's answer cannot be read").with_private(private)
}

/// Maps the failure to find credentials.
pub(crate) fn credentials(error: CredentialsError) -> Error {
    let (kind, text) = if matches!(error, CredentialsError::ProviderTimedOut(_)) {
        (ErrorKind::Timeout, "the gateway's credentials did not come in time")
    } else if matches!(error, CredentialsError::ProviderError(_)) {
        (ErrorKind::Unavailable, "the gateway's credentials cannot be had at present")
    } else {
        (ErrorKind::Unauthenticated, "the gateway has no credentials for the cloud")
    };
    Error::new(kind, text).with_source(error)
}

#[cfg(test)]
mod tests;
