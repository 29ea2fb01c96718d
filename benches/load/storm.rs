//! A burst of changes to many subscriptions, with reads beside it.

use crate::delivery::stage::{Plan, Stage, Store};
use crate::delivery::{ALL_LIVE, millis};
use crate::steady::{Counted, Pace, Steady};
use crate::{Bench, loaded};
use hdrhistogram::Histogram;
use netweave_benches::Result;
use netweave_benches::connection::{Connection, Target, get};
use netweave_benches::dice::Dice;
use netweave_benches::report::{Report, tenth};
use netweave_benches::stock::Stock;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Servers of one file, all of which change at once.
const CHANGES: usize = 5000;
const SUBSCRIPTIONS: u32 = 50;
const READS: Pace = Pace { rate: 500, connections: 16, fresh: false, seed: 1 };
/// How long there are reads alone.
const BEFORE: Duration = Duration::from_secs(5);
/// How long it may take until all are told.
const PATIENCE: Duration = Duration::from_mins(4);
/// Pause between two looks for the last change.
const LOOK: Duration = Duration::from_millis(10);

/// What one store showed.
struct Figures {
    /// From the new file until its last change is served, and until all are told.
    visible: Duration,
    told: Duration,
    latency: Histogram<u64>,
    /// Notifications that were still to be sent when the last change was served.
    backlog: u64,
    before: Counted,
    during: Counted,
    /// Resident memory before, and at its most, in bytes.
    memory: [u64; 2],
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path) -> Result<()> {
    let columns = &[
        "store",
        "notifications",
        "visible_ms",
        "told_ms",
        "delivered/s",
        "p50_ms",
        "p99_ms",
        "backlog",
        "reads",
        "reads_failed",
        "read_p99_ms_before",
        "read_p99_ms",
        "resident_mib_before",
        "peak_mib",
    ];
    let mut report = Report::new("notification-storm", columns);
    report.note(format!(
        "{CHANGES} servers of one file change at once, each change goes to {SUBSCRIPTIONS} subscriptions, dealt to {} SMOs over TLS. visible: from the new file until its last server is served as changed; told: \
         until the last SMO has answered 204, each notification once and in order. Latency of notifications is from the store's stamp of the commit. {} reads per second, a fifth of them pages of 100 and the others \
         single servers, in an open loop, before and during it. backlog: notifications that were still to be sent when the last change was served.",
        ALL_LIVE.len(),
        READS.rate
    ));
    let (mut summary, mut faults) = (Vec::new(), Vec::new());
    for store in [Store::Redis, Store::Embedded] {
        let figures = storm(bench, store, redis).await?;
        row(&mut report, store, &figures)?;
        let name = store.name();
        let failed = figures.before.failed + figures.during.failed;
        let lost = all().saturating_sub(figures.latency.len());
        summary.push(format!(
            "{name}_told_ms={} {name}_backlog={} {name}_read_p99_ms={} {name}_read_p99_ms_before={} {name}_peak_mib={} {name}_reads_failed={failed} {name}_lost={lost}",
            figures.told.as_millis(),
            figures.backlog,
            tenth(figures.during.millis(0.99)),
            tenth(figures.before.millis(0.99)),
            figures.memory[1] >> 20,
        ));
        faults.extend(figures.before.faults);
        faults.extend(figures.during.faults);
    }
    report.finish(&bench.out, &summary.join(" "))?;
    if faults.is_empty() { Ok(()) } else { Err(format!("reads failed: {}", faults.join("; ")).into()) }
}

async fn storm(bench: &Bench, store: Store, redis: &Path) -> Result<Figures> {
    let plan = Plan::new(format!("storm-{}", store.name()), (store, redis), &ALL_LIVE, SUBSCRIPTIONS);
    let mut stage = Stage::of(bench, Plan { large: vec![Stock::new("large", CHANGES)], ..plan }).await?;
    let api = stage.gateway.api.clone();
    let reads = Steady::start(&api, READS, read)?;
    sleep(BEFORE).await;
    let (before, resident) = (reads.take()?, stage.gateway.process.resident()?);
    let start = Instant::now();
    let text = stage.change_large()?;
    let visible = visible(&api, &text).await?;
    let early = stage.consumers.take()?;
    stage.settle(PATIENCE).await?;
    let told = start.elapsed();
    let during = reads.stop().await?;
    stage.gateway.process.alive()?;
    let mut latency = stage.consumers.take()?;
    latency.add(&early)?;
    Ok(Figures {
        visible: visible - start,
        told,
        latency,
        backlog: all().saturating_sub(early.len()),
        before,
        during,
        memory: [resident, stage.gateway.process.peak()?],
    })
}

/// Returns how many notifications there are: one for each change and subscription.
fn all() -> u64 {
    u64::from(SUBSCRIPTIONS) * CHANGES as u64
}

fn read(dice: &mut Dice) -> Vec<u8> {
    loaded::read(&[Stock::new("large", CHANGES)], dice)
}

/// Waits until the last server of the large file is served with a text; returns when it was.
async fn visible(api: &Target, text: &str) -> Result<Instant> {
    let large = Stock::new("large", CHANGES);
    let request = get(&format!("{}/{}-{:06}", large.list(), large.name, CHANGES - 1));
    let (mut connection, end) = (Connection::open(api).await?, Instant::now() + PATIENCE);
    loop {
        let answer = connection.send(&request).await?;
        if String::from_utf8_lossy(connection.body(answer)).contains(text) {
            return Ok(Instant::now());
        }
        if Instant::now() > end {
            return Err("the changes are not served".into());
        }
        sleep(LOOK).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn row(report: &mut Report, store: Store, figures: &Figures) -> Result<()> {
    let Figures { visible, told, latency, backlog, before, during, memory } = figures;
    report.latency(latency)?;
    report.row(vec![
        json!(store.name()),
        json!(latency.len()),
        json!(visible.as_millis()),
        json!(told.as_millis()),
        json!((latency.len() as f64 / told.as_secs_f64()).round()),
        json!(millis(latency.value_at_quantile(0.5))),
        json!(millis(latency.value_at_quantile(0.99))),
        json!(backlog),
        json!(during.latency.len() + during.failed),
        json!(before.failed + during.failed),
        json!(tenth(before.millis(0.99))),
        json!(tenth(during.millis(0.99))),
        json!(memory[0] >> 20),
        json!(memory[1] >> 20),
    ])
}
