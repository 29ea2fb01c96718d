//! Reads and writes while the primary of three Redis servers is killed, and Sentinels put another one in its place.

use crate::steady::{Counted, Pace, Steady};
use crate::{Bench, folder, mix};
use netweave_benches::connection::{Connection, Target, get, post};
use netweave_benches::metrics::sum;
use netweave_benches::report::{Report, median, tenth};
use netweave_benches::sentinel::Sentinels;
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{Result, pki};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};

const RESOURCES: usize = 1000;
/// Kills, each of a lab of its own; the medians are published.
const ROUNDS: usize = 3;
const READS: Pace = Pace { rate: 500, connections: 16, fresh: false, seed: 1 };
/// From one write to the next.
const BETWEEN_WRITES: Duration = Duration::from_millis(20);
/// How long there is load before the kill, and after another primary was named.
const AROUND: Duration = Duration::from_secs(5);
/// How long everything may take to be as before.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the writer saw.
#[derive(Default)]
struct Writes {
    /// The ids of subscriptions whose creation was acknowledged.
    made: Vec<String>,
    refused: u64,
    /// The longest time from one acknowledged write to the next.
    pause: Duration,
}

/// What one round showed.
struct Round {
    reads: Counted,
    named: Duration,
    caught_up: Duration,
    writes: Writes,
    lost: u64,
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path) -> Result<()> {
    let columns = &[
        "round",
        "reads",
        "reads_failed",
        "read_p99_ms",
        "named_ms",
        "writes",
        "writes_refused",
        "write_pause_ms",
        "caught_up_ms",
        "writes_lost",
    ];
    let mut report = Report::new("failover", columns);
    report.note(format!(
        "Three Redis servers and three Sentinels with what deploy/redis says of persistence, replicas and times (dead after 2 s), one gateway with {RESOURCES} resources. {} reads per second in an \
         open loop; a subscription is made each {BETWEEN_WRITES:?}. The primary is killed (SIGKILL) after {AROUND:?}. named: until a Sentinel names another one; pause: the longest time from one \
         acknowledged write to the next; caught up: until a change of the inventory, made at the kill, is served. lost: acknowledged subscriptions that are not there at the end.",
        READS.rate
    ));
    let (mut pauses, mut caught, mut failed, mut lost, mut faults) =
        (Vec::new(), Vec::new(), 0, 0, Vec::new());
    for number in 1..=ROUNDS {
        let round = Scene::set(bench, redis, number).await?.round().await?;
        report.latency(&round.reads.latency)?;
        report.row(vec![
            json!(number),
            json!(round.reads.latency.len() + round.reads.failed),
            json!(round.reads.failed),
            json!(tenth(round.reads.millis(0.99))),
            json!(round.named.as_millis()),
            json!(round.writes.made.len()),
            json!(round.writes.refused),
            json!(round.writes.pause.as_millis()),
            json!(round.caught_up.as_millis()),
            json!(round.lost),
        ])?;
        pauses.push(round.writes.pause.as_secs_f64() * 1e3);
        caught.push(round.caught_up.as_secs_f64() * 1e3);
        failed += round.reads.failed;
        lost += round.lost;
        faults.extend(round.reads.faults);
    }
    let worst = pauses.iter().copied().fold(0.0, f64::max);
    report.finish(
        &bench.out,
        &format!(
            "reads_failed={failed} writes_lost={lost} write_pause_ms={:.0} write_pause_max_ms={worst:.0} caught_up_ms={:.0}",
            median(pauses),
            median(caught)
        ),
    )?;
    if failed + lost > 0 {
        let faults = faults.join("; ");
        return Err(format!("{failed} reads failed, {lost} writes were lost: {faults}").into());
    }
    Ok(())
}

/// A lab with a gateway.
struct Scene {
    gateway: Server,
    ops: Target,
    stock: Stock,
    home: PathBuf,
    redis: Sentinels,
}

impl Scene {
    async fn set(bench: &Bench, redis: &Path, number: usize) -> Result<Self> {
        let home = folder(bench, &format!("failover-{number}"))?;
        let (tls, stock) = (pki::set_up(&home)?, Stock::new("pool", RESOURCES));
        stock.write(&home)?;
        let redis = Sentinels::start(redis, &home).await?;
        let mut conf = server::conf(std::slice::from_ref(&stock.name))?;
        conf.set("state", redis.state());
        let callback = json!({ "schemes": ["https"], "allow": ["127.0.0.0/8"], "ca": "ca.crt" });
        conf.set("subscriptions", json!({ "perOwner": 100_000, "total": 100_000, "callback": callback }));
        let mut gateway = server::start(&bench.netweave, &home, tls, &conf)?;
        gateway.answers(&stock.first(), |_| true).await?;
        let ops = Target { address: conf.ops, tls: None };
        Ok(Self { gateway, ops, stock, home, redis })
    }

    async fn round(mut self) -> Result<Round> {
        let api = self.gateway.api.clone();
        let reads =
            Steady::start(&api, READS, |dice| mix::read_request(&Stock::new("pool", RESOURCES), dice))?;
        let stop = Arc::new(AtomicBool::new(false));
        let client = tokio::spawn(write(api.clone(), Arc::clone(&stop)));
        sleep(AROUND).await;
        let killed = Instant::now();
        let former = self.redis.kill_primary().await?;
        self.stock.marks.insert(0, "changed at the kill".to_owned());
        self.stock.write(&self.home)?;
        self.redis.replaced(former).await?;
        let named = killed.elapsed();
        let changed = |body: &[u8]| String::from_utf8_lossy(body).contains("changed at the kill");
        self.gateway.answers(&self.stock.first(), changed).await?;
        let caught_up = killed.elapsed();
        sleep(AROUND).await;
        self.followed().await?;
        stop.store(true, Ordering::Relaxed);
        let writes = client.await??;
        let reads = reads.stop().await?;
        let lost = lost(&api, &writes.made).await?;
        Ok(Round { reads, named, caught_up, writes, lost })
    }

    /// Waits until the gateway has applied all of the change log.
    async fn followed(&self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while sum(&self.ops, "netweave_follow_lag_entries").await? > 0 {
            if Instant::now() > end {
                return Err("the gateway does not catch up with the change log".into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Makes subscriptions at a constant pace; what fails is not tried again.
async fn write(api: Target, stop: Arc<AtomicBool>) -> Result<Writes> {
    let (mut writes, mut connection) = (Writes::default(), None);
    let (mut due, mut last) = (Instant::now(), None);
    for number in 0_u64.. {
        sleep_until(due).await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if let Ok(Ok(id)) = timeout(PATIENCE, subscribe(&mut connection, &api, number)).await {
            let now = Instant::now();
            if let Some(last) = last.replace(now) {
                writes.pause = writes.pause.max(now - last);
            }
            writes.made.push(id);
        } else {
            writes.refused += 1;
            connection = None;
        }
        due = (due + BETWEEN_WRITES).max(Instant::now());
    }
    Ok(writes)
}

async fn subscribe(connection: &mut Option<Connection>, api: &Target, number: u64) -> Result<String> {
    let mut open = match connection.take() {
        Some(open) => open,
        None => Connection::open(api).await?,
    };
    let body = json!({ "callback": format!("https://127.0.0.1:9/{number}") }).to_string();
    let answer = mix::expect(&mut open, &post(mix::SUBSCRIPTIONS, &body), 201).await?;
    *connection = Some(open);
    mix::id(&answer)
}

/// Counts the subscriptions that are not there.
async fn lost(api: &Target, ids: &[String]) -> Result<u64> {
    let (mut connection, mut lost) = (Connection::open(api).await?, 0);
    for id in ids {
        let answer = connection.send(&get(&format!("{}/{id}", mix::SUBSCRIPTIONS))).await?;
        lost += u64::from(answer.status != 200);
    }
    Ok(lost)
}
