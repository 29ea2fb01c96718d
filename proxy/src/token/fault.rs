//! Why a token is refused.

use super::jwt::Malformed;

/// Why a request with a token, or without one, is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is none.
    Missing,
    /// There is more than one, or what is there follows no form of RFC 6750.
    Request,
    /// It is longer than its bound.
    TooLong,
    /// It is no token.
    Malformed(&'static str),
    /// Its signature is of a kind that its issuer does not make.
    Algorithm,
    /// Its issuer is not known.
    Issuer,
    /// It is for others.
    Audience,
    /// Its issuer has no such key.
    Key,
    /// Its signature does not fit.
    Signature,
    /// It has ended.
    Expired,
    /// It has not begun.
    NotYet,
    /// It was made out for longer than is allowed.
    Lifetime,
    /// It is not bound to a certificate and must be.
    Unbound,
    /// It is bound to another certificate.
    OtherCertificate,
    /// It says nobody's name, where its name is all there is.
    Nobody,
    /// The keys of its issuer cannot be had.
    Unavailable,
}

impl Fault {
    /// Returns one word, for metrics and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Request => "request",
            Self::TooLong => "too-long",
            Self::Malformed(_) => "malformed",
            Self::Algorithm => "algorithm",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::NotYet => "not-yet",
            Self::Lifetime => "lifetime",
            Self::Unbound => "unbound",
            Self::OtherCertificate => "other-certificate",
            Self::Nobody => "nobody",
            Self::Unavailable => "unavailable",
        }
    }

    /// Says what the client can do; plain ASCII without quotes, as a header takes it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Missing => "send a bearer token of an issuer that this gateway believes",
            Self::Request => "send one header Authorization with one bearer token",
            Self::TooLong => "the token is longer than this gateway takes",
            Self::Malformed(_) => "the token is malformed",
            Self::Algorithm => "the token is signed with an algorithm that is not accepted of its issuer",
            Self::Issuer => "the token is of an issuer that this gateway does not believe",
            Self::Audience => "the token is for another audience",
            Self::Key => "the token is signed with a key that its issuer does not publish",
            Self::Signature => "the signature of the token does not fit",
            Self::Expired => "the token has expired",
            Self::NotYet => "the token is not valid yet",
            Self::Lifetime => "the token is made out for longer than this gateway takes",
            Self::Unbound => "the token must be bound to the client certificate",
            Self::OtherCertificate => "the token is bound to another client certificate",
            Self::Nobody => "the token names neither a subject nor a client",
            Self::Unavailable => "the keys of the token's issuer cannot be read at the moment",
        }
    }

    /// Says for the log what exactly was wrong.
    pub const fn detail(self) -> &'static str {
        if let Self::Malformed(detail) = self { detail } else { self.advice() }
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.0)
    }
}
