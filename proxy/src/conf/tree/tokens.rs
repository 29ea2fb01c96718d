//! Bearer tokens: whether a client must show one, and whose are believed.

use crate::conf::unit::{Size, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a client of the API must show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AccessMode {
    /// A certificate; tokens are not looked at.
    #[default]
    #[serde(rename = "mtls")]
    Certificate,
    /// A certificate, and a token with each request.
    #[serde(rename = "mtls+token")]
    CertificateAndToken,
    /// A token with each request, with or without a certificate; `dev` only.
    #[serde(rename = "token")]
    Token,
}

/// A signature algorithm of tokens. Source: RFC 7518, section 3.1; RFC 8037, section 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

section! {
    /// Bearer tokens (OAuth 2.0), in the modes that ask for them.
    Tokens {
        /// Whose tokens are believed; a token belongs to the issuer that its `iss` names.
        #[schemars(length(max = 16), example = serde_json::json!([{ "name": "smo", "issuer": "https://idp.example.net/realms/smo", "audience": ["o2ims"], "jwksUrl": "https://idp.example.net/realms/smo/keys" }]))]
        issuers: Vec<Issuer> = Vec::new(),
        /// Whether each token must be bound to the certificate that it comes with (RFC 8705). One that is bound to another certificate is refused in any case.
        require_binding: bool = false,
        /// How far the clocks of issuers may be off.
        #[schemars(extend("x-minimum" = "0ms", "x-maximum" = "5m"))]
        leeway: Span = Span::seconds(30),
        /// Size of a token.
        #[schemars(extend("x-minimum" = "256B", "x-maximum" = "16KiB"))]
        max_size: Size = Size::kib(8),
        /// Longest time for which a token may be made out.
        #[schemars(extend("x-minimum" = "1m", "x-maximum" = "30d"))]
        max_lifetime: Span = Span::seconds(24 * 3600),
    }
}

section! {
    /// An issuer of tokens.
    Issuer {
        /// Its name in rules, metrics and logs.
        #[schemars(length(min = 1, max = 63))]
        name: String = String::new(),
        /// What its tokens say in `iss`, letter by letter.
        #[schemars(length(min = 1, max = 512))]
        issuer: String = String::new(),
        /// What its tokens must say in `aud`: one of these.
        #[schemars(length(min = 1, max = 16))]
        audience: Vec<String> = Vec::new(),
        /// The signatures that are believed: `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA`.
        #[schemars(length(min = 1, max = 5))]
        algorithms: Vec<Algorithm> = vec![Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa],
        /// The address of its keys, a JWK set; `http` in `dev` only.
        #[schemars(length(max = 1024))]
        jwks_url: Option<String> = None,
        /// The file of its keys, instead of an address; it is read again when it changes.
        jwks_file: Option<PathBuf> = None,
        /// Authorities of that address's certificate, as a PEM file, beside the platform's.
        ca: Option<PathBuf> = None,
        /// How often the keys are fetched; a token with a key that is not known has them fetched at once.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "1d"))]
        refresh: Span = Span::seconds(300),
        /// How long keys are believed that cannot be fetched again; then every token of the issuer is answered 503.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "30d"))]
        grace: Span = Span::seconds(3600),
        /// The claims that hold scopes: words in a text, or a list; dots lead inside, as in `realm_access.roles`.
        #[schemars(length(min = 1, max = 8))]
        scope_claims: Vec<String> = vec!["scope".to_owned()],
    }
}

section! {
    /// What a token must say for a rule to fit.
    TokenRule {
        /// Who issued it: the name of an issuer under `access.tokens.issuers`.
        issuer: Option<String> = None,
        /// Its subject (`sub`). `*` stands for any text.
        subject: Option<String> = None,
        /// The client that it was given to (`client_id`, else `azp`). `*` stands for any text.
        client: Option<String> = None,
        /// The scopes that it must have, all of them.
        #[schemars(length(max = 64))]
        scopes: Vec<String> = Vec::new(),
    }
}
