//! Runs the background services: rounds, pauses, back-off, and the handing over at the end.

use super::Service;
use crate::listen::Stopping;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use futures::FutureExt;
use netweave_model::port::Ids;
use netweave_model::{Error, Result};
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// First pause after a failure; it doubles up to `MAX_PAUSE`.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause after a failure.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Runs all services on the runtime that starts it.
pub(crate) struct Driver {
    /// The services.
    pub(crate) services: Vec<Arc<dyn Service>>,
    /// Counts their rounds.
    pub(crate) metrics: Arc<Metrics>,
    /// Says when to end, and is told when all have.
    pub(crate) stopping: Arc<Stopping>,
    /// Where the jitter comes from.
    pub(crate) ids: Arc<dyn Ids>,
    /// How long a service may take to hand over.
    pub(crate) grace: Duration,
    /// The first pause after a failure.
    pub(crate) first_pause: Duration,
}

#[async_trait]
impl BackgroundService for Driver {
    async fn start(&self, _shutdown: ShutdownWatch) {
        let runs = self.services.iter().map(|service| {
            let run = Run {
                service: Arc::clone(service),
                metrics: Arc::clone(&self.metrics),
                ids: Arc::clone(&self.ids),
                stopping: Arc::clone(&self.stopping),
                grace: self.grace,
                first_pause: self.first_pause,
            };
            tokio::spawn(run.until_stopped())
        });
        futures::future::join_all(runs).await;
        self.stopping.services_done(true);
    }
}

/// One service being run.
struct Run {
    service: Arc<dyn Service>,
    metrics: Arc<Metrics>,
    ids: Arc<dyn Ids>,
    stopping: Arc<Stopping>,
    grace: Duration,
    first_pause: Duration,
}

impl Run {
    async fn until_stopped(self) {
        tokio::select! {
            biased;
            () = self.stopping.drained() => {}
            () = self.rounds() => {}
        }
        if tokio::time::timeout(self.grace, self.service.stop()).await.is_err() {
            warn!(service = self.service.name(), "a service did not hand over in time");
        }
    }

    async fn rounds(&self) {
        let name = self.service.name();
        let count = |outcome| self.metrics.service_rounds.with_label_values(&[name, outcome]);
        let (good, bad) = (count("ok"), count("error"));
        let streak = self.metrics.service_failed_rounds.with_label_values(&[name]);
        let mut failures = 0_u32;
        loop {
            match self.round().await {
                Ok(more) => {
                    good.inc();
                    streak.set(0);
                    recovered(name, std::mem::take(&mut failures));
                    if !more {
                        self.service.wait().await;
                    }
                }
                Err(error) => {
                    bad.inc();
                    failures = failures.saturating_add(1);
                    streak.set(i64::from(failures));
                    failed(name, failures, &error);
                    tokio::time::sleep(pause(self.first_pause, failures, self.ids.uuid().as_u128())).await;
                }
            }
        }
    }

    /// Does one round; a panic in it is a failed round.
    async fn round(&self) -> Result<bool> {
        match AssertUnwindSafe(self.service.activate()).catch_unwind().await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::internal("a service panicked")),
        }
    }
}

/// Tells of the first failure of a streak; the others are only counted.
fn failed(service: &str, failures: u32, error: &Error) {
    if failures == 1 {
        warn!(service, %error, "a service failed and will try again");
    }
}

/// Tells of the end of a streak of failures, if there was one.
fn recovered(service: &str, failures: u32) {
    if failures > 0 {
        info!(service, failures, "a service works again");
    }
}

/// Returns the pause after so many failures in a row: doubling, and between half and all of it at random.
fn pause(first: Duration, failures: u32, random: u128) -> Duration {
    let full = first.saturating_mul(1 << failures.saturating_sub(1).min(5)).min(MAX_PAUSE);
    let part = u32::try_from(random % 512).unwrap_or(0) + 512;
    full * part / 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use uuid::Uuid;

    struct FixedIds;

    impl Ids for FixedIds {
        fn uuid(&self) -> Uuid {
            Uuid::nil()
        }

        fn secret(&self) -> [u8; 32] {
            [0; 32]
        }
    }

    /// Panics, fails, has more work, then waits for ever.
    struct Moody {
        metrics: Arc<Metrics>,
        rounds: AtomicU32,
        stopped: AtomicU32,
        idle: tokio::sync::Notify,
    }

    #[async_trait]
    impl Service for Moody {
        fn name(&self) -> &'static str {
            "moody"
        }

        async fn activate(&self) -> Result<bool> {
            match self.rounds.fetch_add(1, Ordering::SeqCst) {
                0 => panic!("on purpose"),
                1 => Err(Error::internal("on purpose")),
                2 => {
                    let streak = self.metrics.service_failed_rounds.with_label_values(&["moody"]);
                    assert_eq!(streak.get(), 2, "both rounds before failed");
                    Ok(true)
                }
                _ => Ok(false),
            }
        }

        async fn wait(&self) {
            self.idle.notify_one();
            std::future::pending::<()>().await;
        }

        async fn stop(&self) {
            self.stopped.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn pauses_double_to_their_bound_and_are_jittered() {
        assert_eq!(pause(FIRST_PAUSE, 1, 511), FIRST_PAUSE * 1023 / 1024);
        assert_eq!(pause(FIRST_PAUSE, 1, 0), FIRST_PAUSE / 2);
        assert_eq!(pause(FIRST_PAUSE, 2, 0), FIRST_PAUSE);
        assert_eq!(pause(FIRST_PAUSE, 40, 0), MAX_PAUSE / 2);
    }

    #[tokio::test]
    async fn a_service_survives_panics_and_errors_and_hands_over_at_the_end() {
        let (metrics, stopping) = (Arc::new(Metrics::new().unwrap()), Arc::new(Stopping::default()));
        let moody = Arc::new(Moody {
            metrics: Arc::clone(&metrics),
            rounds: AtomicU32::new(0),
            stopped: AtomicU32::new(0),
            idle: tokio::sync::Notify::new(),
        });
        let driver = Driver {
            services: vec![Arc::clone(&moody) as Arc<dyn Service>],
            metrics: Arc::clone(&metrics),
            stopping: Arc::clone(&stopping),
            ids: Arc::new(FixedIds),
            grace: Duration::from_secs(1),
            first_pause: Duration::from_millis(1),
        };
        let end = async {
            moody.idle.notified().await;
            stopping.begin_drain();
        };
        tokio::join!(driver.start(tokio::sync::watch::channel(false).1), end);
        assert_eq!((moody.rounds.load(Ordering::SeqCst), moody.stopped.load(Ordering::SeqCst)), (4, 1));
        assert_eq!(metrics.service_rounds.with_label_values(&["moody", "error"]).get(), 2);
        assert_eq!(metrics.service_failed_rounds.with_label_values(&["moody"]).get(), 0);
    }
}
