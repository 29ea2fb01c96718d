//! A cached GET of 2 KB over mTLS, asked of the gateway or of the bare Pingora server, which run under valgrind.

use netweave_benches::Result;
use netweave_benches::connection::{Connection, Target, get};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{h2, pki};
use rustls::ClientConfig;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Text in the one server of the list, which makes its body 2 KB.
const PADDING: usize = 1_150;
/// Requests before those that are counted: connections, caches and buffers are warm then.
pub(crate) const WARM_UP: usize = 20;

/// Time after which an answer must have come from the cache.
const FRESH: Duration = Duration::from_secs(30);
/// Time between two looks whether it does; each is a request that is counted with the others, so there are few.
const PAUSE: Duration = Duration::from_millis(500);

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The gateway, with all its duties.
    Gateway,
    /// Pingora with the same bytes and nothing else.
    Pingora,
}

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// One request after the other on one connection.
    H1,
    /// The same on one stream after the other.
    H2,
}

/// A folder with certificates, an inventory and the bytes of its answer.
pub(crate) struct Scene {
    folder: PathBuf,
    stock: Stock,
    tls: Arc<ClientConfig>,
}

impl Scene {
    /// Sets up a folder.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let tls = pki::set_up(folder)?;
        let stock = Stock { padding: PADDING, ..Stock::new("pool", 1) };
        stock.write(folder)?;
        Ok(Self { folder: folder.to_owned(), stock, tls })
    }

    /// Runs a server under a tool, has it answer so many requests that come from its cache, and ends it.
    ///
    /// The gateway must come first: the other answers with its bytes.
    ///
    /// # Errors
    /// The server or the tool fails, or an answer is not what it should be.
    pub(crate) async fn run(&self, tool: &Tool, who: Who, protocol: Protocol, count: usize) -> Result<()> {
        let mut server = self.start(tool, who)?;
        let path = self.stock.list();
        server.answers(&path, |body| body.len() > PADDING).await?;
        if who == Who::Gateway {
            self.keep(&server.api, &path).await?;
        }
        match protocol {
            Protocol::H1 => h1(&server.api, &path, WARM_UP + count).await?,
            Protocol::H2 => h2::times(&server.api, &path, WARM_UP + count).await?,
        }
        server.process.end()
    }

    fn start(&self, tool: &Tool, who: Who) -> Result<Server> {
        let mut command = tool.command()?;
        let address = match who {
            Who::Gateway => {
                let conf = server::conf(std::slice::from_ref(&self.stock.name))?;
                std::fs::write(self.folder.join("netweave.yaml"), conf.document.to_string())?;
                command.args(["gateway", "serve", "-c", "netweave.yaml"]);
                conf.api
            }
            Who::Pingora => {
                let address = server::free()?;
                command.arg("pingora").arg(address.to_string()).arg(&self.folder);
                address
            }
        };
        server::spawn(command, &self.folder, "log", Target { address, tls: Some(Arc::clone(&self.tls)) })
    }

    /// Writes down what the gateway answers from its cache, for the other server.
    async fn keep(&self, target: &Target, path: &str) -> Result<()> {
        let mut connection = Connection::open(target).await?;
        let mut answer = connection.send(&get(path)).await?;
        // Under valgrind the first reading of the source lasts, and until it is over nothing is kept, or what is kept is stale.
        let end = Instant::now() + FRESH;
        while !connection.from_cache(answer) && Instant::now() < end {
            tokio::time::sleep(PAUSE).await;
            answer = connection.send(&get(path)).await?;
        }
        if !connection.from_cache(answer) {
            return Err(format!("{path} comes from the cache as {:?}", connection.cache(answer)).into());
        }
        // Both servers add these themselves.
        let own = |line: &&str| {
            !["date:", "content-length:"].iter().any(|name| line.to_lowercase().starts_with(name))
        };
        let head = connection.head(answer);
        let head: Vec<_> = head.lines().skip(1).filter(|line| !line.is_empty()).filter(own).collect();
        std::fs::write(self.folder.join("head"), head.join("\n"))?;
        std::fs::write(self.folder.join("body"), connection.body(answer))?;
        Ok(())
    }
}

async fn h1(target: &Target, path: &str, count: usize) -> Result<()> {
    let mut connection = Connection::open(target).await?;
    let request = get(path);
    for _ in 0..count {
        let answer = connection.send(&request).await?;
        if answer.status != 200 {
            return Err(format!("status {}", answer.status).into());
        }
    }
    Ok(())
}

/// A tool of valgrind with its options.
pub(crate) struct Tool {
    /// The options.
    pub(crate) options: Vec<String>,
}

impl Tool {
    /// Returns the command that runs this program under the tool.
    ///
    /// # Errors
    /// The program is not where it was.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new("valgrind");
        command.args(&self.options).arg(std::env::current_exe()?);
        Ok(command)
    }
}
