//! The filter chain: what a request passes before a route sees it, in the order in which it is passed.
//!
//! 1. `target`: the path and query are ones we take
//! 2. `entrance`: who asks, from the verified certificate and, if it is asked for, the bearer token; health needs nobody
//! 3. `limits`: all requests together, those in flight, and the identity's share; before a token is judged that is not known
//! 4. `route`: the path exists (404), and declares the method (405)
//! 5. `authz`: what the caller may do and see
//! 6. `negotiate`: the answer can be in the form that is asked for, the body is JSON
//! 7. `limits` again: the identity's new subscriptions
//! 8. `body`: size and time, only where an operation takes one
//!
//! Cheapest refusal first; nothing is read for a caller who may not call. Then the routes, cached answers first.

pub mod authz;
pub mod bearer;
pub mod body;
pub mod entrance;
pub mod limits;
pub mod negotiate;
pub mod target;

use crate::listen::peer::Peer;
use crate::problem::{Problem, Refused};
use crate::reply::Reply;
use crate::routes::{Call, Health, Operation, Route, table};
use crate::telemetry::requests::UNMATCHED;
use crate::token::Issuer;
use async_trait::async_trait;
use bearer::Presented;
use entrance::{Entrance, Who};
use http::request::Parts;
use http::{HeaderMap, Method};
use limits::InFlight;
use netweave_model::subscription::Major;
use netweave_model::{Result, Timestamp};
use std::sync::Arc;

/// What lies behind the chain.
#[async_trait]
pub trait Routes: Send + Sync {
    /// Answers from what is at hand, without waiting; `None` if `serve` has to be asked.
    ///
    /// It is asked first for every call, so that a hit costs no boxed future.
    fn cached(&self, call: &Call<'_>) -> Option<Reply>;

    /// Answers a call.
    ///
    /// # Errors
    /// Any kind; it becomes a problem answer, and its private side goes to the log.
    async fn serve(&self, call: &Call<'_>) -> Result<Reply>;
}

/// The chain with what its filters need.
pub struct Chain {
    majors: Vec<Major>,
    longest_target: usize,
    entrance: Entrance,
    /// The bounds of bodies.
    pub body: body::Bounds,
}

/// What the filters found out, whether or not they let the request pass.
#[derive(Debug)]
pub struct Seen {
    /// The route's slot.
    pub slot: usize,
    /// The token, if one was looked at.
    pub token: Option<Presented>,
    /// The issuer whose keys should be fetched before the token is judged again.
    pub missing: Option<Arc<Issuer>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { slot: UNMATCHED, token: None, missing: None }
    }
}

/// What the first filters found: who asks for what.
#[derive(Debug)]
pub enum Admitted<'a> {
    /// A health question, which needs no identity and passes no limit.
    Health(Health, Route<'a>),
    /// A call that the routes may answer, once its body is read.
    Call(Pending<'a>),
}

/// A call without its body.
#[derive(Debug)]
pub struct Pending<'a> {
    /// The route.
    pub route: Route<'a>,
    /// The method; HEAD is GET by now.
    pub method: &'a Method,
    query: &'a str,
    headers: &'a HeaderMap,
    who: Who,
    /// Frees the place in flight when the call is over.
    _in_flight: InFlight,
}

impl Chain {
    /// Makes the chain.
    pub fn new(conf: &crate::conf::tree::Limits, majors: Vec<Major>, entrance: Entrance) -> Self {
        let body = body::Bounds { size: conf.body.bytes(), time: conf.body_time.0 };
        Self { majors, longest_target: conf.url.bytes(), entrance, body }
    }

    /// Takes a request's head through the filters up to the body. `seen` is told what is known as soon as it is.
    ///
    /// # Errors
    /// The answer of the first filter that refuses.
    pub fn admit<'a>(
        &self,
        head: &'a Parts,
        peer: &'a Peer,
        now: Timestamp,
        seen: &mut Seen,
    ) -> std::result::Result<Admitted<'a>, Refused> {
        target::check(head, self.longest_target)?;
        let path = head.uri.path();
        let health = table::health(path);
        let entered = if health.is_some() { None } else { Some(self.entrance.enter(head, peer, now, seen)?) };
        let route = table::resolve(path, &self.majors).ok_or_else(|| Box::new(Problem::no_such_path()))?;
        seen.slot = table::slot(&route);
        let method = declared(&route, &head.method)?;
        let Some((who, in_flight)) = entered else {
            let health = health.ok_or_else(|| Box::new(Problem::no_such_path()))?;
            return Ok(Admitted::Health(health, route));
        };
        authz::check(&who.caller().grant, &route).map_err(|problem| who.refused(problem))?;
        negotiate::check(head, &route, method)?;
        if *method == Method::POST && matches!(route.operation, Operation::Subscriptions) {
            self.entrance.subscribe(&who)?;
        }
        let query = head.uri.query().unwrap_or("");
        let headers = &head.headers;
        Ok(Admitted::Call(Pending { route, method, query, headers, who, _in_flight: in_flight }))
    }

    /// Asks again, once the body is there, whether who sent it may.
    ///
    /// # Errors
    /// As [`Entrance::remains`].
    pub fn remains(&self, peer: &Peer, now: Timestamp) -> std::result::Result<(), Refused> {
        self.entrance.remains(peer, now)
    }
}

impl Pending<'_> {
    /// Says whether the method takes a body.
    pub fn takes_body(&self) -> bool {
        takes_body(self.method)
    }

    /// Completes the call with its body, empty if it takes none.
    pub fn call(&self, body: bytes::Bytes) -> Call<'_> {
        Call {
            route: &self.route,
            method: self.method,
            query: self.query,
            headers: self.headers,
            identity: &self.who.caller().identity,
            grant: &self.who.caller().grant,
            token: self.who.token(),
            body,
        }
    }
}

/// Says whether a method takes a body here.
pub fn takes_body(method: &Method) -> bool {
    *method == Method::POST || *method == Method::PUT
}

/// Says whether a method is one that changes something.
pub fn changes(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method)
}

/// Finds the method among the declared ones; HEAD is GET without its body.
fn declared<'a>(route: &Route<'a>, method: &'a Method) -> std::result::Result<&'a Method, Refused> {
    let asked = if *method == Method::HEAD { &Method::GET } else { method };
    if route.methods.contains(asked) {
        Ok(asked)
    } else {
        Err(Box::new(Problem::method_not_allowed(route.methods)))
    }
}
