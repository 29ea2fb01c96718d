//! Random sequences of operations: the store in memory, one that keeps what it is told, and a simple model agree, also over
//! reopenings. The other store is the one in a file, or the one on Redis.

use crate::model::{Inventory, Numbers};
use crate::steps::{Answer, SOURCES, Step, step};
use netweave_embedded::Embedded;
use netweave_memory::Memory;
use netweave_model::port::{
    Acked, Attempt, Backlog, Change, Claim, Clock, Created, DeadLetter, DeadLetterReason, Deliveries, FanOut,
    FanOutOutcome, Fence, Ids, InventoryLog, Item, Leases, Notice, Quota, Replay, Snapshot, Subscriptions,
    Update,
};
use netweave_model::{
    Entry, Error, Id, NewSubscription, Position, SourceName, Subscription, SubscriptionState, Timestamp,
};
use netweave_redis::Redis;
use netweave_tests::conformance::stores::{event, wish};
use netweave_tests::harness::clock::{RandomIds, TestClock, TestIds};
use netweave_tests::harness::{RedisServer, figures};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// Longest queue of what owners ask for: short, so that it is reached.
const QUEUE: u64 = 8;

const QUOTA: Quota = Quota { per_owner: 3, total: 5 };

#[test]
fn memory_file_and_model_agree() {
    let (cases, steps) = if figures::full() { (2_000, 200) } else { (48, 60) };
    agree(cases, steps, async || Some(InFile(tempfile::tempdir().unwrap())));
    figures::record(&format!("random_sequences={cases}"));
}

#[test]
fn memory_redis_and_model_agree() {
    let (cases, steps) = if figures::full() { (200, 200) } else { (8, 60) };
    agree(cases, steps, async || RedisServer::start().await.map(OnServer));
    figures::record(&format!("random_sequences_redis={cases}"));
}

/// Has two new stores do the same, for so many sequences of so many steps at most; nothing if there is no server.
fn agree<G: Ground>(cases: u32, steps: usize, ground: impl AsyncFn() -> Option<G>) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let agree = |steps: Vec<Step>| {
        runtime.block_on(async {
            let Some(ground) = ground().await else { return };
            let mut pair = Pair::new(ground).await;
            for step in steps {
                pair.step(step).await;
            }
            pair.compare().await;
        });
        Ok(())
    };
    TestRunner::new(config).run(&vec(step(), 1..steps), agree).unwrap();
}

/// Where a store keeps what it is told.
trait Ground {
    type Store: InventoryLog + Subscriptions + Deliveries + Leases;

    /// Whether claims and leases end with the process that has them.
    const FORGETS: bool;

    fn open(&self, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> impl Future<Output = Self::Store>;
}

struct InFile(tempfile::TempDir);

impl Ground for InFile {
    type Store = Embedded;
    const FORGETS: bool = true;

    async fn open(&self, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Embedded {
        let conf = netweave_embedded::Conf { path: self.0.path().join("state.db") };
        netweave_embedded::open(&conf, clock, ids).await.unwrap()
    }
}

struct OnServer(RedisServer);

impl Ground for OnServer {
    type Store = Redis;
    const FORGETS: bool = false;

    async fn open(&self, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Redis {
        let conf = netweave_redis::Conf::of_url(self.0.url());
        netweave_redis::open(&conf, Some(clock), ids).await.unwrap()
    }
}

/// Gives out the identifier that memory gave, once, and else those that nobody compares.
#[derive(Default)]
struct SameIds(Mutex<Option<Uuid>>);

impl SameIds {
    fn give(&self, id: &Id) {
        *self.0.lock().unwrap() = Some(id.as_str().parse().unwrap());
    }
}

impl Ids for SameIds {
    fn uuid(&self) -> Uuid {
        self.0.lock().unwrap().take().unwrap_or_else(|| RandomIds.uuid())
    }

    fn secret(&self) -> [u8; 32] {
        RandomIds.secret()
    }
}

/// Both stores, under one clock, with what the test knows of them.
struct Pair<G: Ground> {
    ground: G,
    clock: Arc<TestClock>,
    memory: Memory,
    other: Option<G::Store>,
    other_ids: Arc<SameIds>,
    fences: [u64; 2],
    inventory: Inventory,
    numbers: Numbers,
    subscriptions: Vec<Id>,
    /// The held claims: the one of memory, the one of the other.
    claims: BTreeMap<Id, (Claim, Claim)>,
    holds: BTreeMap<String, Fence>,
}

/// Does the same on both stores and returns the answer on which they agree; errors by their kind.
macro_rules! both {
    ($pair:ident, $store:ident => $call:expr) => {{
        let $store = &$pair.memory;
        let memory = plain($call.await);
        let $store = $pair.other();
        let other = plain($call.await);
        assert_eq!(memory, other, "memory, other");
        memory
    }};
}

fn plain<T: Debug>(answer: Result<T, Error>) -> Result<T, netweave_model::ErrorKind> {
    answer.map_err(|error| error.kind())
}

impl<G: Ground> Pair<G> {
    async fn new(ground: G) -> Self {
        let clock = Arc::new(TestClock::new());
        let mut pair = Self {
            memory: Memory::new(clock.shared(), Arc::new(TestIds::default())),
            other: None,
            other_ids: Arc::default(),
            ground,
            clock,
            fences: [1, 1],
            inventory: Inventory::default(),
            numbers: Numbers::default(),
            subscriptions: Vec::new(),
            claims: BTreeMap::new(),
            holds: BTreeMap::new(),
        };
        pair.open().await;
        pair
    }

    fn other(&self) -> &G::Store {
        self.other.as_ref().unwrap()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn open(&mut self) {
        let ids: Arc<dyn Ids> = Arc::<SameIds>::clone(&self.other_ids);
        self.other = Some(self.ground.open(self.clock.shared(), ids).await);
    }

    fn pick(&self, pick: usize) -> Id {
        let newest = self.subscriptions.iter().rev().nth(pick);
        newest.cloned().unwrap_or_else(|| Id::from("unknown"))
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Commit(source, changes) => self.commit(source, &changes).await,
            Step::TakeOver(source) => self.take_over(source).await,
            Step::Create(owner, callback) => self.create(owner, callback).await,
            Step::Update(pick, callback, filter, active) => {
                self.update(&self.pick(pick), callback, filter, active).await;
            }
            Step::Renew(pick, lease) => {
                let (id, lease) = (self.pick(pick), lease.map(Duration::from_secs));
                let _renewed: Result<Subscription, _> =
                    both!(self, store => Subscriptions::renew(store, &id, lease));
            }
            Step::Delete(pick) => {
                let id = self.pick(pick);
                let _deleted: Result<(), _> = both!(self, store => store.delete(&id, None));
            }
            Step::Sweep => {
                let _ended: Result<Vec<Subscription>, _> = both!(self, store => store.sweep(2));
            }
            Step::Wait(ms) => self.wait(Duration::from_millis(ms)).await,
            Step::FanOut(mask, max) => self.fan_out(mask, max).await,
            Step::Enqueue(pick) => {
                let (id, notices) = (self.pick(pick), vec![Notice::Test, Notice::Change(event("old"))]);
                let _items: Result<Vec<Item>, _> =
                    both!(self, store => store.enqueue(&id, notices.clone(), QUEUE));
            }
            Step::Take => self.take().await,
            Step::Answer(pick, answer) => self.answer(pick, answer).await,
            Step::Replay(pick, from) => {
                let id = self.pick(pick);
                let _replayed: Result<Replay, _> = both!(self, store => store.replay(&id, from, QUEUE));
            }
            Step::Trim(seconds) => {
                let cursor = both!(self, store => store.cursor()).unwrap();
                let keep = Duration::from_secs(seconds);
                let _dropped: Result<u64, _> = both!(self, store => store.trim(cursor, keep));
            }
            Step::Acquire(name, holder) => {
                let (name, holder) = (SOURCES[name].to_owned(), ["one", "two"][holder]);
                let ttl = Duration::from_secs(20);
                if let Some(fence) = both!(self, store => store.acquire(&name, holder, ttl)).unwrap() {
                    self.holds.insert(name, fence);
                }
            }
            Step::Reopen => self.reopen().await,
        }
    }

    /// Moves the time on. On a server whose subscriptions nobody swept for a minute leases stand still, as nobody could renew;
    /// so somebody looks after them here, and ends none.
    async fn wait(&mut self, time: Duration) {
        self.clock.advance(time);
        if !G::FORGETS {
            let _none: Result<Vec<Subscription>, _> = both!(self, store => store.sweep(0));
        }
    }

    async fn commit(&mut self, source: usize, changes: &[Change]) {
        let (name, fence) = (SourceName::from(SOURCES[source]), Fence(self.fences[source]));
        let rows = self.inventory.entry(name.clone()).or_default();
        for change in changes {
            rows.apply(change);
        }
        let _head: Position = both!(self, store => store.commit(&name, fence, changes)).unwrap();
        let refused = both!(self, store => store.commit(&name, Fence(fence.0 - 1), changes));
        assert!(refused.is_err() || fence.0 == 0);
    }

    async fn take_over(&mut self, source: usize) {
        self.fences[source] += 1;
        let name = SourceName::from(SOURCES[source]);
        self.inventory.entry(name).or_default().take_over();
        self.commit(source, &[Change::Heartbeat]).await;
    }

    async fn create(&mut self, owner: usize, callback: usize) {
        let new: NewSubscription = wish(["smo", "dms"][owner], &callback.to_string());
        let created = self.memory.create(new.clone(), QUOTA).await.unwrap();
        if let Created::New(subscription) = &created {
            self.other_ids.give(&subscription.id);
            self.subscriptions.push(subscription.id.clone());
        }
        assert_eq!(self.other().create(new, QUOTA).await.unwrap(), created);
    }

    async fn update(
        &mut self,
        id: &Id,
        callback: Option<usize>,
        filter: Option<usize>,
        active: Option<bool>,
    ) {
        let suspended = SubscriptionState::Suspended { reason: "gone".to_owned() };
        let update = Update {
            callback: callback.map(|callback| wish("smo", &callback.to_string()).callback),
            filter: filter.map(|filter| (filter > 0).then(|| "f".to_owned())),
            state: active.map(|active| if active { SubscriptionState::Active } else { suspended }),
            ..Update::default()
        };
        let _updated: Result<Subscription, _> = both!(self, store => store.update(id, None, update.clone()));
    }

    async fn fan_out(&mut self, mask: u64, max_queue: u64) {
        let from = both!(self, store => store.cursor()).unwrap();
        let entries: Vec<Entry> = both!(self, store => store.read(from, 20)).unwrap();
        let to = both!(self, store => store.head()).unwrap();
        let to = Position { sequence: to.sequence.min(from.sequence + entries.len() as u64), ..to };
        let mut items = Vec::new();
        let mut bit = 0;
        for entry in entries {
            let Entry::Changed(event) = entry else { continue };
            let event = Arc::new(event);
            for id in &self.subscriptions {
                bit += 1;
                if mask.rotate_right(bit) & 1 == 0 {
                    items.push((id.clone(), Arc::clone(&event)));
                }
            }
        }
        for store in [&self.memory as &dyn Both, self.other()] {
            let (subscriptions_version, _, _) = store.since(0).await.unwrap();
            let step = FanOut { from, to, subscriptions_version, items: items.clone(), max_queue };
            assert_eq!(store.fan_out(step).await.unwrap(), FanOutOutcome::Done);
        }
    }

    async fn take(&mut self) {
        let hold = Duration::from_secs(10);
        let memory = self.memory.take(100, 3, hold).await.unwrap();
        let mut others: BTreeMap<Id, Claim> = BTreeMap::new();
        for claim in self.other().take(100, 3, hold).await.unwrap() {
            others.insert(claim.subscription.clone(), claim);
        }
        for claim in memory {
            self.numbers.check(&claim);
            let other = others.remove(&claim.subscription).expect("the other gives the same claims");
            assert_eq!(claim.items, other.items);
            self.claims.insert(claim.subscription.clone(), (claim, other));
        }
        assert!(others.is_empty(), "{others:?}");
    }

    async fn answer(&mut self, pick: usize, answer: Answer) {
        let Some((memory, other)) = self.claims.values().nth(pick).cloned() else { return };
        let item = &memory.items[0];
        let tried = self.attempt(item, matches!(answer, Answer::Delivered));
        let pause = Duration::from_secs(5);
        let held: [(&dyn Deliveries, &Claim); 2] = [(&self.memory, &memory), (self.other(), &other)];
        let mut answers = Vec::new();
        for (store, claim) in held {
            let tried = tried.clone();
            let answered = match answer {
                Answer::Delivered => store.ack_head(claim, tried).await.map(Acked::removed),
                Answer::Deferred => store.defer(claim, pause, tried).await,
                Answer::Dead => store.dead_letter(claim, DeadLetterReason::Refused, tried).await,
                Answer::Postponed => store.postpone(claim, pause).await,
                Answer::Released => store.release(claim).await.map(|()| false),
            };
            answers.push(plain(answered));
        }
        assert_eq!(answers[0], answers[1]);
        let went = answers[0] == Ok(true) && matches!(answer, Answer::Delivered | Answer::Dead);
        if went {
            self.numbers.left(&memory, item);
        }
        self.answered(&memory.subscription, went).await;
    }

    /// Goes on with a claim whose head went; otherwise the claim has ended, or is ended here.
    async fn answered(&mut self, id: &Id, went: bool) {
        let Some((mut memory, mut other)) = self.claims.remove(id) else { return };
        memory.items.remove(0);
        other.items.remove(0);
        if went && !memory.items.is_empty() {
            self.claims.insert(id.clone(), (memory, other));
            return;
        }
        Deliveries::release(&self.memory, &memory).await.unwrap();
        Deliveries::release(self.other(), &other).await.unwrap();
    }

    fn attempt(&self, item: &Item, delivered: bool) -> Attempt {
        Attempt {
            sequence: item.sequence,
            notification_id: item.notification_id,
            at: self.now(),
            duration_ms: 1,
            status: None,
            delivered,
            error: None,
        }
    }

    /// Closes and opens the other store. What dies with its process is ended in memory by hand: claims, leases, staged lists.
    /// Claims that do not are ended in both, as it hangs on the time of the machine when they are given on.
    async fn reopen(&mut self) {
        // So that nobody has been without a chance to renew.
        let _ended: Result<Vec<Subscription>, _> = both!(self, store => store.sweep(2));
        let claims = std::mem::take(&mut self.claims);
        if !G::FORGETS {
            for (_, claim) in claims.values() {
                Deliveries::release(self.other(), claim).await.unwrap();
            }
        }
        self.other = None;
        self.open().await;
        for (claim, _) in claims.into_values() {
            Deliveries::release(&self.memory, &claim).await.unwrap();
        }
        if G::FORGETS {
            for (name, fence) in std::mem::take(&mut self.holds) {
                Leases::release(&self.memory, &name, fence).await.unwrap();
            }
        }
        self.take_over(0).await;
        self.take_over(1).await;
        self.compare().await;
    }

    /// Compares all that can be read.
    async fn compare(&self) {
        let pair = self;
        let head: Position = both!(pair, store => store.head()).unwrap();
        let cursor: Position = both!(pair, store => store.cursor()).unwrap();
        assert!(cursor <= head);
        for source in SOURCES {
            let name = SourceName::from(source);
            let snapshot: Snapshot = both!(pair, store => store.snapshot(&name)).unwrap();
            let objects = self.inventory.get(&name).map(crate::model::Rows::objects);
            assert_eq!(snapshot.objects, objects.unwrap_or_default());
        }
        let _entries: Vec<Entry> = both!(pair, store => store.read(cursor, 1_000)).unwrap();
        let _page: Vec<Subscription> = both!(pair, store => store.page(None, None, 100)).unwrap();
        for id in &self.subscriptions {
            let _backlog: Result<Backlog, _> = both!(pair, store => store.backlog(id));
            let _dead: Vec<DeadLetter> = both!(pair, store => store.dead_letters(Some(id), 100)).unwrap();
        }
        let _dead: Vec<DeadLetter> = both!(pair, store => store.dead_letters(None, 1_000)).unwrap();
        for store in [&self.memory as &dyn Both, self.other()] {
            let (version, _, _) = store.since(0).await.unwrap();
            assert_eq!(store.since(version).await.unwrap(), (version, false, Vec::new()));
        }
        assert_eq!(self.memory.next_due().await.unwrap(), self.other().next_due().await.unwrap());
    }
}

/// What one call needs of a store.
trait Both: Subscriptions + Deliveries {}

impl<S: Subscriptions + Deliveries> Both for S {}
