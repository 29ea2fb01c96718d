//! The operations of the interface and what a route is handed. The table itself is `table.rs`.

pub mod collections;
pub mod netweave;
pub mod subscriptions;
pub mod table;

use crate::access::Grant;
use crate::listen::identity::Identity;
use crate::token::Token;
use bytes::Bytes;
use http::{HeaderMap, Method};
use netweave_model::subscription::Major;
use netweave_model::{Error, Kind, Result};
use std::borrow::Cow;

/// One operation, as the path names it. Ids are percent-decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// The O-Cloud itself: `/{api}/{major}/`.
    Cloud,
    /// Versions of the API: of one major, or of all.
    ApiVersions(Option<Major>),
    /// A collection; the resources of one pool have the pool as parent.
    List(Kind, Option<Cow<'a, str>>),
    /// One object; a resource is named with its pool.
    Get(Kind, Option<Cow<'a, str>>, Cow<'a, str>),
    /// The alarm or performance dictionary of a resource type: kind of dictionary, id of the type.
    TypeDictionary(Kind, Cow<'a, str>),
    /// The subscriptions of the caller: GET lists, POST creates.
    Subscriptions,
    /// One subscription: GET, DELETE.
    Subscription(Cow<'a, str>),
    /// The caller itself, under `/netweave/v1/self`.
    Caller,
    /// The backends and their health, under `/netweave/v1/sources`.
    Sources,
    /// A backend is to be read anew: POST `/netweave/v1/sources/{source}/refresh`.
    Refresh(Cow<'a, str>),
    /// One subscription with lease, state and backlog: GET, PUT, DELETE under `/netweave/v1/subscriptions/{id}`.
    Lease(Cow<'a, str>),
    /// What one may do with a subscription.
    Act(Cow<'a, str>, Action),
    /// Would a change be sent? POST `/netweave/v1/subscriptions/dry-run`, for a filter that is not stored yet.
    DryRun,
    /// The OpenAPI document.
    OpenApi,
    /// Health, without a certificate.
    Health(Health),
}

impl Operation<'_> {
    /// Says whether answers may come from the response cache.
    pub fn is_cacheable(&self) -> bool {
        matches!(self, Self::Cloud | Self::List(..) | Self::Get(..) | Self::TypeDictionary(..))
    }
}

/// The actions on a subscription under `/netweave/v1/subscriptions/{id}/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// POST `renew`: prolongs the lease.
    Renew,
    /// POST `rotate-secret`: hands out a new signing secret.
    RotateSecret,
    /// POST `test`: queues a test notice.
    Test,
    /// POST `replay`: queues dead letters or recent changes again.
    Replay,
    /// POST `dry-run`: would a given change be sent?
    DryRun,
    /// GET `deliveries`: the latest attempts and the dead letters.
    Deliveries,
}

/// The health questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// `/livez`: the process turns.
    Live,
    /// `/healthz`: the process serves; alias `/health`.
    Healthy,
    /// `/readyz`: requests should be sent here; alias `/ready`.
    Ready,
}

/// A path that exists: what it names, and what may be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// What the path names.
    pub operation: Operation<'a>,
    /// The major it was asked through; `V2` outside the O2-IMS paths.
    pub major: Major,
    /// The path with placeholders, for metrics and audit.
    pub template: &'static str,
    /// The methods that are declared, in the order of the `Allow` header. HEAD is allowed wherever GET is.
    pub methods: &'static [Method],
}

/// What a route is handed: everything is verified, bounded and decoded as far as the chain can.
#[derive(Debug)]
pub struct Call<'a> {
    /// The route.
    pub route: &'a Route<'a>,
    /// The method; one of `route.methods` (HEAD arrives as GET).
    pub method: &'a Method,
    /// The raw query, without the question mark; empty if there is none. At most 8 KiB.
    pub query: &'a str,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The caller.
    pub identity: &'a Identity,
    /// What the caller may do and see.
    pub grant: &'a Grant,
    /// Its token, if tokens are asked for.
    pub token: Option<&'a Token>,
    /// The body; empty unless the operation takes one. At most `limits.body` bytes.
    pub body: Bytes,
}

impl Call<'_> {
    /// Refuses parameters where an operation has none.
    ///
    /// # Errors
    /// `Invalid`, naming `query`.
    pub fn without_parameters(&self) -> Result<()> {
        if self.query.is_empty() {
            return Ok(());
        }
        Err(Error::invalid("query", "this operation takes no parameters"))
    }
}
