//! Whether a token counts: whose it is, its signature, its times, whom it is for, and who may show it.

use super::fault::Fault;
use super::issuer::Issuer;
use super::jwt::{Claims, Jwt};
use super::key::KeySet;
use crate::conf::tree::{self, Algorithm};
use crate::digest::hex;
use crate::telemetry::metrics::Metrics;
use netweave_model::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a token says that was found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The name of its issuer in the configuration.
    pub issuer_name: String,
    /// Its issuer.
    pub issuer: String,
    /// Whom it is about.
    pub subject: Option<String>,
    /// The client that it was given to.
    pub client: Option<String>,
    /// Its own name.
    pub id: Option<String>,
    /// What it allows, in the words of its issuer.
    pub scopes: BTreeSet<String>,
    /// When it ends.
    pub expires: Timestamp,
    /// Whether it is bound to the certificate that it came with.
    pub bound: bool,
}

/// A good token, and what it stands on.
#[derive(Debug)]
pub struct Verified {
    /// The token.
    pub token: Token,
    /// Its issuer.
    pub issuer: Arc<Issuer>,
    /// The keys that its signature fits.
    pub keys: Arc<KeySet>,
}

/// All issuers, and what tokens must be like.
#[derive(Debug)]
pub struct Tokens {
    issuers: Vec<Arc<Issuer>>,
    binding: bool,
    leeway: Duration,
    size: usize,
    lifetime: Duration,
}

impl Tokens {
    /// Takes the issuers, which have no keys yet.
    pub fn new(conf: &tree::Tokens, metrics: &Metrics) -> Self {
        let issuers = conf.issuers.iter().map(|issuer| Arc::new(Issuer::new(issuer.clone(), metrics)));
        Self {
            issuers: issuers.collect(),
            binding: conf.require_binding,
            leeway: conf.leeway.0,
            size: conf.max_size.bytes(),
            lifetime: conf.max_lifetime.0,
        }
    }

    /// Returns the issuers.
    pub fn issuers(&self) -> &[Arc<Issuer>] {
        &self.issuers
    }

    /// Returns the most bytes that a token may have.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Says whether a token that was found good still is.
    pub fn holds(&self, verified: &Verified, now: Timestamp, instant: Instant) -> bool {
        now <= verified.token.expires.plus(self.leeway)
            && verified.issuer.keys(instant).is_some_and(|keys| Arc::ptr_eq(&keys, &verified.keys))
    }

    /// Judges a token that came with a certificate of this fingerprint, or without one.
    ///
    /// # Errors
    /// Says why it does not count; with the issuer if its keys should be fetched.
    pub fn verify(
        &self,
        text: &str,
        certificate: Option<&str>,
        (now, instant): (Timestamp, Instant),
    ) -> Result<Verified, (Fault, Option<Arc<Issuer>>)> {
        let plain = |fault| (fault, None);
        if text.len() > self.size {
            return Err(plain(Fault::TooLong));
        }
        let jwt = Jwt::parse(text).map_err(|malformed| plain(malformed.into()))?;
        let issuer = self.issuers.iter().find(|issuer| issuer.conf.issuer == jwt.claims.iss);
        let issuer = issuer.ok_or(plain(Fault::Issuer))?;
        let allowed = |algorithm: &Algorithm| issuer.conf.algorithms.contains(algorithm);
        let algorithm = Algorithm::read(&jwt.header.alg).filter(allowed).ok_or(plain(Fault::Algorithm))?;
        let keys = issuer.keys(instant).ok_or_else(|| (Fault::Unavailable, Some(Arc::clone(issuer))))?;
        let signature = (jwt.signed, jwt.signature.as_slice());
        match keys.verify(jwt.header.kid.as_deref(), algorithm, signature) {
            Some(true) => {}
            Some(false) => return Err(plain(Fault::Signature)),
            None => return Err((Fault::Key, Some(Arc::clone(issuer)))),
        }
        self.times(&jwt.claims, now).map_err(plain)?;
        if !jwt.claims.audience().any(|audience| issuer.conf.audience.iter().any(|ours| ours == audience)) {
            return Err(plain(Fault::Audience));
        }
        self.binding(&jwt.claims, certificate).map_err(plain)?;
        let token = token(&jwt, &issuer.conf).map_err(plain)?;
        Ok(Verified { token, issuer: Arc::clone(issuer), keys })
    }

    fn times(&self, claims: &Claims, now: Timestamp) -> Result<(), Fault> {
        let leeway = milliseconds(self.leeway);
        let (soonest, latest) = (now.0.saturating_sub(leeway), now.0.saturating_add(leeway));
        if claims.ends() < soonest {
            return Err(Fault::Expired);
        }
        if [claims.begins(), claims.made()].into_iter().flatten().any(|begins| begins > latest) {
            return Err(Fault::NotYet);
        }
        let life = claims.ends().saturating_sub(claims.made().unwrap_or(now.0));
        if life > milliseconds(self.lifetime) { Err(Fault::Lifetime) } else { Ok(()) }
    }

    /// Source: RFC 8705, section 3.
    fn binding(&self, claims: &Claims, certificate: Option<&str>) -> Result<(), Fault> {
        match claims.bound_to() {
            None if self.binding => Err(Fault::Unbound),
            None => Ok(()),
            Some(bound) if certificate == Some(hex(&bound).as_str()) => Ok(()),
            Some(_) => Err(Fault::OtherCertificate),
        }
    }
}

fn milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn token(jwt: &Jwt<'_>, conf: &tree::Issuer) -> Result<Token, Fault> {
    let mut scopes = BTreeSet::new();
    for claim in &conf.scope_claims {
        scopes.extend(jwt.words(claim)?.into_iter().map(str::to_owned));
    }
    let claims = &jwt.claims;
    Ok(Token {
        issuer_name: conf.name.clone(),
        issuer: conf.issuer.clone(),
        subject: claims.sub.clone(),
        client: claims.client().map(str::to_owned),
        id: claims.jti.clone(),
        scopes,
        expires: Timestamp(claims.ends()),
        bound: claims.bound_to().is_some(),
    })
}
