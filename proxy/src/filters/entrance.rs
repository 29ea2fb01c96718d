//! Who asks, and whether there is room for the request: certificate, token, limits.

use super::Seen;
use super::bearer::{Bearer, Holder};
use super::limits::{InFlight, Limits};
use crate::listen::peer::{Caller, NoIdentity, Peer, Register};
use crate::listen::trust::Trust;
use crate::problem::{Problem, Refused};
use crate::token::Token;
use http::request::Parts;
use netweave_model::Timestamp;
use std::sync::Arc;

/// The filter.
pub struct Entrance {
    trust: Arc<Trust>,
    register: Register,
    limits: Arc<Limits>,
    /// Looks at tokens, if they are asked for.
    bearer: Option<Bearer>,
}

/// Who asks, in what counts for this request.
#[derive(Debug)]
pub enum Who {
    /// By its certificate alone.
    Certificate(Arc<Caller>),
    /// By its token too.
    Token(Arc<Holder>),
}

impl Who {
    /// Returns what was looked up for it.
    pub fn caller(&self) -> &Caller {
        match self {
            Self::Certificate(caller) => caller,
            Self::Token(holder) => &holder.caller,
        }
    }

    /// Returns its token.
    pub fn token(&self) -> Option<&Token> {
        match self {
            Self::Certificate(_) => None,
            Self::Token(holder) => Some(&holder.verified.token),
        }
    }

    /// Tells it that another token might do, if it has one and lacks permission.
    pub(super) fn refused(&self, problem: Refused) -> Refused {
        match self {
            Self::Certificate(_) => problem,
            Self::Token(_) => Box::new(problem.of_token()),
        }
    }
}

impl Entrance {
    /// Makes the filter; without `bearer` tokens are not looked at.
    pub fn new(trust: Arc<Trust>, register: Register, limits: Arc<Limits>, bearer: Option<Bearer>) -> Self {
        Self { trust, register, limits, bearer }
    }

    /// Finds out who asks, and takes a place in flight.
    ///
    /// A token that was found good before costs its look-up. Whoever shows another one pays for it first, from the share of its
    /// certificate, so that having signatures checked is not free.
    ///
    /// # Errors
    /// 401: no certificate or no token that counts. 400: the header with the token has no form. 429. 503: the keys of the
    /// token's issuer cannot be had.
    pub fn enter(
        &self,
        head: &Parts,
        peer: &Peer,
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<(Who, InFlight), Refused> {
        let Some(bearer) = &self.bearer else {
            let caller = peer.identity(&self.trust, &self.register, now).map_err(unknown)?;
            let place = self.limits.enter(&caller.share, now)?;
            return Ok((Who::Certificate(caller), place));
        };
        let caller = peer.identity(&self.trust, &self.register, now);
        let caller = if bearer.is_enough() { caller.ok() } else { Some(caller.map_err(unknown)?) };
        let shown = bearer.look(&head.headers, caller.as_deref());
        if let Some(holder) = bearer.known(&shown, now) {
            seen.token = Some(holder.as_presented());
            let place = self.limits.enter(&holder.caller.share, now)?;
            return Ok((Who::Token(holder), place));
        }
        let payer = caller.as_ref().map_or_else(|| bearer.strangers(now), |caller| Arc::clone(&caller.share));
        let place = self.limits.enter(&payer, now)?;
        let holder = bearer.judge(&shown, now, seen)?;
        if Arc::ptr_eq(&holder.caller.share, &payer) {
            return Ok((Who::Token(holder), place));
        }
        drop(place);
        let place = self.limits.enter(&holder.caller.share, now)?;
        Ok((Who::Token(holder), place))
    }

    /// Asks again whether the other end is who it was, if its certificate counts: what it sends may have taken its time.
    ///
    /// # Errors
    /// 401: its certificate does not count any more.
    pub fn remains(&self, peer: &Peer, now: Timestamp) -> Result<(), Refused> {
        if self.bearer.as_ref().is_some_and(Bearer::is_enough) {
            return Ok(());
        }
        peer.identity(&self.trust, &self.register, now).map(drop).map_err(unknown)
    }

    /// Takes one new subscription of the caller's share.
    ///
    /// # Errors
    /// 429, with the pause.
    pub fn subscribe(&self, who: &Who) -> Result<(), Refused> {
        self.limits.subscribe(&who.caller().share)
    }
}

/// Tells a caller without an identity what it can do.
fn unknown(reason: NoIdentity) -> Refused {
    Box::new(Problem::unauthenticated(match reason {
        NoIdentity::Anonymous => {
            "connect with a client certificate of an authority that this gateway believes"
        }
        NoIdentity::Unusable => "the client certificate is not valid any more or names nobody",
        NoIdentity::Untrusted => "the trust domain of the client certificate is not trusted any more",
        NoIdentity::Expired => "the client certificate has expired; connect with a new one",
        NoIdentity::Distrusted => "the client certificate is not believed any more; connect with another one",
    }))
}
