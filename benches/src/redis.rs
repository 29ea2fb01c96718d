//! A redis-server with the settings of `deploy/redis` that matter for its role.

use crate::Result;
use crate::process::Process;
use crate::server::free;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long it may take until it answers.
const START: Duration = Duration::from_secs(10);

/// What a server keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// State: an append-only file, nothing evicted.
    State,
    /// Answers: in memory alone, and what was not used for the longest time is dropped.
    Cache,
}

impl Role {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::State => {
                &["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]
            }
            Self::Cache => {
                &["--appendonly", "no", "--maxmemory", "512mb", "--maxmemory-policy", "allkeys-lru"]
            }
        }
    }
}

/// A running server.
pub struct Redis {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Redis {
    /// Starts an empty server that keeps its data in a folder, and waits until it answers.
    ///
    /// # Errors
    /// The program does not start, or does not answer in ten seconds.
    pub async fn start(program: &Path, folder: &Path, role: Role) -> Result<Self> {
        Self::start_with(program, folder, role, &[]).await
    }

    /// As [`Self::start`], with further arguments, which win.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(program: &Path, folder: &Path, role: Role, arguments: &[&str]) -> Result<Self> {
        let address = free()?;
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", ""]);
        command.args(role.arguments()).args(arguments);
        Self::launch(command, folder, address).await
    }

    /// Starts a command that listens at an address, and waits until it answers.
    pub(crate) async fn launch(mut command: Command, folder: &Path, address: SocketAddr) -> Result<Self> {
        let log = File::create(folder.join("redis.log"))?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut redis = Self { process: Process::new(command.spawn()?), address };
        let end = Instant::now() + START;
        while let Err(error) = redis.ask("PING").await {
            redis.process.alive()?;
            if Instant::now() > end {
                return Err(format!("redis-server does not answer: {error}").into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(redis)
    }

    /// Returns its address as the gateway's configuration writes it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Sends one command of words without spaces, whose answer is a text; returns it.
    ///
    /// # Errors
    /// It does not answer, or with something else.
    pub async fn ask(&self, command: &str) -> Result<String> {
        let answer = self.raw(command).await?;
        let (head, rest) = answer.split_once("\r\n").ok_or("a short answer")?;
        match head.split_at_checked(1) {
            Some(("+", text)) => Ok(text.to_owned()),
            Some(("$", length)) => Ok(rest.get(..length.parse()?).ok_or("a short answer")?.to_owned()),
            _ => Err(format!("{command} is answered by {head}").into()),
        }
    }

    /// Returns how often a command was called so far.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn calls(&self, command: &str) -> Result<u64> {
        let stats = self.ask("INFO commandstats").await?;
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        let calls = line.and_then(|rest| rest.split(',').next()).map(str::parse).transpose()?;
        Ok(calls.unwrap_or(0))
    }

    /// Returns a number that `INFO` tells, such as `total_commands_processed` of the section `stats`.
    ///
    /// # Errors
    /// As [`Self::ask`], or there is no such number.
    pub async fn info(&self, section: &str, name: &str) -> Result<u64> {
        let text = self.ask(&format!("INFO {section}")).await?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(line.ok_or_else(|| format!("INFO {section} has no {name}"))?.trim().parse()?)
    }

    /// Returns when the latest entry of the gateway's change log was committed, in milliseconds since 1970.
    ///
    /// # Errors
    /// As [`Self::ask`], or there is none.
    pub async fn latest_commit(&self) -> Result<u64> {
        let entry = self.raw("XREVRANGE log + - COUNT 1").await?;
        let mut lines = entry.lines().skip_while(|line| *line != "at");
        Ok(lines.nth(2).ok_or("an empty change log")?.parse()?)
    }

    /// Sends one command; returns all of the answer, as it comes.
    pub(crate) async fn raw(&self, command: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await?;
        // A Sentinel does not know QUIT.
        stream.shutdown().await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
