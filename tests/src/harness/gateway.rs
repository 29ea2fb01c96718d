//! The gateway as a child process, with a configuration of its own.

mod setup;

pub use setup::{FAKETIME, Setup};

use super::client::{Answer, Client};
use super::pki::Pki;
use super::ports::Port;
use super::wait;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the gateway may take until it is ready; a debug build on a busy machine needs a few seconds.
const START: Duration = Duration::from_secs(30);

/// A running gateway; it is killed by its own id when this is dropped.
pub struct Gateway {
    child: Child,
    folder: TempDir,
    start: Start,
    pki: Arc<Pki>,
    api: Port,
    ops: Port,
    ready: &'static str,
}

/// Returns how many requests were counted in some metrics.
pub fn requests(metrics: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with("o2ims_http_requests_total{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

impl Gateway {
    /// Returns a client with a certificate of that name.
    pub fn client(&self, name: &str) -> Client {
        Client::new(&self.pki, Some(&self.pki.client(name)), self.url())
    }

    /// Returns a client without a certificate.
    pub fn nobody(&self) -> Client {
        Client::new(&self.pki, None, self.url())
    }

    /// Asks the operations port.
    pub async fn ops(&self, path: &str) -> Answer {
        Client::plain(format!("http://{}", self.ops.address())).get(path).await
    }

    /// Returns the base of the API, as clients reach it.
    pub fn url(&self) -> String {
        format!("https://{}", self.api_address())
    }

    /// Returns the address of the API listener.
    pub fn api_address(&self) -> SocketAddr {
        self.api.address()
    }

    /// Returns the address of the operations listener.
    pub fn ops_address(&self) -> SocketAddr {
        self.ops.address()
    }

    /// Returns the authority that clients and the gateway trust.
    pub fn pki(&self) -> &Pki {
        &self.pki
    }

    /// Returns the gateway's folder: configuration, certificates, state, log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns what the gateway has logged, over all its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Returns all metrics as they are exposed.
    pub async fn metrics(&self) -> String {
        String::from_utf8(self.ops("/metrics").await.expect(200).body.to_vec()).expect("text")
    }

    /// Returns the value of a sample on `/metrics`, named with its labels as they are written there.
    pub async fn metric(&self, sample: &str) -> Option<f64> {
        let text = self.metrics().await;
        let line =
            text.lines().find(|line| line.strip_prefix(sample).is_some_and(|rest| rest.starts_with(' ')))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Asks the process to end, as an orchestrator does.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the process takes the signal");
    }

    /// Runs a command of the program in the gateway's folder; returns its exit code, output and complaints.
    pub async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = tokio::process::Command::from(command(self.folder(), arguments));
        let ended = command.kill_on_drop(true).output().await.expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ended.status.code().unwrap_or(-1), text(&ended.stdout), text(&ended.stderr))
    }

    /// Sets one key in the configuration file, named by a JSON pointer to a key that is there. The file is exchanged as a whole.
    pub fn configure(&self, pointer: &str, value: Value) {
        let path = self.folder().join("netweave.yaml");
        let text = std::fs::read_to_string(&path).expect("the configuration");
        let mut conf: Value = serde_json::from_str(&text).expect("JSON");
        *conf.pointer_mut(pointer).expect("a key of the configuration") = value;
        self.write_configuration(&conf.to_string());
    }

    /// Exchanges the configuration file.
    pub fn write_configuration(&self, text: &str) {
        let new = self.folder().join("netweave.yaml.new");
        std::fs::write(&new, text).expect("the new configuration");
        std::fs::rename(new, self.folder().join("netweave.yaml"))
            .expect("the new configuration in its place");
    }

    /// Starts a new process, which takes the sockets of the one that runs; returns when that one has ended.
    pub async fn hand_over(&mut self) -> ExitStatus {
        let new = self.start.spawn(self.folder.path(), &["--upgrade"]);
        let ended = self.ended(START).await.0;
        self.child = new;
        self.wait_ready().await;
        ended
    }

    /// Waits until the process has ended.
    pub async fn ended(&mut self, limit: Duration) -> (ExitStatus, Duration) {
        wait::until(limit, "the gateway to end", async || self.child.try_wait().expect("the child's state"))
            .await
    }

    /// Whether the process runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the child's state").is_none()
    }

    /// Kills the process at once, as a power cut does, and waits until it is gone.
    pub fn kill9(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process is gone");
    }

    /// Starts the gateway again on the same folder and ports; the former process must have ended.
    pub async fn restart(&mut self) {
        self.child = self.start.spawn(self.folder.path(), &[]);
        self.wait_ready().await;
    }

    async fn wait_ready(&mut self) {
        let ops = Client::plain(format!("http://{}", self.ops.address()));
        let start = Instant::now();
        loop {
            let answer = ops.ask(http::Method::GET, self.ready, &[], "").await;
            if answer.as_ref().is_ok_and(|answer| answer.status == 200) {
                return;
            }
            let ended = self.child.try_wait().expect("the child's state");
            let waiting = ended.is_none() && start.elapsed() <= START;
            assert!(waiting, "the gateway is not ready: {answer:?}, {ended:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if std::thread::panicking() {
            let log = self.log();
            let start = log.len().saturating_sub(8 << 10);
            let tail = log.get(start..).unwrap_or(&log);
            std::io::stderr().write_all(format!("--- the gateway's log ends:\n{tail}\n").as_bytes()).ok();
        }
    }
}

/// Returns the program: what `NETWEAVE_BIN` names, else what cargo built beside this test.
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("NETWEAVE_BIN") {
        return path.into();
    }
    // target/debug/deps/TEST -> target/debug/netweave
    let test = std::env::current_exe().unwrap_or_default();
    test.ancestors().nth(2).unwrap_or(Path::new(".")).join("netweave")
}

/// Returns the program as a command in a folder, without the suites' own switches: they are no settings of the gateway.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    prepare(&mut command, folder);
    command.args(arguments);
    command
}

fn prepare(command: &mut Command, folder: &Path) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NETWEAVE_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).stdin(Stdio::null());
}

/// How a gateway is started, each time.
struct Start {
    /// A program and its arguments, which becomes the gateway; none if it is started itself.
    starter: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Start {
    fn spawn(&self, folder: &Path, flags: &[&str]) -> Child {
        let log = File::options().append(true).create(true).open(folder.join("log")).expect("the log file");
        let mut words: Vec<OsString> = self.starter.iter().map(OsString::from).collect();
        words.push(program().into());
        let mut command = Command::new(words.remove(0));
        prepare(&mut command, folder);
        command
            .args(words)
            .args(["serve", "-c", "netweave.yaml"])
            .args(flags)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(log.try_clone().expect("the log file, twice"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{} does not start: {error}; cargo build --workspace first", program().display())
            })
    }
}
