//! Bearer tokens of requests: read from the header, judged once, and remembered while they hold.
//!
//! Source: RFC 6750, sections 2.1 and 3.

use super::Seen;
use super::limits::{Share, Shares};
use crate::access::{Access, Grant};
use crate::conf::tree::{AccessMode, Rate};
use crate::listen::identity::{Facts, Identity, IdentityField};
use crate::listen::peer::Caller;
use crate::problem::{Problem, Refused};
use crate::telemetry::metrics::Metrics;
use crate::token::{Fault, Token, Tokens, Verified};
use aws_lc_rs::digest::{Context, SHA256};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use netweave_model::Timestamp;
use prometheus::{IntCounter, IntCounterVec};
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::time::Instant;

/// Tokens that are remembered.
const REMEMBERED: usize = 10_000;
/// The scheme of the header.
const SCHEME: &str = "bearer";
/// The share of requests without a certificate whose token is not known yet.
const STRANGERS: &str = "";

/// The SHA-256 of a token and of the certificate that it came with.
type Mark = [u8; 32];

/// Who showed a good token.
#[derive(Debug)]
pub struct Holder {
    /// Who it is, and what it may do and see.
    pub caller: Caller,
    /// The token.
    pub verified: Verified,
    /// The generation of the access rules that were asked.
    generation: u64,
}

/// What the token of a request was found to be, for the records.
#[derive(Clone, Debug)]
pub enum Presented {
    /// Good.
    Good(Arc<Holder>),
    /// Not good, in a word. What it says is not believed, so it is not told.
    Refused(&'static str),
}

/// A token as it was sent, with the certificate that it came with.
pub struct Shown<'a> {
    text: Result<&'a str, Fault>,
    mark: Option<Mark>,
    caller: Option<&'a Caller>,
}

/// The filter.
pub struct Bearer {
    mode: AccessMode,
    tokens: Arc<Tokens>,
    access: Arc<Access>,
    known: Cache<Mark, Arc<Holder>>,
    shares: Arc<Shares>,
    checks: IntCounterVec,
    again: IntCounter,
    afresh: IntCounter,
}

impl Holder {
    pub(super) fn as_presented(self: &Arc<Self>) -> Presented {
        Presented::Good(Arc::clone(self))
    }
}

impl Bearer {
    /// Makes the filter, with the mode that asks for it.
    pub fn new(
        mode: AccessMode,
        tokens: Arc<Tokens>,
        (access, shares): (Arc<Access>, Arc<Shares>),
        metrics: &Metrics,
    ) -> Self {
        let checks = metrics.token_checks.clone();
        Self {
            mode,
            tokens,
            access,
            known: Cache::new(REMEMBERED),
            shares,
            again: checks.with_label_values(&["known"]),
            afresh: checks.with_label_values(&["verified"]),
            checks,
        }
    }

    /// Says whether a token is enough, without a certificate.
    pub(super) fn is_enough(&self) -> bool {
        self.mode == AccessMode::Token
    }

    /// Returns the share of those of whom nothing is known yet.
    pub(super) fn strangers(&self, now: Timestamp) -> Arc<Share> {
        self.shares.of(STRANGERS, &self.access.others(), now)
    }

    /// Reads the token of a request.
    pub(super) fn look<'a>(&self, headers: &'a HeaderMap, caller: Option<&'a Caller>) -> Shown<'a> {
        let text = bearer(headers)
            .and_then(|text| if text.len() > self.tokens.size() { Err(Fault::TooLong) } else { Ok(text) });
        let mark = text.ok().map(|text| mark(text, caller));
        Shown { text, mark, caller }
    }

    /// Returns who shows a token, if it was found good before and still is.
    pub(super) fn known(&self, shown: &Shown<'_>, now: Timestamp) -> Option<Arc<Holder>> {
        let mark = shown.mark.as_ref()?;
        let holder = self.known.get(mark)?;
        let same_rules = holder.generation == self.access.generation();
        if same_rules && self.tokens.holds(&holder.verified, now, Instant::now()) {
            self.again.inc();
            return Some(holder);
        }
        self.known.remove(mark);
        None
    }

    /// Judges a token that is not known.
    ///
    /// # Errors
    /// As [`Problem::token`].
    pub(super) fn judge(
        &self,
        shown: &Shown<'_>,
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<Arc<Holder>, Refused> {
        match self.holder(shown, now, seen) {
            Ok(holder) => {
                self.afresh.inc();
                let holder = Arc::new(holder);
                if let Some(mark) = shown.mark {
                    self.known.insert(mark, Arc::clone(&holder));
                }
                seen.token = Some(holder.as_presented());
                Ok(holder)
            }
            Err(fault) => {
                self.checks.with_label_values(&[fault.word()]).inc();
                seen.token = Some(Presented::Refused(fault.word()));
                Err(Box::new(Problem::token(fault)))
            }
        }
    }

    fn holder(&self, shown: &Shown<'_>, now: Timestamp, seen: &mut Seen) -> Result<Holder, Fault> {
        let (text, instant) = (shown.text?, Instant::now());
        let certificate = shown.caller.map(|caller| caller.identity.fingerprint.as_str());
        let verified = self.tokens.verify(text, certificate, (now, instant)).map_err(|(fault, issuer)| {
            seen.missing = issuer.filter(|issuer| issuer.ask(instant));
            fault
        })?;
        let identity = match shown.caller {
            Some(caller) if !self.is_enough() => caller.identity.clone(),
            Some(_) | None => named(&verified.token)?,
        };
        let generation = self.access.generation();
        // A name whose trust domain is not trusted has no connection that leads here.
        let grant = self.access.with(&identity.name, &verified.token).ok_or(Fault::Nobody)?;
        let share = self.share(&identity.name, &grant, shown.caller, now);
        Ok(Holder { caller: Caller { identity, grant, share }, verified, generation })
    }

    /// Finds the share of a name: that of its connection, unless its token gives it another rate or tenant.
    fn share(&self, name: &str, grant: &Grant, caller: Option<&Caller>, now: Timestamp) -> Arc<Share> {
        let same = |caller: &&Caller| {
            let of = &caller.grant;
            caller.identity.name == name && of.rate == grant.rate && of.tenant == grant.tenant
        };
        if let Some(caller) = caller.filter(same) {
            return Arc::clone(&caller.share);
        }
        let Rate { rate, burst } = grant.rate;
        let tenant = grant.tenant.as_ref().map_or("", |tenant| &tenant.name);
        self.shares.of(&format!("{name} {rate}/{burst} {tenant}"), grant, now)
    }
}

/// Names who has a token and needs no certificate.
fn named(token: &Token) -> Result<Identity, Fault> {
    let who = token.subject.as_deref().or(token.client.as_deref()).ok_or(Fault::Nobody)?;
    Ok(Identity {
        name: format!("token:{}#{who}", token.issuer),
        field: IdentityField::Token,
        common_name: None,
        fingerprint: String::new(),
        not_after: token.expires,
        facts: Facts::default(),
    })
}

/// Reads the one token of the one header.
fn bearer(headers: &HeaderMap) -> Result<&str, Fault> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let Some(header) = all.next() else { return Err(Fault::Missing) };
    if all.next().is_some() {
        return Err(Fault::Request);
    }
    let text = header.to_str().map_err(|_strange| Fault::Request)?;
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(Fault::Missing);
    }
    let token = rest.trim_start_matches(' ');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(plain) { Err(Fault::Request) } else { Ok(token) }
}

fn mark(text: &str, caller: Option<&Caller>) -> Mark {
    let mut context = Context::new(&SHA256);
    // A fingerprint is 64 digits or absent, so no two pairs are written alike: a token has no blank.
    context.update(caller.map_or("", |caller| &caller.identity.fingerprint).as_bytes());
    context.update(b" ");
    context.update(text.as_bytes());
    let mut mark = [0; 32];
    mark.copy_from_slice(context.finish().as_ref());
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<String, Fault> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, line.parse().unwrap());
        }
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn one_header_with_one_token_is_read_and_nothing_else() {
        let good = || Ok("a.b-c_d~+/=".to_owned());
        for (lines, expected) in [
            (vec![], Err(Fault::Missing)),
            (vec!["Bearer a.b-c_d~+/="], good()),
            (vec!["bEARER   a.b-c_d~+/="], good()),
            (vec!["Basic YTpi"], Err(Fault::Missing)),
            (vec!["Bearer"], Err(Fault::Request)),
            (vec!["Bearer "], Err(Fault::Request)),
            (vec!["Bearer a b"], Err(Fault::Request)),
            (vec!["Bearer a, Bearer b"], Err(Fault::Request)),
            (vec!["Bearer a\tb"], Err(Fault::Request)),
            (vec!["Bearer a", "Bearer a"], Err(Fault::Request)),
            (vec!["Basic YTpi", "Bearer a"], Err(Fault::Request)),
        ] {
            assert_eq!(read(&lines), expected, "{lines:?}");
        }
    }
}
