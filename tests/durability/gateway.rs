//! The whole gateway is killed (`kill -9`) at random moments, while clients subscribe and the inventory changes.

use futures::future::join_all;
use http::Method;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Callbacks, Client, Dice, Gateway, Inventory, Setup, figures, until};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many kills one state file lives through.
const KILLS_PER_FILE: u64 = 10;
const SERVERS: usize = 8;
const CREATORS: usize = 3;
/// Pauses of the load, so that a fast machine does not get more of it.
const BETWEEN_CREATIONS: Duration = Duration::from_millis(130);
const BETWEEN_EDITS: Duration = Duration::from_millis(50);
/// How long the last deliveries may take.
const SETTLED: Duration = Duration::from_mins(1);

fn kills() -> u64 {
    if figures::full() { 200 } else { 10 }
}

#[tokio::test]
async fn a_gateway_that_is_killed_loses_nothing_acknowledged() {
    let mut dice = Dice(3);
    let mut counts = Counts::default();
    for _ in 0..kills() / KILLS_PER_FILE {
        let inventory = Inventory::with_servers(SERVERS);
        let mut gateway = Setup::embedded()
            .file("lab", &inventory)
            .set("/subscriptions/perOwner", json!(10_000))
            .start()
            .await;
        let stage = Stage::new(&gateway, inventory).await;
        for _ in 0..KILLS_PER_FILE {
            stage.run_and_kill(&mut gateway, &mut dice).await;
            gateway.restart().await;
            counts.lost_subscriptions += stage.lost().await;
        }
        stage.settle(&mut counts).await;
    }
    figures::record(&format!(
        "gateway_kills={} gateway_subscriptions={} gateway_notifications={} gateway_repeated={} gateway_lost={}",
        kills(),
        counts.subscriptions,
        counts.notifications,
        counts.repeated,
        counts.lost_subscriptions + counts.lost_notifications
    ));
    assert!(counts.subscriptions > 0 && counts.notifications > 0, "{counts:?}");
    assert_eq!((counts.lost_subscriptions, counts.lost_notifications), (0, 0), "{counts:?}");
}

#[derive(Debug, Default)]
struct Counts {
    subscriptions: usize,
    notifications: usize,
    repeated: usize,
    lost_subscriptions: usize,
    lost_notifications: usize,
}

/// A subscription whose 201 a client has seen.
struct Acknowledged {
    id: String,
    path: String,
    /// Resources of `pool-b` are held back by its filter.
    filtered: bool,
    /// The descriptions in the file when the 201 came: what differs at the end must have been told.
    known: Vec<String>,
}

/// What outlives the kills: the consumer, the inventory file, and what clients know.
struct Stage {
    client: Client,
    callbacks: Callbacks,
    inventory: RefCell<Inventory>,
    /// The descriptions in the file, by server.
    descriptions: RefCell<Vec<String>>,
    acknowledged: RefCell<Vec<Acknowledged>>,
    /// Counts callbacks and edits, so that none is like another.
    next: Cell<u64>,
    alive: Cell<bool>,
}

impl Stage {
    async fn new(gateway: &Gateway, inventory: Inventory) -> Self {
        let client = gateway.client("smo");
        // What changes before a source was first read is no change.
        client.get(&format!("{V2}/resourcePools/pool-a/resources")).await.expect(200);
        Self {
            client,
            callbacks: Callbacks::start().await,
            inventory: RefCell::new(inventory),
            descriptions: RefCell::new((0..SERVERS).map(|index| format!("server {index}")).collect()),
            acknowledged: RefCell::default(),
            next: Cell::default(),
            alive: Cell::new(true),
        }
    }

    fn number(&self) -> u64 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    /// Puts load on the gateway until a random moment, at which it is killed.
    async fn run_and_kill(&self, gateway: &mut Gateway, dice: &mut Dice) {
        self.alive.set(true);
        let moment = Duration::from_millis(20 + dice.roll(400));
        let kill = async {
            tokio::time::sleep(moment).await;
            gateway.kill9();
            self.alive.set(false);
        };
        tokio::join!(kill, join_all((0..CREATORS).map(|_| self.create())), self.rewrite(dice));
    }

    /// Creates subscriptions until the gateway no longer answers.
    async fn create(&self) {
        while self.alive.get() {
            let number = self.number();
            let (path, filtered) = (format!("/{number}"), number.is_multiple_of(3));
            let mut body = json!({ "callback": self.callbacks.url(&path) });
            if filtered {
                body["filter"] = json!("(eq,resourcePoolId,pool-b)");
            }
            let headers = [("content-type", "application/json")];
            let (url, body) = (format!("{V2}/subscriptions"), body.to_string());
            let asked = self.client.ask(Method::POST, &url, &headers, &body).await;
            let Ok(answer) = asked else { return };
            let answer = answer.expect(201);
            self.callbacks.trust(&path, answer.header("x-o2ims-webhook-secret"));
            let id = answer.json()["subscriptionId"].as_str().expect("an id").to_owned();
            let known = self.descriptions.borrow().clone();
            self.acknowledged.borrow_mut().push(Acknowledged { id, path, filtered, known });
            tokio::time::sleep(BETWEEN_CREATIONS).await;
        }
    }

    /// Rewrites the inventory file, two servers at a time, until the gateway is killed.
    async fn rewrite(&self, dice: &mut Dice) {
        while self.alive.get() {
            self.describe([dice.roll(SERVERS as u64), dice.roll(SERVERS as u64)]);
            tokio::time::sleep(BETWEEN_EDITS).await;
        }
    }

    fn describe(&self, servers: impl IntoIterator<Item = u64>) {
        let words = format!("edit {}", self.number());
        self.inventory.borrow_mut().edit(|document| {
            for server in servers {
                let server = usize::try_from(server).unwrap();
                document["resources"][server]["description"] = words.as_str().into();
                self.descriptions.borrow_mut()[server].clone_from(&words);
            }
        });
    }

    /// Counts the acknowledged subscriptions that are not there.
    async fn lost(&self) -> usize {
        let paths: Vec<String> = self
            .acknowledged
            .borrow()
            .iter()
            .map(|subscription| format!("{V2}/subscriptions/{}", subscription.id))
            .collect();
        let answers = join_all(paths.iter().map(|path| self.client.get(path))).await;
        answers.iter().filter(|answer| answer.status != 200).count()
    }

    /// Changes a few servers for the last time, waits until all is told, and compares what came with the file.
    async fn settle(&self, counts: &mut Counts) {
        self.describe([0, 1]);
        let acknowledged = self.acknowledged.take();
        let settled = until(Duration::MAX, "the last states", async || {
            acknowledged.iter().all(|subscription| self.untold(subscription).is_empty()).then_some(())
        });
        // What does not come in time is counted below.
        tokio::time::timeout(SETTLED, settled).await.ok();
        for subscription in &acknowledged {
            let bodies = self.callbacks.received(&subscription.path);
            let first = first_seen(&bodies);
            counts.subscriptions += 1;
            counts.notifications += first.len();
            counts.repeated += bodies.len() - first.len();
            counts.lost_notifications += missing(&first) + self.untold(subscription).len();
            assert_eq!(self.callbacks.badly_signed(&subscription.path), 0, "a signature does not fit");
        }
    }

    /// Returns the servers whose last state a subscriber was not told although it was to be.
    fn untold(&self, subscription: &Acknowledged) -> Vec<usize> {
        let bodies = self.callbacks.received(&subscription.path);
        let mut last = BTreeMap::new();
        for body in first_seen(&bodies) {
            let state = &body["postObjectState"];
            last.insert(state["resourceId"].to_string(), &state["description"]);
        }
        let descriptions = self.descriptions.borrow();
        let servers = descriptions.iter().zip(&subscription.known).enumerate();
        servers
            .filter(|(server, (description, known))| {
                let held_back = subscription.filtered && !server.is_multiple_of(2);
                match last.get(&format!("\"server-{server:02}\"")) {
                    Some(last) => held_back || *last != *description,
                    None => !held_back && description != known,
                }
            })
            .map(|(server, _)| server)
            .collect()
    }
}

/// Returns the notifications without their repetitions, and checks that a repetition has the id of the first.
fn first_seen(bodies: &[Value]) -> Vec<&Value> {
    let mut ids = BTreeMap::new();
    let mut first = Vec::new();
    for body in bodies {
        let id = &body["notificationId"];
        let seen = *ids.entry(body["sequence"].as_u64().expect("a sequence")).or_insert_with(|| {
            first.push(body);
            id
        });
        assert_eq!(seen, id, "a sequence stands for one notification: {body}");
    }
    first
}

/// Counts the gaps: numbers that do not follow the one before, and states that do not begin where the last ended.
fn missing(first: &[&Value]) -> usize {
    let numbers = first.iter().zip(1_u64..).filter(|(body, number)| body["sequence"] != *number).count();
    let mut states = BTreeMap::new();
    let mut torn = 0;
    for body in first {
        let (prior, post) = (&body["priorObjectState"], &body["postObjectState"]);
        let before = states.insert(post["resourceId"].to_string(), post);
        torn += usize::from(before.is_some_and(|before| before != prior));
    }
    numbers + torn
}
