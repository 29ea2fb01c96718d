//! A redis-server with the settings that matter of the role `state` in `deploy/redis`: an append-only file, nothing evicted.

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
    pub async fn start(program: &Path, folder: &Path) -> Result<Self> {
        let address = free()?;
        let log = File::create(folder.join("redis.log"))?;
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", ""]);
        command.args([
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--maxmemory-policy",
            "noeviction",
        ]);
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
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, rest) = answer.split_once("\r\n").ok_or("a short answer")?;
        match head.split_at_checked(1) {
            Some(("+", text)) => Ok(text.to_owned()),
            Some(("$", length)) => Ok(rest.get(..length.parse()?).ok_or("a short answer")?.to_owned()),
            _ => Err(format!("{command} is answered by {head}").into()),
        }
    }
}
