//! `HAProxy` under the gateway's duties.

use crate::connection::Target;
use crate::server::{Server, free, said, spawn};
use crate::{Result, machine};
use rustls::ClientConfig;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// `HAProxy`'s own size of a buffer, and what it keeps free of it for headers that are added.
const BUFFER: u64 = 16 << 10;
const RESERVE: u64 = 2 << 10;

/// Where its standard output goes, and with it the access log.
const LOG: &str = "haproxy.out";

/// Threads that `HAProxy` takes at most.
const MOST_THREADS: usize = 64;

/// Starts `HAProxy`, which answers each path with a file that it holds in memory; returns it with its configuration.
///
/// # Errors
/// The program does not start.
pub fn start(
    program: &Path,
    folder: &Path,
    tls: Arc<ClientConfig>,
    bodies: &[(String, PathBuf)],
) -> Result<(Server, String)> {
    let address = free()?;
    let pem = [fs::read_to_string(folder.join("tls.crt"))?, fs::read_to_string(folder.join("tls.key"))?];
    fs::write(folder.join("haproxy.pem"), pem.concat())?;
    let text = conf(folder, address, bodies)?;
    fs::write(folder.join("haproxy.cfg"), &text)?;
    let mut command = command(program);
    command.arg("-db").arg("-f").arg(folder.join("haproxy.cfg"));
    Ok((spawn(command, folder, LOG, Target { address, tls: Some(tls) })?, text))
}

/// Says whether a request for a path is in the access log of a folder's `HAProxy`.
#[must_use]
pub fn has_logged(folder: &Path, path: &str) -> bool {
    let log = fs::read_to_string(said(folder, LOG)).unwrap_or_default();
    log.contains(&format!("GET {path} HTTP/"))
}

/// Returns how the program is called, with the libraries that were unpacked beside it, if they were.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some(libraries) = libraries(program) {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command
}

fn libraries(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?.parent()?.join(format!("lib/{}-linux-gnu", std::env::consts::ARCH));
    folder.is_dir().then_some(folder)
}

/// Writes a configuration with the gateway's duties: client certificates verified, a limit per client, an access log.
///
/// Tuned: a thread for each core, answers from memory without a server behind, the log on standard output, a file here; buffers
/// that hold the largest answer, and not more. It would start only with two descriptors for each connection, of which the second
/// one is for a server behind.
fn conf(folder: &Path, address: SocketAddr, bodies: &[(String, PathBuf)]) -> Result<String> {
    let (folder, cores) = (folder.display(), machine::cores().min(MOST_THREADS));
    let (mut answers, mut largest) = (String::new(), 0);
    for (path, file) in bodies {
        largest = largest.max(fs::metadata(file)?.len());
        let file = file.display();
        writeln!(
            answers,
            "  http-request return status 200 content-type application/json file {file} if {{ path {path} }}"
        )?;
    }
    let buffer = BUFFER.max((largest + RESERVE).next_multiple_of(BUFFER));
    Ok(format!(
        "global
  nbthread {cores}
  maxconn 12000
  no strict-limits
  tune.bufsize {buffer}
  ssl-default-bind-options ssl-min-ver TLSv1.3
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout client 60s
  timeout http-request 5s
  timeout http-keep-alive 60s
frontend api
  bind {address} ssl crt {folder}/haproxy.pem ca-file {folder}/ca.crt verify required alpn h2,http/1.1
  stick-table type string len 128 size 10k expire 1m store http_req_rate(1s)
  http-request track-sc0 ssl_c_s_dn
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 1000000 }}
{answers}"
    ))
}
