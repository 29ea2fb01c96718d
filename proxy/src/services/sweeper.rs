//! Sweeper: ends expired subscriptions, asks callbacks for a sign of life before, and trims the change log.
//!
//! In the last tenth of a lease the callback is probed, again and again until it answers: any HTTP answer but 410 renews the
//! lease, the first failure is a warning.
//! Nothing is ended in the first 30 s after the start or after a gap in time, because nobody could renew meanwhile.

use super::{Service, lease};
use crate::audit::Audit;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use futures::StreamExt;
use netweave_http::Outbound;
use netweave_model::port::{Clock, Deliveries, InventoryLog, SubscriptionChange, Subscriptions};
use netweave_model::{Id, Result, Subscription, SubscriptionState, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Shortest and longest pause between rounds; a lease of a minute has a last tenth of six seconds.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3);
/// How long nothing is ended after a start or a gap.
const CREDIT: Duration = Duration::from_secs(30);
/// A round that comes this much later than planned has slept through something.
const GAP: Duration = Duration::from_secs(5);
/// Subscriptions ended by one call of the store.
const SWEEP: usize = 100;
/// Probes at the same time, and in one round.
const PROBES: usize = 16;
const PROBES_PER_ROUND: usize = 64;
/// Shortest pause between two probes of one callback.
const PROBE_PAUSE: Duration = Duration::from_secs(5);
/// How long before the end of its lease a callback is asked for the last time: a call takes 5 s at most.
const LAST_PROBE: Duration = Duration::from_secs(8);
/// How long log entries are kept at least. Source: `docs/architecture.md`, section 2.
const KEEP: Duration = Duration::from_mins(10);
/// How often the log is trimmed.
const TRIM: Duration = Duration::from_mins(1);

/// What the sweeper works with.
pub struct Parts {
    /// The change log.
    pub log: Arc<dyn InventoryLog>,
    /// The subscriptions.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// The delivery queues.
    pub deliveries: Arc<dyn Deliveries>,
    /// The client that probes callbacks.
    pub outbound: Arc<Outbound>,
    /// The store's time: leases end by it.
    pub clock: Arc<dyn Clock>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The audit log.
    pub audit: Arc<Audit>,
}

/// The service.
pub struct Sweeper {
    parts: Parts,
    state: Mutex<State>,
}

/// What is remembered between rounds.
struct State {
    version: u64,
    known: BTreeMap<Id, Subscription>,
    /// The ends of leases whose last part was dealt with already.
    probed: BTreeMap<(Id, Timestamp), Timestamp>,
    hold_until: Timestamp,
    /// When the next round was planned to be.
    planned: Option<Timestamp>,
    trimmed_at: Option<Timestamp>,
}

impl Sweeper {
    /// Makes the service; what has expired is safe until 30 s from now.
    pub fn new(parts: Parts) -> Self {
        let state = State {
            version: 0,
            known: BTreeMap::new(),
            probed: BTreeMap::new(),
            hold_until: parts.clock.now().plus(CREDIT),
            planned: None,
            trimmed_at: None,
        };
        Self { parts, state: Mutex::new(state) }
    }

    /// Notices that time was slept through; returns whether leases may be ended now.
    fn may_sweep(&self, now: Timestamp) -> bool {
        self.with(|state| {
            if state.planned.take().is_some_and(|planned| now.since(planned) > GAP) {
                state.hold_until = now.plus(CREDIT);
            }
            now >= state.hold_until
        })
    }

    async fn refresh(&self) -> Result<()> {
        let version = self.with(|state| state.version);
        let (version, complete, changes) = self.parts.subscriptions.since(version).await?;
        self.with(|state| {
            if complete {
                state.known.clear();
            }
            for change in changes {
                match change {
                    SubscriptionChange::Put(subscription) => {
                        state.known.insert(subscription.id.clone(), subscription);
                    }
                    SubscriptionChange::Gone(id) => drop(state.known.remove(&id)),
                }
            }
            let State { known, probed, .. } = state;
            probed.retain(|(id, at), _| {
                known.get(id).is_some_and(|subscription| subscription.expires_at == *at)
            });
            state.version = version;
        });
        Ok(())
    }

    /// Asks the callbacks of leases that are about to end.
    async fn probe(&self, now: Timestamp) -> Result<bool> {
        let due: Vec<(Subscription, bool)> = self.with(|state| {
            let ending =
                state.known.values().filter(|one| lease::last_part(one) <= now && now < one.expires_at);
            let probed = |one: &Subscription| state.probed.get(&(one.id.clone(), one.expires_at)).copied();
            let due = ending.map(|one| (one, probed(one)));
            let due = due.filter(|(one, at)| at.is_none_or(|at| may_ask_again(one, at, now)));
            due.take(PROBES_PER_ROUND).map(|(one, at)| (one.clone(), at.is_none())).collect()
        });
        let more = due.len() == PROBES_PER_ROUND;
        let mut answers = futures::stream::iter(due.into_iter().map(|(one, first)| self.ask(one, first)))
            .buffer_unordered(PROBES);
        while let Some((subscription, alive)) = answers.next().await {
            if alive {
                lease::try_alive(&*self.parts.subscriptions, subscription.clone(), now).await;
            }
            self.with(|state| state.probed.insert((subscription.id, subscription.expires_at), now));
        }
        Ok(more)
    }

    /// Asks one callback for a sign of life. A suspended one has said itself that it is gone.
    ///
    /// Only the first failure of a lease is a warning.
    async fn ask(&self, subscription: Subscription, first: bool) -> (Subscription, bool) {
        let silent = if subscription.state == SubscriptionState::Active {
            match self.parts.outbound.probe(&subscription.callback).await {
                Ok(answer) if answer.status != 410 => None,
                Ok(_) => Some("gone".to_owned()),
                Err(error) => Some(error.public().to_owned()),
            }
        } else {
            Some("suspended".to_owned())
        };
        if let Some(reason) = silent.as_ref().filter(|_| first) {
            self.warn(&subscription, reason);
        }
        (subscription, silent.is_none())
    }

    fn warn(&self, subscription: &Subscription, reason: &str) {
        self.parts.metrics.lease_warnings.inc();
        tracing::warn!(
            subscription = %subscription.id, owner = subscription.owner, expires_at = %subscription.expires_at, reason,
            "a subscription ends soon and its callback gives no sign of life"
        );
    }

    async fn sweep(&self) -> Result<()> {
        loop {
            let ended = self.parts.subscriptions.sweep(SWEEP).await?;
            self.parts.metrics.subscriptions_expired.inc_by(ended.len() as u64);
            for subscription in &ended {
                tracing::info!(
                    subscription = %subscription.id, owner = subscription.owner, expired_at = %subscription.expires_at,
                    "a subscription has expired"
                );
                let event = self.parts.audit.now("subscription.expired").with("id", subscription.id.as_str());
                self.parts.audit.event(event.with("owner", subscription.owner.as_str()));
            }
            if ended.len() < SWEEP {
                return Ok(());
            }
        }
    }

    async fn trim(&self, now: Timestamp) -> Result<()> {
        let due = self.with(|state| state.trimmed_at.is_none_or(|at| now.since(at) >= TRIM));
        if due {
            let cursor = self.parts.deliveries.cursor().await?;
            let trimmed = self.parts.log.trim(cursor, KEEP).await?;
            self.with(|state| state.trimmed_at = Some(now));
            tracing::debug!(trimmed, "trimmed the change log");
        }
        Ok(())
    }

    /// Returns how long to sleep: until the next lease comes into its last part or ends.
    fn pause(&self, now: Timestamp) -> Duration {
        let next = self.with(|state| {
            let ends = state
                .known
                .values()
                .flat_map(|one| [lease::last_part(one), last_moment(one), one.expires_at]);
            ends.filter(|at| *at > now).min()
        });
        next.map_or(*PAUSES.end(), |at| at.since(now)).clamp(*PAUSES.start(), *PAUSES.end())
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Says whether a callback that was silent is asked again: about ten times in the last part of its lease, and once more
/// at the last moment.
fn may_ask_again(subscription: &Subscription, asked: Timestamp, now: Timestamp) -> bool {
    let pause = (lease::length(subscription) / 100).max(PROBE_PAUSE);
    let last = last_moment(subscription);
    now.since(asked) >= pause || (asked < last && last <= now)
}

/// Returns when a callback is asked for the last time, so that its answer comes before the end.
fn last_moment(subscription: &Subscription) -> Timestamp {
    subscription.expires_at.minus(LAST_PROBE)
}

#[async_trait]
impl Service for Sweeper {
    fn name(&self) -> &'static str {
        "sweeper"
    }

    async fn activate(&self) -> Result<bool> {
        let now = self.parts.clock.now();
        let may_sweep = self.may_sweep(now);
        self.refresh().await?;
        let more = self.probe(now).await?;
        if may_sweep {
            self.sweep().await?;
        }
        self.trim(now).await?;
        Ok(more)
    }

    async fn wait(&self) {
        let now = self.parts.clock.now();
        let pause = self.pause(now);
        self.with(|state| state.planned = Some(now.plus(pause)));
        tokio::time::sleep(pause).await;
    }
}
