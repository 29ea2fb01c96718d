//! Fakes of the ports for tests: a clock that is set, ids that count, and a backend that does as it is told.

use super::catalog::Catalog;
use super::class::Class;
use super::feed::{Desk, Feed};
use super::fill::Fills;
use super::filler::Filler;
use super::follow::Follow;
use super::line::Freshness;
use super::sources::Sources;
use crate::access::Scope;
use crate::conf::tree::Ttl;
use crate::services::Service;
use crate::services::watcher::Watcher;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use netweave_memory::Memory;
use netweave_model::port::{Backend, Capabilities, Change, Changes, Clock, Ids, InventoryLog, Leases, Look};
use netweave_model::{Error, ErrorKind, Id, Kind, Object, ObjectKey, Result, SourceName, Timestamp};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

/// A clock that stands until it is moved.
pub(crate) struct FakeClock(AtomicI64);

impl FakeClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_790_000_000_000)))
    }

    pub(crate) fn forward(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Ids that count.
pub(crate) struct FakeIds(AtomicU64);

impl FakeIds {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(1)))
    }
}

impl Ids for FakeIds {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(self.0.fetch_add(1, Ordering::SeqCst).into())
    }

    fn secret(&self) -> [u8; 32] {
        [0; 32]
    }
}

/// A backend that does as it is told.
pub(crate) struct FakeBackend {
    capabilities: Capabilities,
    objects: Mutex<BTreeMap<Kind, Vec<Object>>>,
    listeners: Mutex<Vec<UnboundedSender<Result<Change>>>>,
    /// Lists wait for a permit each.
    pub(crate) permits: Semaphore,
    pub(crate) failing: AtomicBool,
    pub(crate) lists: AtomicUsize,
    pub(crate) streams: AtomicUsize,
    pub(crate) refreshes: AtomicUsize,
}

impl FakeBackend {
    pub(crate) fn new(kinds: &[Kind]) -> Arc<Self> {
        Self::watched(kinds, true)
    }

    /// One that can only be asked.
    pub(crate) fn polled(kinds: &[Kind]) -> Arc<Self> {
        Self::watched(kinds, false)
    }

    fn watched(kinds: &[Kind], native_watch: bool) -> Arc<Self> {
        Arc::new(Self {
            capabilities: Capabilities { kinds: kinds.to_vec(), native_watch, ..Capabilities::default() },
            objects: Mutex::default(),
            listeners: Mutex::default(),
            permits: Semaphore::new(1000),
            failing: AtomicBool::new(false),
            lists: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            refreshes: AtomicUsize::new(0),
        })
    }

    /// Replaces what lists of a kind return.
    pub(crate) fn holds(&self, kind: Kind, objects: Vec<Object>) {
        self.objects.lock().unwrap().insert(kind, objects);
    }

    /// Sends a change to whoever follows.
    pub(crate) fn say(&self, change: &Result<Change>) {
        for listener in self.listeners.lock().unwrap().iter() {
            let change = match change {
                Ok(change) => Ok(change.clone()),
                Err(error) => Err(Error::new(error.kind(), error.public().to_owned())),
            };
            listener.unbounded_send(change).unwrap_or_default();
        }
    }

    /// Sends a complete list of a kind to whoever follows.
    pub(crate) fn say_list(&self, kind: Kind, objects: &[Object]) {
        self.say(&Ok(Change::Reset(kind)));
        for object in objects {
            self.say(&Ok(Change::Upsert(object.clone())));
        }
        self.say(&Ok(Change::Synced(kind)));
    }
}

#[async_trait]
impl Backend for FakeBackend {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn probe(&self) -> Result<()> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "down"));
        }
        Ok(())
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        if self.failing.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "down"));
        }
        let objects = self.objects.lock().unwrap();
        Ok(Look::of(kinds, kinds.iter().filter_map(|kind| objects.get(kind)).flatten().cloned()))
    }

    async fn get(&self, _: &ObjectKey) -> Result<Object> {
        Err(Error::new(ErrorKind::Unsupported, "no"))
    }

    fn refresh(&self) {
        self.refreshes.fetch_add(1, Ordering::SeqCst);
    }

    fn changes(&self, _: &[Kind]) -> Changes {
        let (sender, receiver) = unbounded();
        self.listeners.lock().unwrap().push(sender);
        self.streams.fetch_add(1, Ordering::SeqCst);
        receiver.boxed()
    }
}

/// Makes an object of any kind that has an id and a name.
pub(crate) fn object(kind: Kind, parent: Option<&str>, id: &str, name: &str) -> Object {
    let pool = parent.map_or_else(String::new, |pool| format!("\"resourcePoolId\":\"{pool}\","));
    let json = format!("{{\"{}\":\"{id}\",{pool}\"name\":\"{name}\"}}", kind.id_attribute());
    Object { key: ObjectKey { kind, id: Id::from(id) }, parent: parent.map(Id::from), json: json.into() }
}

/// Makes a pool.
pub(crate) fn pool(id: &str) -> Object {
    object(Kind::ResourcePool, None, id, id)
}

/// A gateway's inside over the memory store and fake backends.
pub(crate) struct World {
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) store: Memory,
    pub(crate) desk: Desk,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) fills: Arc<Fills>,
    pub(crate) feeds: Vec<Arc<Feed>>,
    services: Vec<Arc<dyn Service>>,
    running: JoinSet<()>,
}

impl World {
    /// Waits as whoever may see everything.
    pub(crate) async fn known(&self, kinds: &[Kind], every: bool) -> Result<()> {
        self.fills.known(&Scope::default(), kinds, every).await
    }

    /// Says how fresh kinds are for whoever may see everything.
    pub(crate) fn freshness(&self, kinds: &[Kind], class: Class) -> Freshness {
        self.fills.freshness(&Scope::default(), kinds, class)
    }

    /// Builds everything around these backends; nothing runs yet.
    pub(crate) fn new(backends: &[(&str, &Arc<FakeBackend>)]) -> Self {
        let clock = FakeClock::new();
        let ids: Arc<dyn Ids> = FakeIds::new();
        let store = Memory::new(Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&ids));
        Self::over(clock, &ids, store, backends)
    }

    /// Builds the same again over a store that is there already, as a restarted process does.
    pub(crate) fn again(&self, backends: &[(&str, &Arc<FakeBackend>)]) -> Self {
        Self::over(Arc::clone(&self.clock), &(FakeIds::new() as Arc<dyn Ids>), self.store.clone(), backends)
    }

    fn over(
        clock: Arc<FakeClock>,
        ids: &Arc<dyn Ids>,
        store: Memory,
        backends: &[(&str, &Arc<FakeBackend>)],
    ) -> Self {
        let names: Vec<_> = backends.iter().map(|(name, _)| SourceName::from(*name)).collect();
        let log: Arc<dyn InventoryLog> = Arc::new(store.clone());
        let leases: Arc<dyn Leases> = Arc::new(store.clone());
        let catalog = Arc::new(Catalog::new(names.clone()));
        let sources = Arc::new(Sources::new(names.iter().map(|name| (name.clone(), "fake"))));
        let metrics = Arc::new(Metrics::new().unwrap());
        let desk = Desk {
            log: Arc::clone(&log),
            leases,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            catalog: Arc::clone(&catalog),
            sources: Arc::clone(&sources),
            holder: Arc::from("pod"),
        };
        let feeds: Vec<_> = backends
            .iter()
            .map(|(name, backend)| {
                let backend = Arc::clone(*backend) as Arc<dyn Backend>;
                Arc::new(Feed::new(SourceName::from(*name), backend, desk.clone()))
            })
            .collect();
        let (fills, fillers) =
            Fills::new(feeds.clone(), Arc::clone(&catalog), Arc::clone(&desk.clock), ids, Ttl::default());
        let follow = Follow::new(log, catalog, sources, Arc::clone(&metrics), names);
        let mut services: Vec<Arc<dyn Service>> = vec![Arc::new(follow)];
        services.extend(fillers.into_iter().map(|filler: Filler| Arc::new(filler) as Arc<dyn Service>));
        Self { clock, store, desk, metrics, fills: Arc::new(fills), feeds, services, running: JoinSet::new() }
    }

    /// Runs the follower and the fillers.
    pub(crate) fn run(mut self) -> Self {
        for service in std::mem::take(&mut self.services) {
            self.spawn(service);
        }
        self
    }

    /// Runs a watcher per source too.
    pub(crate) fn watch(mut self) -> Self {
        for feed in self.feeds.clone() {
            self.spawn(Arc::new(Watcher::new(feed)));
        }
        self
    }

    fn spawn(&mut self, service: Arc<dyn Service>) {
        self.running.spawn(async move {
            loop {
                if !matches!(service.activate().await, Ok(true)) {
                    service.wait().await;
                }
            }
        });
    }

    /// Waits until the views are as far as the log.
    pub(crate) async fn settle(&self) {
        let head = self.desk.log.head().await.unwrap();
        self.until(|views| views.loaded && views.position >= head).await;
    }

    /// Waits until something holds of the views; panics if it does not come to hold.
    pub(crate) async fn until(&self, holds: impl Fn(&super::catalog::Views) -> bool) {
        tokio::time::timeout(Duration::from_secs(20), self.desk.catalog.until(holds)).await.unwrap();
    }

    /// Waits until something holds at all; panics if it does not come to hold.
    pub(crate) async fn eventually(&self, mut holds: impl FnMut() -> bool) {
        let asked = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap();
    }

    /// Commits a complete list, as the source's leader.
    pub(crate) async fn commit(&self, source: usize, kind: Kind, objects: Vec<Object>) {
        let feed = &self.feeds[source];
        feed.lease().take().await.unwrap().unwrap();
        feed.commit_list(kind, objects, None).await.unwrap();
    }

    /// Returns the ids of a kind in the views.
    pub(crate) fn ids(&self, kind: Kind, parent: Option<&str>) -> Vec<String> {
        let views = self.desk.catalog.views();
        let views = views.sources.iter().flat_map(|source| source.kinds.get(kind).range(parent, None));
        views.map(|(id, _)| id.as_str().to_owned()).collect()
    }
}
