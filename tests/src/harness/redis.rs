//! A real redis-server for one test.

use super::peers;
use super::ports::Port;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(10);

/// An empty server without persistence; it is killed by its own id when this is dropped.
pub struct RedisServer {
    child: Child,
    port: Port,
    _folder: TempDir,
}

impl RedisServer {
    /// Starts it; `None` if there is no redis-server and `NETWEAVE_REQUIRE_PEERS` does not ask for one.
    pub async fn start() -> Option<Self> {
        let program = peers::program("redis-server", "redis.sh")?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = Port::reserve();
        let number = port.number().to_string();
        let child = Command::new(program)
            .args(["--port", &number, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let server = Self { child, port, _folder: folder };
        let start = Instant::now();
        while std::net::TcpStream::connect(server.port.address()).is_err() {
            assert!(start.elapsed() < START, "redis-server does not listen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Some(server)
    }

    /// Returns its address as the configuration writes it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.port.address())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
