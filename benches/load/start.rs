//! From the start of a process to its first answer, with ten thousand resources already in its store.

use crate::delivery::stage::Store;
use crate::{Bench, folder};
use netweave_benches::clock::now_us;
use netweave_benches::redis::{Redis, Role};
use netweave_benches::report::{Report, median};
use netweave_benches::server::{self, Conf, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{Result, pki};
use netweave_model::Timestamp;
use rustls::ClientConfig;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const RESOURCES: usize = 10_000;
/// Resources of the page that is asked for.
const PAGE: usize = 100;
/// Starts on the same data; the medians are published.
const STARTS: usize = 5;

/// A folder with a filled store, in which gateways are started one after the other.
struct Scene {
    store: Store,
    program: PathBuf,
    home: PathBuf,
    tls: Arc<ClientConfig>,
    stock: Stock,
    redis: Option<Redis>,
}

/// What one start took, in milliseconds.
struct Took {
    page: f64,
    last: f64,
    cpu: f64,
    /// What the process logged until it answered, each line with its time since the start.
    lines: Vec<String>,
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path) -> Result<()> {
    let mut report = Report::new("start", &["store", "start", "page_ms", "last_ms", "cpu_ms"]);
    report.note(format!(
        "{RESOURCES} resources of one file are in the store since a former start. page: from the start of the process until a list is \
         answered with {PAGE} resources, over mTLS, asked every 2 ms over a new connection; last: until the last resource is answered. CPU is the gateway's until \
         then, those handshakes included. {STARTS} starts on the same data; the file is read again by each of them."
    ));
    let mut summary = Vec::new();
    for store in [Store::Redis, Store::Embedded] {
        let scene = Scene::set(bench, store, redis).await?;
        let (mut pages, mut lasts) = (Vec::new(), Vec::new());
        let mut lines = Vec::new();
        for number in 1..=STARTS {
            let took = scene.started().await?;
            report.row(vec![
                json!(store.name()),
                json!(number),
                json!(took.page.round()),
                json!(took.last.round()),
                json!(took.cpu.round()),
            ])?;
            pages.push(took.page);
            lasts.push(took.last);
            lines = took.lines;
        }
        report.note(format!(
            "{}, the log of the last start, ms since then: {}",
            store.name(),
            lines.join("; ")
        ));
        let name = store.name();
        summary.push(format!("{name}_page_ms={:.0} {name}_last_ms={:.0}", median(pages), median(lasts)));
    }
    report.finish(&bench.out, &summary.join(" "))
}

impl Scene {
    /// Fills the store by a gateway that ends then.
    async fn set(bench: &Bench, store: Store, redis: &Path) -> Result<Self> {
        let home = folder(bench, &format!("start-{}", store.name()))?;
        let (tls, stock) = (pki::set_up(&home)?, Stock::new("pool", RESOURCES));
        stock.write(&home)?;
        let redis = match store {
            Store::Redis => Some(Redis::start(redis, &home, Role::State).await?),
            Store::Embedded => None,
        };
        let scene = Self { store, program: bench.netweave.clone(), home, tls, stock, redis };
        let mut gateway = scene.start()?;
        gateway.answers(&scene.last(), |_| true).await?;
        Ok(scene)
    }

    fn start(&self) -> Result<Server> {
        let mut conf: Conf = server::conf(std::slice::from_ref(&self.stock.name))?;
        if let Some(redis) = &self.redis {
            conf.set("state", json!({ "kind": self.store.name(), "url": redis.url() }));
        }
        server::start(&self.program, &self.home, Arc::clone(&self.tls), &conf)
    }

    async fn started(&self) -> Result<Took> {
        let begun = now_us();
        let mut gateway = self.start()?;
        let page = format!("{}?limit={PAGE}", self.stock.list());
        let full = |body: &[u8]| {
            serde_json::from_slice::<Value>(body)
                .is_ok_and(|list| list.as_array().map_or(0, Vec::len) == PAGE)
        };
        let (_, page) = gateway.answers(&page, full).await?;
        let (_, last) = gateway.answers(&self.last(), |_| true).await?;
        let cpu = gateway.process.cpu()?.as_secs_f64() * 1e3;
        let lines = lines(&server::said(&self.home, "log"), begun)?;
        Ok(Took { page: page.as_secs_f64() * 1e3, last: last.as_secs_f64() * 1e3, cpu, lines })
    }

    fn last(&self) -> String {
        format!("{}/{}-{:06}", self.stock.list(), self.stock.name, RESOURCES - 1)
    }
}

/// Returns what a log tells, without its records of requests and of the audit.
fn lines(log: &Path, begun_us: u64) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(log)?;
    let told = |line: &str| -> Option<String> {
        let line: Value = serde_json::from_str(line).ok()?;
        let at = Timestamp::parse(line.get("time")?.as_str()?)?;
        let after = at.0.checked_mul(1000)?.checked_sub(i64::try_from(begun_us).ok()?)? / 1000;
        let message = line.get("message")?.as_str()?;
        Some(format!("{after} {message}"))
    };
    Ok(text.lines().filter_map(told).collect())
}
