//! Subscriptions that are made and deleted: what it costs that an acknowledged one survives, and that it is recorded.

use super::Disk;
use super::contest::{Scene, Table, rounds, turn};
use crate::mix::{SUBSCRIPTIONS, expect, id};
use crate::{Bench, folder};
use hdrhistogram::Histogram;
use netweave_benches::connection::{Connection, Target, delete, post};
use netweave_benches::drive::{CONNECTIONS, Kind, Watch};
use netweave_benches::redis::{Redis, Role};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{Result, pki};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;
const LENGTH: Duration = Duration::from_millis(1500);
const LONGEST_US: u64 = 60_000_000;
const SCENE: Scene<3> = Scene {
    key: "creation",
    load: "a subscription is made, and deleted",
    measures: ["per_s", "p99_ms", "cpu_us"],
};

/// A gateway with its store. It ends before that.
struct Contestant {
    gateway: Server,
    _redis: Option<Redis>,
}

/// Runs the scene.
pub(super) async fn run(bench: &Bench, (redis, disk): (&Path, &Disk), table: &mut Table) -> Result<()> {
    table.note(format!(
        "{}: {CONNECTIONS} connections, closed loop, median of {ROUNDS} alternating rounds of {LENGTH:?}; latency is that of making one, per_s counts both, CPU is the \
         gateway's for one of both. The default is a Redis of its own with an append-only file that is synced every second, on a disk, as everything here that keeps state.",
        SCENE.load
    ));
    let embedded =
        json!({ "state": { "kind": "embedded", "path": disk.folder("embedded")?.join("netweave.db") } });
    let file = |mode: &str, name: &str| -> Result<Value> {
        let directory = disk.folder("audit")?.join(name);
        Ok(json!({ "audit": { "sinks": ["file"], "mode": mode, "file": { "directory": directory } } }))
    };
    let turns = vec![
        turn("appendfsync of Redis", "always", "fsync_always_rate", Value::Null),
        turn("appendonly of Redis", "no", "append_no_rate", Value::Null),
        turn("state.kind", "embedded", "embedded_rate", embedded),
        turn("state.kind", "memory", "memory_rate", json!({ "state": { "kind": "memory" } })),
        turn("audit.sinks", "[]", "creation_audit_none_rate", json!({ "audit": { "sinks": [] } })),
        turn("audit.sinks", "[file]", "creation_audit_file_rate", file("best-effort", "file")?),
        turn("audit.mode", "strict, with [file]", "creation_audit_strict_rate", file("strict", "strict")?),
    ];
    let mut all = vec![start(bench, (redis, disk), "creation_default", Value::Null).await?];
    for turn in &turns {
        all.push(start(bench, (redis, disk), turn.key, turn.conf.clone()).await?);
    }
    let measure = async |one: &mut Contestant| measure(&one.gateway).await;
    table.add(&SCENE, &turns, &rounds(&mut all, ROUNDS, measure).await?)
}

async fn start(bench: &Bench, (redis, disk): (&Path, &Disk), name: &str, keys: Value) -> Result<Contestant> {
    let home = folder(bench, &format!("knobs-{name}"))?;
    let (tls, stock) = (pki::set_up(&home)?, Stock::new("pool", 2));
    stock.write(&home)?;
    let mut conf = server::conf(std::slice::from_ref(&stock.name))?;
    let callback = json!({ "schemes": ["https"], "allow": ["127.0.0.0/8"], "ca": "ca.crt" });
    conf.set("subscriptions", json!({ "perOwner": 100_000, "total": 100_000, "callback": callback }));
    let redis = if keys.get("state").is_some() {
        None
    } else {
        let redis = Redis::start_with(redis, &disk.folder(name)?, Role::State, arguments(name)).await?;
        conf.set("state", json!({ "kind": "redis", "url": redis.url() }));
        Some(redis)
    };
    if keys.is_object() {
        conf.put(keys);
    }
    let mut gateway = server::start(&bench.netweave, &home, tls, &conf)?;
    gateway.answers(&stock.first(), |_| true).await?;
    Ok(Contestant { gateway, _redis: redis })
}

/// Returns the further arguments of a turn's Redis.
fn arguments(name: &str) -> &'static [&'static str] {
    match name {
        "fsync_always_rate" => &["--appendfsync", "always"],
        "append_no_rate" => &["--appendonly", "no"],
        _ => &[],
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn measure(gateway: &Server) -> Result<[f64; 3]> {
    let (watch, cpu, start) = (Watch::start(Kind::Closed)?, gateway.process.cpu()?, Instant::now());
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|number| tokio::spawn(client(gateway.api.clone(), number, start + LENGTH)))
        .collect();
    let mut latency = Histogram::<u64>::new_with_max(LONGEST_US, 3)?;
    for client in clients {
        latency.add(client.await??)?;
    }
    let (took, spent) = (start.elapsed(), gateway.process.cpu()?.saturating_sub(cpu));
    watch.end(None, None)?;
    let count = latency.len().max(1) as f64 * 2.0;
    Ok([
        count / took.as_secs_f64(),
        latency.value_at_quantile(0.99) as f64 / 1000.0,
        spent.as_secs_f64() * 1e6 / count,
    ])
}

/// Makes subscriptions and deletes each; returns how long the former took, in microseconds.
async fn client(target: Target, number: u32, until: Instant) -> Result<Histogram<u64>> {
    let mut connection = Connection::open(&target).await?;
    let mut latency = Histogram::new_with_max(LONGEST_US, 3)?;
    let body = json!({ "callback": format!("https://127.0.0.1:9/{number}") }).to_string();
    while Instant::now() < until {
        let began = Instant::now();
        let made = expect(&mut connection, &post(SUBSCRIPTIONS, &body), 201).await?;
        latency.saturating_record(u64::try_from(began.elapsed().as_micros())?);
        expect(&mut connection, &delete(&format!("{SUBSCRIPTIONS}/{}", id(&made)?)), 204).await?;
    }
    Ok(latency)
}
