//! Filters that are in no cache, over 1,000, 10,000 and 100,000 resources: a scan of all, and a page of hits.

use crate::{Bench, folder};
use netweave_benches::Result;
use netweave_benches::connection::{Connection, get};
use netweave_benches::drive::{self, CONNECTIONS, Run};
use netweave_benches::pki;
use netweave_benches::report::{Report, median, tenth};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::{PER_FILE, Stock};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SIZES: [(&str, usize); 3] = [("1k", 1000), ("10k", 10_000), ("100k", 100_000)];
/// Rounds of each kind of filter; the medians are published.
const ROUNDS: usize = 5;
const LENGTH: Duration = Duration::from_secs(2);
/// Hits of a page.
const PAGE: usize = 100;
/// Until what the reading took is given back.
const SETTLE: Duration = Duration::from_secs(25);

/// What was measured at one size.
struct Figures {
    scan_us: f64,
    page_us: f64,
    resident: u64,
    object: usize,
}

/// What all rows of one kind of filter have in common.
struct About {
    size: usize,
    filter: String,
    /// It is the first kind at its size.
    first: bool,
    resident: u64,
    object: usize,
}

impl About {
    /// What was looked at once stands in one row, so that it is not taken for several looks.
    fn once(&self, figure: impl Into<Value>, round: usize) -> Value {
        if round == 1 && self.first { figure.into() } else { json!("-") }
    }

    fn row(&self, round: usize, run: &Run, cpu: f64) -> Vec<Value> {
        vec![
            json!(self.size),
            json!(self.filter),
            json!(round),
            json!(tenth(cpu)),
            json!(run.rate().round()),
            json!(run.micros(0.5).round()),
            json!(run.micros(0.99).round()),
            self.once(self.resident >> 20, round),
            self.once(self.object, round),
        ]
    }
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let columns = &[
        "resources",
        "filter",
        "round",
        "cpu_us",
        "req/s",
        "p50_us",
        "p99_us",
        "resident_mib",
        "object_bytes",
    ];
    let mut report = Report::new("list-filter", columns);
    report.note(format!(
        "Pools of at most {PER_FILE} servers. scan: a filter on a nested attribute that one server satisfies, so that all are looked at; \
         with 100,000 a scan is of one of two pools, and the last line has the sum of both. page: a filter that every server satisfies, {PAGE} of them in the answer. {CONNECTIONS} keep-alive \
         connections over mTLS 1.3, closed loop, each filter another one and none of them cached; {LENGTH:?} per round after one that warms up, medians of \
         {ROUNDS} rounds; CPU per request is the whole server's."
    ));
    let (mut summary, mut resident) = (Vec::new(), Vec::new());
    for (label, size) in SIZES {
        let figures = one_size(&mut report, bench, size).await?;
        summary.push(format!("cpu_us_{label}={}", figures.scan_us.round()));
        if size == 10_000 {
            summary.push(format!("page_us={} object_bytes={}", tenth(figures.page_us), figures.object));
        }
        resident.push((size, figures.resident));
    }
    if let [(few, small), .., (many, large)] = resident.as_slice() {
        summary.push(format!(
            "bytes_per_resource={}",
            large.saturating_sub(*small) / u64::try_from(many - few)?
        ));
    }
    report.finish(&bench.out, &summary.join(" "))
}

async fn one_size(report: &mut Report, bench: &Bench, size: usize) -> Result<Figures> {
    let home = folder(bench, &format!("list-filter-{size}"))?;
    let tls = pki::set_up(&home)?;
    let stocks: Vec<Stock> = Stock::pools(size);
    for stock in &stocks {
        stock.write(&home)?;
    }
    let names: Vec<String> = stocks.iter().map(|stock| stock.name.clone()).collect();
    let mut gateway = server::netweave(&bench.netweave, &home, tls, &names)?;
    let mut object = 0;
    for stock in &stocks {
        let last = format!("{}/{}-{:06}", stock.list(), stock.name, stock.servers - 1);
        object = gateway.answers(&last, |_| true).await?.0.len();
    }
    tokio::time::sleep(SETTLE).await;
    let resident = gateway.process.resident()?;
    let mut scan_us = 0.0;
    let about = |filter: String, first| About { size, filter, first, resident, object };
    for (number, stock) in stocks.iter().enumerate() {
        let (list, servers) = (stock.list(), stock.servers);
        let scan = about(format!("scan of {}", stock.name), number == 0);
        // The second expression, which every server satisfies and only the one hit is asked for, makes each filter another one.
        scan_us += filters((&mut *report, &scan), &gateway, 1, move |index| {
            let serial = index * 7 % servers;
            format!("{list}?filter=(eq,extensions/serial,SN{serial:08});(neq,description,none-{index})")
        })
        .await?;
    }
    let list = stocks.first().map(Stock::list).unwrap_or_default();
    let page = move |index: usize| format!("{list}?filter=(neq,description,none-{index})&limit={PAGE}");
    let page_us = filters((report, &about("page".to_owned(), false)), &gateway, PAGE, page).await?;
    Ok(Figures { scan_us, page_us, resident, object })
}

/// Asks another filter each time, and looks at the first answer; returns the median of the server's CPU time per request in
/// microseconds.
async fn filters(
    (report, about): (&mut Report, &About),
    gateway: &Server,
    hits: usize,
    path: impl Fn(usize) -> String + Clone + Send + 'static,
) -> Result<f64> {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut connection = Connection::open(&gateway.api).await?;
    let mut cpus = Vec::new();
    for round in 0..=ROUNDS {
        let first = path(asked.fetch_add(1, Ordering::Relaxed));
        let answer = connection.send(&get(&first)).await?;
        let body: Value = serde_json::from_slice(connection.body(answer))?;
        let found = body.as_array().map_or(0, Vec::len);
        if answer.status != 200 || found != hits || connection.from_cache(answer) {
            return Err(format!("{first} answers {} with {found} objects", answer.status).into());
        }
        let another = {
            let (path, asked) = (path.clone(), Arc::clone(&asked));
            move || get(&path(asked.fetch_add(1, Ordering::Relaxed)))
        };
        let before = gateway.process.cpu()?;
        let run = drive::closed_with(&gateway.api, another, LENGTH).await?;
        let cpu = run.each(gateway.process.cpu()?.saturating_sub(before));
        if round == 0 {
            report.warmed_up();
            continue;
        }
        report.row(about.row(round, &run, cpu))?;
        cpus.push(cpu);
    }
    Ok(median(cpus))
}
