//! What all operations on subscriptions share: whose they are, and what may be stored.

use super::precondition::required_revision;
use super::quota::Quotas;
use super::request::Wanted;
use crate::access::Access;
use crate::conf::tree::{Compatibility, Subscriptions as Conf, Verify};
use crate::listen::identity::Identity;
use crate::routes::Call;
use crate::services::lease;
use crate::webhook::sealing::KeyRing;
use netweave_http::{Guard, Outbound};
use netweave_model::port::{Clock, Deliveries, Ids, Subscriptions};
use netweave_model::query::{Exclusion, Paths};
use netweave_model::{Error, ErrorKind, Id, Result, Subscription};
use std::sync::Arc;

/// What the operations work with.
pub struct Parts {
    /// The subscriptions.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// The delivery queues.
    pub deliveries: Arc<dyn Deliveries>,
    /// Decides which callbacks are allowed.
    pub guard: Arc<Guard>,
    /// Tries callbacks, if the configuration says so.
    pub outbound: Arc<Outbound>,
    /// Seals secrets for the store.
    pub keys: Arc<KeyRing>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Fresh secrets.
    pub ids: Arc<dyn Ids>,
}

/// What the configuration says about subscriptions.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The section of the configuration.
    pub subscriptions: Conf,
    /// The dialect of v1.
    pub compatibility: Compatibility,
    /// Depth of attribute paths in a filter.
    pub filter_depth: usize,
    /// How long a queue may become by what its owner asks for; changes have room above that.
    pub asked_queue: u64,
}

/// The shared part of all operations on subscriptions.
pub struct Desk {
    parts: Parts,
    settings: Settings,
    quotas: Quotas,
    /// The attributes of subscriptions; few, so they have a table of their own.
    paths: Paths,
}

impl Desk {
    /// Makes the desk.
    pub fn new(parts: Parts, settings: Settings, access: Arc<Access>) -> Self {
        Self { parts, settings, quotas: Quotas::new(access), paths: Paths::new() }
    }

    /// Returns what the operations work with.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns who counts and creates subscriptions.
    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// Returns the table of a subscription's attributes.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Gets a subscription of the caller.
    ///
    /// # Errors
    /// `NotFound`: there is none, or it is somebody else's. `Unavailable`.
    pub async fn own(&self, id: &str, identity: &Identity) -> Result<Subscription> {
        let absent = || Error::new(ErrorKind::NotFound, "there is no subscription with this id");
        match self.parts.subscriptions.get(&Id::from(id)).await {
            Ok(subscription) if subscription.owner == identity.name => Ok(subscription),
            Ok(_) => Err(absent()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(absent()),
            Err(error) => Err(error),
        }
    }

    /// Gets a subscription for its owner to read, which is a sign of life and may renew the lease.
    ///
    /// # Errors
    /// As [`Self::own`].
    pub async fn read(&self, id: &str, identity: &Identity) -> Result<Subscription> {
        let subscription = self.own(id, identity).await?;
        Ok(lease::try_alive(&*self.parts.subscriptions, subscription, self.parts.clock.now()).await)
    }

    /// Deletes a subscription of the caller, if `If-Match` holds.
    ///
    /// # Errors
    /// As [`Self::own`], and `PreconditionFailed`.
    pub async fn delete(&self, id: &str, call: &Call<'_>) -> Result<()> {
        let subscription = self.own(id, call.identity).await?;
        let revision = required_revision(call.headers, &subscription)?;
        self.parts.subscriptions.delete(&subscription.id, revision).await?;
        tracing::info!(subscription = %subscription.id, owner = subscription.owner, "a subscription was deleted by its owner");
        Ok(())
    }

    /// Checks what is to be stored, and tries the callback if the configuration says so; returns the filter in its
    /// canonical spelling.
    ///
    /// # Errors
    /// `Invalid`, naming `/filter` with its position, or `/callback`.
    pub async fn check(&self, wanted: &Wanted) -> Result<Option<String>> {
        let filter =
            Exclusion::parse(wanted.filter.as_deref().unwrap_or_default(), self.settings.filter_depth)?;
        self.parts.guard.check(&wanted.callback).await?;
        if self.settings.subscriptions.callback.verify == Verify::Get204 {
            self.parts.outbound.get204(&wanted.callback).await?;
        }
        Ok(filter.map(|filter| filter.canonical().to_owned()))
    }
}
