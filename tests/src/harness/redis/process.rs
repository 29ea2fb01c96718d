//! One process of redis-server, as a server or as a Sentinel, over several lives.

use super::wire::Access;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take until it answers.
const START: Duration = Duration::from_secs(10);

/// A process that is killed by its own id when this is dropped, also if it is paused.
pub(crate) struct Process {
    command: Command,
    child: Option<Child>,
    access: Access,
    log: PathBuf,
}

impl Process {
    /// Starts it in a folder, where its log goes, too. It answers later.
    pub(crate) fn start(mut command: Command, folder: &Path, access: Access) -> Self {
        std::fs::create_dir_all(folder).expect("a folder for a server");
        let log = folder.join("log");
        let file = File::options().append(true).create(true).open(&log).expect("a log");
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(file.try_clone().expect("a log"))
            .stdout(file);
        let mut process = Self { command, child: None, access, log };
        process.start_again();
        process
    }

    /// Starts it if it does not run.
    pub(crate) fn start_again(&mut self) {
        let running = self.child.as_mut().map(|child| child.try_wait().expect("a state"));
        if !matches!(running, Some(None)) {
            self.child = Some(self.command.spawn().expect("redis-server starts"));
        }
    }

    /// Waits until it answers: it listens and has loaded its data.
    pub(crate) async fn answers(&mut self) {
        let start = Instant::now();
        while let Err(error) = self.access.ask(&["PING"]) {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("a state"));
            let waiting = ended.is_none() && start.elapsed() <= START;
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(waiting, "a server does not answer: {error}, {ended:?}, {}", log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns how to reach it.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Kills it at once, as a power cut does, and waits until it is gone.
    pub(crate) fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Sends a signal, unless it does not run.
    pub(crate) fn signal(&self, signal: Signal) {
        let Some(child) = &self.child else { return };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the process takes a signal");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let start = log.len().saturating_sub(4 << 10);
            let tail = log.get(start..).unwrap_or(&log);
            let text = format!("--- the log of {} ends:\n{tail}\n", self.access.address);
            std::io::stderr().write_all(text.as_bytes()).ok();
        }
    }
}
