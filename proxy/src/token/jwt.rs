//! A JSON Web Token in compact form, read and bounded; nothing that it says is believed yet.
//!
//! Only what is named here is read: keys that a header brings along (`jwk`, `jku`, `x5c`, `x5u`) are not. The fuzz target
//! `jwt` compiles this file by itself, so it names nothing else of this crate.
//!
//! Source: RFC 7515, sections 3.1, 4.1 and 7.1; RFC 7519, section 4.1; RFC 7800, section 3.1; RFC 8705, section 3.1.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Longest text that is taken out of a token, in bytes.
const MAX_TEXT: usize = 512;
/// Most scopes, and most audiences.
const MAX_ITEMS: usize = 256;
/// Bytes of a SHA-256.
const SHA256: usize = 32;
/// What a header may say that the token is; `application/` is left out before. Source: RFC 7519, 5.1; RFC 9068, 2.1.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// Why a text is no token that can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// A token as it was read.
#[derive(Debug)]
pub struct Jwt<'a> {
    /// What the header says.
    pub header: Header,
    /// What the claims say.
    pub claims: Claims,
    /// All claims.
    pub all: Value,
    /// The signature.
    pub signature: Vec<u8>,
    /// What it signs.
    pub signed: &'a [u8],
}

/// The members of a header that are looked at.
#[derive(Debug, Deserialize)]
pub struct Header {
    /// The algorithm, as it is spelled.
    pub alg: String,
    /// Which key signed.
    #[serde(default)]
    pub kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// The claims that are looked at.
#[derive(Debug, Deserialize)]
pub struct Claims {
    /// Who issued the token.
    pub iss: String,
    /// Whom it is about.
    #[serde(default)]
    pub sub: Option<String>,
    #[serde(default)]
    aud: Audience,
    #[serde(rename = "exp")]
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    iat: Option<f64>,
    /// The token's own name.
    #[serde(default)]
    pub jti: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    cnf: Option<Confirmation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Audience {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct Confirmation {
    #[serde(default, rename = "x5t#S256")]
    certificate: Option<String>,
}

/// Tells that a member is there, whatever it holds.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Jwt<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// Says what is wrong with it, in words that repeat nothing of it.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Malformed("it has not three parts"));
        };
        let signed = text.as_bytes().get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let header: Header = read(&decode(header)?)?;
        header.check()?;
        let payload = decode(payload)?;
        let claims: Claims = read(&payload)?;
        claims.check()?;
        Ok(Self { header, claims, all: read(&payload)?, signature: decode(signature)?, signed })
    }

    /// Returns the words of a claim; dots in `path` lead inside. What is no text and no list of texts has none.
    ///
    /// # Errors
    /// There are too many, or one is no plain text.
    pub fn words(&self, path: &str) -> Result<Vec<&str>, Malformed> {
        let found = path.split('.').try_fold(&self.all, |value, name| value.get(name));
        let words: Vec<&str> = match found {
            Some(Value::String(text)) => text.split(' ').filter(|word| !word.is_empty()).collect(),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
        };
        let good = words.len() <= MAX_ITEMS && words.iter().all(|word| plain(word));
        if good { Ok(words) } else { Err(Malformed("its scopes are too many or not plain")) }
    }
}

impl Header {
    fn check(&self) -> Result<(), Malformed> {
        if self.crit {
            return Err(Malformed("it asks for an extension"));
        }
        let kind = self.typ.as_deref().map(str::to_ascii_lowercase);
        let kind = kind.as_deref().map(|kind| kind.strip_prefix("application/").unwrap_or(kind));
        if kind.is_some_and(|kind| !TYPES.contains(&kind)) {
            return Err(Malformed("it is a token of another type"));
        }
        if !plain(&self.alg) || self.kid.as_deref().is_some_and(|kid| !plain(kid)) {
            return Err(Malformed("its header holds a text that is not plain"));
        }
        Ok(())
    }
}

impl Claims {
    fn check(&self) -> Result<(), Malformed> {
        let texts = [&self.sub, &self.jti, &self.client_id, &self.azp].into_iter().flatten();
        if !texts.chain([&self.iss]).all(|text| plain(text)) || !self.audience().all(plain) {
            return Err(Malformed("its claims hold a text that is not plain"));
        }
        if self.audience().count() > MAX_ITEMS {
            return Err(Malformed("it is for too many"));
        }
        if self.cnf.is_some() && self.bound_to().is_none() {
            return Err(Malformed("it is bound to something else than a certificate"));
        }
        Ok(())
    }

    /// Returns whom it is for.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match &self.aud {
            Audience::None => (None, [].as_slice()),
            Audience::One(one) => (Some(one), [].as_slice()),
            Audience::Many(many) => (None, many.as_slice()),
        };
        one.into_iter().chain(many).map(String::as_str)
    }

    /// Returns the client that it was given to.
    pub fn client(&self) -> Option<&str> {
        self.client_id.as_deref().or(self.azp.as_deref())
    }

    /// Returns when it ends, in milliseconds since 1970.
    pub fn ends(&self) -> i64 {
        milliseconds(self.exp)
    }

    /// Returns when it begins, if it says so.
    pub fn begins(&self) -> Option<i64> {
        self.nbf.map(milliseconds)
    }

    /// Returns when it was made out, if it says so.
    pub fn made(&self) -> Option<i64> {
        self.iat.map(milliseconds)
    }

    /// Returns the SHA-256 of the certificate that it is bound to.
    pub fn bound_to(&self) -> Option<[u8; SHA256]> {
        let text = self.cnf.as_ref()?.certificate.as_deref()?;
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "what is beyond the range of time becomes its end")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

/// Says whether a text can be shown in one line.
fn plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control)
}

fn decode(part: &str) -> Result<Vec<u8>, Malformed> {
    let broken = |_| Malformed("a part of it is no base64url");
    URL_SAFE_NO_PAD.decode(part).map_err(broken)
}

/// Reads an object; a member that is looked at may be there once only.
fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Malformed> {
    let broken = |_| Malformed("a part of it is no JSON object of the right form");
    serde_json::from_slice(json).map_err(broken)
}
