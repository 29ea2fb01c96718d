//! One claimed subscription: delivers its queue head by head until it is empty, fails, or the claim is nearly over.

use super::hosts::{Admission, Host};
use super::outcome::{Outcome, REFUSED_TRIES, pause};
use super::owners::Permits;
use super::{Shared, Slot, span};
use crate::services::lease;
use crate::telemetry::exemplars::Exemplar;
use crate::telemetry::metrics::SECONDS;
use crate::webhook::notification;
use crate::webhook::signature::Secret;
use bytes::Bytes;
use http::HeaderMap;
use netweave_http::{Answer, NO_TOKEN};
use netweave_model::port::{Acked, Attempt, Claim, DeadLetterReason, Item, Notice, Update};
use netweave_model::{
    Context, Error, ErrorKind, Result, Subscription, SubscriptionState, Timestamp, Trace, trace,
};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// Time that must be left of a claim beyond one attempt.
const MARGIN: Duration = Duration::from_secs(2);

/// How long a task waits for its turn at a host and an owner before it makes room for others, and how long it then stays away.
const PATIENCE: Duration = Duration::from_millis(250);
/// Longest time for which a host that does not answer is left alone.
const HOST_PAUSE: Duration = Duration::from_secs(30);

/// Longest pause of a delivery that waits for a key.
const KEY_PAUSE: Duration = Duration::from_secs(30);

/// How a claim goes on after an item.
enum Next {
    /// With the next item.
    Item,
    /// Not at all: it was let go, or lost.
    Ended,
}

/// Whether a task may call its host.
enum Turn {
    /// Now, while it holds these.
    Now((OwnedSemaphorePermit, Permits)),
    /// Not now: the host is busy, or the owner has enough under way.
    Later,
    /// Not with this claim: it is nearly over, or the gateway ends.
    Never,
}

/// Serves one claim to its end.
pub(super) async fn serve(slot: Slot, claim: Claim, until: Instant) {
    let worker = Worker { shared: &slot.shared, claim: &claim, until };
    if let Err(error) = worker.run().await {
        tracing::warn!(subscription = %claim.subscription, %error, "deliveries of a subscription were broken off");
        worker.release().await;
    }
}

struct Worker<'a> {
    shared: &'a Shared,
    claim: &'a Claim,
    until: Instant,
}

impl Worker<'_> {
    async fn run(&self) -> Result<()> {
        let mut claimed = self.claim.consumer.clone();
        for item in &self.claim.items {
            // Read again for each further item: the owner may have replaced the callback since the last one.
            let subscription = match claimed.take() {
                Some(subscription) => subscription,
                None => match self.subscription().await? {
                    Some(subscription) => subscription,
                    None => return Ok(()),
                },
            };
            let host = self.shared.hosts.of(&subscription.callback);
            let permits = match self.turn(&host, &subscription.owner).await {
                Turn::Now(permits) => permits,
                Turn::Later => {
                    return self.shared.parts.deliveries.postpone(self.claim, PATIENCE).await.map(drop);
                }
                Turn::Never => break,
            };
            let next = self.traced(&subscription, &host, item).await;
            drop(permits);
            match next? {
                Next::Item => {}
                Next::Ended => return Ok(()),
            }
        }
        self.release().await;
        Ok(())
    }

    /// Reads the subscription; `None` if it has ended.
    async fn subscription(&self) -> Result<Option<Subscription>> {
        match self.shared.parts.subscriptions.get(&self.claim.subscription).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            subscription => subscription.map(Some),
        }
    }

    /// Waits for a turn, but not long: a host that answers slowly, or an owner of many, must not take all the workers.
    async fn turn(&self, host: &Host, owner: &str) -> Turn {
        let mut stopping = self.shared.stopping.subscribe();
        let acquire = async {
            let of_owner = self.shared.owners.enter(owner).await?;
            Some((Arc::clone(&host.permits).acquire_owned().await.ok()?, of_owner))
        };
        let acquire = tokio::time::timeout(PATIENCE, acquire);
        let acquired = tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return Turn::Never,
            acquired = acquire => acquired,
        };
        let enough = Instant::now() + self.shared.settings.timeout.0 + MARGIN < self.until;
        match acquired {
            Err(_) => Turn::Later,
            Ok(Some(permits)) if enough => Turn::Now(permits),
            Ok(_) => Turn::Never,
        }
    }

    /// Delivers as part of the trace that the change belongs to, if any.
    async fn traced(&self, subscription: &Subscription, host: &Host, item: &Item) -> Result<Next> {
        let parent = match &item.notice {
            Notice::Change(event) => event.trace,
            Notice::Resync { .. } | Notice::Test => None,
        };
        let own = self.shared.parts.tracer.begin(parent);
        Context::of(own).within(self.deliver(subscription, (host, item), parent)).await
    }

    async fn deliver(
        &self,
        subscription: &Subscription,
        (host, item): (&Host, &Item),
        parent: Option<Trace>,
    ) -> Result<Next> {
        let parts = &self.shared.parts;
        let now = parts.clock.now();
        if now.since(item.queued_at) > self.shared.patience.load().retention {
            let attempt = attempt(item, now, Duration::ZERO, Err("too-old"));
            return self.bury(item, DeadLetterReason::TooOld, attempt).await;
        }
        if let Admission::Later(pause) = host.admit(Instant::now(), self.shared.settings.timeout.0) {
            parts.deliveries.postpone(self.claim, pause).await?;
            return Ok(Next::Ended);
        }
        let Some(shown) = self.shown(subscription, item)? else {
            let attempt = attempt(item, now, Duration::ZERO, Err("out-of-scope"));
            return self.bury(item, DeadLetterReason::Refused, attempt).await;
        };
        let secrets = match parts.signers.of(subscription, now) {
            Ok(secrets) => secrets,
            Err(error) => return self.hold(item, now, &error).await,
        };
        match self.render(&secrets, subscription, &shown, now) {
            Ok((mut headers, body)) => {
                let begun = Instant::now();
                span::name(&mut headers);
                let result = parts.outbound.post(&subscription.callback, headers, body).await;
                span::end(&parts.tracer, parent, (subscription, item), (&result, begun.elapsed()));
                let status = result.as_ref().map(|answer| answer.status).map_err(Error::public);
                let attempt = attempt(item, now, begun.elapsed(), status);
                self.count(item, &result);
                self.settle(subscription, (host, item), Outcome::of(&result), attempt).await
            }
            Err(error) => {
                tracing::error!(sequence = item.sequence, %error, "a notification cannot be sent");
                let attempt = attempt(item, now, Duration::ZERO, Err("faulty"));
                self.bury(item, DeadLetterReason::Refused, attempt).await
            }
        }
    }

    /// Returns an item as the owner may see it now; `None` if it may not.
    fn shown<'i>(&self, subscription: &Subscription, item: &'i Item) -> Result<Option<Cow<'i, Item>>> {
        let Some(scope) = self.shared.parts.access.told(&subscription.owner) else { return Ok(None) };
        let Notice::Change(event) = &item.notice else { return Ok(Some(Cow::Borrowed(item))) };
        Ok(scope.told(event)?.map(|told| match told {
            Cow::Borrowed(_) => Cow::Borrowed(item),
            Cow::Owned(told) => Cow::Owned(Item { notice: Notice::Change(Arc::new(told)), ..item.clone() }),
        }))
    }

    fn count(&self, item: &Item, result: &Result<Answer>) {
        if item.attempts > 0 {
            self.shared.parts.metrics.webhook_retries.inc();
        }
        if let Err(error) = result {
            let subscription = &self.claim.subscription;
            tracing::debug!(%subscription, sequence = item.sequence, %error, "a delivery failed");
        }
    }

    /// Does what an attempt's outcome asks for.
    async fn settle(
        &self,
        subscription: &Subscription,
        (host, item): (&Host, &Item),
        outcome: Outcome,
        attempt: Attempt,
    ) -> Result<Next> {
        if let Outcome::Retry(asked) = outcome {
            let pause = asked.unwrap_or_else(|| self.pause(item));
            // An answer speaks for its subscription alone; only silence speaks for the host, which was not asked without a token.
            if attempt.status.is_some() {
                host.answered();
            } else if attempt.error.as_deref() != Some(NO_TOKEN) {
                host.failed(Instant::now() + pause.min(HOST_PAUSE));
            }
            return self.defer(pause, attempt).await;
        }
        host.answered();
        match outcome {
            Outcome::Delivered => self.acknowledge(subscription, item, attempt).await,
            Outcome::Gone => self.suspend(subscription, attempt).await,
            Outcome::Refused if item.attempts.saturating_add(1) >= REFUSED_TRIES => {
                self.bury(item, DeadLetterReason::Refused, attempt).await
            }
            Outcome::Refused | Outcome::Retry(_) => self.defer(self.pause(item), attempt).await,
        }
    }

    /// The secret cannot be opened now: the item waits for its key, at the head of its queue.
    async fn hold(&self, item: &Item, now: Timestamp, error: &Error) -> Result<Next> {
        let subscription = &self.claim.subscription;
        tracing::debug!(%subscription, sequence = item.sequence, %error, "a delivery waits for a key");
        self.shared.parts.metrics.webhook_deliveries.with_label_values(&["held"]).inc();
        let attempt = attempt(item, now, Duration::ZERO, Err(error.public()));
        self.record_deferral(self.pause(item).min(KEY_PAUSE), attempt).await
    }

    fn render(
        &self,
        secrets: &[Secret],
        subscription: &Subscription,
        item: &Item,
        now: Timestamp,
    ) -> Result<(HeaderMap, Bytes)> {
        let body = self.shared.parts.renderer.body(subscription, item)?;
        Ok((notification::headers(secrets, (subscription, item), now, &body)?, body))
    }

    async fn acknowledge(&self, subscription: &Subscription, item: &Item, attempt: Attempt) -> Result<Next> {
        let parts = &self.shared.parts;
        let now = parts.clock.now();
        parts.metrics.webhook_deliveries.with_label_values(&["delivered"]).inc();
        if let Notice::Change(event) = &item.notice {
            let which = if item.attempts == 0 { "first" } else { "later" };
            let (family, took) = (&parts.metrics.webhook_latency, now.since(event.at).as_secs_f64());
            family.with_label_values(&[which]).observe(took);
            if let Some(trace) = parts.tracer.recorded(trace::current()) {
                let series = parts.metrics.exemplars.series(family, &[which], SECONDS);
                series.keep(Exemplar::now(trace, took));
            }
        }
        let acked = parts.deliveries.ack_head(self.claim, attempt).await?;
        lease::try_alive(&*parts.subscriptions, subscription.clone(), now).await;
        Ok(if acked == Acked::Held { Next::Item } else { Next::Ended })
    }

    /// The consumer said that the callback is gone: deliveries wait until the owner replaces the subscription.
    async fn suspend(&self, subscription: &Subscription, attempt: Attempt) -> Result<Next> {
        let parts = &self.shared.parts;
        tracing::warn!(subscription = %subscription.id, owner = subscription.owner, "a callback answered 410, deliveries are suspended");
        let reason = "the callback answered 410 Gone; replace the subscription to go on".to_owned();
        let state = Some(SubscriptionState::Suspended { reason });
        let update = Update { state, ..Update::default() };
        parts.metrics.webhook_deliveries.with_label_values(&["suspended"]).inc();
        match parts.subscriptions.update(&subscription.id, Some(subscription.rev), update).await {
            // The owner has just changed it: what the old callback said no longer counts.
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => {
                self.record_deferral(Duration::ZERO, attempt).await
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Next::Ended),
            Err(error) => Err(error),
            Ok(_) => self.record_deferral(self.shared.patience.load().max_pause, attempt).await,
        }
    }

    async fn defer(&self, pause: Duration, attempt: Attempt) -> Result<Next> {
        self.shared.parts.metrics.webhook_deliveries.with_label_values(&["failed"]).inc();
        self.record_deferral(pause, attempt).await
    }

    async fn record_deferral(&self, pause: Duration, attempt: Attempt) -> Result<Next> {
        self.shared.parts.deliveries.defer(self.claim, pause, attempt).await?;
        Ok(Next::Ended)
    }

    async fn bury(&self, item: &Item, reason: DeadLetterReason, attempt: Attempt) -> Result<Next> {
        let metrics = &self.shared.parts.metrics;
        let held = self.shared.parts.deliveries.dead_letter(self.claim, reason, attempt).await?;
        if !held {
            return Ok(Next::Ended);
        }
        metrics.webhook_deliveries.with_label_values(&["dead"]).inc();
        metrics.webhook_dead.inc();
        tracing::warn!(subscription = %self.claim.subscription, sequence = item.sequence, ?reason, "a notification became a dead letter");
        let audit = &self.shared.parts.audit;
        let event = audit.now("notification.given-up").with("id", self.claim.subscription.as_str());
        let event = event.with("notificationId", item.notification_id.to_string());
        audit.dead_letter(event.with("sequence", item.sequence).with("why", format!("{reason:?}")));
        Ok(Next::Item)
    }

    fn pause(&self, item: &Item) -> Duration {
        pause(item.attempts, self.shared.patience.load().max_pause, &*self.shared.parts.ids)
    }

    async fn release(&self) {
        if let Err(error) = self.shared.parts.deliveries.release(self.claim).await {
            tracing::warn!(subscription = %self.claim.subscription, %error, "a claim could not be let go yet, at the latest it runs out by itself");
        }
    }
}

/// Makes the record of an attempt.
fn attempt(item: &Item, at: Timestamp, took: Duration, result: std::result::Result<u16, &str>) -> Attempt {
    let status = result.ok();
    Attempt {
        sequence: item.sequence,
        notification_id: item.notification_id,
        at,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        status,
        delivered: status.is_some_and(|status| (200..300).contains(&status)),
        error: result.err().map(str::to_owned),
    }
}
