//! The time between two beginnings: what the watches name goes into the cluster's state.

use crate::backend::Shared;
use crate::cluster::Cluster;
use crate::events::{self, Events, Origin, Readable, Seen};
use crate::map::kind::Family;
use crate::map::{class, host, node};
use crate::read;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::DynamicObject;
use kube::runtime::watcher::Event;
use netweave_model::Result;
use std::collections::BTreeSet;
use tracing::debug;

/// The time from the start of all watches until one has to start over.
pub(crate) struct Epoch {
    pub(crate) events: Events,
    pub(crate) cluster: Cluster,
    /// The first lists are asked for as streams.
    streaming: bool,
    /// The watches that have not named everything yet; empty once the baseline was told.
    gathering: BTreeSet<Origin>,
}

/// What follows from an event.
pub(crate) enum Step {
    Wait,
    /// The last watch has named everything.
    Baseline,
    Tell,
    Beat,
    StartOver,
}

impl Epoch {
    /// Starts all watches.
    pub(crate) async fn begin(shared: &Shared) -> Result<Self> {
        let client = shared.connection.client().await?;
        let version = read::version(&client, read::TIME).await?;
        let readable = Readable::look(&client).await?;
        debug!(source = %shared.scope.source, ?readable, "watching the cluster");
        let streaming = shared.streaming();
        Ok(Self {
            events: events::events(&client, readable, streaming),
            cluster: Cluster::new(shared.scope.clone(), version)?,
            streaming,
            gathering: readable.origins().collect(),
        })
    }

    /// Tells whether everything was named once, so that events are differences now.
    pub(crate) fn settled(&self) -> bool {
        self.gathering.is_empty()
    }

    /// Tells whether a watch is still reading its first list as a stream.
    pub(crate) fn streams(&self, origin: Origin) -> bool {
        self.streaming && self.gathering.contains(&origin)
    }

    /// Takes in what was seen and says what follows.
    pub(crate) fn saw(&mut self, shared: &Shared, seen: Seen) -> Result<Step> {
        match seen {
            Seen::Node(event) => self.node(shared, *event),
            Seen::Class(event) => self.class(shared, event),
            Seen::Host(event) => self.host(shared, event),
            Seen::Appeared => Ok(Step::StartOver),
            Seen::Beat(version) => {
                self.cluster.set_version(version);
                Ok(match (shared.connection.expired(), self.settled()) {
                    (true, _) => Step::StartOver,
                    (false, true) => Step::Beat,
                    (false, false) => Step::Wait,
                })
            }
        }
    }

    fn node(&mut self, shared: &Shared, event: Event<Node>) -> Result<Step> {
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

    fn class(&mut self, shared: &Shared, event: Event<StorageClass>) -> Result<Step> {
        match event {
            Event::Init if self.gathering.contains(&Origin::Classes) => self.cluster.clear_classes(),
            Event::Init => return Ok(Step::StartOver),
            Event::InitApply(item) | Event::Apply(item) => {
                let name = item.metadata.name.as_deref().unwrap_or_default();
                self.cluster.put_class(name, class::class(&shared.scope, &item)?);
            }
            Event::Delete(item) => {
                self.cluster.remove_class(item.metadata.name.as_deref().unwrap_or_default());
            }
            Event::InitDone => return Ok(self.named(Origin::Classes)),
        }
        Ok(self.step())
    }

    fn host(&mut self, shared: &Shared, event: Event<DynamicObject>) -> Result<Step> {
        match event {
            Event::Init if self.gathering.contains(&Origin::Hosts) => self.cluster.clear(Family::Host),
            Event::Init => return Ok(Step::StartOver),
            Event::InitApply(item) | Event::Apply(item) => {
                let member = host::host(&shared.scope, &item)?;
                shared.remember_host(&member.object.key.id, &item.metadata);
                self.cluster.put(member);
            }
            Event::Delete(item) => {
                let id = host::id(&shared.scope, &host::native(&item));
                shared.forget(&id);
                self.cluster.remove(&id);
            }
            Event::InitDone => return Ok(self.named(Origin::Hosts)),
        }
        Ok(self.step())
    }

    fn step(&self) -> Step {
        if self.settled() { Step::Tell } else { Step::Wait }
    }

    /// Notes that a watch has named everything.
    fn named(&mut self, origin: Origin) -> Step {
        let last = self.gathering.remove(&origin) && self.gathering.is_empty();
        if last { Step::Baseline } else { Step::Wait }
    }
}
