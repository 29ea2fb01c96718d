//! More pages than the response cache holds, by Zipf's law: what its size and its second level bring.

use super::contest::{Scene, Table, rounds, turn};
use crate::second_level::zipf::Keys;
use crate::{Bench, folder};
use netweave_benches::connection::get;
use netweave_benches::dice::Dice;
use netweave_benches::drive::{CONNECTIONS, closed_with};
use netweave_benches::redis::{Redis, Role};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{Result, pki};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const ROUNDS: usize = 3;
const LENGTH: Duration = Duration::from_millis(1500);
/// Asks for every key once.
const FILLING: Duration = Duration::from_secs(4);
/// Keys, each a page of so many servers: 70 MB in all.
const KEYS: usize = 4000;
const PAGE: usize = 20;
const SERVERS: usize = 1000;
const SCENE: Scene<3> = Scene {
    key: "pages",
    load: "4,000 filtered pages of 17 KB by Zipf's law",
    measures: ["cpu_us", "p99_us", "resident_mib"],
};

/// Runs the scene.
pub(super) async fn run(bench: &Bench, redis: &Path, table: &mut Table) -> Result<()> {
    let home = folder(bench, "knobs-pages")?;
    let redis = Redis::start(redis, &home, Role::Cache).await?;
    table.note(format!(
        "{}: a filter with {PAGE} hits among {SERVERS} servers each, s = 1, of which every one was asked for before; {CONNECTIONS} keep-alive connections, closed \
         loop, median of {ROUNDS} alternating rounds of {LENGTH:?}. The default has 64 MiB and no second level.",
        SCENE.load
    ));
    let size = |text: &str| json!({ "cache": { "maxBytes": text } });
    let second = |text: &str| json!({ "cache": { "maxBytes": text, "redis": { "url": redis.url() } } });
    let turns = vec![
        turn("cache.maxBytes", "0B", "pages_no_cache", size("0B")),
        turn("cache.maxBytes", "8MiB", "pages_cache_8mib", size("8MiB")),
        turn("cache.maxBytes", "256MiB", "pages_cache_256mib", size("256MiB")),
        turn("cache.redis", "a second level", "pages_second_level", second("64MiB")),
        turn("cache.redis", "a second level, and 8MiB of its own", "pages_second_level_8mib", second("8MiB")),
    ];
    let mut all = vec![start(bench, "pages-default", Value::Null).await?];
    for turn in &turns {
        all.push(start(bench, turn.key, turn.conf.clone()).await?);
    }
    let paths = paths();
    for gateway in &all {
        fill(gateway, &paths).await?;
    }
    let keys = Arc::new(Keys::new(&paths));
    let measure = async |one: &mut Server| measure(one, Arc::clone(&keys)).await;
    table.add(&SCENE, &turns, &rounds(&mut all, ROUNDS, measure).await?)
}

async fn start(bench: &Bench, name: &str, keys: Value) -> Result<Server> {
    let home = folder(bench, &format!("knobs-{name}"))?;
    let (tls, stock) = (pki::set_up(&home)?, stock());
    stock.write(&home)?;
    let mut conf = server::conf(std::slice::from_ref(&stock.name))?;
    if keys.is_object() {
        conf.put(keys);
    }
    let mut gateway = server::start(&bench.netweave, &home, tls, &conf)?;
    gateway.answers(&stock.first(), |_| true).await?;
    Ok(gateway)
}

fn stock() -> Stock {
    Stock::new("pool", SERVERS)
}

/// Returns the keys; every server satisfies each filter.
fn paths() -> Vec<String> {
    let list = stock().list();
    (0..KEYS).map(|n| format!("{list}?filter=(neq,description,none-{n})&limit={PAGE}")).collect()
}

/// Asks for the keys in turn.
async fn fill(gateway: &Server, paths: &[String]) -> Result<()> {
    let (requests, asked) = (paths.iter().map(|path| get(path)).collect::<Vec<_>>(), AtomicUsize::new(0));
    let (requests, asked) = (Arc::new(requests), Arc::new(asked));
    let next = move || {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        requests.get(number % requests.len()).cloned().unwrap_or_default()
    };
    closed_with(&gateway.api, next, FILLING).await?;
    Ok(())
}

async fn measure(gateway: &mut Server, keys: Arc<Keys>) -> Result<[f64; 3]> {
    let dice = Arc::new(Mutex::new(Dice(1)));
    let next = move || keys.pick(dice.lock().unwrap_or_else(PoisonError::into_inner).roll()).to_vec();
    let before = gateway.process.cpu()?;
    let run = closed_with(&gateway.api, next, LENGTH).await?;
    let spent = gateway.process.cpu()?.saturating_sub(before);
    let resident = f64::from(u32::try_from(gateway.process.resident()? >> 20)?);
    Ok([run.each(spent), run.micros(0.99), resident])
}
