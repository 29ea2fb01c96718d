//! The conformance suite of the `backend` port: what a gateway may rely on, whatever lies behind.
//!
//! A bench holds a source that can be set to hold certain resources and that can be cut off. Every case waits for what
//! must happen against a deadline, so that pollers and slow servers pass as well as files.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "code of tests: a panic is how it says that something is not as it must be"
)]

mod cases;
mod faults;
mod need;
mod odd;
mod table;

pub use need::Need;
pub use table::{every_case, run};

use crate::harness::{Fault, FaultProxy};
use async_trait::async_trait;
use futures::StreamExt;
use netweave_model::port::{Backend, Change, Changes};
use netweave_model::{Error, ErrorKind, Id, Kind, Object, ObjectKey};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a case waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(90);

/// The resources of a source: the name of each, and a number that changes what it looks like.
pub type Resources = BTreeMap<String, u32>;

/// A source that the suite can change.
#[async_trait]
pub trait Bench: Send + Sync {
    /// Returns the backend under test.
    fn backend(&self) -> Arc<dyn Backend>;

    /// Makes the source hold exactly these resources.
    async fn set(&mut self, resources: &Resources);

    /// Returns the identifier under which a resource appears.
    fn id(&self, name: &str) -> Id;

    /// Cuts the source off.
    async fn cut(&mut self);

    /// Connects it again.
    async fn mend(&mut self);

    /// Returns the size of the pages in which it is read; its borders are tried.
    fn page(&self) -> usize {
        3
    }

    /// Returns how many resources the large case has.
    fn large(&self) -> usize {
        10_000
    }

    /// Returns the wire to the source; every backend that is reached over a network has one.
    fn wire(&self) -> Option<&FaultProxy> {
        None
    }

    /// Returns what the source answers to who asks too often, in all its forms.
    fn busy(&self) -> Vec<Fault> {
        vec![Fault::too_many(Duration::from_secs(1))]
    }

    /// Returns answers of no use in the source's own form, each with a text that is in the calls that get it: without what
    /// they must have, with values of another type, with far too much of everything.
    fn odd(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Returns what this source, such as a simulator, cannot do although those that it stands for can.
    fn flaws(&self) -> &'static [Need] {
        &[]
    }
}

/// Names so many resources, all of one revision.
pub fn resources(count: usize, revision: u32) -> Resources {
    (0..count).map(|number| (format!("r{number}"), revision)).collect()
}

/// What a stream has told so far, with the rules of the port checked on the way.
pub struct Told {
    changes: Changes,
    staged: BTreeMap<Kind, BTreeMap<ObjectKey, Object>>,
    synced: BTreeSet<Kind>,
    /// The objects that exist.
    pub state: BTreeMap<ObjectKey, Object>,
    /// The errors, in order.
    pub errors: Vec<Error>,
    /// How many signs of life there were.
    pub heartbeats: usize,
    /// How many objects were told anew or changed outside of a beginning.
    pub upserts: usize,
    /// How many objects were told to be gone.
    pub deletes: usize,
    /// How often a kind was told completely.
    pub baselines: usize,
}

impl Told {
    /// Starts a stream of all kinds.
    pub fn by(backend: &Arc<dyn Backend>) -> Self {
        Self {
            changes: backend.changes(&backend.capabilities().kinds),
            state: BTreeMap::new(),
            staged: BTreeMap::new(),
            synced: BTreeSet::new(),
            errors: Vec::new(),
            heartbeats: 0,
            upserts: 0,
            deletes: 0,
            baselines: 0,
        }
    }

    /// Reads one item.
    async fn step(&mut self) {
        match self.changes.next().await.expect("the stream never ends while the backend lives") {
            Err(error) => self.errors.push(error),
            Ok(Change::Heartbeat) => self.heartbeats += 1,
            Ok(Change::Reset(kind)) => drop(self.staged.insert(kind, BTreeMap::new())),
            Ok(Change::Synced(kind)) => {
                let staged = self.staged.remove(&kind).expect("a reset comes before synced");
                self.state.retain(|key, _| key.kind != kind);
                self.state.extend(staged);
                self.synced.insert(kind);
                self.baselines += 1;
            }
            Ok(Change::Upsert(object)) => {
                let kind = object.key.kind;
                let known = self.staged.contains_key(&kind) || self.synced.contains(&kind);
                assert!(known, "{kind}: the stream begins with a reset");
                self.upserts += usize::from(!self.staged.contains_key(&kind));
                let objects = self.staged.get_mut(&kind).unwrap_or(&mut self.state);
                objects.insert(object.key.clone(), object);
            }
            Ok(Change::Delete(key)) => {
                assert!(self.synced.contains(&key.kind), "a delete before synced: {key:?}");
                self.deletes += 1;
                self.state.remove(&key);
            }
        }
    }

    /// Reads until a condition holds; `what` says it in words.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            let step = tokio::time::timeout_at(end, self.step()).await;
            assert!(step.is_ok(), "not within {PATIENCE:?}: {what}; {} objects told", self.state.len());
        }
    }

    /// Reads until every kind was told completely.
    pub async fn until_synced(&mut self, backend: &Arc<dyn Backend>) {
        let kinds: BTreeSet<Kind> = backend.capabilities().kinds.iter().copied().collect();
        self.until("every kind is synced", |told| told.synced == kinds).await;
    }

    /// Reads until the resources are these.
    async fn until_resources(&mut self, bench: &dyn Bench, resources: &Resources) {
        let ids: BTreeSet<Id> = resources.keys().map(|name| bench.id(name)).collect();
        self.until("the resources are those that were set", |told| told.ids() == ids).await;
    }

    fn ids(&self) -> BTreeSet<Id> {
        let resources = self.state.keys().filter(|key| key.kind == Kind::Resource);
        resources.map(|key| key.id.clone()).collect()
    }

    fn json(&self, id: &Id) -> Option<&[u8]> {
        let key = ObjectKey { kind: Kind::Resource, id: id.clone() };
        self.state.get(&key).map(|object| object.json.as_ref())
    }

    /// Returns the objects of a kind.
    pub fn of(&self, kind: Kind) -> Vec<Object> {
        self.state.values().filter(|object| object.key.kind == kind).cloned().collect()
    }
}

/// What the stream told up to `Synced` is what a list says.
pub async fn list_equals_stream_after_synced(bench: &mut dyn Bench) {
    bench.set(&resources(5, 1)).await;
    let backend = bench.backend();
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    told.until_resources(bench, &resources(5, 1)).await;
    for kind in backend.capabilities().kinds.clone() {
        let listing = backend.list(kind).await.expect("a list");
        assert_eq!(told.of(kind), listing.objects, "{kind}");
    }
}

/// New, changed and removed resources are told.
pub async fn upserts_and_deletes_are_seen(bench: &mut dyn Bench) {
    bench.set(&resources(3, 1)).await;
    let backend = bench.backend();
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    told.until_resources(bench, &resources(3, 1)).await;
    let id = bench.id("r0");
    let before = told.json(&id).map(<[u8]>::to_vec);
    let mut next = resources(4, 1);
    next.remove("r2");
    next.insert("r0".to_owned(), 2);
    bench.set(&next).await;
    told.until_resources(bench, &next).await;
    told.until("the changed resource is told", |told| told.json(&id) != before.as_deref()).await;
}

/// A list is ordered by id, and each id occurs once; every object is JSON that says its own id.
pub async fn listing_is_sorted_and_unique(bench: &mut dyn Bench) {
    bench.set(&resources(7, 1)).await;
    let backend = bench.backend();
    for kind in backend.capabilities().kinds.clone() {
        let objects = backend.list(kind).await.expect("a list").objects;
        assert!(objects.is_sorted_by(|a, b| a.key.id < b.key.id), "{kind} is ordered");
        for object in &objects {
            let value: serde_json::Value = serde_json::from_slice(&object.json).expect("JSON");
            let said = value.get(kind.id_attribute()).and_then(serde_json::Value::as_str);
            assert_eq!((object.key.kind, said), (kind, Some(object.key.id.as_str())));
            assert_eq!(object.parent.is_some(), kind == Kind::Resource, "only resources have a pool");
        }
    }
}

/// Getting one object gives what the list says, and an unknown one is `NotFound`.
pub async fn get_agrees_with_list(bench: &mut dyn Bench) {
    bench.set(&resources(4, 1)).await;
    let backend = bench.backend();
    for kind in backend.capabilities().kinds.clone() {
        for object in backend.list(kind).await.expect("a list").objects {
            assert_eq!(backend.get(&object.key).await.expect("a listed object"), object);
        }
        let unknown = ObjectKey { kind, id: Id::from("no-such-id") };
        assert_eq!(backend.get(&unknown).await.expect_err("unknown").kind(), ErrorKind::NotFound, "{kind}");
    }
    let id = bench.id("r3");
    bench.set(&resources(3, 1)).await;
    let gone = ObjectKey { kind: Kind::Resource, id };
    assert_eq!(backend.get(&gone).await.expect_err("removed").kind(), ErrorKind::NotFound);
}

/// The flags say what the backend delivers: no other kind is listed, and each named once.
pub async fn capability_flags_match(bench: &mut dyn Bench) {
    bench.set(&resources(1, 1)).await;
    let backend = bench.backend();
    let kinds = backend.capabilities().kinds.clone();
    let unique: BTreeSet<Kind> = kinds.iter().copied().collect();
    assert_eq!(unique.len(), kinds.len());
    for kind in Kind::ALL {
        let listed = backend.list(kind).await;
        if unique.contains(&kind) {
            assert!(listed.is_ok(), "{kind}: {listed:?}");
        } else {
            assert_eq!(listed.expect_err("not delivered").kind(), ErrorKind::Unsupported, "{kind}");
        }
    }
    backend.probe().await.expect("the source answers");
}

/// A source that is cut off is an error item, calls fail, nothing is deleted, and the stream recovers by itself.
pub async fn peer_gone_and_back(bench: &mut dyn Bench) {
    bench.set(&resources(4, 1)).await;
    let backend = bench.backend();
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    told.until_resources(bench, &resources(4, 1)).await;
    let before = told.state.clone();
    bench.cut().await;
    told.until("the loss is told", |told| !told.errors.is_empty()).await;
    let error = backend.list(Kind::Resource).await.expect_err("the source is gone");
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout), "{error}");
    assert_eq!((told.deletes, &told.state), (0, &before));
    bench.mend().await;
    let mut next = resources(5, 1);
    next.remove("r0");
    bench.set(&next).await;
    told.until_resources(bench, &next).await;
    let end = Instant::now() + PATIENCE;
    while backend.list(Kind::Resource).await.is_err() {
        assert!(Instant::now() < end, "calls work again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Setting the same state again changes nothing.
pub async fn repeated_state_is_harmless(bench: &mut dyn Bench) {
    bench.set(&resources(3, 1)).await;
    let backend = bench.backend();
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    told.until_resources(bench, &resources(3, 1)).await;
    let before = told.of(Kind::Resource);
    bench.set(&resources(3, 1)).await;
    bench.set(&resources(4, 1)).await;
    told.until_resources(bench, &resources(4, 1)).await;
    assert_eq!(told.deletes, 0);
    for object in before {
        assert_eq!(told.state.get(&object.key), Some(&object));
    }
}

/// A change that happens while the stream begins is not lost.
pub async fn a_change_while_the_stream_begins_is_told(bench: &mut dyn Bench) {
    bench.set(&resources(4, 1)).await;
    let backend = bench.backend();
    let mut told = Told::by(&backend);
    told.until("something is told", |told| !told.staged.is_empty()).await;
    let mut next = resources(6, 1);
    next.remove("r1");
    bench.set(&next).await;
    told.until_resources(bench, &next).await;
}

/// Two streams of one backend each tell everything.
pub async fn streams_are_independent(bench: &mut dyn Bench) {
    bench.set(&resources(2, 1)).await;
    let backend = bench.backend();
    let mut first = Told::by(&backend);
    first.until_synced(&backend).await;
    let mut second = Told::by(&backend);
    second.until_synced(&backend).await;
    bench.set(&resources(3, 1)).await;
    first.until_resources(bench, &resources(3, 1)).await;
    drop(first);
    second.until_resources(bench, &resources(3, 1)).await;
}

/// Lists are complete at the borders of pages.
pub async fn page_borders_are_complete(bench: &mut dyn Bench) {
    let page = bench.page();
    let backend = bench.backend();
    for count in [0, 1, page, page + 1] {
        bench.set(&resources(count, 1)).await;
        let objects = backend.list(Kind::Resource).await.expect("a list").objects;
        assert_eq!(objects.len(), count);
    }
}

/// A quiet source gives a sign of life, so that what is known can be called current.
pub async fn a_quiet_source_gives_a_sign_of_life(bench: &mut dyn Bench) {
    bench.set(&resources(1, 1)).await;
    let backend = bench.backend();
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    let before = told.heartbeats;
    told.until("a heartbeat", |told| told.heartbeats > before).await;
}

/// Many objects are told and listed completely.
pub async fn a_large_source_is_told_completely(bench: &mut dyn Bench) {
    let all = resources(bench.large(), 1);
    bench.set(&all).await;
    let backend = bench.backend();
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    told.until_resources(bench, &all).await;
    let objects = backend.list(Kind::Resource).await.expect("a list").objects;
    assert_eq!(objects.len(), all.len());
    let mut fewer = all;
    fewer.remove("r7");
    bench.set(&fewer).await;
    told.until_resources(bench, &fewer).await;
}
