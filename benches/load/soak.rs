//! Mixed load for long: whether memory, descriptors or threads grow.

use crate::delivery::stage::{Plan, Stage, Store};
use crate::delivery::{ALL_LIVE, PATIENCE};
use crate::steady::{Pace, Steady};
use crate::{Bench, mix};
use netweave_benches::Result;
use netweave_benches::connection::{Connection, Target, delete, get, post};
use netweave_benches::metrics::sum;
use netweave_benches::report::{Report, tenth};
use netweave_benches::stock::Stock;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How long it lasts unless the command line says otherwise.
const LENGTH: Duration = Duration::from_mins(10);
/// Looks, of which the first ones are left out of the slope: caches fill.
const LOOKS: u32 = 10;
const FILLING: usize = 3;
const RESOURCES: usize = 1000;
const SUBSCRIPTIONS: u32 = 50;
const READS: Pace = Pace { rate: 400, connections: 16, fresh: false, seed: 1 };
const FRESH: Pace = Pace { rate: 10, connections: 4, fresh: true, seed: 2 };
/// From one write to the next, and from one change to the next.
const BETWEEN_WRITES: Duration = Duration::from_millis(50);
const BETWEEN_CHANGES: Duration = Duration::from_millis(200);
/// Growth that is borne after the caches are full: so much in any case, as the allocator gives memory back late, and so much per
/// hour.
const ONCE_MIB: f64 = 12.0;
const MIB_PER_HOUR: f64 = 30.0;

/// What one look showed.
struct Look {
    at: Duration,
    resident: u64,
    descriptors: usize,
    threads: usize,
    connections: u64,
    /// Memory of the Redis server.
    store: u64,
}

/// Runs the bench for so many seconds, if they are given.
pub(crate) async fn run(bench: &Bench, redis: &Path, seconds: Option<String>) -> Result<()> {
    let seconds = seconds.map(|text| text.parse()).transpose()?;
    let length = seconds.map_or(LENGTH, Duration::from_secs);
    let columns = &["at_s", "resident_kib", "descriptors", "threads", "connections", "redis_kib"];
    let mut report = Report::new("soak", columns);
    report.note(format!(
        "{length:?}, on Redis: {} reads per second over connections that stay and {} with a new connection each, a subscription made, read or deleted each {BETWEEN_WRITES:?}, and a change each {BETWEEN_CHANGES:?} that \
         goes to {SUBSCRIPTIONS} subscriptions. Resident memory of the gateway; its slope is that of the straight line through all looks but the first {FILLING}. Borne are {ONCE_MIB} MiB once and {MIB_PER_HOUR} MiB per \
         hour.",
        READS.rate, FRESH.rate
    ));
    let mut stage = set(bench, redis).await?;
    let api = stage.gateway.api.clone();
    let request = |dice: &mut _| mix::read_request(&Stock::new("pool", RESOURCES), dice);
    // The last one is shown while it runs.
    let fresh = Steady::start(&api, FRESH, request)?;
    let reads = Steady::start(&api, READS, request)?;
    let mut writer = JoinSet::new();
    writer.spawn(write(api, nobody(&stage)?));
    let (start, mut looks) = (Instant::now(), Vec::new());
    looks.push(look(&mut report, &stage, start).await?);
    for number in 1..=LOOKS {
        stage.changes(BETWEEN_CHANGES, length / LOOKS).await?;
        sleep_until(start + length * number / LOOKS).await;
        if let Some(ended) = writer.try_join_next() {
            ended??;
        }
        looks.push(look(&mut report, &stage, start).await?);
    }
    writer.shutdown().await;
    let counted = [reads.stop().await?, fresh.stop().await?];
    stage.settle(PATIENCE).await?;
    let [failed, requests] = [
        counted.iter().map(|one| one.failed).sum::<u64>(),
        counted.iter().map(|one| one.latency.len()).sum(),
    ];
    let slope = slope(looks.get(FILLING..).unwrap_or_default());
    let (first, last) = (looks.first().ok_or("no look")?, looks.last().ok_or("no look")?);
    report.finish(
        &bench.out,
        &format!(
            "seconds={} requests={requests} failed={failed} mib_per_hour={} start_mib={} end_mib={} descriptors={} threads={}",
            length.as_secs(),
            tenth(slope),
            first.resident >> 20,
            last.resident >> 20,
            last.descriptors,
            last.threads
        ),
    )?;
    if failed > 0 {
        let faults = counted.map(|counted| counted.faults.join("; "));
        return Err(format!("{failed} requests failed: {}", faults.join("; ")).into());
    }
    if beyond(slope, last.at) {
        return Err(format!("memory grows by {slope:.1} MiB per hour").into());
    }
    Ok(())
}

async fn set(bench: &Bench, redis: &Path) -> Result<Stage> {
    let plan = Plan::new("soak".to_owned(), (Store::Redis, redis), &ALL_LIVE, SUBSCRIPTIONS);
    Stage::of(bench, Plan { large: vec![Stock::new("pool", RESOURCES)], ..plan }).await
}

/// Looks at everything that may grow.
async fn look(report: &mut Report, stage: &Stage, start: Instant) -> Result<Look> {
    let process = &stage.gateway.process;
    let redis = stage.redis.as_ref().ok_or("no Redis")?;
    let look = Look {
        at: start.elapsed(),
        resident: process.resident()?,
        descriptors: process.descriptors()?,
        threads: process.threads()?,
        connections: sum(&stage.ops, "netweave_connections").await?,
        store: redis.info("memory", "used_memory").await?,
    };
    report.row(vec![
        json!(look.at.as_secs()),
        json!(look.resident >> 10),
        json!(look.descriptors),
        json!(look.threads),
        json!(look.connections),
        json!(look.store >> 10),
    ])?;
    Ok(look)
}

/// Returns the slope of the straight line through some looks, in MiB per hour.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn slope(looks: &[Look]) -> f64 {
    let points: Vec<_> = looks
        .iter()
        .map(|look| (look.at.as_secs_f64() / 3600.0, look.resident as f64 / f64::from(1 << 20)))
        .collect();
    let count = points.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (hours, mib) = (mean(|point| point.0), mean(|point| point.1));
    let product: f64 = points.iter().map(|point| (point.0 - hours) * (point.1 - mib)).sum();
    let square: f64 = points.iter().map(|point| (point.0 - hours).powi(2)).sum();
    if square > 0.0 { product / square } else { 0.0 }
}

/// Whether memory grows by more than is borne.
fn beyond(slope: f64, length: Duration) -> bool {
    let hours = length.as_secs_f64() / 3600.0;
    slope * hours > ONCE_MIB + MIB_PER_HOUR * hours
}

/// Returns a callback that nothing is expected of, at an SMO that answers.
fn nobody(stage: &Stage) -> Result<String> {
    let url = stage.consumers.urls().into_iter().next().ok_or("no SMO")?;
    Ok(url.trim_end_matches(|one: char| one.is_ascii_digit()).to_owned() + "1000000")
}

/// Makes, reads and deletes a subscription again and again.
async fn write(api: Target, callback: String) -> Result<()> {
    let mut connection = Connection::open(&api).await?;
    let mut due = Instant::now();
    loop {
        let body = json!({ "callback": callback }).to_string();
        let made = mix::expect(&mut connection, &post(mix::SUBSCRIPTIONS, &body), 201).await?;
        let path = format!("{}/{}", mix::SUBSCRIPTIONS, mix::id(&made)?);
        for (request, status) in [(get(&path), 200), (delete(&path), 204)] {
            due += BETWEEN_WRITES;
            sleep_until(due).await;
            mix::expect(&mut connection, &request, status).await?;
        }
        due += BETWEEN_WRITES;
        sleep_until(due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_that_of_the_line_and_more_than_is_borne_is_told() {
        let look = |n: u64, mib: u64| Look {
            at: Duration::from_mins(n),
            resident: mib << 20,
            descriptors: 0,
            threads: 0,
            connections: 0,
            store: 0,
        };
        let looks: Vec<_> = (0..=60).map(|n| look(n, 100 + n)).collect();
        assert!((slope(&looks) - 60.0).abs() < 1e-6);
        assert!(slope(&[]).abs() < f64::EPSILON);
        assert!(beyond(43.0, Duration::from_hours(1)));
        assert!(!beyond(41.0, Duration::from_hours(1)));
        assert!(!beyond(100.0, Duration::from_mins(10)));
        assert!(beyond(110.0, Duration::from_mins(10)));
    }
}
