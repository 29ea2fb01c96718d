//! Notifications: latency from the commit of a change to the answers of those who are told, and what each one costs.

pub(crate) mod stage;

use crate::Bench;
use hdrhistogram::Histogram;
use netweave_benches::Result;
use netweave_benches::consumers::Manner::{self, Hanging, Living, Refusing};
use netweave_benches::report::{Report, tenth};
use serde_json::json;
use stage::{Spent, Stage, Store};
use std::path::Path;
use std::time::{Duration, Instant};

/// Notifications per second that are asked for.
const RATES: [u32; 3] = [500, 2000, 4000];
/// Subscriptions that each change goes to in the runs at a rate.
const SHARING: u32 = 50;
const WARM_UP: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(15);
/// How long the last notification of a run may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const ALL_LIVE: [Manner; 10] = [Living; 10];
/// A fifth is dead, in the two ways that differ: one costs a time-out, the other nothing.
const FIFTH_DEAD: [Manner; 10] =
    [Living, Living, Hanging, Living, Living, Living, Living, Refusing, Living, Living];

/// What was measured under one name.
struct Scene<'a> {
    store: Store,
    name: &'a str,
    sharing: u32,
    offered: u32,
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path) -> Result<()> {
    let mut report = Report::new(
        "delivery",
        &[
            "store",
            "scene",
            "sharing",
            "offered/s",
            "delivered/s",
            "p50_ms",
            "p99_ms",
            "last_ms",
            "gateway_cpu_us",
            "store_cpu_us",
            "client_cpu_us",
        ],
    );
    report.note(format!(
        "Latency runs from the store's stamp of the commit until the SMO has answered 204, over TLS; the stamp has whole \
         milliseconds, so it is up to 1 ms too long. `sharing` is how many subscriptions each change goes to, dealt to {} SMOs with an \
         address each; a change is one server of a file of five, twenty files take turns, and the runs at a rate make one change after the other for {LENGTH:?}. \
         CPU is per notification, user and kernel: the gateway's, which includes reading the changed file, the Redis server's, and that of \
         the load generator, which is all SMOs. `dead`: one of the SMOs hangs, another one refuses connections; figures are \
         those of the others.",
        ALL_LIVE.len()
    ));
    let mut summary = Vec::new();
    for store in [Store::Redis, Store::Embedded] {
        let mut stage = Stage::set(bench, store, redis, &ALL_LIVE, SHARING).await?;
        for rate in RATES {
            let p99 = at_rate(&mut report, &mut stage, "steady", rate).await?;
            summary.push(format!("{}_p99_ms_{rate}={p99}", store.name()));
        }
        drop(stage);
        let mut stage = Stage::set(bench, store, redis, &FIFTH_DEAD, SHARING).await?;
        for rate in [2000, 4000] {
            let p99 = at_rate(&mut report, &mut stage, "dead", rate).await?;
            summary.push(format!("{}_dead_p99_ms_{rate}={p99}", store.name()));
        }
    }
    report.finish(&bench.out, &summary.join(" "))
}

/// Makes changes at a rate; returns the 99th percentile in ms.
async fn at_rate(report: &mut Report, stage: &mut Stage, name: &str, rate: u32) -> Result<f64> {
    let step = Duration::from_secs(1) * SHARING / rate;
    stage.changes(step, WARM_UP).await?;
    stage.settle(PATIENCE).await?;
    report.warmed_up();
    stage.consumers.take()?;
    let (before, start) = (stage.spent()?, Instant::now());
    stage.changes(step, LENGTH).await?;
    stage.settle(PATIENCE).await?;
    let took = start.elapsed();
    let latency = stage.consumers.take()?;
    let scene = Scene { store: stage.store, name, sharing: SHARING, offered: rate };
    row(report, &scene, &latency, (took, stage.spent()?.since(before)))?;
    Ok(millis(latency.value_at_quantile(0.99)))
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn row(
    report: &mut Report,
    scene: &Scene<'_>,
    latency: &Histogram<u64>,
    (took, spent): (Duration, Spent),
) -> Result<()> {
    let count = latency.len().max(1) as f64;
    let each = |cpu: Duration| json!(tenth(cpu.as_secs_f64() * 1e6 / count));
    report.latency(latency)?;
    report.row(vec![
        json!(scene.store.name()),
        json!(scene.name),
        json!(scene.sharing),
        json!(scene.offered),
        json!((count / took.as_secs_f64()).round()),
        json!(millis(latency.value_at_quantile(0.5))),
        json!(millis(latency.value_at_quantile(0.99))),
        json!(millis(latency.max())),
        each(spent.gateway),
        each(spent.store),
        each(spent.own),
    ])
}

/// Returns milliseconds with one digit after the point.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn millis(micros: u64) -> f64 {
    tenth(micros as f64 / 1000.0)
}
