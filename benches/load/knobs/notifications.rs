//! Notifications: how many are sent at once to SMOs that take their time, and what durability and traces cost.

use super::Disk;
use super::collector::Collector;
use super::contest::{Scene, Table, Turn, rounds, turn};
use crate::Bench;
use crate::delivery::ALL_LIVE;
use crate::delivery::stage::{Plan, Stage, Store};
use crate::loaded::millis;
use netweave_benches::Result;
use netweave_benches::consumers::Manner;
use netweave_benches::drive::{Kind, Watch};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const ROUNDS: usize = 3;
/// How long an SMO takes that takes its time.
const SLOW: Duration = Duration::from_millis(20);
/// Subscriptions that one change goes to, at these.
const MANY: u32 = 480;
/// Subscriptions that each change goes to, and changes per second, at SMOs that answer at once.
const SHARING: u32 = 50;
const CHANGES: u32 = 20;
const LENGTH: Duration = Duration::from_secs(2);
/// How long the last notification may take.
const PATIENCE: Duration = Duration::from_secs(30);
const BURST: Scene<2> = Scene {
    key: "burst",
    load: "one change to 480 subscriptions, SMOs that take 20 ms",
    measures: ["last_ms", "cpu_us"],
};
const STEADY: Scene<3> = Scene {
    key: "told",
    load: "1,000 notifications per second, SMOs that answer at once",
    measures: ["p99_ms", "p50_ms", "cpu_us"],
};

/// Runs both scenes.
pub(super) async fn run(bench: &Bench, (redis, disk): (&Path, &Disk), table: &mut Table) -> Result<()> {
    table.note(format!(
        "notifications: ten SMOs over TLS, from the store's stamp of the commit until they have answered 204, medians of {ROUNDS} alternating rounds; CPU is the gateway's for \
         one. One owner has all subscriptions. In the scene at a rate each change goes to {SHARING} subscriptions, for {LENGTH:?}, and Redis keeps its file on a disk."
    ));
    let at_once = |number: u32| json!({ "delivery": { "concurrency": number, "perOwner": number } });
    let turns = vec![
        turn("delivery.concurrency, perOwner", "16, 16", "burst_16_at_once", at_once(16)),
        turn("delivery.concurrency, perOwner", "256, 256", "burst_256_at_once", at_once(256)),
    ];
    let set = async |name: &str, conf: Value| {
        let plan = Plan::new(format!("knobs-{name}"), (Store::Redis, redis), &[Manner::Slow(SLOW); 10], MANY);
        Stage::of(bench, Plan { conf, ..plan }).await
    };
    let mut all = vec![set("burst_default", Value::Null).await?];
    for turn in &turns {
        all.push(set(turn.key, turn.conf.clone()).await?);
    }
    table.add(&BURST, &turns, &rounds(&mut all, ROUNDS, burst).await?)?;
    drop(all);
    steady(bench, (redis, disk), table).await
}

async fn steady(bench: &Bench, (redis, disk): (&Path, &Disk), table: &mut Table) -> Result<()> {
    let collector = Collector::start().await?;
    let embedded =
        json!({ "state": { "kind": "embedded", "path": disk.folder("told")?.join("netweave.db") } });
    let traces = json!({ "tracing": { "url": collector.url(), "oneIn": 1 } });
    let turns: Vec<Turn> = vec![
        turn("appendfsync of Redis", "always", "told_fsync_always", Value::Null),
        turn("state.kind", "embedded", "told_embedded", embedded),
        turn("tracing.oneIn", "1", "told_traces_all", traces),
        turn("audit.sinks", "[]", "told_audit_none", json!({ "audit": { "sinks": [] } })),
    ];
    let set = async |name: &str, conf: Value| {
        let store = if name == "told_embedded" { Store::Embedded } else { Store::Redis };
        let folder = disk.folder(name)?;
        let folder = folder.to_str().ok_or("a path that is no text")?;
        let fsync = if name == "told_fsync_always" { "always" } else { "everysec" };
        let arguments = ["--dir", folder, "--appendfsync", fsync];
        let plan = Plan::new(format!("knobs-{name}"), (store, redis), &ALL_LIVE, SHARING);
        Stage::of(bench, Plan { conf, arguments: &arguments, ..plan }).await
    };
    let mut all = vec![set("told_default", Value::Null).await?];
    for turn in &turns {
        all.push(set(turn.key, turn.conf.clone()).await?);
    }
    table.add(&STEADY, &turns, &rounds(&mut all, ROUNDS, at_rate).await?)
}

/// Makes one change; returns when the last SMO has answered, in milliseconds, and CPU for each notification in microseconds.
async fn burst(stage: &mut Stage) -> Result<[f64; 2]> {
    let (watch, before) = (Watch::start(Kind::Closed)?, stage.spent()?);
    stage.change()?;
    stage.settle(PATIENCE).await?;
    watch.end(None, None)?;
    let (spent, told) = (stage.spent()?.since(before), stage.consumers.take()?);
    Ok([millis(&told, 1.0, 1000), each(spent.gateway, told.len())])
}

/// Makes changes at a rate; returns the 99th and 50th percentiles in milliseconds, and CPU as [`burst`] does.
async fn at_rate(stage: &mut Stage) -> Result<[f64; 3]> {
    let before = stage.spent()?;
    stage.changes(Duration::from_secs(1) / CHANGES, LENGTH).await?;
    stage.settle(PATIENCE).await?;
    let (spent, told) = (stage.spent()?.since(before), stage.consumers.take()?);
    Ok([millis(&told, 0.99, 1000), millis(&told, 0.5, 1000), each(spent.gateway, told.len())])
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn each(spent: Duration, count: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / count.max(1) as f64
}
