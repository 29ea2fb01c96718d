//! The response cache that gateways share: what a hit in it costs, how much is hit while the inventory changes, and how
//! soon a change is visible everywhere.

pub(crate) mod pods;
pub(crate) mod zipf;

use crate::Bench;
use hdrhistogram::Histogram;
use netweave_benches::Result;
use netweave_benches::drive::{Kind, Watch};
use netweave_benches::report::{Report, median, tenth};
use pods::{Counts, Pods};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use zipf::Run;

/// Rounds of the comparison; the medians are published.
const ROUNDS: usize = 5;
/// Connections that fill: so few that everything finds room in the queue of what is to be stored.
const FILLING: usize = 2;
const CONNECTIONS: usize = 16;
const SHORT: Duration = Duration::from_mins(1);
const FULL: Duration = Duration::from_mins(10);
/// Until every key was asked for that is asked for often.
const WARM_UP: Duration = Duration::from_secs(20);

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path, full: bool) -> Result<()> {
    let mut report = Report::new("cache-second-level", &["what", "figure"]);
    let mut pods = Pods::set(bench, redis, "second", pods::PODS).await?;
    report.note(format!(
        "Three gateways on one Redis for state and one for answers. Hits: {} different filtered pages over {CONNECTIONS} connections; \
         the first gateway makes them, the second finds all of them in Redis (L2) and then in its own memory (L1); CPU is the \
         gateway's per request, median of {ROUNDS} rounds. Hit ratio: {} keys, of which {} lists and filtered pages, the others single objects; asked \
         for by Zipf's law (s = 1) at {} requests per second over three gateways, while one object of one of the {} pools changes each second. Visible: from the store's stamp of a commit until a \
         gateway answers with it, asked every millisecond.",
        pods.small().len(),
        pods.keys().len(),
        pods.lists().len(),
        zipf::RATE,
        pods::POOLS,
    ));
    let [shared, own, calls] = hits(&mut report, &mut pods).await?;
    let zipf = zipf::run(&mut pods, WARM_UP, if full { FULL } else { SHORT }).await?;
    told(&mut report, &zipf)?;
    let ratio = tenth(shared / own);
    report.finish(
        &bench.out,
        &format!(
            "l2_cpu_us={} l1_cpu_us={} l2_to_l1={ratio} l1_redis_calls={calls} hit_percent={} visible_p99_ms={}",
            tenth(shared),
            tenth(own),
            percent(&zipf.counts),
            millis(&zipf.visible, 0.99),
        ),
    )
}

/// Compares hits in Redis with hits in memory; returns the CPU of each in us, and how often Redis was asked by the latter.
async fn hits(report: &mut Report, pods: &mut Pods) -> Result<[f64; 3]> {
    let (mut shared, mut own, mut calls) = (Vec::new(), Vec::new(), 0);
    for round in 1..=ROUNDS {
        let paths: Vec<String> =
            pods.small().iter().map(|path| format!("{path}&limit={}", 100 + round)).collect();
        let made = pods.ask(0, &paths, FILLING).await?.0;
        pods.stored(made.made).await?;
        let watch = Watch::start(Kind::Closed)?;
        let (found, cpu) = pods.ask(1, &paths, CONNECTIONS).await?;
        if found.shared * 100 < found.all() * 99 {
            return Err(format!("these are no hits of the second level: {found:?}").into());
        }
        let before = pods.look_ups().await?;
        let (again, cheap) = pods.ask(1, &paths, CONNECTIONS).await?;
        watch.end(None, None)?;
        if again.own != again.all() {
            return Err(format!("these are no hits of the first level: {again:?}").into());
        }
        calls += pods.look_ups().await? - before;
        for (figures, cpu, what) in [(&mut shared, cpu, "L2"), (&mut own, cheap, "L1")] {
            report.row(vec![json!(format!("{what} hit, CPU us, round {round}")), json!(tenth(cpu))])?;
            figures.push(cpu);
        }
    }
    report.row(vec![json!("look-ups in Redis by L1 hits"), json!(calls)])?;
    Ok([median(shared), median(own), f64::from(u32::try_from(calls)?)])
}

fn told(report: &mut Report, run: &Run) -> Result<()> {
    let counts = &run.counts;
    for (what, figure) in [
        ("requests", json!(counts.all())),
        ("hits in the gateway's memory", json!(counts.own)),
        ("hits in Redis", json!(counts.shared)),
        ("made", json!(counts.made)),
        ("evaluations of views beyond those that were made", json!(run.evaluated.saturating_sub(run.made))),
        ("hit ratio, percent", json!(percent(counts))),
        ("changes", json!(run.visible.len() / 3)),
        ("visible p50 ms", json!(millis(&run.visible, 0.5))),
        ("visible p99 ms", json!(millis(&run.visible, 0.99))),
        ("visible at most, ms", json!(millis(&run.visible, 1.0))),
    ] {
        report.row(vec![json!(what), figure])?;
    }
    if run.evaluated == run.made {
        return Ok(());
    }
    Err(format!("{} answers were made, but views were evaluated {} times", run.made, run.evaluated).into())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn percent(counts: &Counts) -> f64 {
    tenth((counts.own + counts.shared) as f64 / counts.all().max(1) as f64 * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn millis(micros: &Histogram<u64>, quantile: f64) -> f64 {
    tenth(micros.value_at_quantile(quantile) as f64 / 1000.0)
}
