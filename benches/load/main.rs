//! `netweave-load BENCH`: runs one bench against release builds; `benches/run.sh` prepares everything and calls it.

mod attempt;
mod baseline;
mod cache_hit;
mod cold_cache;
mod connections;
mod delivery;
mod failover;
mod fan_out;
mod handshake;
mod idle;
mod inventory;
mod knobs;
mod list_filter;
mod loaded;
mod mix;
mod peers;
mod reload;
mod second_level;
mod sizes;
mod sizing;
mod small;
mod soak;
mod start;
mod steady;
mod storm;
mod training;

use netweave_benches::{Result, heap};
use reload::Deed;
use std::path::{Path, PathBuf};

/// What every bench is given, from the environment that `run.sh` sets.
struct Bench {
    /// The gateway's program.
    netweave: PathBuf,
    /// Where reports go.
    out: PathBuf,
    /// For each server in memory: certificates, files, logs. Gone at the end.
    folder: PathBuf,
    /// Debian's nginx and `HAProxy`, and the bare hyper server; set for the benches that compare.
    nginx: Option<PathBuf>,
    haproxy: Option<PathBuf>,
    floor: Option<PathBuf>,
}

impl Bench {
    fn nginx(&self) -> Result<&Path> {
        self.nginx.as_deref().ok_or_else(|| "BENCH_NGINX is not set".into())
    }

    fn haproxy(&self) -> Result<&Path> {
        self.haproxy.as_deref().ok_or_else(|| "BENCH_HAPROXY is not set".into())
    }

    fn floor(&self) -> Result<&Path> {
        self.floor.as_deref().ok_or_else(|| "BENCH_FLOOR is not set".into())
    }
}

#[tokio::main]
async fn main() -> Result<std::process::ExitCode> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    if std::env::args().nth(1).as_deref() == Some("baseline") {
        return baseline::run(std::env::args().skip(2)).map(|()| std::process::ExitCode::SUCCESS);
    }
    Box::pin(attempt::made(asked_for)).await
}

/// Runs the bench that the command line names.
async fn asked_for() -> Result<()> {
    let variable =
        |name: &str| std::env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("{name} is not set"));
    let bench = Bench {
        netweave: heap::program().map_or_else(|| variable("BENCH_NETWEAVE"), Ok)?,
        out: variable("BENCH_OUT")?,
        folder: variable("BENCH_FOLDER")?,
        nginx: variable("BENCH_NGINX").ok(),
        haproxy: variable("BENCH_HAPROXY").ok(),
        floor: variable("BENCH_FLOOR").ok(),
    };
    let name = std::env::args().nth(1).unwrap_or_default();
    match variable("BENCH_REDIS") {
        Ok(redis) => on_redis(&name, &bench, &redis).await,
        Err(_) => alone(&name, &bench).await,
    }
}

/// The benches whose gateway keeps its state in a Redis, by its program.
async fn on_redis(name: &str, bench: &Bench, redis: &Path) -> Result<()> {
    let argument = std::env::args().nth(2);
    match name {
        "cache-second-level" => second_level::run(bench, redis, argument.as_deref() == Some("--full")).await,
        "cold-cache" => cold_cache::run(bench, redis).await,
        "failover" => failover::run(bench, redis).await,
        "knobs" => knobs::run(bench, redis).await,
        "read-heavy" => mix::run(bench, redis, "read-heavy").await,
        "subscription-heavy" => mix::run(bench, redis, "subscription-heavy").await,
        "soak" => soak::run(bench, redis, argument).await,
        "start" => start::run(bench, redis).await,
        _ => told(name, bench, redis).await,
    }
}

/// Those of them whose subscribers are told of changes.
async fn told(name: &str, bench: &Bench, redis: &Path) -> Result<()> {
    match name {
        "delivery" => delivery::run(bench, redis).await,
        "fan-out" => fan_out::run(bench, redis).await,
        "notification-storm" => storm::run(bench, redis).await,
        "sizes" => sizes::run(bench, redis).await,
        "sizing" => sizing::run(bench, redis).await,
        "training" => training::run(bench, Some(redis)).await,
        _ => alone(name, bench).await,
    }
}

/// The benches whose gateway keeps its state in a file.
async fn alone(name: &str, bench: &Bench) -> Result<()> {
    match name {
        "cache-hit" => cache_hit::run(bench).await,
        "connections" => connections::run(bench).await,
        "idle" => idle::run(bench).await,
        "inventory" => inventory::run(bench).await,
        "list-filter" => list_filter::run(bench).await,
        "mtls-handshake" => handshake::run(bench).await,
        "reload" => reload::run(bench, Deed::Reload).await,
        "rotation" => reload::run(bench, Deed::Rotation).await,
        "small" => small::run(bench).await,
        "training" => training::run(bench, None).await,
        other => {
            Err(format!("no bench {other:?}, or BENCH_REDIS is not set; benches/run.sh lists them").into())
        }
    }
}

/// Makes an empty folder for one server.
fn folder(bench: &Bench, name: &str) -> Result<PathBuf> {
    let folder = bench.folder.join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
