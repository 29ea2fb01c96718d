//! Notifier: takes due queue heads and posts them to their callbacks.
//!
//! Each claimed subscription is served by a task of its own, head by head, so order is kept within a subscription and a
//! slow consumer holds up nobody else. What an answer means is said in `notifier/outcome.rs`.

mod hosts;
pub mod outcome;
mod owners;
mod span;
mod worker;

use super::Service;
use crate::access::Access;
use crate::audit::Audit;
use crate::conf::tree::Delivery;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::Tracer;
use crate::webhook::notification::Renderer;
use crate::webhook::signers::Signers;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use hosts::Hosts;
use netweave_http::Outbound;
use netweave_model::Result;
use netweave_model::port::{Clock, Deliveries, Ids, Subscriptions};
use owners::Owners;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// Queues claimed with one call: a store does nothing else meanwhile, and a Redis needs some 30 us for each.
const TOGETHER: usize = 64;
/// Items taken with one claim.
const DEPTH: usize = 16;
/// Shortest claim; it must outlive an attempt by far, or a slow one would be made twice.
const MIN_CLAIM: Duration = Duration::from_secs(15);
/// Shortest and longest sleep between looks at what falls due by time.
const LOOKS: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(1);
/// Pause when the store does not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Time beyond one attempt that tasks have to end at shutdown.
const STOP_MARGIN: Duration = Duration::from_secs(2);

/// What the notifier works with.
pub struct Parts {
    /// The delivery queues.
    pub deliveries: Arc<dyn Deliveries>,
    /// The subscriptions.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// The client that posts.
    pub outbound: Arc<Outbound>,
    /// Who may be told of what.
    pub access: Arc<Access>,
    /// Renders bodies.
    pub renderer: Renderer,
    /// Finds what signs them.
    pub signers: Arc<Signers>,
    /// The store's time: items are stamped with it.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for jitter.
    pub ids: Arc<dyn Ids>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The audit log.
    pub audit: Arc<Audit>,
    /// Takes the spans of deliveries.
    pub tracer: Arc<Tracer>,
}

/// The service.
pub struct Notifier {
    shared: Arc<Shared>,
    /// One permit per subscription that can be served at the same time.
    slots: Arc<Semaphore>,
    /// The last look found as much as there was room for, so more may be due.
    full: AtomicBool,
    tasks: Mutex<JoinSet<()>>,
}

/// The place of a task; another one may take it when this is dropped.
struct Slot {
    shared: Arc<Shared>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        // In this order: whoever is woken must find the permit.
        drop(self.permit.take());
        self.shared.parts.metrics.webhook_workers.dec();
        self.shared.freed.notify_one();
    }
}

/// How long items are tried, and how often.
#[derive(Clone, Copy, Debug)]
struct Patience {
    max_pause: Duration,
    retention: Duration,
}

impl Patience {
    fn new(settings: &Delivery) -> Arc<Self> {
        Arc::new(Self { max_pause: settings.max_pause.0, retention: settings.retention.0 })
    }
}

/// What all tasks share.
struct Shared {
    parts: Parts,
    settings: Delivery,
    /// How long items are tried; another may take its place.
    patience: ArcSwap<Patience>,
    hosts: Hosts,
    owners: Owners,
    /// A slot has become free.
    freed: Notify,
    stopping: watch::Sender<bool>,
}

impl Notifier {
    /// Puts another longest pause and retention in force; the other settings stay.
    pub fn replace(&self, settings: &Delivery) {
        self.shared.patience.store(Patience::new(settings));
    }

    /// Makes the service.
    pub fn new(parts: Parts, settings: Delivery) -> Self {
        let shared = Shared {
            hosts: Hosts::default(),
            owners: Owners::new(Arc::clone(&parts.access), settings.per_owner),
            freed: Notify::new(),
            stopping: watch::Sender::new(false),
            parts,
            patience: ArcSwap::new(Patience::new(&settings)),
            settings,
        };
        let slots = Arc::new(Semaphore::new(shared.settings.concurrency.max(1)));
        Self { shared: Arc::new(shared), slots, full: AtomicBool::new(false), tasks: Mutex::default() }
    }

    /// Returns how many subscriptions are being served.
    pub fn in_flight(&self) -> usize {
        self.concurrency().saturating_sub(self.slots.available_permits())
    }

    /// Waits until a worker has become free.
    #[cfg(test)]
    pub(crate) async fn freed(&self) {
        self.shared.freed.notified().await;
    }

    fn concurrency(&self) -> usize {
        self.shared.settings.concurrency.max(1)
    }

    /// Forgets the tasks that have ended.
    fn tidy(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a delivery task has failed, its claim runs out by itself");
            }
        }
    }

    async fn until_due(&self) {
        let pause = match self.shared.parts.deliveries.next_due().await {
            Ok(next) => next.unwrap_or(*LOOKS.end()),
            Err(_) => PAUSE,
        };
        tokio::time::sleep(pause.clamp(*LOOKS.start(), *LOOKS.end())).await;
    }
}

impl Shared {
    /// How long a claim lasts: enough for an attempt to be made, waited for and recorded.
    fn claim_time(&self) -> Duration {
        MIN_CLAIM.max(self.settings.timeout.0.saturating_mul(3))
    }
}

#[async_trait]
impl Service for Notifier {
    fn name(&self) -> &'static str {
        "notifier"
    }

    /// Takes what is due, as far as there are workers; does not wait for the deliveries.
    async fn activate(&self) -> Result<bool> {
        self.tidy();
        let free = self.slots.available_permits();
        if free == 0 || *self.shared.stopping.borrow() {
            return Ok(false);
        }
        let hold = self.shared.claim_time();
        // Counted from the question, so it ends here before it ends in the store.
        let until = Instant::now() + hold;
        let asked = free.min(TOGETHER);
        let claims = self.shared.parts.deliveries.take(asked, DEPTH, hold).await?;
        let more = claims.len() == asked;
        self.full.store(more, Ordering::Relaxed);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for claim in claims {
            // Only here are permits taken, so there is one for each claim.
            let permit = Arc::clone(&self.slots).try_acquire_owned().ok();
            self.shared.parts.metrics.webhook_workers.inc();
            let slot = Slot { shared: Arc::clone(&self.shared), permit };
            // In a box: a task of that size would be moved several times.
            tasks.spawn(Box::pin(worker::serve(slot, claim, until)));
        }
        Ok(more && free > asked)
    }

    /// Waits until something is due and a worker is free for it.
    ///
    /// A worker that has become free is no reason to look, unless there was more to do than workers.
    async fn wait(&self) {
        if self.full.load(Ordering::Relaxed) {
            self.shared.freed.notified().await;
            // Stores acknowledge many at once: those whose workers are about to be free are taken with the same look.
            tokio::task::yield_now().await;
            return;
        }
        tokio::select! {
            () = self.shared.parts.deliveries.wait() => {}
            () = self.until_due() => {}
        }
    }

    /// Lets attempts in flight end, and lets go of all claims.
    async fn stop(&self) {
        self.shared.stopping.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.shared.settings.timeout.0 + STOP_MARGIN, all).await.is_err() {
            tracing::warn!("some deliveries did not end in time, their claims run out by themselves");
        }
    }
}
