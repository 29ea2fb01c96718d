//! Where the gateway spends its CPU time: its stacks, recorded by `perf` in a round of its own that is not counted.

pub(crate) mod draw;
pub(crate) mod stacks;

use crate::{Result, memory, session};
use stacks::Frame;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

/// The measured program, as the kernel names it.
const GATEWAY: &str = "netweave";
/// How long stacks are recorded.
const LENGTH: &str = "12";
/// How long load may take to begin after the gateway was started; one that is never asked is recorded then.
const UNASKED: Duration = Duration::from_secs(10);
/// How long the gateway may take to start, and `perf` to end and to read what it recorded.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs a bench as a round that is not counted, until the gateway's stacks are recorded; the report shows them. Returns why
/// there are none.
///
/// # Errors
/// The bench fails.
pub async fn round(bench: impl Future<Output = Result<()>>, folder: &Path) -> Result<Option<String>> {
    session::rehearse();
    let drawn = {
        let recording = recorded(folder);
        tokio::pin!(recording);
        tokio::select! {
            drawn = &mut recording => drawn,
            done = bench => {
                done?;
                // `perf` ends with the gateway.
                timeout(PATIENCE, recording).await.unwrap_or_else(|_late| Err("perf does not end".into()))
            }
        }
    };
    memory::forget();
    let (flame, fault) = match drawn {
        Ok(svg) => (Some(svg), None),
        Err(error) => (None, Some(format!("no flame graph: {error}"))),
    };
    session::rehearsed();
    if let Some(flame) = flame {
        session::drawn(flame);
    }
    Ok(fault)
}

async fn recorded(folder: &Path) -> Result<String> {
    let pids = loaded_gateways().await?;
    let file = folder.join("perf.data");
    let file = file.to_str().ok_or("the folder's name is no text")?;
    // Release builds keep no frame pointers, so stacks are unwound by the tables that panics need anyway.
    let record = ["record", "-q", "-F", "499", "--call-graph", "dwarf,16384", "-o", file, "-p", &pids];
    perf(&[&record[..], &["--", "sleep", LENGTH]].concat()).await?;
    let output = perf(&["script", "--no-inline", "-F", "comm,ip,sym", "-i", file]).await?;
    std::fs::remove_file(file)?;
    let root = Frame::of_script(&String::from_utf8_lossy(&output.stdout));
    if root.weight == 0 {
        return Err("perf saw no sample of the gateway".into());
    }
    draw::svg(&root, |samples| format!("{samples} samples"))
}

/// Waits until load has begun on gateways; returns their numbers.
async fn loaded_gateways() -> Result<String> {
    let end = Instant::now() + PATIENCE;
    let mut seen = None;
    loop {
        let pids = memory::of_program(GATEWAY);
        if !pids.is_empty() {
            let since = *seen.get_or_insert_with(Instant::now);
            if session::is_loaded() || since.elapsed() >= UNASKED {
                return Ok(pids.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
            }
        } else if Instant::now() > end {
            return Err("no gateway was started".into());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn perf(arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new("perf");
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        if missing {
            "perf is not installed (Debian: linux-perf)".to_owned()
        } else {
            format!("perf: {error}")
        }
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("perf {}: {said}", arguments.first().copied().unwrap_or_default()).into())
}
