//! One span: what was done, in which trace, from when to when.

use netweave_model::Trace;
use std::borrow::Cow;

/// What a span is to the spans around it; the discriminant is that of `SpanKind` in OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Work within the gateway.
    Internal = 1,
    /// A request that the gateway answers.
    Server = 2,
    /// A call that the gateway makes.
    Client = 3,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// One span that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its name: of few, never an id.
    pub name: Cow<'static, str>,
    /// What it is.
    pub kind: Kind,
    /// Its trace, and itself in it.
    pub own: Trace,
    /// The span that it is part of.
    pub parent: Option<Trace>,
    /// When it began and ended, in nanoseconds since 1970.
    pub times: (u64, u64),
    /// More about it. Names: OpenTelemetry semantic conventions of HTTP, and those of the operations documents.
    pub attributes: Vec<(&'static str, Value)>,
    /// Whether it failed.
    pub failed: bool,
}
