//! The stream of changes: gathers all that the watches name first, tells it as `Reset .. Synced`, then tells differences.
//!
//! When a watch has to start over (its past is gone after a restart of the server, an API appeared, credentials ran out),
//! everything is gathered anew: the next `Reset .. Synced` is complete, and nothing is deleted that still exists.

use crate::backend::Shared;
use crate::cluster::Cluster;
use crate::error;
use crate::events::{self, Events, FAILS_AGAIN, Failure, Origin, Readable, Seen};
use crate::map::kind::Family;
use crate::map::{class, host, node};
use crate::read;
use futures::stream::{self, StreamExt};
use kube::runtime::watcher::{self, Event};
use netweave_model::port::{Change, Changes};
use netweave_model::{Error, ErrorKind, Kind, Object, ObjectKey, Result};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, info};

/// Shortest time between two error items.
const ERRORS_EVERY: Duration = Duration::from_secs(5);
/// Longest pause between attempts to begin.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
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
    failed: Option<Instant>,
    /// Pause before the next attempt to begin, if the last one failed.
    pause: Duration,
}

/// The time from the start of all watches until one has to start over.
struct Epoch {
    events: Events,
    cluster: Cluster,
    streaming: bool,
    /// The watches that have not named everything yet; empty once the baseline was told.
    gathering: BTreeSet<Origin>,
}

/// Streams the changes of some kinds of a cluster's objects.
pub(crate) fn changes(shared: Arc<Shared>, kinds: Vec<Kind>) -> Changes {
    let follow = Follow {
        shared,
        kinds,
        epoch: None,
        ready: VecDeque::new(),
        told_error: None,
        failed: None,
        pause: Duration::ZERO,
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
        tokio::time::sleep(self.pause.mul_f64(0.5 + 0.5 * fastrand::f64())).await;
        let client = self.shared.connection.client().await?;
        let version = read::version(&client, read::TIME).await?;
        let readable = Readable::look(&client).await?;
        debug!(source = %self.shared.scope.source, ?readable, "watching the cluster");
        let streaming = self.shared.streaming();
        self.epoch = Some(Epoch {
            events: events::events(&client, readable, streaming),
            cluster: Cluster::new(self.shared.scope.clone(), version)?,
            streaming,
            gathering: readable.origins().collect(),
        });
        Ok(())
    }

    fn saw(&mut self, seen: Seen) -> Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        let shared = &self.shared;
        let step = match seen {
            Seen::Node(event) => epoch.node(shared, event)?,
            Seen::Class(event) => epoch.class(shared, event)?,
            Seen::Host(event) => epoch.host(shared, event)?,
            Seen::Beat(version) => {
                epoch.cluster.set_version(version);
                if shared.connection.expired() { Step::StartOver } else { Step::Beat }
            }
            Seen::Appeared => Step::StartOver,
        };
        match step {
            Step::Wait => {}
            Step::Baseline => self.baseline()?,
            Step::Tell => self.tell()?,
            Step::Beat if epoch.gathering.is_empty() => {
                self.tell()?;
                if self.failed.is_none_or(|at| at.elapsed() >= FAILS_AGAIN) {
                    self.ready.push_back(Ok(Change::Heartbeat));
                }
            }
            Step::Beat => {}
            Step::StartOver => self.epoch = None,
        }
        Ok(())
    }

    /// Tells everything, kind by kind in the order that was asked for.
    fn baseline(&mut self) -> Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        let mut objects = BTreeMap::new();
        read::fold(&mut objects, epoch.cluster.drain()?);
        let mut of_kind: BTreeMap<Kind, Vec<Object>> = BTreeMap::new();
        for (ObjectKey { kind, .. }, object) in objects {
            of_kind.entry(kind).or_default().push(object);
        }
        for kind in &self.kinds {
            self.ready.push_back(Ok(Change::Reset(*kind)));
            let upserts = of_kind.remove(kind).into_iter().flatten().map(Change::Upsert);
            self.ready.extend(upserts.map(Ok));
            self.ready.push_back(Ok(Change::Synced(*kind)));
        }
        self.pause = Duration::ZERO;
        Ok(())
    }

    /// Tells what the latest event changed.
    fn tell(&mut self) -> Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        let kinds = &self.kinds;
        let wanted = |change: &Change| match change {
            Change::Upsert(object) => kinds.contains(&object.key.kind),
            Change::Delete(key) => kinds.contains(&key.kind),
            Change::Reset(_) | Change::Synced(_) | Change::Heartbeat => true,
        };
        self.ready.extend(epoch.cluster.drain()?.into_iter().filter(wanted).map(Ok));
        Ok(())
    }

    fn failed(&mut self, failure: Failure) {
        let (origin, error) = match failure {
            Failure::Beat(error) => return self.report(error),
            Failure::Watch(origin, error) => (origin, error),
        };
        let streaming =
            self.epoch.as_ref().is_some_and(|epoch| epoch.streaming && epoch.gathering.contains(&origin));
        if streaming && events::refuses_streaming(&error) {
            info!(source = %self.shared.scope.source, "the cluster does not stream lists, listing page by page");
            self.shared.stop_streaming();
            self.epoch = None;
            return;
        }
        let gone = origin != Origin::Nodes && error::code(&error) == Some(404);
        let expired = matches!(&error, watcher::Error::WatchError(status) if status.code == 410);
        if expired {
            // Not a failure: the watch names everything again, see `Step::StartOver`.
            return debug!(?origin, "the past of a watch is gone");
        }
        let error = error::watch(error);
        if gone || error.kind() == ErrorKind::Unauthenticated {
            self.start_over();
        }
        if !gone {
            self.report(error);
        }
    }

    /// Ends the epoch; the next begins after a pause that grows while attempts fail.
    fn start_over(&mut self) {
        self.epoch = None;
        self.shared.connection.renew();
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
    }

    /// Tells an error, but not too often.
    fn report(&mut self, error: Error) {
        let now = Instant::now();
        self.failed = Some(now);
        if self.told_error.is_none_or(|at| now.duration_since(at) >= ERRORS_EVERY) {
            self.told_error = Some(now);
            self.ready.push_back(Err(error));
        } else {
            debug!(%error, "the cluster failed again");
        }
    }
}

/// What follows from an event.
enum Step {
    Wait,
    /// The last watch has named everything.
    Baseline,
    Tell,
    Beat,
    StartOver,
}

impl Epoch {
    fn node(&mut self, shared: &Shared, event: Event<k8s_openapi::api::core::v1::Node>) -> Result<Step> {
        match event {
            Event::Init if self.gathering.contains(&Origin::Nodes) => self.cluster.clear(Family::Node),
            Event::Init => return Ok(Step::StartOver),
            Event::InitApply(item) | Event::Apply(item) => {
                let member = node::node(&shared.scope, &item)?;
                shared.remember_node(&member.object.key.id, &item.metadata);
                self.cluster.put(member);
            }
            Event::Delete(item) => {
                self.cluster
                    .remove(&node::id(&shared.scope, item.metadata.name.as_deref().unwrap_or_default()));
            }
            Event::InitDone => return Ok(self.named(Origin::Nodes)),
        }
        Ok(self.step())
    }

    fn class(
        &mut self,
        shared: &Shared,
        event: Event<k8s_openapi::api::storage::v1::StorageClass>,
    ) -> Result<Step> {
        match event {
            Event::Init if self.gathering.contains(&Origin::Classes) => self.cluster.clear_classes(),
            Event::Init => return Ok(Step::StartOver),
            Event::InitApply(item) | Event::Apply(item) => {
                let name = item.metadata.name.as_deref().unwrap_or_default();
                self.cluster.put_class(name, class::class(&shared.scope, &item)?);
            }
            Event::Delete(item) => {
                self.cluster.remove_class(item.metadata.name.as_deref().unwrap_or_default())
            }
            Event::InitDone => return Ok(self.named(Origin::Classes)),
        }
        Ok(self.step())
    }

    fn host(&mut self, shared: &Shared, event: Event<kube::api::DynamicObject>) -> Result<Step> {
        match event {
            Event::Init if self.gathering.contains(&Origin::Hosts) => self.cluster.clear(Family::Host),
            Event::Init => return Ok(Step::StartOver),
            Event::InitApply(item) | Event::Apply(item) => {
                let member = host::host(&shared.scope, &item)?;
                shared.remember_host(&member.object.key.id, &item.metadata);
                self.cluster.put(member);
            }
            Event::Delete(item) => self.cluster.remove(&host::id(&shared.scope, &host::native(&item))),
            Event::InitDone => return Ok(self.named(Origin::Hosts)),
        }
        Ok(self.step())
    }

    fn step(&self) -> Step {
        if self.gathering.is_empty() { Step::Tell } else { Step::Wait }
    }

    /// Notes that a watch has named everything.
    fn named(&mut self, origin: Origin) -> Step {
        let last = self.gathering.remove(&origin) && self.gathering.is_empty();
        if last { Step::Baseline } else { Step::Wait }
    }
}
