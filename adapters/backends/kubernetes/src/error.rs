//! What the server says -> the error of the model. The only place that knows which answer means what.

use crate::bound::TooLong;
use kube::core::Status;
use kube::runtime::watcher;
use netweave_model::{Error, ErrorKind, Retry};
use std::time::Duration;

/// The pause after a refusal for load that names none.
const BUSY: Duration = Duration::from_secs(1);

/// Maps the failure of a call.
#[expect(clippy::wildcard_enum_match_arm, reason = "which variants exist depends on features of the client")]
pub(crate) fn call(error: kube::Error) -> Error {
    use kube::Error as K;
    let mapped = match &error {
        _ if causes(&error).any(|cause| cause.downcast_ref::<TooLong>().is_some()) => {
            Error::new(ErrorKind::Unavailable, "the cluster's answer is longer than is read")
                .with_retry(Retry::Never)
        }
        K::Api(status) => answer(status),
        K::HyperError(_) | K::Service(_) | K::ReadEvents(_) => {
            let kind = if timed_out(&error) { ErrorKind::Timeout } else { ErrorKind::Unavailable };
            Error::new(kind, "the cluster does not answer")
        }
        // Credentials that cannot be had: an exec plugin failed, a token file is gone.
        K::Auth(_) => {
            Error::new(ErrorKind::Unauthenticated, "the gateway has no credentials for the cluster")
        }
        _ => Error::internal("the cluster's answer or the client's settings cannot be used"),
    };
    mapped.with_source(error)
}

/// Maps an error of a watch.
pub(crate) fn watch(error: watcher::Error) -> Error {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => call(error),
        watcher::Error::WatchError(status) => call(kube::Error::Api(status)),
        watcher::Error::NoResourceVersion => Error::internal("a watch event has no resource version"),
    }
}

/// Returns the status code of a watch's error, if the server answered.
pub(crate) fn code(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status.code),
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => None,
    }
}

/// Judges by the code alone: a missing API group or a proxy answers plain text, and the reason is then made up.
fn answer(status: &Status) -> Error {
    let details = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    let wanted = (details > 0).then(|| Duration::from_secs(details.into()));
    match status.code {
        401 => {
            Error::new(ErrorKind::Unauthenticated, "the cluster does not accept the gateway's credentials")
        }
        403 => Error::new(ErrorKind::Forbidden, "the gateway may not read this in the cluster"),
        404 => Error::new(ErrorKind::NotFound, "there is no such object"),
        408 | 504 => Error::new(ErrorKind::Timeout, "the cluster did not answer in time"),
        410 => Error::new(ErrorKind::Unavailable, "the list expired while it was read"),
        429 => Error::new(ErrorKind::RateLimited, "the cluster is asked too often")
            .with_retry(Retry::After(wanted.unwrap_or(BUSY))),
        500.. => {
            let error = Error::new(ErrorKind::Unavailable, "the cluster cannot answer at present");
            error.with_retry(wanted.map_or(Retry::Later, Retry::After))
        }
        _ => Error::internal("the cluster refused the request"),
    }
}

fn timed_out(error: &kube::Error) -> bool {
    let mut ios = causes(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    ios.any(|io| io.kind() == std::io::ErrorKind::TimedOut)
}

/// Returns an error and what lies behind it.
fn causes(error: &kube::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source())
}

/// The error of a call that took too long.
pub(crate) fn too_slow(limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, "the cluster did not answer in time")
        .with_private(format!("no answer within {limit:?}"))
}

#[cfg(test)]
mod tests;
