//! The load by which `deploy/release.sh` has the compiler optimise: some of whatever is asked of a gateway, on real connections.
//!
//! It measures nothing. What is hot and what is not must show, not how much.

use crate::delivery::stage::{Stage, Store};
use crate::delivery::{ALL_LIVE, PATIENCE};
use crate::{Bench, folder};
use netweave_benches::connection::get;
use netweave_benches::drive::{self, Run};
use netweave_benches::report::Report;
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{Result, h2, handshakes, pki};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long each kind of request is sent.
const LENGTH: Duration = Duration::from_secs(1);
const SUBSCRIPTIONS: u32 = 500;
/// Changes that all subscriptions are told.
const CHANGES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// Servers of the pools: a small list, and one to scan.
const POOLS: [(&str, usize); 2] = [("few", 40), ("many", 5000)];

/// Runs the load; notifications are sent from a Redis, too, if there is one.
pub(crate) async fn run(bench: &Bench, redis: Option<&Path>) -> Result<()> {
    let mut report = Report::new("training", &["load", "requests"]);
    report.note("It measures nothing: the gateway is built to count what is called.".to_owned());
    reads(bench, &mut report).await?;
    let stores =
        redis.map(|redis| (Store::Redis, redis)).into_iter().chain([(Store::Embedded, Path::new(""))]);
    for (store, program) in stores {
        let mut stage = Stage::set(bench, store, program, &ALL_LIVE, SUBSCRIPTIONS).await?;
        stage.changes(CHANGES.0, CHANGES.1).await?;
        stage.settle(PATIENCE).await?;
        report.warmed_up(); // A rate that was not kept trains as well.
        report.row(vec![json!(store.name()), json!(stage.consumers.take()?.len())])?;
    }
    report.finish(&bench.out, "done=1")
}

async fn reads(bench: &Bench, report: &mut Report) -> Result<()> {
    let home = folder(bench, "training")?;
    let tls = pki::set_up(&home)?;
    let [few, many] = POOLS.map(|(name, servers)| Stock::new(name, servers));
    for stock in [&few, &many] {
        stock.write(&home)?;
    }
    let names = [few.name.clone(), many.name.clone()];
    let mut gateway = server::netweave(&bench.netweave, &home, tls, &names)?;
    for stock in [&few, &many] {
        gateway.answers(&stock.list(), |bytes| bytes.len() > 2).await?;
    }
    let (base, list) = ("/o2ims-infrastructureInventory", few.list());
    let paths = [
        few.first(),
        list.clone(),
        format!("{list}?fields=description"),
        list.replace("/v2/", "/v1/"),
        format!("{base}/v2/"),
        format!("{base}/v2/resourcePools"),
    ];
    for path in &paths {
        let runs = [
            ("HTTP/1.1", drive::closed(&gateway.api, path, LENGTH).await?),
            ("HTTP/2", h2::closed(&gateway.api, path, LENGTH).await?),
        ];
        for (way, run) in runs {
            row(report, &format!("{way} {path}"), &run)?;
        }
    }
    for (name, query) in
        [("page", "filter=(neq,description,none-#)&limit=100"), ("scan", "filter=(eq,extensions/serial,SN#)")]
    {
        row(report, name, &filters(&gateway, &many, query).await?)?;
    }
    for (name, resumed) in [("full handshakes", false), ("resumed handshakes", true)] {
        row(report, name, &handshakes::closed(&gateway.api, &paths[0], LENGTH, resumed).await?)?;
    }
    Ok(())
}

/// Sends filters that are in no cache: `#` of the query is another number each time.
async fn filters(gateway: &Server, stock: &Stock, query: &str) -> Result<Run> {
    let asked = Arc::new(AtomicUsize::new(0));
    let (list, query) = (stock.list(), query.to_owned());
    let another = move || {
        let number = format!("{:08}", asked.fetch_add(1, Ordering::Relaxed));
        get(&format!("{list}?{}", query.replace('#', &number)))
    };
    drive::closed_with(&gateway.api, another, LENGTH).await
}

fn row(report: &mut Report, load: &str, run: &Run) -> Result<()> {
    report.row(vec![json!(load), json!(run.requests)])
}
