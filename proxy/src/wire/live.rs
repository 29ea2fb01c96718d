//! Puts the live keys of another configuration in force.

use super::callbacks::CALLBACK_CONNECT;
use crate::access::Access;
use crate::conf::tree::Conf;
use crate::control::{Level, Target};
use crate::filters::limits::{Limits, Shares};
use crate::inventory::fill::Fills;
use crate::listen::{Visitors, allow::Allow};
use crate::services::notifier::Notifier;
use netweave_http::{Guard, Outbound};
use netweave_model::Result;
use std::sync::{Arc, Mutex, PoisonError};

/// Who must be told of which keys; `conf::live::LIVE` names them.
pub(super) struct Live {
    /// `access.*`, `limits.perIdentity`, `subscriptions.perOwner`.
    pub(super) access: Arc<Access>,
    /// `limits.newSubscriptions`, `limits.inFlightPerIdentity`.
    pub(super) shares: Arc<Shares>,
    /// `limits.requestsPerSecond`, `limits.inFlight`.
    pub(super) bounds: Arc<Limits>,
    /// `api.allow`, `ops.allow`, `limits.connectionsPerIp`.
    pub(super) visitors: (Arc<Visitors>, Arc<Visitors>),
    /// `cache.ttl`.
    pub(super) fills: Arc<Fills>,
    /// `subscriptions.callback.*`.
    pub(super) guard: Arc<Guard>,
    /// Whose connections are to be checked anew.
    pub(super) outbound: [Arc<Outbound>; 2],
    /// `delivery.*`.
    pub(super) notifier: Arc<Notifier>,
    /// `log.level`.
    pub(super) level: Arc<Level>,
    /// What is in force. What does not change is left alone: rates keep what they hold, connections stay.
    pub(super) current: Mutex<Conf>,
}

impl Target for Live {
    fn swap(&self, conf: &Conf) -> Result<()> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let (api, ops) = (Allow::parse("api", &conf.api.allow)?, Allow::parse("ops", &conf.ops.allow)?);
        let callback = conf.subscriptions.callback.settings(CALLBACK_CONNECT, conf.delivery.timeout.0);
        let policy = Guard::prepare(&callback)?;
        self.level.configure(&conf.log.level)?;
        // Nothing below can fail.
        self.visitors.0.allow(api);
        self.visitors.1.allow(ops);
        self.visitors.0.bound(conf.limits.connections_per_ip);
        self.admission(&current, conf);
        self.fills.replace(conf.cache.ttl.clone());
        self.notifier.replace(&conf.delivery);
        let before = current.subscriptions.callback.settings(CALLBACK_CONNECT, conf.delivery.timeout.0);
        if before != callback {
            self.guard.replace(policy);
            self.outbound.iter().for_each(|outbound| outbound.renew());
        }
        current.clone_from(conf);
        Ok(())
    }
}

impl Live {
    fn admission(&self, before: &Conf, after: &Conf) {
        let (old, new) = (&before.limits, &after.limits);
        if (old.requests_per_second, old.in_flight) != (new.requests_per_second, new.in_flight) {
            self.bounds.replace(new);
        }
        self.shares.replace(new);
        let all = |conf: &Conf| {
            let limits = &conf.limits;
            let own = (
                limits.per_identity.clone(),
                limits.new_subscriptions.clone(),
                limits.in_flight_per_identity,
            );
            (conf.access.clone(), own, conf.subscriptions.per_owner)
        };
        if all(before) != all(after) {
            self.access.replace(&after.access, &new.per_identity, after.subscriptions.per_owner);
        }
    }
}
