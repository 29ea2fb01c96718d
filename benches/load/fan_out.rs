//! One change that ten thousand subscriptions are told.

use crate::Bench;
use crate::delivery::stage::{Spent, Stage, Store};
use crate::delivery::{ALL_LIVE, PATIENCE, millis};
use hdrhistogram::Histogram;
use netweave_benches::Result;
use netweave_benches::drive::{Kind, Watch};
use netweave_benches::report::{Report, median, tenth};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

const SUBSCRIPTIONS: u32 = 10_000;
/// Changes, one at a time; the medians are published.
const CHANGES: usize = 5;

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path) -> Result<()> {
    let columns = &[
        "store",
        "change",
        "first_ms",
        "p50_ms",
        "p99_ms",
        "last_ms",
        "delivered/s",
        "gateway_cpu_us",
        "store_cpu_us",
        "client_cpu_us",
    ];
    let mut report = Report::new("fan-out", columns);
    report.note(format!(
        "{SUBSCRIPTIONS} subscriptions, dealt to {} SMOs with an address each; after one that warms up, {CHANGES} changes of one server, one at a time. Times run \
         from the store's stamp of the commit, which has whole milliseconds, until the SMO has answered 204, over TLS: the first, the \
         median, the last. CPU is per notification, user and kernel; the load generator is all SMOs.",
        ALL_LIVE.len()
    ));
    let mut summary = Vec::new();
    for store in [Store::Redis, Store::Embedded] {
        let mut stage = Stage::set(bench, store, redis, &ALL_LIVE, SUBSCRIPTIONS).await?;
        let mut figures: [Vec<f64>; 3] = Default::default();
        stage.change()?;
        stage.settle(PATIENCE).await?;
        stage.consumers.take()?;
        for number in 1..=CHANGES {
            let (watch, before, start) = (Watch::start(Kind::Closed)?, stage.spent()?, Instant::now());
            stage.change()?;
            stage.settle(PATIENCE).await?;
            let took = start.elapsed();
            watch.end(None, None)?;
            let latency = stage.consumers.take()?;
            row(&mut report, (store, number), &latency, (took, stage.spent()?.since(before)))?;
            let times = [latency.min(), latency.value_at_quantile(0.5), latency.max()];
            for (all, one) in figures.iter_mut().zip(times) {
                all.push(millis(one));
            }
        }
        let [first, half, last] = figures.map(median);
        let name = store.name();
        summary.push(format!("{name}_first_ms={first} {name}_p50_ms={half} {name}_last_ms={last}"));
    }
    report.finish(&bench.out, &summary.join(" "))
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn row(
    report: &mut Report,
    (store, number): (Store, usize),
    latency: &Histogram<u64>,
    (took, spent): (Duration, Spent),
) -> Result<()> {
    let count = latency.len().max(1) as f64;
    let each = |cpu: Duration| json!(tenth(cpu.as_secs_f64() * 1e6 / count));
    report.latency(latency)?;
    report.row(vec![
        json!(store.name()),
        json!(number),
        json!(millis(latency.min())),
        json!(millis(latency.value_at_quantile(0.5))),
        json!(millis(latency.value_at_quantile(0.99))),
        json!(millis(latency.max())),
        json!((count / took.as_secs_f64()).round()),
        each(spent.gateway),
        each(spent.store),
        each(spent.own),
    ])
}
