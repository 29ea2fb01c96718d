//! Clients that ask at a constant rate, whatever happens, and the ledger of what they were answered.

use crate::stage::Stage;
use crate::world::{SERVERS, World, lease, lock, subscription};
use http::Method;
use netweave_tests::harness::Balancer;
use netweave_tests::harness::client::{Client, V2};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Requests of all clients, each second.
const RATE: u32 = 500;
/// How many clients share that, each with connections of its own.
const CLIENTS: u32 = 10;
const BETWEEN_EDITS: Duration = Duration::from_millis(200);

/// What clients were answered.
#[derive(Default)]
pub(super) struct Ledger {
    /// What happens now, for what is said of a failure.
    step: Mutex<&'static str>,
    requests: AtomicUsize,
    failed: Mutex<Vec<String>>,
    /// What asks the state's server may be refused, because that is being replaced.
    may_pause: AtomicBool,
    /// When what asks the state's server succeeded.
    stateful: Mutex<Vec<Instant>>,
}

/// The load; it ends when this is stopped or dropped.
pub(super) struct Load {
    pub(super) ledger: Arc<Ledger>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Ledger {
    /// Returns how many requests there were, and what was wrong with the answers.
    pub(super) fn found(&self) -> (usize, Vec<String>) {
        (self.requests.load(Ordering::SeqCst), lock(&self.failed).clone())
    }

    fn note(&self, wrong: Option<String>, stateful: bool) {
        match wrong {
            None if stateful => lock(&self.stateful).push(Instant::now()),
            None => {}
            Some(_) if stateful && self.may_pause.load(Ordering::SeqCst) => {}
            Some(wrong) => {
                let step = *lock(&self.step);
                lock(&self.failed).push(format!("{step}: {wrong}"));
            }
        }
    }
}

impl Load {
    /// Starts it through a balancer, on one subscription; the inventory changes meanwhile.
    pub(super) fn start(stage: &Stage, balancer: &Balancer, id: &str) -> Self {
        let (ledger, stop, mut tasks) = (Arc::default(), watch::Sender::new(false), JoinSet::new());
        for _ in 0..CLIENTS {
            let pki = stage.pods[0].pki();
            let client = Client::new(pki, Some(&pki.client("smo")), balancer.url());
            tasks.spawn(ask_all_the_time(client, id.to_owned(), Arc::clone(&ledger), stop.subscribe()));
        }
        tasks.spawn(edit_all_the_time(Arc::clone(&stage.world), stop.subscribe()));
        Self { ledger, stop, tasks }
    }

    /// Says what happens from here on.
    pub(super) fn step(&self, name: &'static str) {
        *lock(&self.ledger.step) = name;
    }

    /// Does what may make writes and reads of subscriptions pause, until one succeeds again; returns the longest time without one.
    pub(super) async fn pausing(&self, happen: impl Future<Output = ()>) -> Duration {
        let begun = Instant::now();
        self.ledger.may_pause.store(true, Ordering::SeqCst);
        happen.await;
        let ended = Instant::now();
        let again = async || lock(&self.ledger.stateful).last().is_some_and(|last| *last > ended);
        netweave_tests::harness::soon("a write that succeeds", again).await;
        self.ledger.may_pause.store(false, Ordering::SeqCst);
        let all = lock(&self.ledger.stateful);
        let pauses = all.windows(2).filter(|pair| pair[1] > begun).map(|pair| pair[1] - pair[0]);
        pauses.max().unwrap_or_default()
    }

    /// Ends it once every request was answered or given up.
    pub(super) async fn stop(mut self) -> Arc<Ledger> {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a client that ends");
        }
        self.ledger
    }
}

async fn edit_all_the_time(world: Arc<World>, mut stop: watch::Receiver<bool>) {
    for server in (0..SERVERS).cycle() {
        world.edit([server]);
        if timeout(BETWEEN_EDITS, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// Asks at a constant rate, whether the last answer is there or not.
async fn ask_all_the_time(client: Client, id: String, ledger: Arc<Ledger>, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(Duration::from_secs(1) * CLIENTS / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut requests, mut open) = (0, JoinSet::new());
    while !*stop.borrow_and_update() {
        ticks.tick().await;
        open.spawn(ask(client.clone(), requests, id.clone(), Arc::clone(&ledger)));
        requests += 1;
        while let Some(ended) = open.try_join_next() {
            ended.expect("a request that ends");
        }
    }
    open.join_all().await;
}

/// Sends one request, now and then a write, and notes what was wrong with the answer.
async fn ask(client: Client, number: usize, id: String, ledger: Arc<Ledger>) {
    let (method, path) = match number % 10 {
        0 => (Method::POST, format!("{}/renew", lease(&id))),
        // A read of the state's server, which pauses with it.
        1 => (Method::GET, subscription(&id)),
        2..5 => (Method::GET, format!("{V2}/resourcePools/pool-a/resources/server-00")),
        _ => (Method::GET, format!("{V2}/resourcePools/pool-a/resources")),
    };
    ledger.requests.fetch_add(1, Ordering::SeqCst);
    let wrong = match client.ask(method.clone(), &path, &[], "").await {
        Ok(answer) if answer.status == 200 => None,
        Ok(answer) => Some(format!("{method} {path}: {answer:?}")),
        Err(error) => Some(format!("{method} {path}: {error:?}")),
    };
    ledger.note(wrong, number % 10 < 2);
}
