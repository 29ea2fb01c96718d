//! What the cloud says -> the error of the model. The only place that knows which answer means what.

use google_cloud_auth::errors::CredentialsError;
use netweave_http::ApiAnswer;
use netweave_model::{Error, ErrorKind, Retry};
use serde::Deserialize;
use std::time::Duration;

/// The pause after a refusal for load that names none: quotas are per minute, so half of one on average.
const QUOTA: Duration = Duration::from_secs(30);
/// Most characters of the cloud's own words that are kept for the log.
const MAX_TEXT: usize = 500;
/// Reasons of a refusal that say "too often", in the old and in the new form of errors.
const TOO_OFTEN: &[&str] = &[
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "concurrentLimitExceeded",
    "RATE_LIMIT_EXCEEDED",
    "RESOURCE_EXHAUSTED",
];

/// The body of a refusal, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: Details,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    message: String,
    errors: Vec<Reason>,
    #[serde(rename = "details")]
    newer: Vec<Reason>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: String,
}

/// Maps an answer that is no success.
pub(crate) fn answer(answer: &ApiAnswer) -> Error {
    let Details { message, errors, newer } =
        serde_json::from_slice::<Refusal>(&answer.body).unwrap_or_default().error;
    let reasons: Vec<String> = errors.into_iter().chain(newer).map(|reason| reason.reason).collect();
    let too_often = reasons.iter().any(|reason| TOO_OFTEN.contains(&reason.as_str()));
    let mapped = match answer.status {
        401 => Error::new(ErrorKind::Unauthenticated, "the cloud does not accept the gateway's credentials"),
        // The quota of requests is refused as if a right were missing.
        403 | 429 if too_often || answer.status == 429 => {
            Error::new(ErrorKind::RateLimited, "the cloud is asked too often")
                .with_retry(Retry::After(answer.retry_after.unwrap_or(QUOTA)))
        }
        403 => Error::new(ErrorKind::Forbidden, "the gateway may not read this in the cloud"),
        404 => Error::new(ErrorKind::NotFound, "there is no such object"),
        408 | 504 => Error::new(ErrorKind::Timeout, "the cloud did not answer in time"),
        500.. => {
            let error = Error::new(ErrorKind::Unavailable, "the cloud cannot answer at present");
            error.with_retry(answer.retry_after.map_or(Retry::Later, Retry::After))
        }
        _ => Error::internal(String::new()),
    };
    let text: String = message.chars().take(MAX_TEXT).collect();
    mapped.with_private(format!("{} {}: {text}", answer.status, reasons.join(" ")))
}

/// Maps the failure to get a token.
pub(crate) fn credentials(error: CredentialsError) -> Error {
    let mapped = if error.is_transient() {
        Error::new(ErrorKind::Unavailable, "the gateway gets no credentials for the cloud at present")
    } else {
        Error::new(ErrorKind::Unauthenticated, "the gateway has no credentials for the cloud")
    };
    mapped.with_source(error)
}

/// The error of a token that does not come.
pub(crate) fn no_token(limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, "the gateway gets no credentials for the cloud in time")
        .with_private(format!("no token within {limit:?}"))
}

/// The error of an answer that says something else than it should.
pub(crate) fn unusable(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, "the cloud's answer cannot be used").with_private(why)
}

/// The error of a list that the cloud itself calls incomplete.
pub(crate) fn incomplete(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, "the cloud's list is not complete at present").with_private(why)
}

/// The error of a list whose project or region is not there: nothing that was listed is gone because of that.
pub(crate) fn of_list(error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    Error::new(ErrorKind::Unavailable, "what is to be listed is not there").with_source(error)
}

#[cfg(test)]
mod tests;
