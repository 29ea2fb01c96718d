//! Reads and subscriptions in two mixtures, on Redis: what each request costs and how long it takes.

use crate::{Bench, folder};
use hdrhistogram::Histogram;
use memchr::memmem;
use netweave_benches::connection::{Connection, Target, delete, get, post};
use netweave_benches::dice::Dice;
use netweave_benches::drive::{CONNECTIONS, Counted, Kind, Sends, Tally, Watch};
use netweave_benches::due::Dues;
use netweave_benches::redis::{Redis, Role};
use netweave_benches::report::{Report, median, tenth};
use netweave_benches::server;
use netweave_benches::stock::Stock;
use netweave_benches::{Result, pki};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

pub(crate) const SUBSCRIPTIONS: &str = "/o2ims-infrastructureInventory/v2/subscriptions";
/// Rounds; the medians are published.
const ROUNDS: usize = 5;
const LENGTH: Duration = Duration::from_secs(4);
/// Requests per second.
const RATE: u32 = 2000;
/// Resources, of which each is read alike often.
const RESOURCES: usize = 1000;
/// Latencies up to a minute, three digits.
const LONGEST_US: u64 = 60_000_000;

/// What was counted.
struct Counts {
    reads: Histogram<u64>,
    subscriptions: Histogram<u64>,
    sends: Sends,
}

impl Counts {
    fn new() -> Result<Self> {
        Ok(Self {
            reads: Histogram::new_with_max(LONGEST_US, 3)?,
            subscriptions: Histogram::new_with_max(LONGEST_US, 3)?,
            sends: Sends::new()?,
        })
    }

    /// Returns latencies of all requests.
    fn all(&self) -> Result<Histogram<u64>> {
        let mut all = self.reads.clone();
        all.add(&self.subscriptions)?;
        Ok(all)
    }

    fn requests(&self) -> u64 {
        self.reads.len() + self.subscriptions.len()
    }
}

/// Runs the bench of that name.
pub(crate) async fn run(bench: &Bench, redis: &Path, name: &'static str) -> Result<()> {
    let reads = if name == "read-heavy" { 0.8 } else { 0.2 };
    let columns =
        &["round", "requests", "cpu_us", "redis_cpu_us", "read_p50", "read_p99", "write_p50", "write_p99"];
    let mut report = Report::new(name, columns);
    let home = folder(bench, name)?;
    let tls = pki::set_up(&home)?;
    let stock = Stock::new("pool", RESOURCES);
    stock.write(&home)?;
    let redis = Redis::start(redis, &home, Role::State).await?;
    let mut conf = server::conf(std::slice::from_ref(&stock.name))?;
    conf.set("state", json!({ "kind": "redis", "url": redis.url() }));
    let callback = json!({ "schemes": ["https"], "allow": ["127.0.0.0/8"], "ca": "ca.crt" });
    conf.set("subscriptions", json!({ "perOwner": 100_000, "total": 100_000, "callback": callback }));
    let mut gateway = server::start(&bench.netweave, &home, tls, &conf)?;
    gateway.answers(&stock.first(), |_| true).await?;
    report.note(format!(
        "{RATE} requests per second in an open loop over {CONNECTIONS} connections, mTLS 1.3, {LENGTH:?} per round; {:.0} of 100 are \
         reads: a resource of {RESOURCES}, its pool's first page, or the pools. The others make a subscription, read it and delete \
         it. Latencies in microseconds, from when a request was due; CPU per request of the gateway and of Redis (append-only file).",
        reads * 100.0
    ));
    let mut figures: [Vec<f64>; 4] = Default::default();
    for round in 0..=ROUNDS {
        let before = (gateway.process.cpu()?, redis.process.cpu()?);
        let counts = stretch(&gateway.api, reads, round).await?;
        let each = |spent: Duration| {
            spent.as_secs_f64() * 1e6 / f64::from(u32::try_from(counts.requests()).unwrap_or(1))
        };
        let cpu = each(gateway.process.cpu()?.saturating_sub(before.0));
        let store = each(redis.process.cpu()?.saturating_sub(before.1));
        if round == 0 {
            report.warmed_up();
            continue;
        }
        let at = |counts: &Histogram<u64>, quantile| counts.value_at_quantile(quantile);
        let (read, write) = (at(&counts.reads, 0.99), at(&counts.subscriptions, 0.99));
        report.latency(&counts.all()?)?;
        report.row(vec![
            json!(round),
            json!(counts.requests()),
            json!(tenth(cpu)),
            json!(tenth(store)),
            json!(at(&counts.reads, 0.5)),
            json!(read),
            json!(at(&counts.subscriptions, 0.5)),
            json!(write),
        ])?;
        for (all, one) in figures.iter_mut().zip([cpu, store, micros(read), micros(write)]) {
            all.push(one);
        }
    }
    let [cpu, store, read, write] = figures.map(median);
    let summary = format!(
        "cpu_us={} redis_cpu_us={} read_p99_us={read:.0} write_p99_us={write:.0}",
        tenth(cpu),
        tenth(store)
    );
    report.finish(&bench.out, &summary)
}

fn micros(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

async fn stretch(target: &Target, reads: f64, round: usize) -> Result<Counts> {
    let (watch, shown) = (Watch::start(Kind::Open)?, Counted::new()?);
    let (start, mut clients) = (Instant::now(), Vec::new());
    for index in 0..CONNECTIONS {
        let dice = Dice(u64::try_from(round)? << 32 | u64::from(index));
        let dues = Dues::new(start, RATE, (index, CONNECTIONS));
        clients.push(tokio::spawn(client(
            target.clone(),
            reads,
            dice,
            (dues, start + LENGTH),
            shown.tally()?,
        )));
    }
    let mut all = Counts::new()?;
    for client in clients {
        let counts = client.await??;
        all.reads.add(counts.reads)?;
        all.subscriptions.add(counts.subscriptions)?;
        all.sends.add(&counts.sends)?;
    }
    watch.end(None, Some(&all.sends))?;
    Ok(all)
}

/// Sends at a constant pace; leaves no subscription behind.
async fn client(
    target: Target,
    reads: f64,
    mut dice: Dice,
    (mut dues, until): (Dues, Instant),
    mut tally: Tally,
) -> Result<Counts> {
    let stock = Stock::new("pool", RESOURCES);
    let mut connection = Connection::open(&target).await?;
    let mut counts = Counts::new()?;
    let (mut own, mut free) = (Own::None, Instant::now());
    while dues.next() < until {
        let due = dues.come().await;
        counts.sends.leaves(due, free);
        let read = dice.roll() < reads;
        if read {
            expect(&mut connection, &read_request(&stock, &mut dice), 200).await?;
        } else {
            own = own.next(&mut connection, &mut dice).await?;
        }
        let latency = if read { &mut counts.reads } else { &mut counts.subscriptions };
        latency.saturating_record(u64::try_from(due.elapsed().as_micros())?);
        tally.record(due.elapsed());
        free = Instant::now();
    }
    while !matches!(own, Own::None) {
        own = own.next(&mut connection, &mut dice).await?;
    }
    Ok(counts)
}

/// Writes a read of a resource, its pool's first page, or the pools; the stock has a thousand servers.
pub(crate) fn read_request(stock: &Stock, dice: &mut Dice) -> Vec<u8> {
    match dice.pick(10) {
        0 => get("/o2ims-infrastructureInventory/v2/resourcePools"),
        1 => get(&stock.list()),
        _ => get(&format!("{}/{}-{:06}", stock.list(), stock.name, dice.pick(RESOURCES))),
    }
}

/// A client's subscription, and what is done with it next.
enum Own {
    None,
    Made(String),
    Read(String),
}

impl Own {
    /// Makes, reads or deletes it.
    async fn next(self, connection: &mut Connection, dice: &mut Dice) -> Result<Self> {
        match self {
            Self::None => {
                let number = dice.pick(1_000_000);
                let body = json!({ "callback": format!("https://127.0.0.1:9/{number}"), "consumerSubscriptionId": number.to_string() });
                let answer = expect(connection, &post(SUBSCRIPTIONS, &body.to_string()), 201).await?;
                Ok(Self::Made(id(&answer)?))
            }
            Self::Made(id) => {
                expect(connection, &get(&format!("{SUBSCRIPTIONS}/{id}")), 200).await?;
                Ok(Self::Read(id))
            }
            Self::Read(id) => {
                expect(connection, &delete(&format!("{SUBSCRIPTIONS}/{id}")), 204).await?;
                Ok(Self::None)
            }
        }
    }
}

/// Returns the id of a subscription that was made.
pub(crate) fn id(answer: &[u8]) -> Result<String> {
    const BEFORE: &[u8] = b"\"subscriptionId\":\"";
    let from = memmem::find(answer, BEFORE).ok_or("no id")? + BEFORE.len();
    let rest = answer.get(from..).unwrap_or_default();
    let to = memchr::memchr(b'"', rest).ok_or("no id")?;
    Ok(String::from_utf8(rest.get(..to).unwrap_or_default().to_vec())?)
}

/// Sends a request; returns the body of an answer with that status.
pub(crate) async fn expect(connection: &mut Connection, request: &[u8], status: u16) -> Result<Vec<u8>> {
    let answer = connection.send(request).await?;
    let body = connection.body(answer).to_vec();
    if answer.status == status {
        return Ok(body);
    }
    Err(format!("{} where {status} was expected: {}", answer.status, String::from_utf8_lossy(&body)).into())
}
