//! The measured servers: the gateway, nginx under the same duties, and bare hyper.

use crate::Result;
use crate::cgroup::Ceiling;
use crate::connection::{Target, fetch};
use crate::process::Process;
use crate::{heap, machine};
use rustls::ClientConfig;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::conf::{Conf, conf};

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
/// Tuned: a worker for each core, descriptors cached, the log buffered, connections kept as long as the gateway keeps
/// them. `user` keeps the workers able to read the folder when the bench runs as root.
pub fn nginx_conf(folder: &Path, address: SocketAddr) -> String {
    let (folder, cores) = (folder.display(), machine::cores());
    format!(
        "daemon off;
user root;
worker_processes {cores};
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
  sendfile on;
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

/// Returns where what a server says is kept, by its folder and the file's name: a folder below, as a file backend looks at
/// whatever changes in its own.
pub fn said(folder: &Path, log: &str) -> PathBuf {
    folder.join("said").join(log)
}

/// Starts the gateway in a folder, so that its heap can be looked at if that is asked for.
fn gateway(mut command: Command, folder: &Path, api: Target) -> Result<Server> {
    heap::prepare(&mut command);
    let server = spawn(command, folder, "log", api)?;
    heap::began(server.process.id(), folder);
    Ok(server)
}

/// Starts a server in a folder that will answer at a target; what it says goes to a file, [`said`], which may be emptied meanwhile.
///
/// # Errors
/// The program does not start.
pub fn spawn(mut command: Command, folder: &Path, log: &str, api: Target) -> Result<Server> {
    let log = said(folder, log);
    std::fs::create_dir_all(log.parent().unwrap_or(folder))?;
    File::create(&log)?;
    let log = File::options().append(true).open(log)?;
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
