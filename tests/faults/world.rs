//! What outlives every fault: the consumer, the inventory file, what clients know, and how they ask.

use crate::history::Operation;
use crate::ledger::{Account, Acknowledged, Delivery, description};
use http::Method;
use netweave_tests::harness::client::{Answer, V2};
use netweave_tests::harness::{Callbacks, Client, Inventory};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How many servers the inventory has.
pub(crate) const SERVERS: usize = 8;
/// How long a client waits for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Notifications by their subscription, in the order of their arrival: a replacement may change the callback in between.
type Arrived = Arc<Mutex<HashMap<String, Vec<Delivery>>>>;

pub(crate) struct World {
    callbacks: Callbacks,
    arrived: Arrived,
    /// One for each pod, all of the same owner.
    pub(crate) clients: Vec<Client>,
    inventory: Mutex<(Inventory, Vec<u64>)>,
    pub(crate) ledger: Mutex<Ledger>,
    numbers: AtomicU64,
    began: Instant,
}

/// What clients were told.
#[derive(Default)]
pub(crate) struct Ledger {
    /// By the id.
    pub(crate) live: BTreeMap<String, Account>,
    /// The ids of those of which a deletion was asked for, and by whom it was acknowledged.
    pub(crate) deleted: BTreeMap<String, Option<Acknowledged>>,
    /// What was done with each register.
    pub(crate) histories: BTreeMap<String, Vec<Operation>>,
    /// When writes through each pod succeeded.
    pub(crate) pulses: Vec<Vec<Instant>>,
}

impl Ledger {
    fn new(pods: usize) -> Self {
        Self { pulses: vec![Vec::new(); pods], ..Self::default() }
    }

    /// What one pod acknowledged from a moment on may have died with it: nobody can say whether it happened.
    pub(crate) fn doubt(&mut self, pod: usize, since: u64) {
        let doubtful = |by: Acknowledged| by.pod == pod && by.at >= since;
        self.live.retain(|_, account| !doubtful(account.by));
        for by in self.deleted.values_mut() {
            *by = by.filter(|by| !doubtful(*by));
        }
        for operation in self.histories.values_mut().flatten() {
            operation.answered =
                operation.answered.filter(|at| !doubtful(Acknowledged { pod: operation.pod, at: *at }));
        }
    }
}

/// Locks what a task that has failed may have held.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) async fn new(clients: Vec<Client>, inventory: Inventory) -> Self {
        let arrived = Arrived::default();
        let keep = Arc::clone(&arrived);
        let sink = move |_: &str, body: Value| {
            let id = body["subscriptionId"].as_str().expect("a subscription");
            lock(&keep).entry(id.to_owned()).or_default().push(Delivery::read(&body));
        };
        let ledger = Ledger::new(clients.len());
        Self {
            callbacks: Callbacks::passing_on(Box::new(sink)).await,
            arrived,
            clients,
            inventory: Mutex::new((inventory, vec![0; SERVERS])),
            ledger: Mutex::new(ledger),
            numbers: AtomicU64::new(1),
            began: Instant::now(),
        }
    }

    /// A number that was never given out before.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::SeqCst)
    }

    /// Nanoseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).expect("not for centuries")
    }

    /// Gives servers a new description, all in one edit of the file; returns its number.
    pub(crate) fn edit(&self, servers: impl IntoIterator<Item = usize>) -> u64 {
        let mut inventory = lock(&self.inventory);
        let number = self.number();
        let (file, edits) = &mut *inventory;
        file.edit(|document| {
            for server in servers {
                document["resources"][server]["description"] = description(number).into();
                edits[server] = number;
            }
        });
        number
    }

    /// The edit of each server that is in the file.
    pub(crate) fn edits(&self) -> Vec<u64> {
        lock(&self.inventory).1.clone()
    }

    /// What came for a subscription, in the order of its arrival.
    pub(crate) fn arrived(&self, id: &str) -> Vec<Delivery> {
        lock(&self.arrived).get(id).cloned().unwrap_or_default()
    }

    /// The subscriptions for which anything came.
    pub(crate) fn notified(&self) -> Vec<String> {
        lock(&self.arrived).keys().cloned().collect()
    }

    /// How many notifications came, repetitions included.
    pub(crate) fn arrivals(&self) -> usize {
        lock(&self.arrived).values().map(Vec::len).sum()
    }

    /// The edit that was told last to the subscription that is furthest behind.
    pub(crate) fn slowest(&self) -> Option<u64> {
        let last = |all: &Vec<Delivery>| all.iter().rev().find_map(Delivery::edit);
        lock(&self.arrived).values().filter_map(last).min()
    }

    /// Forgets what came, and what clients were told.
    pub(crate) fn forget(&self) {
        lock(&self.arrived).clear();
        *lock(&self.ledger) = Ledger::new(self.clients.len());
    }

    /// The body of a subscription with this callback; every other one holds back the servers of `pool-b`.
    pub(crate) fn body(&self, path: &str, filtered: bool, value: u64) -> Value {
        let mut body =
            json!({ "callback": self.callbacks.url(path), "consumerSubscriptionId": value.to_string() });
        if filtered {
            body["filter"] = json!("(eq,resourcePoolId,pool-b)");
        }
        body
    }

    /// Subscribes through a pod; returns the id, `None` if it is not known whether it worked.
    pub(crate) async fn subscribe(&self, pod: usize) -> Option<String> {
        let number = self.number();
        let filtered = number.is_multiple_of(3);
        let body = self.body(&format!("/{number}"), filtered, number).to_string();
        let answer = self.ask(pod, Method::POST, &format!("{V2}/subscriptions"), &body).await?;
        let (id, by) = (id_of(&answer.expect(201)), Acknowledged { pod, at: self.now() });
        let account = Account { by, filtered, known: self.edits() };
        lock(&self.ledger).live.insert(id.clone(), account);
        Some(id)
    }

    /// Asks a pod; `None` if no answer came in time, or one that leaves open what happened.
    pub(crate) async fn ask(&self, pod: usize, method: Method, path: &str, body: &str) -> Option<Answer> {
        let headers = [("content-type", "application/json")];
        let asked = self.clients[pod].ask(method.clone(), path, &headers, body);
        let answer = timeout(ANSWER, asked).await.ok()?.ok()?;
        let fits = matches!(answer.status, 200 | 201 | 204 | 404);
        assert!(fits || answer.status == 503, "{method} {path} {body}: {answer:?}");
        fits.then_some(answer)
    }
}

/// The path of a subscription in the interface of O2-IMS.
pub(crate) fn subscription(id: &str) -> String {
    format!("{V2}/subscriptions/{id}")
}

/// The path of a subscription in the interface of our own.
pub(crate) fn lease(id: &str) -> String {
    format!("/netweave/v1/subscriptions/{id}")
}

/// The id of the subscription that an answer shows.
pub(crate) fn id_of(answer: &Answer) -> String {
    answer.json()["subscriptionId"].as_str().expect("an id").to_owned()
}
