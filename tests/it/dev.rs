//! `serve --dev`: a new user pastes what it prints.

use netweave_tests::harness::figures;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::ports::Port;
use netweave_tests::harness::until;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The sample changes every 20 s.
const CHANGE: Duration = Duration::from_mins(1);

/// A process whose lines are read; it is ended by its own id when this is dropped.
struct Talking {
    child: Child,
    lines: UnboundedReceiver<String>,
}

impl Talking {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let (sender, lines) = unbounded_channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                sender.send(line).ok();
            }
        });
        Self { child, lines }
    }

    /// Returns the next line for which this holds.
    async fn says(&mut self, holds: impl Fn(&str) -> bool) -> String {
        let found = async {
            while let Some(line) = self.lines.recv().await {
                if holds(&line) {
                    return Some(line);
                }
            }
            None
        };
        tokio::time::timeout(CHANGE, found).await.expect("it says so in time").expect("it says so")
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).ok();
        }
        self.child.wait().ok();
    }
}

/// Pastes a line into a shell; returns what it prints.
async fn paste(line: &str) -> String {
    let output = tokio::process::Command::new("bash").args(["-c", line]).output().await.expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{line}: {output:?}");
    text
}

async fn paste_json(line: &str) -> Value {
    let text = paste(line).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
}

/// What it is asked to print takes under a second; a debug build on a busy machine may take a few.
#[tokio::test]
async fn every_printed_line_works_when_pasted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (api, ops) = (Port::reserve(), Port::reserve());
    let (api, ops) = (api.address().port().to_string(), ops.address().port().to_string());
    let start = Instant::now();
    let mut gateway = Talking::start(command(
        folder.path(),
        &["serve", "--dev", "--dir", "dev", "--port", &api, "--ops-port", &ops],
    ));
    gateway.says(|line| line == "Try:").await;
    let mut tries = VecDeque::new();
    loop {
        let line = gateway.says(|_| true).await;
        match line.strip_prefix("  ") {
            Some(line) => tries.push_back(line.to_owned()),
            None => break,
        }
    }
    figures::record(&format!("dev_greeting_ms={}", start.elapsed().as_millis()));
    let mut next = move |part: &str| {
        let line = tries.pop_front().unwrap_or_default();
        assert!(line.contains(part), "{line} where {part} was expected");
        line
    };
    let pools = next("/resourcePools");
    until(CHANGE, "the sample", async || (paste_json(&pools).await.as_array()?.len() == 4).then_some(()))
        .await;
    let computers = paste_json(&next("/resourceTypes?filter=")).await;
    let computers = computers.as_array().expect("a list");
    assert!(!computers.is_empty() && computers.iter().all(|kind| kind["resourceClass"] == "COMPUTE"));
    let watch = next("subs watch --dev");
    let mut watching = Command::new("bash");
    watching.args(["-c", &format!("exec {watch}")]).stdin(Stdio::null());
    let mut watching = Talking::start(watching);
    let ready = paste_json(&next("/readyz?verbose")).await;
    assert_eq!(ready["status"], "ready", "{ready}");
    // The inbox has a port of its own; where another program has it, nothing is said of it.
    let subscribe = next("");
    if !subscribe.is_empty() {
        assert!(paste_json(&subscribe).await["subscriptionId"].is_string());
        paste(&next("curl -s http://127.0.0.1:9000/")).await;
    }
    assert_eq!(next(""), "", "nothing more is printed");
    watching.says(|line| line.contains("signature good")).await;
}
