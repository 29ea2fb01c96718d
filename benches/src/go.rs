//! The Go gateway as a peer, where its sources are at hand: `run.sh` builds it, and a script of whoever has them starts it.

use crate::Result;
use crate::connection::{Target, fetch};
use crate::server::{Server, free, spawn};
use rustls::ClientConfig;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// The running gateway, and what it is asked for.
pub struct Go {
    /// The script with the gateway, whose processes are measured.
    pub server: Server,
    /// A path for each body.
    pub paths: Vec<String>,
    /// How long its answers are.
    pub bytes: Vec<usize>,
    /// The script: how it is configured.
    pub script: String,
}

/// The most of the script that a report shows.
const SHOWN: usize = 16 << 10;

/// Starts it by the script `BENCH_GO_START`; `None` without a program in `BENCH_GO`.
///
/// The script finds in its environment the program (`GATEWAY`), where to listen (`HOST`, `PORT`), and the folder with
/// `ca.crt`, `tls.crt` and `tls.key` (`FOLDER`).
///
/// # Errors
/// There is no script, `BENCH_GO_PATHS` does not name a path for each body, or the gateway does not answer these by 200.
pub async fn start(folder: &Path, tls: Arc<ClientConfig>, bodies: usize) -> Result<Option<Go>> {
    let Some(program) = std::env::var_os("BENCH_GO") else { return Ok(None) };
    let script = std::env::var_os("BENCH_GO_START").ok_or("BENCH_GO_START names no script")?;
    let paths = std::env::var("BENCH_GO_PATHS").unwrap_or_default();
    let paths: Vec<_> = paths.split(',').filter(|path| path.starts_with('/')).map(str::to_owned).collect();
    if paths.len() < bodies {
        return Err(
            format!("BENCH_GO_PATHS names {} paths where there are {bodies} bodies", paths.len()).into()
        );
    }
    let text = String::from_utf8_lossy(&std::fs::read(&script)?).into_owned();
    let shown = text.get(..text.floor_char_boundary(SHOWN)).unwrap_or_default().to_owned();
    let (address, mut command) = (free()?, Command::new(script));
    command.env("GATEWAY", program).env("FOLDER", folder);
    command.env("HOST", address.ip().to_string()).env("PORT", address.port().to_string());
    let mut server = spawn(command, folder, "go.out", Target { address, tls: Some(tls) })?;
    let mut bytes = Vec::new();
    for path in &paths {
        server.answers(path, |body| !body.is_empty()).await?;
        bytes.push(fetch(&server.api, path).await?.1.len());
    }
    Ok(Some(Go { server, paths, bytes, script: shown }))
}
