//! The port of whoever counts the calls that a backend makes to its infrastructure.

use crate::error::ErrorKind;
use crate::trace::Trace;
use std::time::Duration;

/// One call to an infrastructure, when it is over.
#[derive(Clone, Copy, Debug)]
pub struct InfrastructureCall<'a> {
    /// What was asked for, from a closed set of the backend's: an operation, or a collection.
    pub endpoint: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// Host and port of the server.
    pub server: Option<(&'a str, u16)>,
    /// The status of the answer, or what went wrong.
    pub outcome: Result<u16, ErrorKind>,
    /// How long it took.
    pub took: Duration,
    /// The span that it belonged to, and its own.
    pub spans: (Option<Trace>, Option<Trace>),
}

/// Whoever counts the calls of one backend.
pub trait CallObserver: Send + Sync {
    /// Gives a call that begins the trace that its server is told, as part of another one.
    fn begin(&self, parent: Option<Trace>) -> Option<Trace> {
        parent
    }

    /// Notes a call that is over.
    fn called(&self, call: &InfrastructureCall<'_>);
}
