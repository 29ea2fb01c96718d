//! The measured servers: the gateway, nginx under the same duties, and bare hyper.

use crate::Result;
use crate::cgroup::Ceiling;
use crate::connection::{Target, fetch};
use crate::heap;
use crate::process::Process;
use rustls::ClientConfig;
use serde_json::{Value, json};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a server may take until it answers; a large inventory is read before.
const START: Duration = Duration::from_mins(2);

/// A running server.
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Where the API is.
    pub api: Target,
    /// When it was started.
    pub started: Instant,
}

/// Returns a free address on loopback.
///
/// # Errors
/// There is none.
pub fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// What a gateway is started with.
#[derive(Debug)]
pub struct Conf {
    /// Where its API will be.
    pub api: SocketAddr,
    /// Where its operations port will be.
    pub ops: SocketAddr,
    /// The configuration file.
    pub document: Value,
}

impl Conf {
    /// Puts a section in place of what is planned.
    pub fn set(&mut self, section: &str, value: Value) {
        if let Some(document) = self.document.as_object_mut() {
            document.insert(section.to_owned(), value);
        }
    }
}

/// Plans a gateway over inventory files, `NAME.yaml` each, in a folder with certificates, with its limits out of the way.
///
/// # Errors
/// There is no free port.
pub fn conf(files: &[String]) -> Result<Conf> {
    let (api, ops) = (free()?, free()?);
    let backends: Vec<Value> = files
        .iter()
        .map(|file| json!({ "name": file, "kind": "file", "path": format!("{file}.yaml") }))
        .collect();
    let document = json!({
        "apiVersion": "netweave/v1",
        "environment": "dev",
        "api": { "listen": [api], "tls": { "certificate": "tls.crt", "key": "tls.key", "clientCa": "ca.crt" } },
        "ops": { "listen": ops },
        "state": { "kind": "embedded", "path": "netweave.db" },
        "limits": { "connections": 20_000, "connectionsPerIp": 20_000, "requestsPerSecond": 1_000_000, "perIdentity": { "rate": 1_000_000, "burst": 1_000_000 }, "newSubscriptions": { "rate": 1_000_000, "burst": 1_000_000 } },
        "shutdown": { "delay": "0s", "grace": "1s" },
        "log": { "level": "info", "format": "json" },
        "backends": backends,
    });
    Ok(Conf { api, ops, document })
}

/// Starts the gateway in a folder.
///
/// # Errors
/// The program does not start.
pub fn start(program: &Path, folder: &Path, tls: Arc<ClientConfig>, conf: &Conf) -> Result<Server> {
    start_in(None, (program, folder), tls, conf)
}

/// Starts the gateway, a program in a folder, under a ceiling if there is one.
///
/// # Errors
/// The program does not start.
pub fn start_in(
    ceiling: Option<&Ceiling>,
    (program, folder): (&Path, &Path),
    tls: Arc<ClientConfig>,
    conf: &Conf,
) -> Result<Server> {
    std::fs::write(folder.join("netweave.yaml"), conf.document.to_string())?;
    let mut command = command(ceiling, program);
    command.args(["serve", "-c", "netweave.yaml"]);
    gateway(command, folder, Target { address: conf.api, tls: Some(tls) })
}

/// Starts the gateway as [`conf`] plans it.
///
/// # Errors
/// As [`conf`] and [`start`].
pub fn netweave(program: &Path, folder: &Path, tls: Arc<ClientConfig>, files: &[String]) -> Result<Server> {
    start(program, folder, tls, &conf(files)?)
}

/// Starts nginx with a configuration that serves the folder `www`.
///
/// # Errors
/// The program does not start.
pub fn nginx(program: &Path, folder: &Path, tls: Arc<ClientConfig>) -> Result<Server> {
    let address = free()?;
    std::fs::write(folder.join("nginx.conf"), nginx_conf(folder, address))?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
    spawn(command, folder, "nginx.out", Target { address, tls: Some(tls) })
}

/// Starts the bare hyper server with the files of the folder `www`.
///
/// # Errors
/// The program does not start.
pub fn floor(program: &Path, folder: &Path, tls: Arc<ClientConfig>) -> Result<Server> {
    let address = free()?;
    let mut command = Command::new(program);
    command.arg(address.to_string()).arg(folder);
    spawn(command, folder, "floor.out", Target { address, tls: Some(tls) })
}

/// Writes a configuration with the gateway's duties: client certificates verified, a limit per client, an access log.
///
/// Tuned: two workers for two cores, descriptors cached, the log buffered, connections kept as long as the gateway keeps
/// them. `user` keeps the workers able to read the folder when the bench runs as root.
pub fn nginx_conf(folder: &Path, address: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
user root;
worker_processes 2;
worker_rlimit_nofile 32768;
pid {folder}/nginx.pid;
error_log {folder}/nginx.err warn;
events {{ worker_connections 16384; }}
http {{
  default_type application/json;
  types {{ }}
  client_body_temp_path {folder}/t1;
  proxy_temp_path {folder}/t2;
  fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4;
  scgi_temp_path {folder}/t5;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 10000000;
  open_file_cache max=100 inactive=1h;
  open_file_cache_valid 1h;
  access_log {folder}/nginx.log combined buffer=64k flush=5s;
  limit_req_zone $ssl_client_s_dn zone=clients:10m rate=1000000r/s;
  server {{
    listen {address} ssl http2;
    ssl_certificate {folder}/tls.crt;
    ssl_certificate_key {folder}/tls.key;
    ssl_client_certificate {folder}/ca.crt;
    ssl_verify_client on;
    ssl_protocols TLSv1.3;
    ssl_session_tickets on;
    ssl_buffer_size 16k;
    location / {{ root {folder}/www; limit_req zone=clients burst=100000 nodelay; }}
  }}
}}
"
    )
}

/// Starts `serve --dev` in an empty folder, as a new user does; returns it with the operations port.
///
/// # Errors
/// The program does not start.
pub fn sample(program: &Path, folder: &Path) -> Result<(Server, Target)> {
    sample_in(None, program, folder)
}

/// As [`sample`], under a ceiling if there is one.
///
/// # Errors
/// As [`sample`].
pub fn sample_in(ceiling: Option<&Ceiling>, program: &Path, folder: &Path) -> Result<(Server, Target)> {
    let (api, ops) = (free()?, free()?);
    let mut command = command(ceiling, program);
    command.args([
        "serve",
        "--dev",
        "--port",
        &api.port().to_string(),
        "--ops-port",
        &ops.port().to_string(),
    ]);
    let server = gateway(command, folder, Target { address: api, tls: None })?;
    Ok((server, Target { address: ops, tls: None }))
}

fn command(ceiling: Option<&Ceiling>, program: &Path) -> Command {
    ceiling.map_or_else(|| Command::new(program), |ceiling| ceiling.command(program))
}

/// Starts the gateway in a folder, so that its heap can be looked at if that is asked for.
fn gateway(mut command: Command, folder: &Path, api: Target) -> Result<Server> {
    heap::prepare(&mut command);
    let server = spawn(command, folder, "log", api)?;
    heap::began(server.process.id(), folder);
    Ok(server)
}

/// Starts a server in a folder, where what it says goes to a file, that will answer at a target.
///
/// # Errors
/// The program does not start.
pub fn spawn(mut command: Command, folder: &Path, log: &str, api: Target) -> Result<Server> {
    let log = File::create(folder.join(log))?;
    let child =
        command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    Ok(Server { process: Process::new(child), api, started: Instant::now() })
}

impl Server {
    /// Waits until a path is answered by 200 and its body satisfies; returns the body and the time since the start.
    ///
    /// # Errors
    /// The server ends, or does not answer so in two minutes.
    pub async fn answers(&mut self, path: &str, good: impl Fn(&[u8]) -> bool) -> Result<(Vec<u8>, Duration)> {
        let target = self.api.clone();
        self.answers_at(&target, path, good).await
    }

    /// As [`Self::answers`], on another port of the server.
    ///
    /// # Errors
    /// As [`Self::answers`].
    pub async fn answers_at(
        &mut self,
        target: &Target,
        path: &str,
        good: impl Fn(&[u8]) -> bool,
    ) -> Result<(Vec<u8>, Duration)> {
        let end = Instant::now() + START;
        loop {
            let answer = fetch(target, path).await;
            if let Ok((200, body)) = &answer
                && good(body)
            {
                return Ok((body.clone(), self.started.elapsed()));
            }
            self.process.alive()?;
            if Instant::now() > end {
                let answer =
                    answer.map(|(status, body)| (status, String::from_utf8_lossy(&body).into_owned()));
                return Err(format!("{path} is not answered as awaited: {answer:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
