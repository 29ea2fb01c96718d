//! One attempt at a bench: until it ends, fails, or a signal ends it, with progress meanwhile.

use netweave_benches::report::say;
use netweave_benches::session::{self, End};
use netweave_benches::{Result, flame, heap, memory, progress};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{interval, timeout};

/// How long a signal may take to arrive after it has ended the servers.
const SIGNAL: Duration = Duration::from_millis(200);

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

/// Makes it; a bench that was asked for a profile is begun once more for it. Returns the exit code.
///
/// # Errors
/// The bench fails.
pub(crate) async fn made<F: Future<Output = Result<()>>>(bench: impl Fn() -> F) -> Result<ExitCode> {
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
        done = Box::pin(counted(bench)) => Ok(done),
    };
    let ended = match ended {
        Ok(Err(fault)) => timeout(SIGNAL, ends.came()).await.map_or(Ok(Err(fault)), Err),
        ended => ended,
    };
    let out = std::env::var_os("BENCH_OUT").map(PathBuf::from).ok_or("BENCH_OUT is not set")?;
    match ended {
        Ok(Ok(())) => Ok(if session::invalid() { ExitCode::FAILURE } else { ExitCode::SUCCESS }),
        Ok(Err(fault)) => {
            last(session::broken_off(&out, End::Failed(fault.to_string()))?)?;
            Err(fault)
        }
        Err(code) => {
            let line = session::broken_off(&out, End::Interrupted)?;
            say(if line.is_some() {
                "interrupted: the report has the rows up to now"
            } else {
                "interrupted"
            })?;
            last(line)?;
            Ok(ExitCode::from(code))
        }
    }
}

/// Prints the last line of a bench that was broken off, if it has one.
fn last(line: Option<String>) -> Result<()> {
    line.map_or(Ok(()), |line| say(&line))
}

/// Runs the bench; before, if `BENCH_FLAME` or `BENCH_HEAP` is set, a round of it that shows where the gateway spends its time,
/// and one that shows who holds its memory.
async fn counted<F: Future<Output = Result<()>>>(bench: impl Fn() -> F) -> Result<()> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let folder = variable("BENCH_FOLDER").ok_or("BENCH_FOLDER is not set")?;
    if variable("BENCH_FLAME").is_some() {
        if let Some(fault) = Box::pin(flame::round(bench(), &folder)).await? {
            say(&fault)?;
        }
        empty(&folder)?;
    }
    if let Some(program) = variable("BENCH_HEAP") {
        for fault in Box::pin(heap::round(bench(), program)).await? {
            say(&fault)?;
        }
        empty(&folder)?;
    }
    bench().await
}

/// Removes what a round left.
fn empty(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
    }
    Ok(())
}
