//! The work on which the field's servers were measured: one pool of 40 resources over mTLS with all duties, 16 connections.

use crate::{Bench, folder};
use netweave_benches::Result;
use netweave_benches::connection::get;
use netweave_benches::drive::{self, CONNECTIONS, Run};
use netweave_benches::pki;
use netweave_benches::report::{Report, median, tenth};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Rounds of each operation; the medians are published.
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const LENGTH: Duration = Duration::from_secs(3);

/// Filters that were asked, so that none is asked twice.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// Runs the bench.
pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let mut report = Report::new("small", &["operation", "round", "req/s", "p50_us", "p99_us", "cpu_us"]);
    let home = folder(bench, "small")?;
    let tls = pki::set_up(&home)?;
    let stock = Stock::new("pool", 40);
    stock.write(&home)?;
    let mut gateway = server::netweave(&bench.netweave, &home, tls, std::slice::from_ref(&stock.name))?;
    let (bytes, _) = gateway.answers(&stock.list(), |bytes| bytes.len() > 2).await?;
    report.note(format!(
        "One pool of 40 resources, a list of {} bytes; {CONNECTIONS} keep-alive connections, mTLS 1.3, closed loop, {LENGTH:?} per \
         round, {ROUNDS} rounds. Identity, limits, authorisation, cache, audit, metrics and log are on. CPU is that of all \
         processes, which is one.",
        bytes.len()
    ));
    let base = "/o2ims-infrastructureInventory/v2";
    let list = stock.list();
    let operations = [
        ("root", format!("{base}/")),
        ("pools", format!("{base}/resourcePools")),
        ("resource", stock.first()),
        ("list", list.clone()),
        ("filter", format!("{list}?filter=(cont,description,server)&fields=description")),
    ];
    let mut summary = Vec::new();
    for (name, path) in &operations {
        ask(&gateway, name, path, WARM_UP).await?;
        report.warmed_up();
        let mut cpus = Vec::new();
        for round in 1..=ROUNDS {
            let before = gateway.process.cpu()?;
            let run = ask(&gateway, name, path, LENGTH).await?;
            let cpu = run.each(gateway.process.cpu()?.saturating_sub(before));
            report.row(vec![
                json!(name),
                json!(round),
                json!(run.rate().round()),
                json!(run.micros(0.5).round()),
                json!(run.micros(0.99).round()),
                json!(tenth(cpu)),
            ])?;
            cpus.push(cpu);
        }
        summary.push(format!("{name}={}", tenth(median(cpus))));
    }
    report.finish(&bench.out, &summary.join(" "))
}

/// Sends in a closed loop; each filter is another one, with the same hits.
async fn ask(gateway: &Server, name: &str, path: &str, length: Duration) -> Result<Run> {
    if name != "filter" {
        return drive::closed(&gateway.api, path, length).await;
    }
    let list = path.split('?').next().unwrap_or_default().to_owned();
    let another = move || {
        let number = ASKED.fetch_add(1, Ordering::Relaxed);
        get(&format!("{list}?filter=(cont,description,server);(neq,description,none-{number})"))
    };
    drive::closed_with(&gateway.api, another, length).await
}
