//! What clients do while faults happen: they subscribe and unsubscribe, use subscriptions as registers, and renew one again
//! and again to see when writes succeed, while the inventory changes.

use crate::history::{Action, Operation};
use crate::ledger::Acknowledged;
use crate::world::{SERVERS, World, id_of, lease, lock, subscription};
use http::Method;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Answer, Dice};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Pauses, so that a fast machine does not get more load.
const BETWEEN_EDITS: Duration = Duration::from_millis(150);
const BETWEEN_SUBSCRIPTIONS: Duration = Duration::from_millis(250);
const BETWEEN_ACTIONS: Duration = Duration::from_millis(40);
const BETWEEN_PULSES: Duration = Duration::from_millis(50);
/// How many subscriptions one client has at the same time.
const OWN: usize = 4;
/// How many registers there are at the same time, and how many actions each of them sees.
const REGISTERS: usize = 3;
const ACTIONS: usize = 40;

/// The load; it ends when this is stopped or dropped.
pub(crate) struct Load {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Load {
    /// Starts it, through all pods.
    pub(crate) fn start(world: &Arc<World>, seed: u64) -> Self {
        let (stop, mut tasks) = (watch::Sender::new(false), JoinSet::new());
        let client = |task: u64| {
            let (world, stop) = (Arc::clone(world), stop.subscribe());
            Client { world, stop, dice: Dice(seed ^ (task << 32)), pod: 0, own: Vec::new() }
        };
        tasks.spawn(client(0).edit());
        for pod in 0..world.clients.len() {
            let task = 10 * (pod as u64 + 1);
            tasks.spawn(Client { pod, ..client(task) }.subscribe());
            tasks.spawn(Client { pod, ..client(task + 1) }.pulse());
        }
        let registers = Arc::new(tokio::sync::Mutex::new(Vec::new()));
        for pod in 0..world.clients.len() {
            let client = Client { pod, ..client(10 * (pod as u64 + 1) + 2) };
            tasks.spawn(client.use_registers(Arc::clone(&registers)));
        }
        Self { stop, tasks }
    }

    /// Ends it once every call that is under way was answered or given up; fails if one of the clients did.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a client that saw what it may see");
        }
    }
}

struct Client {
    world: Arc<World>,
    stop: watch::Receiver<bool>,
    dice: Dice,
    /// Where it asks; another one when that does not answer.
    pod: usize,
    /// The ids of the subscriptions that it will delete.
    own: Vec<String>,
}

impl Client {
    /// Pauses; `false` when it is time to end.
    async fn goes_on(&mut self, pause: Duration) -> bool {
        let stopped = timeout(pause, self.stop.wait_for(|stop| *stop)).await;
        stopped.is_err()
    }

    /// Asks; goes to the next pod if this one does not answer.
    async fn ask(&mut self, method: Method, path: &str, body: &str) -> Option<Answer> {
        let answer = self.world.ask(self.pod, method, path, body).await;
        if answer.is_none() {
            self.next_pod();
        }
        answer
    }

    fn next_pod(&mut self) {
        self.pod = (self.pod + 1) % self.world.clients.len();
    }

    async fn edit(mut self) {
        while self.goes_on(BETWEEN_EDITS).await {
            self.world.edit([self.dice.below(SERVERS)]);
        }
    }

    async fn subscribe(mut self) {
        while self.goes_on(BETWEEN_SUBSCRIPTIONS).await {
            if self.own.len() < OWN {
                self.create().await;
            } else {
                self.delete().await;
            }
        }
    }

    async fn create(&mut self) {
        match self.world.subscribe(self.pod).await {
            Some(id) => self.own.push(id),
            None => self.next_pod(),
        }
    }

    /// Deletes one of its own, which is no longer expected to be there from the call on.
    async fn delete(&mut self) {
        let place = self.dice.below(self.own.len());
        let id = self.own.remove(place);
        {
            let mut ledger = lock(&self.world.ledger);
            ledger.live.remove(&id);
            ledger.deleted.insert(id.clone(), None);
        }
        let Some(answer) = self.ask(Method::DELETE, &subscription(&id), "").await else { return };
        answer.expect(204);
        let by = self.acknowledged();
        lock(&self.world.ledger).deleted.insert(id, Some(by));
    }

    /// The pod that has just acknowledged something.
    fn acknowledged(&self) -> Acknowledged {
        Acknowledged { pod: self.pod, at: self.world.now() }
    }

    /// Renews one subscription through its pod as often as it can.
    async fn pulse(mut self) {
        let pod = self.pod;
        let body = self.world.body(&format!("/pulse-{}", self.world.number()), true, 0).to_string();
        let created = self.world.ask(pod, Method::POST, &format!("{V2}/subscriptions"), &body).await;
        let id = id_of(&created.expect("a pod that answers in the beginning").expect(201));
        let path = format!("{}/renew", lease(&id));
        while self.goes_on(BETWEEN_PULSES).await {
            if let Some(answer) = self.world.ask(pod, Method::POST, &path, "").await {
                answer.expect(200);
                lock(&self.world.ledger).pulses[pod].push(Instant::now());
            }
        }
    }

    async fn use_registers(mut self, registers: Arc<tokio::sync::Mutex<Vec<String>>>) {
        while self.goes_on(BETWEEN_ACTIONS).await {
            let register = {
                let mut registers = registers.lock().await;
                registers.retain(|id| self.is_fresh(id));
                if registers.len() < REGISTERS {
                    registers.extend(self.make_register().await);
                }
                if registers.is_empty() {
                    continue;
                }
                registers[self.dice.below(registers.len())].clone()
            };
            self.act(&register).await;
        }
    }

    fn is_fresh(&self, id: &str) -> bool {
        lock(&self.world.ledger).histories.get(id).is_some_and(|history| history.len() < ACTIONS)
    }

    /// Makes a subscription that is a register; its id comes with the answer, so without one it is nobody's.
    async fn make_register(&mut self) -> Option<String> {
        let value = self.world.number();
        let body = self.world.body(&format!("/register-{value}"), true, value).to_string();
        let called = self.world.now();
        let answer = self.ask(Method::POST, &format!("{V2}/subscriptions"), &body).await?;
        let id = id_of(&answer.expect(201));
        self.note(&id, Action::Create(value), called, true);
        Some(id)
    }

    /// Does something with a register. Its place in the history is taken before the call.
    async fn act(&mut self, id: &str) {
        let called = self.world.now();
        let (asked, answer) = match self.dice.below(50) {
            0..15 => {
                let value = self.world.number();
                let body = self.world.body(&format!("/register-{value}"), true, value).to_string();
                (Action::Replace(value), self.ask(Method::PUT, &lease(id), &body).await)
            }
            15..20 => (Action::Read(0), self.ask(Method::POST, &format!("{}/renew", lease(id)), "").await),
            20 => (Action::Delete, self.ask(Method::DELETE, &subscription(id), "").await),
            _ => (Action::Read(0), self.ask(Method::GET, &subscription(id), "").await),
        };
        let action = match (&answer, asked) {
            (Some(answer), _) if answer.status == 404 => Action::Absent,
            (Some(answer), Action::Read(_)) => Action::Read(value_of(answer)),
            _ => asked,
        };
        self.note(id, action, called, answer.is_some());
    }

    fn note(&self, id: &str, action: Action, called: u64, is_answered: bool) {
        let answered = is_answered.then(|| self.world.now());
        let operation = Operation { action, pod: self.pod, called, answered };
        lock(&self.world.ledger).histories.entry(id.to_owned()).or_default().push(operation);
    }
}

/// The value that a register shows.
fn value_of(answer: &Answer) -> u64 {
    let body = answer.clone().expect(200).json();
    body["consumerSubscriptionId"].as_str().and_then(|value| value.parse().ok()).expect("a value")
}
