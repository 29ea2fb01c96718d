//! A cached GET of 2 KB: what the records, logs, traces and limits of each request cost.

use super::collector::Collector;
use super::contest::{Scene, Table, Turn, rounds, turn};
use crate::{Bench, folder};
use netweave_benches::Result;
use netweave_benches::drive::{self, CONNECTIONS};
use netweave_benches::pki::{Authority, Key};
use netweave_benches::redis::{Redis, Role};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROUNDS: usize = 5;
const LENGTH: Duration = Duration::from_secs(1);
const SCENE: Scene<2> = Scene { key: "read", load: "cached GET of 2 KB", measures: ["cpu_us", "p99_us"] };

/// A gateway, its clients' authority, what it is asked for, and where it writes its log.
pub(super) struct Contestant {
    pub(super) gateway: Server,
    pub(super) authority: Authority,
    path: String,
    log: PathBuf,
}

/// Runs the scene.
pub(super) async fn run(bench: &Bench, redis: &Path, table: &mut Table) -> Result<()> {
    let home = folder(bench, "knobs-reads")?;
    let (collector, redis) = (Collector::start().await?, Redis::start(redis, &home, Role::State).await?);
    table.note(format!(
        "cached GET of 2 KB: {CONNECTIONS} keep-alive connections over mTLS 1.3, closed loop, median of {ROUNDS} alternating rounds of {LENGTH:?}. The \
         default has the audit log on standard output, the log at info, no traces, the embedded store and limits that are never reached; the collector of \
         traces is on the same two cores."
    ));
    let turns = turns(&collector, &redis);
    let mut all = vec![start(bench, "reads-default", Value::Null).await?];
    for turn in &turns {
        all.push(start(bench, &format!("reads-{}", turn.key), turn.conf.clone()).await?);
    }
    let medians = rounds(&mut all, ROUNDS, async |one: &mut Contestant| one.measure().await).await?;
    if collector.bytes() == 0 {
        return Err("the collector of traces was sent nothing".into());
    }
    table.add(&SCENE, &turns, &medians)
}

fn turns(collector: &Collector, redis: &Redis) -> Vec<Turn> {
    let traces = |one_in: u32| json!({ "tracing": { "url": collector.url(), "oneIn": one_in } });
    let state = json!({ "kind": "redis", "url": redis.url() });
    vec![
        turn("audit.sinks", "[]", "audit_none", json!({ "audit": { "sinks": [] } })),
        turn("audit.sinks", "[file]", "audit_file", json!({ "audit": { "sinks": ["file"] } })),
        turn("log.level", "warn", "log_warn", json!({ "log": { "level": "warn" } })),
        turn("log.level", "debug", "log_debug", json!({ "log": { "level": "debug" } })),
        turn("tracing.oneIn", "10", "traces_one_in_10", traces(10)),
        turn("tracing.oneIn", "1", "traces_all", traces(1)),
        turn("cache.maxBytes", "0B", "no_cache", json!({ "cache": { "maxBytes": "0B" } })),
        turn(
            "limits.shared",
            "true",
            "limits_shared",
            json!({ "state": state, "limits": { "shared": true } }),
        ),
    ]
}

async fn start(bench: &Bench, name: &str, keys: Value) -> Result<Contestant> {
    start_with(bench, name, keys, Key::P256).await
}

/// Starts a gateway over two servers, with further keys of the configuration and a key of its certificate.
pub(super) async fn start_with(bench: &Bench, name: &str, keys: Value, key: Key) -> Result<Contestant> {
    let home = folder(bench, &format!("knobs-{name}"))?;
    let authority = Authority::set_up_for(&home, key)?;
    let stock = Stock::new("pool", 2);
    stock.write(&home)?;
    let mut conf = server::conf(std::slice::from_ref(&stock.name))?;
    if keys.is_object() {
        conf.put(keys);
    }
    let mut gateway = server::start(&bench.netweave, &home, authority.client()?, &conf)?;
    gateway.answers(&stock.list(), |bytes| bytes.len() > 2).await?;
    Ok(Contestant { gateway, authority, path: stock.list(), log: server::said(&home, "log") })
}

impl Contestant {
    /// Returns the path of a list of 2 KB.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Returns CPU time for each request and the 99th percentile, in microseconds.
    pub(super) async fn measure(&mut self) -> Result<[f64; 2]> {
        // Some hundred megabytes are written in each round.
        File::create(&self.log)?;
        let before = self.gateway.process.cpu()?;
        let run = drive::closed(&self.gateway.api, &self.path, LENGTH).await?;
        let spent = self.gateway.process.cpu()?.saturating_sub(before);
        Ok([run.each(spent), run.micros(0.99)])
    }
}
