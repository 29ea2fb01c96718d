//! The one error type of the project: a kind, what the client may read, and what only the log may hold.
//!
//! Which HTTP status a kind becomes is decided in the proxy's `problem.rs`, nowhere else.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The result of every fallible operation of the ports.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, as far as a client would act differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request or its data is malformed or refused by a rule.
    Invalid,
    /// The caller did not say who it is, or not credibly.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// There is no such object, or the caller may not see it.
    NotFound,
    /// The state of the object, or another object, forbids it.
    Conflict,
    /// A condition of the request (`If-Match`) does not hold.
    PreconditionFailed,
    /// An input is larger than its bound.
    TooLarge,
    /// The caller sent more than its share.
    RateLimited,
    /// The operation is not offered here.
    Unsupported,
    /// A dependency does not answer, or has never answered yet.
    Unavailable,
    /// A dependency did not answer within its time.
    Timeout,
    /// A defect of ours.
    Internal,
}

/// Whether the same call may succeed later, decided where the error is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Repeating the call gives the same answer.
    Never,
    /// Repeating the call may succeed; the caller chooses the pause.
    Later,
    /// Repeating the call before this time has passed is useless.
    After(Duration),
}

/// One parameter of a request that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidParam {
    /// The query parameter, or the JSON pointer into the body.
    pub name: Cow<'static, str>,
    /// What is wrong, in words that do not repeat the input.
    pub reason: Cow<'static, str>,
    /// Byte offset of the fault within the parameter's decoded value, where one is known.
    pub position: Option<usize>,
}

/// An error with a public and a private side.
///
/// `Display` shows both sides and is meant for logs; clients are shown [`Error::public`] alone.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    public: Cow<'static, str>,
    private: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    retry: Retry,
    params: Vec<InvalidParam>,
}

impl Error {
    /// Makes an error of a kind; `public` tells the client what it can do.
    ///
    /// Kinds `Unavailable`, `Timeout` and `RateLimited` start as [`Retry::Later`], all others as [`Retry::Never`].
    pub fn new(kind: ErrorKind, public: impl Into<Cow<'static, str>>) -> Self {
        let retry = match kind {
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited => Retry::Later,
            ErrorKind::Invalid
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::PreconditionFailed
            | ErrorKind::TooLarge
            | ErrorKind::Unsupported
            | ErrorKind::Internal => Retry::Never,
        };
        Self(Box::new(Inner {
            kind,
            public: public.into(),
            private: String::new(),
            source: None,
            retry,
            params: Vec::new(),
        }))
    }

    /// Makes an `Invalid` error that names the one parameter at fault.
    pub fn invalid(name: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        Self::new(ErrorKind::Invalid, reason.clone()).with_param(name, reason, None)
    }

    /// Makes an `Internal` error; `private` goes to the log only.
    pub fn internal(private: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "the gateway met a fault of its own").with_private(private)
    }

    /// Adds a parameter at fault, with the byte offset of the fault in its decoded value.
    #[must_use]
    pub fn with_param(
        mut self,
        name: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
        position: Option<usize>,
    ) -> Self {
        self.0.params.push(InvalidParam { name: name.into(), reason: reason.into(), position });
        self
    }

    /// Adds detail for the log: vendor text, addresses, paths.
    #[must_use]
    pub fn with_private(mut self, private: impl Into<String>) -> Self {
        self.0.private = private.into();
        self
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Replaces the retry advice.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Returns what is told of it to whoever did not meet it: all but the detail for the log, which is there once.
    #[must_use]
    pub fn echo(&self) -> Self {
        Self::new(self.0.kind, self.0.public.clone()).with_private("as before").with_retry(self.0.retry)
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns what the client may read.
    pub fn public(&self) -> &str {
        &self.0.public
    }

    /// Returns whether and when a repetition may help.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Returns the parameters at fault, in the order in which they were found.
    pub fn params(&self) -> &[InvalidParam] {
        &self.0.params
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.public)?;
        if !self.0.private.is_empty() {
            write!(f, " ({})", self.0.private)?;
        }
        let mut cause = self.0.source.as_deref().map(|source| source as &dyn std::error::Error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_shows_the_private_side_and_public_does_not() {
        let error = Error::new(ErrorKind::Unavailable, "try again").with_private("10.0.0.1 refused");
        assert!(error.to_string().contains("10.0.0.1 refused"));
        assert_eq!(error.public(), "try again");
        assert_eq!(error.retry(), Retry::Later);
    }
}
