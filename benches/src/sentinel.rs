//! Three Redis servers, of which one is the primary, and three Sentinels, with what of `deploy/redis` decides how long a
//! failover takes.

use crate::Result;
use crate::redis::{Redis, Role};
use crate::server::free;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const SERVICE: &str = "mymaster";
const SIZE: usize = 3;
/// How long it may take until all know each other, or another primary is named.
const PATIENCE: Duration = Duration::from_mins(1);
/// A primary that no replica follows takes no writes.
const FOLLOWED: [&str; 6] =
    ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "3", "--repl-diskless-sync-delay", "0"];

/// The servers and their Sentinels; they end when this is dropped.
pub struct Sentinels {
    sentinels: Vec<Redis>,
    servers: Vec<Redis>,
}

impl Sentinels {
    /// Starts all six in a folder; returns when both replicas follow and every Sentinel knows all others.
    ///
    /// # Errors
    /// A program does not start, or they do not find each other.
    pub async fn start(program: &Path, folder: &Path) -> Result<Self> {
        let mut all = Self { sentinels: Vec::new(), servers: Vec::new() };
        for number in 0..SIZE {
            let home = folder.join(format!("server-{number}"));
            std::fs::create_dir_all(&home)?;
            let primary = all.servers.first().map(|primary| primary.address.port().to_string());
            let mut arguments = FOLLOWED.to_vec();
            if let Some(port) = &primary {
                arguments.extend(["--replicaof", "127.0.0.1", port]);
            }
            all.servers.push(Redis::start_with(program, &home, Role::State, &arguments).await?);
        }
        let primary = all.servers.first().ok_or("no server")?;
        until("two replicas", async || Ok(online(primary).await? == SIZE - 1)).await?;
        let port = primary.address.port();
        for number in 0..SIZE {
            let home = folder.join(format!("sentinel-{number}"));
            std::fs::create_dir_all(&home)?;
            let address = free()?;
            std::fs::write(home.join("sentinel.conf"), conf(&home, address.port(), port))?;
            let mut command = Command::new(program);
            command.arg(home.join("sentinel.conf")).arg("--sentinel");
            all.sentinels.push(Redis::launch(command, &home, address).await?);
        }
        for sentinel in &all.sentinels {
            let known = async || Ok(sentinel.ask("INFO sentinel").await?.contains("slaves=2,sentinels=3"));
            until("Sentinels that know each other", known).await?;
        }
        Ok(all)
    }

    /// Returns the section `state` of a gateway's configuration.
    pub fn state(&self) -> Value {
        let addresses: Vec<_> = self.sentinels.iter().map(|sentinel| sentinel.address).collect();
        json!({ "kind": "redis", "sentinels": addresses, "service": SERVICE })
    }

    /// Kills the primary at once, as a power cut does; returns its port.
    ///
    /// # Errors
    /// No Sentinel names one that runs.
    pub async fn kill_primary(&mut self) -> Result<u16> {
        let port = self.primary().await?;
        let server = self.servers.iter_mut().find(|server| server.address.port() == port);
        server.ok_or("an unknown primary")?.process.kill()?;
        Ok(port)
    }

    /// Waits until the Sentinels name another primary.
    ///
    /// # Errors
    /// They do not in a minute.
    pub async fn replaced(&self, former: u16) -> Result<()> {
        until("another primary", async || Ok(self.primary().await? != former)).await
    }

    /// Returns the port of the primary that the first Sentinel names.
    async fn primary(&self) -> Result<u16> {
        let sentinel = self.sentinels.first().ok_or("no Sentinel")?;
        let answer = sentinel.raw(&format!("SENTINEL get-master-addr-by-name {SERVICE}")).await?;
        // `*2`, length, address, length, port
        Ok(answer.lines().nth(4).ok_or_else(|| format!("no primary: {answer}"))?.parse()?)
    }
}

fn conf(home: &Path, port: u16, primary: u16) -> String {
    format!(
        "port {port}
bind 127.0.0.1
dir {}
sentinel monitor {SERVICE} 127.0.0.1 {primary} 2
sentinel down-after-milliseconds {SERVICE} 2000
sentinel failover-timeout {SERVICE} 10000
sentinel parallel-syncs {SERVICE} 1
",
        home.display()
    )
}

/// Counts the replicas that have what the primary has.
async fn online(primary: &Redis) -> Result<usize> {
    Ok(primary.ask("INFO replication").await?.matches("state=online").count())
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !is_so().await? {
        if Instant::now() > end {
            return Err(format!("waited {PATIENCE:?} in vain for {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
