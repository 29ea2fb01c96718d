//! What O2-IMS does not define: `/netweave/v1/`. The caller itself, the sources, and the lease of a subscription.

mod act;
mod dry_run;
mod lease;
mod refresh;
mod replay;
mod rotate;
mod status;

use super::subscriptions::NO_STORE;
use super::subscriptions::desk::Desk;
use super::{Action, Call, Operation};
use crate::conf::tree::Limits;
use crate::inventory::catalog::Catalog;
use crate::inventory::sources::Sources;
use crate::reply::Reply;
use http::header::CACHE_CONTROL;
use http::{Method, StatusCode};
use netweave_model::port::{InventoryLog, Leases};
use netweave_model::{Error, Result};
use refresh::Refreshed;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// What these operations work with, beyond the desk of subscriptions.
pub struct Parts {
    /// What all operations on subscriptions share.
    pub desk: Arc<Desk>,
    /// The change log, for replays.
    pub log: Arc<dyn InventoryLog>,
    /// The health of the sources.
    pub sources: Arc<Sources>,
    /// Who watches them.
    pub leases: Arc<dyn Leases>,
    /// What is known of them.
    pub catalog: Arc<Catalog>,
    /// The bounds that callers are told.
    pub limits: Limits,
}

/// The operations under `/netweave/v1/`.
pub struct NetweaveRoutes {
    parts: Parts,
    refreshed: Refreshed,
}

impl NetweaveRoutes {
    /// Makes the routes.
    pub fn new(parts: Parts) -> Self {
        Self { parts, refreshed: Refreshed::default() }
    }

    /// Answers a call to one of these operations. No answer may be kept by a cache.
    ///
    /// # Errors
    /// `Invalid`: query or body. `NotFound`: no such subscription of the caller. `Conflict`: it would equal another one, or
    /// its queue is full. `PreconditionFailed`: `If-Match`. `TooLarge`. `Unavailable`: the store does not answer.
    pub async fn serve(&self, call: &Call<'_>) -> Result<Reply> {
        call.without_parameters()?;
        let reply = match (&call.route.operation, call.method) {
            (Operation::Caller, &Method::GET) => self.caller(call).await,
            (Operation::Sources, &Method::GET) => self.sources(call),
            (Operation::Refresh(source), &Method::POST) => self.refresh(source).await,
            (Operation::Lease(id), &Method::GET) => self.lease(call, id).await,
            (Operation::Lease(id), &Method::PUT) => self.replace(call, id).await,
            (Operation::Lease(id), &Method::DELETE) => {
                self.parts.desk.delete(id, call).await?;
                Ok(Reply::empty(StatusCode::NO_CONTENT))
            }
            (Operation::DryRun, &Method::POST) => self.dry_run_unstored(call),
            (Operation::Act(id, action), &Method::POST | &Method::GET) => self.act(call, id, *action).await,
            _ => Err(Error::internal("a call came to /netweave/v1/ that does not belong there")),
        };
        reply.map(|reply| reply.with(CACHE_CONTROL, NO_STORE))
    }

    async fn act(&self, call: &Call<'_>, id: &str, action: Action) -> Result<Reply> {
        let subscription = self.parts.desk.own(id, call.identity).await?;
        match action {
            Action::Renew => self.renew(call, &subscription).await,
            Action::RotateSecret => self.rotate(call, &subscription).await,
            Action::Test => self.test(&subscription).await,
            Action::Replay => self.replay(call, &subscription).await,
            Action::DryRun => Self::dry_run(call, &subscription),
            Action::Deliveries => self.deliveries(&subscription).await,
        }
    }
}
