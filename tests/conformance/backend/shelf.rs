//! A bench over a source in memory that can only be asked, with the shared poller around it.

use async_trait::async_trait;
use futures::StreamExt;
use netweave_adapters::Poller;
use netweave_model::domain::ResourceInfo;
use netweave_model::port::{Backend, Capabilities, Changes, Look};
use netweave_model::{Error, ErrorKind, Id, Kind, Object, ObjectKey, Result};
use netweave_tests::conformance::backend::{Bench, Resources};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The mean pause between two rounds of the poller.
const EVERY: Duration = Duration::from_millis(20);

/// A source in memory; it delivers resources only.
#[derive(Default)]
struct Shelf {
    capabilities: Capabilities,
    objects: Mutex<BTreeMap<ObjectKey, Object>>,
    cut: Mutex<bool>,
}

impl Shelf {
    fn objects(&self) -> Result<BTreeMap<ObjectKey, Object>> {
        if *self.cut.lock().unwrap() {
            return Err(Error::new(ErrorKind::Unavailable, "the source is cut off"));
        }
        Ok(self.objects.lock().unwrap().clone())
    }
}

#[async_trait]
impl Backend for Shelf {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn probe(&self) -> Result<()> {
        self.objects().map(drop)
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        self.capabilities.check(kinds)?;
        Ok(Look::of(kinds, self.objects()?.into_values()))
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        self.objects()?.remove(key).ok_or_else(|| Error::new(ErrorKind::NotFound, "no such object"))
    }

    fn changes(&self, _: &[Kind]) -> Changes {
        futures::stream::pending().boxed()
    }
}

/// The source with its poller.
pub(crate) struct ShelfBench {
    shelf: Arc<Shelf>,
    poller: Arc<Poller>,
}

impl ShelfBench {
    pub(crate) fn new() -> Self {
        let capabilities =
            Capabilities { kinds: vec![Kind::Resource], single_get: true, ..Capabilities::default() };
        let shelf = Arc::new(Shelf { capabilities, ..Shelf::default() });
        let poller = Arc::new(Poller::new(Arc::clone(&shelf) as Arc<dyn Backend>, EVERY));
        Self { shelf, poller }
    }
}

fn object(name: &str, revision: u32) -> Object {
    Object::encode(&ResourceInfo {
        resource_id: Id::from(name),
        resource_pool_id: Id::from("pool"),
        resource_type_id: Id::from("type"),
        global_asset_id: None,
        description: format!("revision {revision}"),
        elements: Vec::new(),
        tags: Vec::new(),
        groups: Vec::new(),
        extensions: netweave_model::domain::KeyValuePairs::new(),
    })
    .unwrap()
}

#[async_trait]
impl Bench for ShelfBench {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.poller) as Arc<dyn Backend>
    }

    async fn set(&mut self, resources: &Resources) {
        let objects = resources.iter().map(|(name, revision)| object(name, *revision));
        *self.shelf.objects.lock().unwrap() = objects.map(|object| (object.key.clone(), object)).collect();
        self.poller.nudge();
    }

    fn id(&self, name: &str) -> Id {
        Id::from(name)
    }

    async fn cut(&mut self) {
        *self.shelf.cut.lock().unwrap() = true;
    }

    async fn mend(&mut self) {
        *self.shelf.cut.lock().unwrap() = false;
    }
}
