//! Random sequences of operations: the store in memory, the store in a file and a simple model agree, also over reopenings.

use crate::model::{Inventory, Numbers};
use crate::steps::{Answer, SOURCES, Step, step};
use netweave_embedded::{Conf, Embedded};
use netweave_memory::Memory;
use netweave_model::port::{
    Acked, Attempt, Backlog, Change, Claim, Clock, Created, DeadLetter, DeadLetterReason, Deliveries, FanOut,
    FanOutOutcome, Fence, Ids, InventoryLog, Item, Leases, Notice, Quota, Replay, Snapshot,
    SubscriptionChange, Subscriptions, Update,
};
use netweave_model::{
    Entry, Error, Id, NewSubscription, Position, SourceName, Subscription, SubscriptionState, Timestamp,
};
use netweave_tests::conformance::stores::{event, wish};
use netweave_tests::harness::clock::{TestClock, TestIds};
use netweave_tests::harness::figures;
use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// Longest queue of what owners ask for: short, so that it is reached.
const QUEUE: u64 = 8;

const QUOTA: Quota = Quota { per_owner: 3, total: 5 };

#[test]
fn memory_file_and_model_agree() {
    let (cases, steps) = if figures::full() { (2_000, 200) } else { (48, 60) };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let agree = |steps: Vec<Step>| {
        runtime.block_on(async {
            let mut pair = Pair::new().await;
            for step in steps {
                pair.step(step).await;
            }
            pair.compare().await;
        });
        Ok(())
    };
    TestRunner::new(config).run(&vec(step(), 1..steps), agree).unwrap();
    figures::record(&format!("random_sequences={cases}"));
}

/// Both stores, under one clock, with what the test knows of them.
struct Pair {
    directory: tempfile::TempDir,
    clock: Arc<TestClock>,
    memory: Memory,
    file: Option<Embedded>,
    file_ids: Arc<dyn Ids>,
    fences: [u64; 2],
    inventory: Inventory,
    numbers: Numbers,
    subscriptions: Vec<Id>,
    /// The held claims: the one of memory, the one of the file.
    claims: BTreeMap<Id, (Claim, Claim)>,
    holds: BTreeMap<String, Fence>,
}

/// Does the same on both stores and returns the answer on which they agree; errors by their kind.
macro_rules! both {
    ($pair:ident, $store:ident => $call:expr) => {{
        let $store = &$pair.memory;
        let memory = plain($call.await);
        let $store = $pair.file();
        let file = plain($call.await);
        assert_eq!(memory, file, "memory, file");
        memory
    }};
}

fn plain<T: Debug>(answer: Result<T, Error>) -> Result<T, netweave_model::ErrorKind> {
    answer.map_err(|error| error.kind())
}

impl Pair {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new());
        let mut pair = Self {
            memory: Memory::new(clock.shared(), Arc::new(TestIds::default())),
            file: None,
            file_ids: Arc::new(TestIds::default()),
            directory,
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

    fn file(&self) -> &Embedded {
        self.file.as_ref().unwrap()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn open(&mut self) {
        let conf = Conf { path: self.directory.path().join("state.db") };
        self.file = Some(
            netweave_embedded::open(&conf, self.clock.shared(), Arc::clone(&self.file_ids)).await.unwrap(),
        );
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
            Step::Wait(ms) => self.clock.advance(Duration::from_millis(ms)),
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
        let created = both!(self, store => store.create(new.clone(), QUOTA)).unwrap();
        if let Created::New(subscription) = created {
            self.subscriptions.push(subscription.id);
        }
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
        let (version, _, _) = self.memory.since(0).await.unwrap();
        let step = FanOut { from, to, subscriptions_version: version, items, max_queue };
        assert_eq!(both!(self, store => store.fan_out(step.clone())).unwrap(), FanOutOutcome::Done);
    }

    async fn take(&mut self) {
        let hold = Duration::from_secs(10);
        let memory = self.memory.take(100, 3, hold).await.unwrap();
        let mut file: BTreeMap<Id, Claim> = BTreeMap::new();
        for claim in self.file().take(100, 3, hold).await.unwrap() {
            file.insert(claim.subscription.clone(), claim);
        }
        for claim in memory {
            self.numbers.check(&claim);
            let other = file.remove(&claim.subscription).expect("the file gives the same claims");
            assert_eq!(claim.items, other.items);
            self.claims.insert(claim.subscription.clone(), (claim, other));
        }
        assert!(file.is_empty(), "{file:?}");
    }

    async fn answer(&mut self, pick: usize, answer: Answer) {
        let Some((memory, file)) = self.claims.values().nth(pick).cloned() else { return };
        let item = &memory.items[0];
        let tried = self.attempt(item, matches!(answer, Answer::Delivered));
        let pause = Duration::from_secs(5);
        let held = [(0, &memory), (1, &file)].map(|(store, claim)| (store, claim.clone(), tried.clone()));
        let mut answers = Vec::new();
        for (store, claim, tried) in held {
            let store: &dyn Deliveries = if store == 0 { &self.memory } else { self.file() };
            let answered = match answer {
                Answer::Delivered => store.ack_head(&claim, tried).await.map(Acked::removed),
                Answer::Deferred => store.defer(&claim, pause, tried).await,
                Answer::Dead => store.dead_letter(&claim, DeadLetterReason::Refused, tried).await,
                Answer::Postponed => store.postpone(&claim, pause).await,
                Answer::Released => store.release(&claim).await.map(|()| false),
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
        let Some((mut memory, mut file)) = self.claims.remove(id) else { return };
        memory.items.remove(0);
        file.items.remove(0);
        if went && !memory.items.is_empty() {
            self.claims.insert(id.clone(), (memory, file));
            return;
        }
        Deliveries::release(&self.memory, &memory).await.unwrap();
        Deliveries::release(self.file(), &file).await.unwrap();
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

    /// Closes and opens the file. What dies with a process is ended in memory by hand: claims, leases, staged lists.
    async fn reopen(&mut self) {
        self.file = None;
        self.open().await;
        for (claim, _) in std::mem::take(&mut self.claims).into_values() {
            Deliveries::release(&self.memory, &claim).await.unwrap();
        }
        for (name, fence) in std::mem::take(&mut self.holds) {
            Leases::release(&self.memory, &name, fence).await.unwrap();
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
        let (version, _, _): (u64, bool, Vec<SubscriptionChange>) = self.memory.since(0).await.unwrap();
        assert_eq!(self.file().since(version).await.unwrap(), (version, false, Vec::new()));
        assert_eq!(self.memory.next_due().await.unwrap(), self.file().next_due().await.unwrap());
    }
}
