//! A real redis-server for one test.

mod files;
mod process;
mod wire;

pub(super) use files::{Files, SERVICE};
pub(super) use process::Process;
pub use {files::password, wire::Access};

use super::peers;
use super::pki::Pki;
use super::ports::Port;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// An empty server; it is killed by its own id when this is dropped.
pub struct RedisServer {
    process: Process,
    section: Value,
    _port: Port,
    _files: Files,
}

impl RedisServer {
    /// Starts one without users and persistence.
    ///
    /// `None` if there is no redis-server and `NETWEAVE_REQUIRE_PEERS` does not ask for one.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// Starts one without users and persistence, with more arguments, such as `["--maxmemory", "8mb"]`.
    pub async fn start_with(arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new(program()?);
        let (files, port) = (Files::new(None), Port::reserve());
        let number = port.number().to_string();
        command.args(["--port", &number, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(arguments);
        let process = Process::start(command, &files.home("server"), Access::open(port.address()));
        Some(Self::answering(process, json!({}), port, files).await)
    }

    /// Starts a cache as `deploy/redis` has it, which needs a user, with that `maxmemory`.
    pub async fn start_cache(maxmemory: &str) -> Option<Self> {
        Self::launch_cache(maxmemory, None).await
    }

    /// Starts a cache as `deploy/redis` has it, with mutual TLS.
    pub async fn start_cache_tls(maxmemory: &str, pki: &Pki) -> Option<Self> {
        Self::launch_cache(maxmemory, Some(pki)).await
    }

    async fn launch_cache(maxmemory: &str, pki: Option<&Pki>) -> Option<Self> {
        let mut command = Command::new(program()?);
        let (files, port) = (Files::new(pki), Port::reserve());
        let home = files.home("server");
        command.arg(files.cache(&home, port.number(), maxmemory));
        let process = Process::start(command, &home, files.access(port.address()));
        Some(Self::answering(process, files.section(), port, files).await)
    }

    /// Sends a command as an administrator; returns all texts of the answer in their order.
    pub fn ask(&self, words: &[&str]) -> Vec<String> {
        self.process.access().ask(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Stops it where it is, so that its connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets it go on after a pause.
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Kills it at once, as a power cut does.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Starts it again with the port that it had; returns when it answers.
    pub async fn start_again(&mut self) {
        self.process.start_again();
        self.process.answers().await;
    }

    /// Returns its address as the configuration writes it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.process.access().address)
    }

    /// Returns what a gateway's configuration says of it: `cache.redis`, or with a `kind` the section `state`.
    pub fn section(&self) -> Value {
        let mut section = self.section.clone();
        section["url"] = json!(self.url());
        section
    }

    async fn answering(mut process: Process, section: Value, port: Port, files: Files) -> Self {
        process.answers().await;
        Self { process, section, _port: port, _files: files }
    }
}

/// Finds the program, which `REDIS_SERVER` names if it is another one in the folder of peers; says so if it is not there
/// and `NETWEAVE_REQUIRE_PEERS` does not ask for it.
pub fn program() -> Option<PathBuf> {
    let name = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
    let found = peers::program(&name, "redis.sh");
    if found.is_none() {
        std::io::stderr().write_all(b"SKIPPED: there is no redis-server; run tests/peers/redis.sh\n").ok();
    }
    found
}
