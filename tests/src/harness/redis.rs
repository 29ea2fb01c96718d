//! A real redis-server for one test.

use super::peers;
use super::ports::Port;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
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
        while TcpStream::connect(server.port.address()).is_err() {
            assert!(start.elapsed() < START, "redis-server does not listen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Some(server)
    }

    /// Sends a command as an operator types it; returns the texts of the answer.
    pub fn ask(&self, command: &str) -> Vec<String> {
        let mut stream = TcpStream::connect(self.port.address()).expect("redis-server listens");
        stream.write_all(format!("{command}\r\n").as_bytes()).expect("it takes a command");
        let mut reader = BufReader::new(stream);
        let first = line(&mut reader);
        let Some(count) = first.strip_prefix('*') else { return vec![text(&first, &mut reader)] };
        let mut texts = Vec::new();
        for _ in 0..count.parse::<usize>().expect("a count") {
            let head = line(&mut reader);
            texts.push(text(&head, &mut reader));
        }
        texts
    }

    /// Returns its address as the configuration writes it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.port.address())
    }
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line of the answer");
    line.trim_end().to_owned()
}

/// Reads one text, of which `head` is the first line.
fn text(head: &str, reader: &mut impl Read) -> String {
    let Some(length) = head.strip_prefix('$') else { return head.to_owned() };
    let mut text = vec![0; length.parse::<usize>().expect("something is there") + 2];
    reader.read_exact(&mut text).expect("the whole answer");
    String::from_utf8(text).expect("text").trim_end().to_owned()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
