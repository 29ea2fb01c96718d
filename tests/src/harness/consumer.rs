//! A fake SMO: receives notifications on loopback, verifies them, and answers as it is told.

use http::{HeaderName, StatusCode};
use netweave::webhook::inbox::{self, Answer, Inbox, Options, Received};
use netweave::webhook::notification::{SEQUENCE, SUBSCRIPTION_ID};
use netweave::webhook::signature::Secret;
use netweave_model::Timestamp;
use netweave_model::port::Clock;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long a test waits for deliveries before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// One notification as a test looks at it.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The path it was posted to.
    pub path: String,
    /// The subscription that it names.
    pub subscription: String,
    /// Its number within the subscription.
    pub sequence: u64,
    /// Its body.
    pub body: serde_json::Value,
    /// Its signature fits; `None` if the secret is not known here.
    pub verified: Option<bool>,
}

/// What the consumer will do, and what it knows.
#[derive(Default)]
struct Plan {
    /// Answers to come, in order.
    next: VecDeque<Answer>,
    /// The answer when none is planned; 204 if there is none.
    usual: Option<Answer>,
    /// Signing secrets by subscription.
    secrets: HashMap<String, Secret>,
}

/// The consumer; ends when it is dropped.
pub struct Consumer {
    inbox: Arc<Inbox>,
    plan: Arc<Mutex<Plan>>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Consumer {
    /// Starts on a free port of loopback; keeps the latest 1000 notifications.
    ///
    /// # Panics
    /// No port is free.
    pub async fn start() -> Self {
        Self::on(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts on an address, such as that of a consumer that was dropped.
    ///
    /// # Panics
    /// The address is in use.
    pub async fn on(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await;
        let listener = listener.unwrap_or_else(|error| panic!("the consumer cannot listen: {error}"));
        let address = listener.local_addr().unwrap_or(address);
        let plan = Arc::new(Mutex::new(Plan::default()));
        let planned = Arc::clone(&plan);
        let answer = Box::new(move |_: &Received| {
            let mut plan = planned.lock().unwrap_or_else(PoisonError::into_inner);
            let usual = plan.usual.unwrap_or(Answer::status(StatusCode::NO_CONTENT));
            plan.next.pop_front().unwrap_or(usual)
        });
        let inbox = Inbox::new(Options { secrets: Vec::new(), answer }, Arc::new(Wall));
        let server = tokio::spawn(inbox::serve(listener, Arc::clone(&inbox)));
        Self { inbox, plan, address, server }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a callback of this consumer; different paths tell subscriptions apart.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Makes a subscription's signing secret known, as it came with the creation.
    ///
    /// # Panics
    /// It is no secret.
    pub fn knows(&self, subscription: &str, secret: &str) {
        let secret = Secret::parse(secret).unwrap_or_else(|error| panic!("not a secret: {error}"));
        self.plan(|plan| drop(plan.secrets.insert(subscription.to_owned(), secret)));
    }

    /// Plans the answers to the next deliveries, after those that are planned already.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.plan(|plan| plan.next.extend(answers));
    }

    /// Sets the answer to all deliveries that have no planned one; `None` is 204.
    pub fn answer_always(&self, answer: Option<Answer>) {
        self.plan(|plan| plan.usual = answer);
    }

    /// Returns what came so far, oldest first.
    pub fn received(&self) -> Vec<Notification> {
        self.inbox.received(0).iter().map(|received| self.notification(received)).collect()
    }

    /// Returns how many deliveries came so far, also those that are no longer kept.
    pub fn count(&self) -> u64 {
        *self.inbox.count().borrow()
    }

    /// Waits until at least so many deliveries have come, and returns those that are kept.
    ///
    /// # Panics
    /// They do not come within 30 s.
    pub async fn wait_for(&self, count: u64) -> Vec<Notification> {
        let mut came = self.inbox.count();
        let enough = tokio::time::timeout(PATIENCE, came.wait_for(|came| *came >= count)).await;
        assert!(enough.is_ok_and(|came| came.is_ok()), "only {} of {count} deliveries came", self.count());
        self.received()
    }

    fn notification(&self, received: &Received) -> Notification {
        let text = |name: HeaderName| received.header(&name).unwrap_or_default().to_owned();
        let subscription = text(SUBSCRIPTION_ID);
        let secret = self.plan(|plan| plan.secrets.get(&subscription).cloned());
        Notification {
            path: received.path.clone(),
            sequence: text(SEQUENCE).parse().unwrap_or(0),
            body: serde_json::from_slice(&received.body).unwrap_or_default(),
            verified: secret
                .map(|secret| secret.verify(&received.headers, &received.body, received.at).is_ok()),
            subscription,
        }
    }

    fn plan<T>(&self, change: impl FnOnce(&mut Plan) -> T) -> T {
        change(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.server.abort();
    }
}
