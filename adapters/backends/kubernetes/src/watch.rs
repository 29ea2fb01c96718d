//! The stream of changes: gathers all that the watches name first, tells it as `Reset .. Synced`, then tells differences.
//!
//! When a watch has to start over (its past is gone after a restart of the server, an API appeared, credentials ran out),
//! everything is gathered anew: the next `Reset .. Synced` is complete, and nothing is deleted that still exists.

use crate::backend::Shared;
use crate::epoch::{Epoch, Step};
use crate::error;
use crate::events::{self, FAILS_AGAIN, Failure, Origin, Seen};
use futures::stream::{self, StreamExt};
use kube::runtime::watcher;
use netweave_model::backoff::Backoff;
use netweave_model::port::{Change, Changes, Look, fold};
use netweave_model::{Error, ErrorKind, Kind, ObjectKey, Result, Retry};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, info};

/// Shortest time between two error items.
const ERRORS_EVERY: Duration = Duration::from_secs(5);
/// Longest pause between attempts to begin.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// One stream's state.
struct Follow {
    shared: Arc<Shared>,
    kinds: Vec<Kind>,
    epoch: Option<Epoch>,
    ready: VecDeque<Result<Change>>,
    /// When an error item was told last.
    told_error: Option<Instant>,
    /// When something failed last.
    failed_at: Option<Instant>,
    /// Pauses before attempts to begin.
    backoff: Backoff,
}

/// Streams the changes of some kinds of a cluster's objects.
pub(crate) fn changes(shared: Arc<Shared>, kinds: Vec<Kind>) -> Changes {
    let follow = Follow {
        shared,
        kinds,
        epoch: None,
        ready: VecDeque::new(),
        told_error: None,
        failed_at: None,
        backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
    };
    stream::unfold(follow, |mut follow| async move {
        let item = follow.next().await;
        Some((item, follow))
    })
    .boxed()
}

impl Follow {
    async fn next(&mut self) -> Result<Change> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return item;
            }
            let outcome = match &mut self.epoch {
                None => self.begin().await,
                Some(epoch) => match epoch.events.next().await {
                    Some(Ok(seen)) => self.saw(seen),
                    Some(Err(failure)) => {
                        self.failed(failure);
                        Ok(())
                    }
                    None => {
                        self.epoch = None;
                        Ok(())
                    }
                },
            };
            if let Err(error) = outcome {
                self.start_over();
                self.report(error);
            }
        }
    }

    /// Starts all watches, after the pause that the last failure asked for.
    async fn begin(&mut self) -> Result<()> {
        tokio::time::sleep(self.backoff.pause().mul_f64(0.5 + 0.5 * fastrand::f64())).await;
        self.epoch = Some(Epoch::begin(&self.shared).await?);
        Ok(())
    }

    fn saw(&mut self, seen: Seen) -> Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        match epoch.saw(&self.shared, seen)? {
            Step::Wait => {}
            Step::Baseline => self.baseline()?,
            Step::Tell => self.tell()?,
            Step::Beat => {
                self.tell()?;
                if self.failed_at.is_none_or(|at| at.elapsed() >= FAILS_AGAIN) {
                    self.ready.push_back(Ok(Change::Heartbeat));
                }
            }
            Step::StartOver => self.epoch = None,
        }
        Ok(())
    }

    /// Tells everything, kind by kind in the order that was asked for.
    fn baseline(&mut self) -> Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        let mut objects = BTreeMap::new();
        fold(&mut objects, epoch.cluster.drain()?);
        self.shared.keep_only(|id| objects.contains_key(&ObjectKey { kind: Kind::Resource, id: id.clone() }));
        self.ready.extend(Look::of(&self.kinds, objects.into_values()).baseline(&self.kinds).map(Ok));
        self.backoff.reset();
        self.failed_at = None;
        Ok(())
    }

    /// Tells what the latest event changed.
    fn tell(&mut self) -> Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        let kinds = &self.kinds;
        self.ready.extend(epoch.cluster.drain()?.into_iter().filter(|change| change.concerns(kinds)).map(Ok));
        Ok(())
    }

    fn failed(&mut self, failure: Failure) {
        match failure {
            Failure::Beat(error) => self.report(error),
            Failure::Watch(origin, error) if self.refuses_streaming(origin, &error) => {
                info!(source = %self.shared.scope.source, "the cluster does not stream lists, listing page by page");
                self.shared.stop_streaming();
                self.epoch = None;
            }
            // The API of an optional kind is gone, and its objects with it: the next beginning goes without.
            Failure::Watch(Origin::Classes | Origin::Hosts, error) if error::code(&error) == Some(404) => {
                self.start_over();
            }
            // Not a failure: the past of the watch is gone, and it names everything again.
            Failure::Watch(_, watcher::Error::WatchError(status)) if status.code == 410 => {}
            Failure::Watch(_, error) => {
                // The watch goes on after an event that cannot be read, but what that said is lost.
                let is_lost = matches!(error, watcher::Error::WatchFailed(kube::Error::SerdeError(_)));
                let error = error::watch(error);
                if is_lost || error.kind() == ErrorKind::Unauthenticated {
                    self.start_over();
                }
                self.report(error);
            }
        }
    }

    fn refuses_streaming(&self, origin: Origin, error: &watcher::Error) -> bool {
        self.epoch.as_ref().is_some_and(|epoch| epoch.streams(origin)) && events::refuses_streaming(error)
    }

    /// Ends the epoch; the next begins after a pause that grows while attempts fail.
    fn start_over(&mut self) {
        self.epoch = None;
        self.shared.connection.renew();
        self.backoff.failed(Retry::Later);
    }

    /// Tells an error, but not too often.
    fn report(&mut self, error: Error) {
        let now = Instant::now();
        self.failed_at = Some(now);
        if self.told_error.is_none_or(|at| now.duration_since(at) >= ERRORS_EVERY) {
            self.told_error = Some(now);
            self.ready.push_back(Err(error));
        } else {
            debug!(%error, "the cluster failed again");
        }
    }
}
