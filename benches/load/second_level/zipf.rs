//! Readers by Zipf's law, a change each second, and a look in every gateway for each change.

use super::pods::{Counts, PODS, POOLS, Pods};
use hdrhistogram::Histogram;
use netweave_benches::Result;
use netweave_benches::clock::now_us;
use netweave_benches::connection::{Connection, Target, get};
use netweave_benches::dice::Dice;
use netweave_benches::drive::{self, Kind, Sends, Tally, Watch};
use netweave_benches::due::{self, Dues};
use netweave_benches::report::warmed_up;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Requests per second, over all gateways.
pub(crate) const RATE: u32 = 3000;
/// Connections to each gateway.
const CONNECTIONS: u32 = 4;
const EACH: Duration = Duration::from_secs(1);
/// How long a change may take until it is visible, with the reading of its file.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks for a change.
const LOOK: Duration = Duration::from_millis(1);
const LONGEST_US: u64 = 60_000_000;

/// What was counted.
pub(crate) struct Run {
    /// The readers' answers.
    pub(crate) counts: Counts,
    /// Everybody's answers that were made.
    pub(crate) made: u64,
    /// How often views were evaluated.
    pub(crate) evaluated: u64,
    /// From a commit until a gateway showed it, in us; one for each gateway and change.
    pub(crate) visible: Histogram<u64>,
}

/// The keys, the most frequent first, and the sum of the shares up to each.
pub(crate) struct Keys {
    requests: Vec<Vec<u8>>,
    sums: Vec<f64>,
}

impl Keys {
    /// Ranks keys in an order that scatters the pools.
    #[expect(clippy::cast_precision_loss, reason = "ten thousand ranks")]
    pub(crate) fn new(paths: &[String]) -> Self {
        /// Shares no factor with the number of keys, so that each gets one rank.
        const STRIDE: usize = 7919;
        let ranked = (0..paths.len()).filter_map(|rank| paths.get(rank * STRIDE % paths.len()));
        let requests = ranked.map(|path| get(path)).collect();
        let mut sum = 0.0;
        let sums = (1..=paths.len()).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self { requests, sums: sums.collect() }
    }

    /// Picks a request by a number from 0 to 1.
    pub(crate) fn pick(&self, dice: f64) -> &[u8] {
        let wanted = dice * self.sums.last().copied().unwrap_or_default();
        let rank = self.sums.partition_point(|sum| *sum < wanted);
        self.requests.get(rank).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Reads and changes for a while, of which only what comes after `warm_up` counts.
pub(crate) async fn run(pods: &mut Pods, warm_up: Duration, length: Duration) -> Result<Run> {
    let keys = Arc::new(Keys::new(&pods.keys()));
    stretch(pods, (&keys, 1), warm_up).await?;
    warmed_up();
    stretch(pods, (&keys, 2), length).await
}

async fn stretch(pods: &mut Pods, (keys, seed): (&Arc<Keys>, u64), length: Duration) -> Result<Run> {
    let before = pods.evaluated().await?;
    let (watch, shown) = (Watch::start(Kind::Open)?, drive::Counted::new()?);
    let (start, readers) = (Instant::now(), CONNECTIONS * u32::try_from(PODS)?);
    let (until, targets) = (start + length, pods.targets().into_iter().cycle());
    let mut tasks = Vec::new();
    for (number, target) in (0..readers).zip(targets) {
        let dues = Dues::new(start, RATE, (number, readers));
        let reader = Reader {
            keys: Arc::clone(keys),
            dice: Dice(seed << 32 | u64::from(number)),
            tally: shown.tally()?,
        };
        tasks.push(tokio::spawn(reader.read(target, (dues, until))));
    }
    let mut visible = Histogram::new_with_max(LONGEST_US, 3)?;
    let (mut made, mut counts) = (0, Counts::default());
    let mut due = Instant::now();
    let mut number = 0;
    while due < until {
        due::wait(due).await;
        due += EACH;
        made += change(pods, number, &mut visible).await?;
        number += 1;
    }
    let mut sends = Sends::new()?;
    for task in tasks {
        let (some, sent) = task.await??;
        counts += some;
        sends.add(&sent)?;
    }
    watch.end(None, Some(&sends))?;
    made += counts.made;
    Ok(Run { counts, made, evaluated: pods.evaluated().await? - before, visible })
}

/// Who asks for keys over one connection.
struct Reader {
    keys: Arc<Keys>,
    dice: Dice,
    /// For who looks on.
    tally: Tally,
}

impl Reader {
    /// Asks at a constant pace; returns where the answers came from, and how the requests left.
    async fn read(mut self, target: Target, (mut dues, until): (Dues, Instant)) -> Result<(Counts, Sends)> {
        let mut connection = Connection::open(&target).await?;
        let (mut counts, mut sends, mut free) = (Counts::default(), Sends::new()?, Instant::now());
        while dues.next() < until {
            let due = dues.come().await;
            sends.leaves(due, free);
            let answer = connection.send(self.keys.pick(self.dice.roll())).await?;
            if answer.status != 200 {
                return Err(format!("a reader is answered by {}", answer.status).into());
            }
            counts.count(&connection.cache(answer))?;
            self.tally.record(due.elapsed());
            free = Instant::now();
        }
        Ok((counts, sends))
    }
}

/// Makes a change and looks for it in each gateway; returns how many of the looks were misses.
async fn change(pods: &mut Pods, number: usize, visible: &mut Histogram<u64>) -> Result<u64> {
    let (pool, text) = (number % POOLS, format!("change {} {number}", now_us()));
    let path = pods.stocks.get(pool).ok_or("no such pool")?.first();
    let mut looks = Vec::new();
    for target in pods.targets() {
        let connection = Connection::open(&target).await?;
        looks.push(tokio::spawn(look(connection, get(&path), text.clone())));
    }
    pods.change(pool, &text)?;
    let mut seen = Vec::new();
    let mut made = 0;
    for one in looks {
        let (at, misses) = one.await??;
        seen.push(at);
        made += misses;
    }
    // Nothing else changes, so the latest entry is this one.
    let committed = pods.state.latest_commit().await? * 1000;
    for at in seen {
        visible.record(at.saturating_sub(committed).min(LONGEST_US))?;
    }
    Ok(made)
}

/// Asks until an answer holds a text; returns when it did, and how many answers were misses.
async fn look(mut connection: Connection, request: Vec<u8>, text: String) -> Result<(u64, u64)> {
    let end = Instant::now() + PATIENCE;
    let mut counts = Counts::default();
    loop {
        let answer = connection.send(&request).await?;
        counts.count(&connection.cache(answer))?;
        if String::from_utf8_lossy(connection.body(answer)).contains(&text) {
            return Ok((now_us(), counts.made));
        }
        if Instant::now() > end {
            return Err(format!("{text} is not visible").into());
        }
        sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_one_rank_and_the_first_comes_as_often_as_zipf_says() {
        let paths: Vec<_> = (0..10_120).map(|n| format!("/{n}")).collect();
        let keys = Keys::new(&paths);
        let mut all = keys.requests.clone();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), paths.len());
        let (mut dice, first) = (Dice(1), keys.requests[0].clone());
        let count = (0..100_000).filter(|_| keys.pick(dice.roll()) == first).count();
        // One in the 10,120th harmonic number, 9.8.
        assert!((9_700..10_700).contains(&count), "{count}");
    }
}
