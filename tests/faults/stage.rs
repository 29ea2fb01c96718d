//! Three pods on three Redis servers and three Sentinels, under load, and what must hold after a fault.

use crate::history;
use crate::ledger::{Findings, arrivals};
use crate::load::Load;
use crate::world::{SERVERS, World, lock, subscription};
use futures::future::join_all;
use http::Method;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Dice, Gateway, Inventory, RedisLab, Setup, until};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How many pods there are.
pub(crate) const PODS: usize = 3;
/// How long there is load before a fault, and after writes succeed again.
const AROUND: Duration = Duration::from_millis(1500);
/// How long it may take until writes through every pod succeed again.
const RECOVERY: Duration = Duration::from_mins(1);
/// What has not come is missing once nothing came for so long.
const SILENCE: Duration = Duration::from_mins(1);

pub(crate) struct Stage {
    pub(crate) lab: RedisLab,
    pub(crate) pods: Vec<Gateway>,
    pub(crate) world: Arc<World>,
    dice: Dice,
}

/// The file in a pod's folder that says at which step it dies.
const STEP: &str = "step";

/// What one run of a fault showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) found: Findings,
    /// Registers whose history no order explains.
    pub(crate) unexplained: usize,
    /// The longest time without a successful write, through the pod that had the longest.
    pub(crate) pause: Duration,
}

/// For pods that do not differ.
pub(crate) fn alike(_pod: usize, setup: Setup) -> Setup {
    setup
}

impl Stage {
    /// Starts everything; `None` without a Redis, unless peers are required. `differ` says how a pod is not like the others.
    pub(crate) async fn start(seed: u64, differ: fn(usize, Setup) -> Setup) -> Option<Self> {
        let lab = RedisLab::start().await?;
        let inventory = Inventory::with_servers(SERVERS);
        let (pki, mut pods) = (Arc::default(), Vec::new());
        for pod in 0..PODS {
            let setup = Setup::state(lab.state()).file("lab", &inventory).pki(&pki);
            let setup = setup.variable("FAILPOINT", STEP).set("/log/level", json!("warn"));
            let setup = setup.set("/subscriptions/perOwner", json!(10_000));
            pods.push(differ(pod, setup).start().await);
        }
        let clients: Vec<_> = pods.iter().map(|pod| pod.client("smo")).collect();
        // What changes before a source was first read is no change.
        clients[0].get(&format!("{V2}/resourcePools/pool-a/resources")).await.expect(200);
        let world = Arc::new(World::new(clients, inventory).await);
        Some(Self { lab, pods, world, dice: Dice(seed) })
    }

    /// Puts everything under load, does what the fault is, waits until all is well again, and looks what is missing.
    pub(crate) async fn run(&mut self, fault: impl AsyncFnOnce(&mut Self)) -> Run {
        let load = Load::start(&self.world, self.dice.roll(u64::MAX));
        self.writes_succeed_since(Instant::now()).await;
        sleep(AROUND).await;
        let begun = Instant::now();
        fault(self).await;
        self.writes_succeed_since(Instant::now()).await;
        let ended = Instant::now();
        self.lab.settled().await;
        self.writes_succeed_since(Instant::now()).await;
        sleep(AROUND).await;
        load.stop().await;
        let pause = self.longest_pause(begun, ended);
        let found = self.settle().await;
        let unexplained = self.unexplained();
        self.clean_up().await;
        Run { found, unexplained, pause }
    }

    /// Has a pod die at a step of its work, such as `after q_take`; returns when one has.
    pub(crate) async fn dies(&mut self, step: &str) {
        let files: Vec<_> = self.pods.iter().map(|pod| pod.folder().join(STEP)).collect();
        for file in &files {
            std::fs::write(file, step).expect("the step is named");
        }
        let one_died = async || self.pods.iter_mut().any(|pod| !pod.is_running()).then_some(());
        until(RECOVERY, step, one_died).await;
        for file in &files {
            std::fs::remove_file(file).expect("the step is named no longer");
        }
    }

    /// Starts the pods that do not run, until all do: one may die at a step while another one is started again.
    pub(crate) async fn revive(&mut self) {
        while let Some(dead) = self.pods.iter_mut().find_map(|pod| (!pod.is_running()).then_some(pod)) {
            dead.restart().await;
        }
    }

    /// Waits until a write succeeded through each pod.
    pub(crate) async fn writes_succeed_since(&self, since: Instant) {
        let all = async || {
            let ledger = lock(&self.world.ledger);
            let succeeded = |pulses: &Vec<Instant>| pulses.last().is_some_and(|last| *last > since);
            ledger.pulses.iter().all(succeeded).then_some(())
        };
        until(RECOVERY, "writes through every pod", all).await;
    }

    /// Returns the longest time between two successful writes through one pod, of those that overlap a span of time.
    fn longest_pause(&self, begun: Instant, ended: Instant) -> Duration {
        let ledger = lock(&self.world.ledger);
        let of_pod = |pulses: &Vec<Instant>| {
            let pauses = pulses.windows(2).filter(|pair| pair[1] > begun && pair[0] < ended);
            pauses.map(|pair| pair[1] - pair[0]).max()
        };
        ledger.pulses.iter().filter_map(of_pod).max().unwrap_or_default()
    }

    /// Edits every server for the last time, waits until all is told, and compares.
    pub(crate) async fn settle(&self) -> Findings {
        self.world.edit(0..SERVERS);
        let file = self.world.edits();
        let live = lock(&self.world.ledger).live.clone();
        let is_told = || live.iter().all(|(id, one)| one.is_told(&self.world.arrived(id), &file));
        let told = async || until(Duration::MAX, "the last states", async || is_told().then_some(())).await;
        let mut before = None;
        while before != Some(self.world.arrivals()) {
            before = Some(self.world.arrivals());
            if timeout(SILENCE, told()).await.is_ok() {
                break;
            }
        }
        let mut found = Findings::default();
        for id in self.world.notified().iter().filter(|id| !live.contains_key(*id)) {
            found += arrivals(&self.world.arrived(id));
        }
        for (id, account) in &live {
            found += account.check(&self.world.arrived(id), &file);
        }
        let statuses = self.statuses(live.keys()).await;
        found.acknowledged_lost = statuses.into_iter().filter(|status| *status != 200).count();
        let deleted = lock(&self.world.ledger).deleted.clone();
        let ids = deleted.iter().filter(|(_, by)| by.is_some()).map(|(id, _)| id);
        found.revived = self.statuses(ids).await.into_iter().filter(|status| *status != 404).count();
        found
    }

    /// Asks the pods in turn for subscriptions.
    async fn statuses(&self, ids: impl Iterator<Item = &String>) -> Vec<u16> {
        let asked = ids.enumerate().map(|(n, id)| {
            let client = &self.world.clients[n % PODS];
            async move { client.get(&subscription(id)).await.status }
        });
        join_all(asked).await
    }

    fn unexplained(&self) -> usize {
        let ledger = lock(&self.world.ledger);
        ledger.histories.values().filter(|history| !history::is_explained(history)).count()
    }

    /// Deletes what this run made, so that the next one begins with nothing.
    async fn clean_up(&self) {
        for one in self.world.clients[0].all(&format!("{V2}/subscriptions")).await {
            let id = one["subscriptionId"].as_str().expect("an id");
            self.world.ask(0, Method::DELETE, &subscription(id), "").await.expect("an answer");
        }
        self.world.forget();
    }
}
