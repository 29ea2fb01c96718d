//! Inventories of three sizes: memory, first answer from a cold start, a filter that is not cached, one change.

use crate::{Bench, folder};
use netweave_benches::Result;
use netweave_benches::connection::{Connection, get};
use netweave_benches::pki;
use netweave_benches::report::{Report, median, tenth};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::{PER_FILE, Stock};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [1000, 10_000, 100_000];
/// Different filters, so that none is in the cache.
const FILTERS: usize = 50;
/// Until what the reading took is given back.
const SETTLE: Duration = Duration::from_secs(25);

/// What was measured at one size.
struct Figures {
    first_ms: u128,
    resident: u64,
    peak: u64,
    object: usize,
    filter_ms: f64,
    filter_cpu_ms: f64,
    change_ms: u128,
    small_change_ms: u128,
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let mut report = Report::new(
        "inventory",
        &[
            "resources",
            "first_answer_ms",
            "resident_mib",
            "peak_mib",
            "object_bytes",
            "filter_ms",
            "filter_cpu_ms",
            "change_ms",
            "small_change_ms",
        ],
    );
    report.note(format!(
        "Files of at most {PER_FILE} servers in one pool each, embedded store. first_answer: from the start of the process until \
         the last server of the largest file is served. resident: {SETTLE:?} later. filter: median of {FILTERS} different filters that match one server of \
         the first pool, none of them cached; CPU is the whole server's. change: one server's description, from the rename of \
         the file until it is served, which includes reading the whole file again; small_change: the same in a file of ten \
         servers beside the large one."
    ));
    let mut summary = Vec::new();
    for size in SIZES {
        let figures = one_size(bench, size).await?;
        let mib = figures.resident >> 20;
        report.row(vec![
            json!(size),
            json!(figures.first_ms),
            json!(mib),
            json!(figures.peak >> 20),
            json!(figures.object),
            json!(tenth(figures.filter_ms)),
            json!(tenth(figures.filter_cpu_ms)),
            json!(figures.change_ms),
            json!(figures.small_change_ms),
        ])?;
        summary.push(format!(
            "rss_mib_{size}={mib} first_ms_{size}={} filter_cpu_ms_{size}={} change_ms_{size}={}",
            figures.first_ms,
            tenth(figures.filter_cpu_ms),
            figures.small_change_ms
        ));
    }
    report.finish(&bench.out, &summary.join(" "))
}

async fn one_size(bench: &Bench, size: usize) -> Result<Figures> {
    let home = folder(bench, &format!("inventory-{size}"))?;
    let tls = pki::set_up(&home)?;
    let mut stocks: Vec<Stock> = Stock::pools(size);
    stocks.push(Stock::new("few", 10));
    for stock in &stocks {
        stock.write(&home)?;
    }
    let names: Vec<String> = stocks.iter().map(|stock| stock.name.clone()).collect();
    let mut gateway = server::netweave(&bench.netweave, &home, tls, &names)?;
    let mut first = Duration::ZERO;
    for stock in &stocks {
        let last = format!("{}/{}-{:06}", stock.list(), stock.name, stock.servers - 1);
        first = gateway.answers(&last, |_| true).await?.1;
    }
    tokio::time::sleep(SETTLE).await;
    let (resident, peak) = (gateway.process.resident()?, gateway.process.peak()?);
    let mut few = stocks.pop().ok_or("no small file")?;
    let mut big = stocks.swap_remove(0);
    let object = gateway.answers(&big.first(), |_| true).await?.0.len();
    let (filter_ms, filter_cpu_ms) = filters(&gateway, &big).await?;
    let small_change_ms = change(&mut gateway, &mut few, &home).await?.as_millis();
    let change_ms = change(&mut gateway, &mut big, &home).await?.as_millis();
    Ok(Figures {
        first_ms: first.as_millis(),
        resident,
        peak,
        object,
        filter_ms,
        filter_cpu_ms,
        change_ms,
        small_change_ms,
    })
}

/// Asks filters that scan a whole pool and match one server; returns medians of time and of the server's CPU, in ms.
async fn filters(gateway: &Server, stock: &Stock) -> Result<(f64, f64)> {
    let mut connection = Connection::open(&gateway.api).await?;
    let (mut times, mut cpus) = (Vec::new(), Vec::new());
    for index in 0..FILTERS {
        let serial = format!("SN{:08}", index * 7 % stock.servers);
        let request = get(&format!("{}?filter=(eq,extensions/serial,{serial})", stock.list()));
        let (cpu, start) = (gateway.process.cpu()?, Instant::now());
        let answer = connection.send(&request).await?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        cpus.push(gateway.process.cpu()?.saturating_sub(cpu).as_secs_f64() * 1e3);
        let body = String::from_utf8_lossy(connection.body(answer));
        if answer.status != 200 || !body.contains(&serial) {
            return Err(format!("the filter answers {}: {body}", answer.status).into());
        }
    }
    Ok((median(times), median(cpus)))
}

/// Changes the first server of a file; returns how long it took from the new file until the new server is served.
async fn change(gateway: &mut Server, stock: &mut Stock, home: &Path) -> Result<Duration> {
    stock.marks.insert(0, "changed".to_owned());
    stock.write(home)?;
    let start = Instant::now();
    let changed = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("\"changed\"");
    gateway.answers(&stock.first(), changed).await?;
    Ok(start.elapsed())
}
