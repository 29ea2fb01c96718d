//! The peer that answers as Amazon's own description of its services says, with every member set.

use crate::peers;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running peer; its process ends when this is dropped.
pub(crate) struct Model {
    child: Child,
    port: u16,
}

impl Model {
    /// Starts it with the Python of moto, which has the description.
    pub(crate) fn start() -> Self {
        let mut child = Command::new(peers::folder().join("share/moto/bin/python"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("model.py"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let port = line.trim().strip_prefix("listening ").and_then(|port| port.parse().ok());
        Self { child, port: port.unwrap_or_else(|| panic!("no port from the peer: {line:?}")) }
    }

    /// Returns the address of all services.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
