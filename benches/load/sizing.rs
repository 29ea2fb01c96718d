//! What a gateway and its Redis need, by resources, subscriptions and requests per second.

use crate::Bench;
use crate::delivery::ALL_LIVE;
use crate::delivery::stage::{Plan, Stage, Store};
use crate::loaded::{self, Load, Seen};
use netweave_benches::Result;
use netweave_benches::report::{Report, say, tenth};
use netweave_benches::stock::Stock;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const LENGTH: Duration = Duration::from_secs(12);
/// Until what the reading took is given back with its threads.
const SETTLE: Duration = Duration::from_secs(12);
/// Reads for each change.
const READS: u32 = 200;

/// A place in the table.
struct Point {
    store: Store,
    resources: usize,
    subscriptions: u32,
    /// Reads per second.
    reads: u32,
}

const fn on_redis(resources: usize, subscriptions: u32, reads: u32) -> Point {
    Point { store: Store::Redis, resources, subscriptions, reads }
}

const POINTS: [Point; 9] = [
    on_redis(1_000, 100, 200),
    on_redis(1_000, 1_000, 1_000),
    on_redis(10_000, 1_000, 200),
    on_redis(10_000, 1_000, 1_000),
    Point { store: Store::Embedded, ..on_redis(10_000, 1_000, 1_000) },
    on_redis(10_000, 1_000, 4_000),
    on_redis(10_000, 10_000, 1_000),
    on_redis(100_000, 1_000, 1_000),
    on_redis(100_000, 10_000, 1_000),
];

/// What was measured at one.
struct Figures {
    seen: Seen,
    /// Resident memory at the end, and at its most with the start, in MiB.
    resident: u64,
    peak: u64,
    redis_mib: Option<u64>,
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path) -> Result<()> {
    let columns = &[
        "store",
        "resources",
        "subscriptions",
        "reads/s",
        "changes/s",
        "cpu_percent",
        "resident_mib",
        "peak_mib",
        "redis_cpu_percent",
        "redis_mib",
        "read_p99_ms",
        "told_p99_ms",
        "told/s",
        "rate_held",
        "slo_held",
    ];
    let mut report = Report::new("sizing", columns);
    report.note(format!(
        "One gateway, each point for {LENGTH:?} in an open loop over mTLS 1.3: a fifth of the reads are pages of 100 servers, the others single \
         ones, each as often; one change for {READS} reads, told to 5 % of the subscriptions, at {} SMOs over TLS. CPU is a share of one core; peak_mib has the \
         start, which reads the inventory; redis_mib is used_memory at the end. rate_held: the load generator kept the rate, and every read was answered and every \
         notification delivered once; slo_held: the objectives for reads and notifications.",
        ALL_LIVE.len()
    ));
    let (mut summary, mut faults) = (Vec::new(), Vec::new());
    for point in &POINTS {
        match figures(bench, redis, point).await {
            Ok(figures) => row(&mut report, &mut summary, point, &figures)?,
            Err(fault) => {
                let fault = format!("{}: {fault}", point.key());
                say(&format!("not kept: {fault}"))?;
                report.row(
                    point.cells().chain((0..8).map(|_| json!("-"))).chain([json!(0), json!(0)]).collect(),
                )?;
                faults.push(fault);
            }
        }
    }
    report.finish(&bench.out, &summary.join(" "))?;
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ").into()) }
}

impl Point {
    /// Names it in the last line.
    fn key(&self) -> String {
        let Self { store, resources, subscriptions, reads } = self;
        format!("{}_{}k_{subscriptions}_{reads}", store.name(), resources / 1000)
    }

    /// Returns what tells it apart, for the table.
    fn cells(&self) -> impl Iterator<Item = serde_json::Value> {
        let Self { store, resources, subscriptions, reads } = self;
        [json!(store.name()), json!(resources), json!(subscriptions), json!(reads), json!(reads / READS)]
            .into_iter()
    }
}

async fn figures(bench: &Bench, redis: &Path, point: &Point) -> Result<Figures> {
    let name = format!("sizing-{}", point.key());
    let plan = Plan::new(name, (point.store, redis), &ALL_LIVE, point.subscriptions);
    let plan = Plan { large: Stock::pools(point.resources), shared_out: true, ..plan };
    let mut stage = Stage::of(bench, plan).await?;
    tokio::time::sleep(SETTLE).await;
    let load = Load { reads: point.reads, changes: point.reads / READS, length: LENGTH };
    let seen = load.on(&mut stage).await?;
    let process = &stage.gateway.process;
    let (resident, peak) = (process.resident()? >> 20, process.peak()? >> 20);
    let redis_mib = match &stage.redis {
        Some(redis) => Some(redis.info("memory", "used_memory").await? >> 20),
        None => None,
    };
    Ok(Figures { seen, resident, peak, redis_mib })
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn row(report: &mut Report, summary: &mut Vec<String>, point: &Point, figures: &Figures) -> Result<()> {
    let Figures { seen, resident, peak, redis_mib } = figures;
    let share = |cpu: Duration| tenth(cpu.as_secs_f64() / seen.took.as_secs_f64() * 100.0);
    let cpu = share(seen.spent.gateway);
    let redis = redis_mib.map(|mib| (share(seen.spent.store), mib));
    let measured = [
        json!(cpu),
        json!(resident),
        json!(peak),
        redis.map_or(json!("-"), |(cpu, _)| json!(cpu)),
        redis.map_or(json!("-"), |(_, mib)| json!(mib)),
        json!(tenth(seen.p99_ms)),
        json!(tenth(seen.told_ms)),
        json!((seen.notifications as f64 / seen.took.as_secs_f64()).round()),
        json!(u8::from(report.is_valid())),
        json!(u8::from(loaded::held(seen.p95_ms, seen.p99_ms, Some(seen.told_ms)))),
    ];
    report.row(point.cells().chain(measured).collect())?;
    let key = point.key();
    let line = format!(
        "{key}_cpu_percent={cpu} {key}_mib={peak} {key}_p99_ms={} {key}_told_ms={}",
        tenth(seen.p99_ms),
        tenth(seen.told_ms)
    );
    say(&format!("figure: {line}"))?;
    summary.push(line);
    Ok(())
}
