//! What the server says -> the error of the model. The only place that knows which answer means what.

use crate::soap::xml::Node;
use netweave_model::{Error, ErrorKind, Retry};
use std::fmt;
use std::time::Duration;

/// The pause after a refusal for load that names none.
const BUSY: Duration = Duration::from_secs(1);
/// Longest text of a fault that goes to the log.
const MAX_TEXT: usize = 512;

/// The result of a call.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// A call that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server refused it, and says why.
    Fault(Fault),
    /// Everything else.
    Other(Error),
}

/// What the server says about a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The type of the fault, such as `NotAuthenticated`.
    pub(crate) name: String,
    text: String,
}

impl Fault {
    /// Reads a SOAP fault. What it is stands in `detail`; its text may be empty, and is in the server's language.
    pub(crate) fn of(fault: &Node) -> Self {
        let detail = fault.kid("detail").and_then(|detail| detail.kids.first());
        let form = detail.and_then(|kind| kind.form.as_deref()).map(unprefixed);
        let named = || detail.map(|kind| kind.name.strip_suffix("Fault").unwrap_or(&kind.name));
        let text: String = fault.text_of("faultstring").unwrap_or_default().chars().take(MAX_TEXT).collect();
        Self { name: form.or_else(named).unwrap_or_default().to_owned(), text }
    }
}

/// Takes the prefix of a namespace off.
fn unprefixed(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, name)| name)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}: {}", if self.name.is_empty() { "without a type" } else { &self.name }, self.text)
    }
}

impl std::error::Error for Fault {}

impl Failure {
    /// Maps it. No `From`: a second one for the model's error would leave `?` in other crates without an answer.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Fault(fault) => answered(fault),
            Self::Other(error) => error,
        }
    }

    /// Tells whether the server does not know the session any more, or what belonged to it.
    pub(crate) fn is_lost_session(&self) -> bool {
        self.is(&["NotAuthenticated", "ManagedObjectNotFound"])
    }

    /// Tells whether the server does not know the version from which changes were asked for.
    pub(crate) fn is_lost_version(&self) -> bool {
        self.is(&["InvalidCollectorVersion"])
    }

    fn is(&self, names: &[&str]) -> bool {
        matches!(self, Self::Fault(fault) if names.contains(&fault.name.as_str()))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Maps a fault.
///
/// Source: vSphere Web Services API 8.0, "Faults" of the operations that are used, and of `vmodl`.
fn answered(fault: Fault) -> Error {
    use ErrorKind as E;
    let (kind, public) = match fault.name.as_str() {
        "InvalidLogin" | "PasswordExpired" | "UserNotFound" | "NoClientCertificate" => {
            (E::Unauthenticated, "the vCenter does not accept the gateway's credentials")
        }
        "NotAuthenticated" => (E::Unauthenticated, "the gateway's session at the vCenter has ended"),
        "NoPermission"
        | "SecurityError"
        | "AuthMinimumAdminPermission"
        | "RestrictedByAdministrator"
        | "RestrictedVersion"
        | "LicenseExpired"
        | "NotEnoughLicenses" => (E::Forbidden, "the gateway may not read this in the vCenter"),
        "ManagedObjectNotFound" => (E::NotFound, "there is no such object"),
        "InvalidCollectorVersion" => {
            (E::Unavailable, "what the vCenter told last is not known there any more")
        }
        "Timedout" | "RequestTimedout" => (E::Timeout, "the vCenter did not answer in time"),
        "TooManyConnections" | "LimitExceeded" | "OutOfBounds" | "TooManyRequests" => {
            (E::RateLimited, "the vCenter is asked too often")
        }
        "RequestCanceled"
        | "HostCommunication"
        | "HostConnectFault"
        | "HostNotConnected"
        | "HostNotReachable"
        | "SystemError"
        | "ConcurrentAccess"
        | "InvalidState"
        | "TaskInProgress"
        | "ResourceInUse"
        | "RuntimeFault"
        | "MethodFault"
        | "NetworkDisruptedAndConfigRolledBack"
        | "" => (E::Unavailable, "the vCenter cannot answer at present"),
        _ => (E::Internal, "the vCenter refused the request"),
    };
    let error = Error::new(kind, public);
    let error = if kind == E::RateLimited { error.with_retry(Retry::After(BUSY)) } else { error };
    error.with_source(fault)
}

/// Maps a status without a fault: what stands before the server answered, or answered for it.
pub(crate) fn status(status: u16, retry_after: Option<Duration>) -> Error {
    use ErrorKind as E;
    let error = match status {
        401 => Error::new(E::Unauthenticated, "the vCenter does not accept the gateway's credentials"),
        403 => Error::new(E::Forbidden, "the gateway may not read this in the vCenter"),
        408 | 504 => Error::new(E::Timeout, "the vCenter did not answer in time"),
        429 => Error::new(E::RateLimited, "the vCenter is asked too often")
            .with_retry(Retry::After(retry_after.unwrap_or(BUSY))),
        // A vCenter that is starting has no API at its address yet.
        404 | 500.. => Error::new(E::Unavailable, "the vCenter cannot answer at present")
            .with_retry(retry_after.map_or(Retry::Later, Retry::After)),
        _ => Error::internal("the address is not that of a vCenter"),
    };
    error.with_private(format!("status {status}"))
}

/// The error of a call that took too long.
pub(crate) fn too_slow(limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, "the vCenter did not answer in time")
        .with_private(format!("no answer within {limit:?}"))
}

/// Says in front of an error where it came from, so that the log shows the call.
pub(crate) fn in_call(operation: &'static str, error: Error) -> Error {
    let (kind, retry) = (error.kind(), error.retry());
    let public = match kind {
        ErrorKind::Timeout => "the vCenter did not answer in time",
        ErrorKind::Unavailable => "the vCenter does not answer",
        ErrorKind::TooLarge => "the vCenter's answer exceeds its bound",
        ErrorKind::Invalid
        | ErrorKind::Unauthenticated
        | ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::PreconditionFailed
        | ErrorKind::RateLimited
        | ErrorKind::Unsupported
        | ErrorKind::Internal => "the vCenter's answer cannot be used",
    };
    Error::new(kind, public).with_retry(retry).with_private(operation).with_source(error)
}

#[cfg(test)]
mod tests;
