//! `netweave-load BENCH`: runs one bench against release builds; `benches/run.sh` prepares everything and calls it.

mod baseline;
mod cache_hit;
mod connections;
mod delivery;
mod handshake;
mod idle;
mod inventory;
mod list_filter;
mod mix;
mod peers;
mod second_level;
mod sizes;
mod small;

use netweave_benches::report::say;
use netweave_benches::{Result, flame, memory, progress, session};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{interval, timeout};

/// How long a signal may take to arrive after it has ended the servers.
const SIGNAL: Duration = Duration::from_millis(200);

/// What every bench is given, from the environment that `run.sh` sets.
struct Bench {
    /// The gateway's program.
    netweave: PathBuf,
    /// Where reports go.
    out: PathBuf,
    /// For each server in memory: certificates, files, logs. Gone at the end.
    folder: PathBuf,
    /// Debian's nginx, and the bare hyper server; set for the benches that compare.
    nginx: Option<PathBuf>,
    floor: Option<PathBuf>,
}

impl Bench {
    fn nginx(&self) -> Result<&Path> {
        self.nginx.as_deref().ok_or_else(|| "BENCH_NGINX is not set".into())
    }

    fn floor(&self) -> Result<&Path> {
        self.floor.as_deref().ok_or_else(|| "BENCH_FLOOR is not set".into())
    }
}

/// Signals that end a bench, with its report as far as it got.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Ends {
    fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one; returns the exit code that shells give it.
    async fn came(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
            _ = self.hangup.recv() => 129,
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<ExitCode> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    if std::env::args().nth(1).as_deref() == Some("baseline") {
        return baseline::run(std::env::args().skip(2)).map(|()| ExitCode::SUCCESS);
    }
    let mut ends = Ends::new()?;
    tokio::spawn(async {
        let mut looks = interval(Duration::from_millis(500));
        loop {
            looks.tick().await;
            memory::tick();
            progress::tick();
        }
    });
    // A terminal signals the servers, too: their end must not be taken for a fault of the bench.
    let ended = tokio::select! {
        biased;
        code = ends.came() => Err(code),
        done = counted() => Ok(done),
    };
    let ended = match ended {
        Ok(Err(fault)) => timeout(SIGNAL, ends.came()).await.map_or(Ok(Err(fault)), Err),
        ended => ended,
    };
    match ended {
        Ok(done) => done.map(|()| if session::invalid() { ExitCode::FAILURE } else { ExitCode::SUCCESS }),
        Err(code) => {
            let out = std::env::var_os("BENCH_OUT").map(PathBuf::from).ok_or("BENCH_OUT is not set")?;
            let written = session::interrupted(&out)?;
            say(if written { "interrupted: the report has the rows up to now" } else { "interrupted" })?;
            Ok(ExitCode::from(code))
        }
    }
}

/// Runs the bench; before, if `BENCH_FLAME` is set, a round of it that shows where the gateway spends its time.
async fn counted() -> Result<()> {
    if std::env::var_os("BENCH_FLAME").is_some() {
        let folder = std::env::var_os("BENCH_FOLDER").map(PathBuf::from).ok_or("BENCH_FOLDER is not set")?;
        if let Some(fault) = Box::pin(flame::round(asked_for(), &folder)).await? {
            say(&fault)?;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
        }
    }
    asked_for().await
}

async fn asked_for() -> Result<()> {
    let variable =
        |name: &str| std::env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("{name} is not set"));
    let bench = Bench {
        netweave: variable("BENCH_NETWEAVE")?,
        out: variable("BENCH_OUT")?,
        folder: variable("BENCH_FOLDER")?,
        nginx: variable("BENCH_NGINX").ok(),
        floor: variable("BENCH_FLOOR").ok(),
    };
    match std::env::args().nth(1).as_deref() {
        Some("cache-hit") => cache_hit::run(&bench).await,
        Some("cache-second-level") => {
            let full = std::env::args().nth(2).as_deref() == Some("--full");
            second_level::run(&bench, &variable("BENCH_REDIS")?, full).await
        }
        Some("delivery") => delivery::run(&bench, &variable("BENCH_REDIS")?).await,
        Some("inventory") => inventory::run(&bench).await,
        Some("idle") => idle::run(&bench).await,
        Some("mtls-handshake") => handshake::run(&bench).await,
        Some("connections") => connections::run(&bench).await,
        Some("list-filter") => list_filter::run(&bench).await,
        Some("read-heavy") => mix::run(&bench, &variable("BENCH_REDIS")?, "read-heavy").await,
        Some("subscription-heavy") => mix::run(&bench, &variable("BENCH_REDIS")?, "subscription-heavy").await,
        Some("small") => small::run(&bench).await,
        Some("sizes") => sizes::run(&bench, &variable("BENCH_REDIS")?).await,
        other => Err(format!("unknown bench {other:?}; benches/run.sh lists them").into()),
    }
}

/// Makes an empty folder for one server.
fn folder(bench: &Bench, name: &str) -> Result<PathBuf> {
    let folder = bench.folder.join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
