//! The first requests for ten thousand keys, by Zipf's law, when nothing is cached: in a new gateway whose shared cache is
//! empty, and in one that joins a gateway which has answered every key.

use crate::Bench;
use crate::second_level::pods::{Counts, Pods};
use crate::second_level::zipf::Keys;
use hdrhistogram::Histogram;
use netweave_benches::Result;
use netweave_benches::connection::{Connection, Target};
use netweave_benches::dice::Dice;
use netweave_benches::drive::{self, Kind, Sends, Tally, Watch};
use netweave_benches::due::Dues;
use netweave_benches::redis::Redis;
use netweave_benches::report::{Report, tenth};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Requests per second.
const RATE: u32 = 3000;
const CONNECTIONS: u32 = 16;
/// Connections that fill: so few that everything finds room in the queue of what is to be stored.
const FILLING: usize = 2;
/// Over how many of the latest answers the hit ratio is taken, and how many of them must be hits.
const WINDOW: usize = 1000;
const HITS: usize = 900;
/// How long it may take until that is so.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long hits alone are measured.
const WARM: Duration = Duration::from_secs(5);
/// How long the last answers may take.
const LATE: Duration = Duration::from_secs(10);
const LONGEST_US: u64 = 60_000_000;
/// What a gateway counts of the shared cache: lists that it did not give, and lists that were not stored in it.
const ABSENT: &str = "netweave_cache_second_misses_total";
const LEFT_OUT: &str = "netweave_cache_second_skipped_total";

/// One answer.
struct Seen {
    /// When it came, since the first request was due.
    at: Duration,
    /// Since it was due.
    took: Duration,
    /// It came from the gateway's own memory.
    hit: bool,
}

/// All answers in their order, and where they came from.
#[derive(Default)]
struct Ledger {
    seen: Vec<Seen>,
    counts: Counts,
}

/// What one scene showed.
struct Figures {
    warm_s: f64,
    counts: Counts,
    /// Lists that Redis did not have, and lists that were not stored there.
    absent: u64,
    left_out: u64,
    misses: Histogram<u64>,
    /// CPU of an answer that was not in memory, and of one that was, in microseconds.
    miss_us: f64,
    hit_us: f64,
    /// Commands to the Redis of answers and to that of the state.
    calls: [u64; 2],
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path) -> Result<()> {
    let columns = &[
        "scene",
        "seconds_to_90",
        "requests",
        "from_memory",
        "from_redis",
        "made",
        "made_not_in_redis",
        "left_out_of_redis",
        "miss_p50_ms",
        "miss_p99_ms",
        "miss_cpu_us",
        "hit_cpu_us",
        "cache_redis_calls",
        "state_redis_calls",
    ];
    let mut report = Report::new("cold-cache", columns);
    let mut pods = Pods::set(bench, redis, "cold", 1).await?;
    let paths = pods.keys();
    let keys = Arc::new(Keys::new(&paths));
    report.note(format!(
        "{} keys, of which {} are lists and filtered pages, by Zipf's law (s = 1) at {RATE} requests per second in an open loop over {CONNECTIONS} connections, mTLS 1.3, \
         until {HITS} of the latest {WINDOW} answers came from the gateway's own memory; the figures are those of all requests until then. all: a new gateway, and the Redis of \
         answers is empty. joined: a new gateway beside another one that has answered every key, and stored in Redis what its queue had room for. made_not_in_redis: lists that Redis was asked for and did not have; single objects are made without asking it. left_out_of_redis: lists that were made \
         and for which the queue had no room. A miss is an answer that was not in the gateway's memory; its CPU is that of \
         the whole process without {WARM:?} worth of hits at the same rate, and includes that of storing the answer in Redis.",
        paths.len(),
        pods.lists().len(),
    ));
    let mut summary = Vec::new();
    let figures = scene(&pods, 0, &keys).await?;
    row((&mut report, &mut summary), "all", &figures)?;
    let made = pods.ask(0, &paths, FILLING).await?.0.made;
    pods.stored(made).await?;
    pods.add(bench).await?;
    let figures = scene(&pods, 1, &keys).await?;
    row((&mut report, &mut summary), "joined", &figures)?;
    report.finish(&bench.out, &summary.join(" "))
}

fn row((report, summary): (&mut Report, &mut Vec<String>), name: &str, figures: &Figures) -> Result<()> {
    let Figures { warm_s, counts, absent, left_out, misses, miss_us, hit_us, calls: [answers, state] } =
        figures;
    summary.push(format!(
        "{name}_seconds_to_90={} {name}_miss_p99_ms={} {name}_miss_cpu_us={}",
        tenth(*warm_s),
        millis(misses, 0.99),
        tenth(*miss_us)
    ));
    report.latency(misses)?;
    report.row(vec![
        json!(name),
        json!(tenth(*warm_s)),
        json!(counts.all()),
        json!(counts.own),
        json!(counts.shared),
        json!(counts.made),
        json!(absent),
        json!(left_out),
        json!(millis(misses, 0.5)),
        json!(millis(misses, 0.99)),
        json!(tenth(*miss_us)),
        json!(tenth(*hit_us)),
        json!(answers),
        json!(state),
    ])
}

/// Reads until most answers come from memory, then everything twice, as large answers are kept when they are asked for again, and then
/// for hits alone.
async fn scene(pods: &Pods, pod: usize, keys: &Arc<Keys>) -> Result<Figures> {
    let gateway = pods.gateway(pod)?;
    let (cpu, answers, state) =
        (gateway.process.cpu()?, commands(&pods.answers).await?, commands(&pods.state).await?);
    let second = [pods.told(pod, ABSENT).await?, pods.told(pod, LEFT_OUT).await?];
    let cold = stretch(&gateway.api, keys, 1, PATIENCE, |seen| warm_after(seen).is_some()).await?;
    let spent = gateway.process.cpu()?.saturating_sub(cpu);
    let calls = [commands(&pods.answers).await? - answers, commands(&pods.state).await? - state];
    let absent = pods.told(pod, ABSENT).await?.saturating_sub(second[0]);
    let left_out = pods.told(pod, LEFT_OUT).await?.saturating_sub(second[1]);
    let warm = warm_after(&cold.seen).ok_or("the cache does not get warm")?;
    for _ in 0..2 {
        pods.ask(pod, &pods.keys(), FILLING).await?;
    }
    let cpu = gateway.process.cpu()?;
    let hot = stretch(&gateway.api, keys, 2, WARM, |_| false).await?;
    let hit_us = each(gateway.process.cpu()?.saturating_sub(cpu), hot.counts.all());
    let mut misses = Histogram::new_with_max(LONGEST_US, 3)?;
    for one in cold.seen.iter().filter(|one| !one.hit) {
        misses.saturating_record(u64::try_from(one.took.as_micros())?);
    }
    let hits = spent_on(hit_us, cold.counts.own);
    let miss_us = each(spent.saturating_sub(hits), misses.len());
    let (warm_s, counts) = (warm.as_secs_f64(), cold.counts);
    Ok(Figures { warm_s, counts, absent, left_out, misses, miss_us, hit_us, calls })
}

/// Returns when the latest answers were mostly hits for the first time.
fn warm_after(seen: &[Seen]) -> Option<Duration> {
    let mut hits = 0;
    for (number, one) in seen.iter().enumerate() {
        hits += usize::from(one.hit);
        if let Some(gone) = number.checked_sub(WINDOW).and_then(|gone| seen.get(gone)) {
            hits -= usize::from(gone.hit);
        }
        if number + 1 >= WINDOW && hits >= HITS {
            return Some(one.at);
        }
    }
    None
}

/// Reads at a constant pace for so long, or until what was seen is enough.
async fn stretch(
    target: &Target,
    keys: &Arc<Keys>,
    seed: u64,
    longest: Duration,
    enough: impl Fn(&[Seen]) -> bool,
) -> Result<Ledger> {
    let (watch, shown) = (Watch::start(Kind::Open)?, drive::Counted::new()?);
    let (start, ledger) = (Instant::now(), Arc::new(Mutex::new(Ledger::default())));
    let ended = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for index in 0..CONNECTIONS {
        let dice = Dice(seed << 32 | u64::from(index));
        let dues = Dues::new(start, RATE, (index, CONNECTIONS));
        let reader = Reader {
            keys: Arc::clone(keys),
            dice,
            start,
            ledger: Arc::clone(&ledger),
            tally: shown.tally()?,
        };
        readers.spawn(reader.read(target.clone(), dues, Arc::clone(&ended)));
    }
    while start.elapsed() < longest && !enough(&ledger.lock().unwrap_or_else(PoisonError::into_inner).seen) {
        if let Some(ended) = readers.try_join_next() {
            ended??;
        }
        sleep(Duration::from_millis(50)).await;
    }
    ended.store(true, Ordering::Relaxed);
    let sends = timeout(LATE, all_end(&mut readers))
        .await
        .map_err(|_late| format!("a reader is not answered in {LATE:?}"))??;
    watch.end(None, Some(&sends))?;
    let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *ledger))
}

/// Returns how the requests of all of them left.
async fn all_end(readers: &mut JoinSet<Result<Sends>>) -> Result<Sends> {
    let mut sends = Sends::new()?;
    while let Some(reader) = readers.join_next().await {
        sends.add(&reader??)?;
    }
    Ok(sends)
}

/// What one connection asks, and where it notes the answers.
struct Reader {
    keys: Arc<Keys>,
    dice: Dice,
    start: Instant,
    ledger: Arc<Mutex<Ledger>>,
    tally: Tally,
}

impl Reader {
    async fn read(mut self, target: Target, mut dues: Dues, ended: Arc<AtomicBool>) -> Result<Sends> {
        let mut connection = Connection::open(&target).await?;
        let (mut sends, mut free) = (Sends::new()?, Instant::now());
        loop {
            let due = dues.come().await;
            if ended.load(Ordering::Relaxed) {
                return Ok(sends);
            }
            sends.leaves(due, free);
            let answer = connection.send(self.keys.pick(self.dice.roll())).await?;
            if answer.status != 200 {
                return Err(format!("a reader is answered by {}", answer.status).into());
            }
            let word = connection.cache(answer);
            let seen = Seen { at: self.start.elapsed(), took: due.elapsed(), hit: word == "hit" };
            self.tally.record(seen.took);
            {
                let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
                ledger.counts.count(&word)?;
                ledger.seen.push(seen);
            }
            free = Instant::now();
        }
    }
}

async fn commands(redis: &Redis) -> Result<u64> {
    redis.info("stats", "total_commands_processed").await
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn each(spent: Duration, count: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / count.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn spent_on(each_us: f64, count: u64) -> Duration {
    Duration::from_secs_f64(each_us * count as f64 / 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn millis(micros: &Histogram<u64>, quantile: f64) -> f64 {
    tenth(micros.value_at_quantile(quantile) as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_warm_when_nine_of_ten_of_the_latest_answers_are_hits() {
        let seen = |hit: bool, n: u64| Seen { at: Duration::from_millis(n), took: Duration::ZERO, hit };
        let cold: Vec<_> = (0..3000).map(|n| seen(n % 2 == 0, n)).collect();
        assert_eq!(warm_after(&cold), None);
        let warming: Vec<_> = (0..3000).map(|n| seen(n >= 1000, n)).collect();
        assert_eq!(warm_after(&warming), Some(Duration::from_millis(1899)));
    }
}
