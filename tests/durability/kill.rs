//! A process is killed (`kill -9`) at random moments while it puts load on a store in a real file.

use crate::ledger::{Counts, Ledger, Note};
use crate::load::{self, Notes};
use netweave_embedded::{Conf, Embedded};
use netweave_tests::harness::Dice;
use netweave_tests::harness::clock::{RandomIds, TestClock};
use netweave_tests::harness::figures;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names the file to the child; without it the child's test does nothing.
const FILE: &str = "NETWEAVE_KILLED_FILE";

/// Names the seed to the child.
const SEED: &str = "NETWEAVE_KILLED_SEED";

/// Begins each line of the ledger, so that the test runner's own lines are told apart.
const MARK: &str = "@";

/// How many kills one file lives through.
const KILLS_PER_FILE: u64 = 10;

fn kills() -> u64 {
    if figures::full() { 200 } else { 20 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_acknowledged() {
    let mut dice = Dice(2);
    let mut counts = Counts::default();
    let mut acknowledged = 0;
    for _ in 0..kills() / KILLS_PER_FILE {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        let mut ledger = Ledger::default();
        for _ in 0..KILLS_PER_FILE {
            for note in run_and_kill(&path, &mut dice) {
                acknowledged += 1;
                ledger.take(note);
            }
            counts.add(load::settle(&open(&path).await, &mut ledger).await);
        }
    }
    figures::record(&format!(
        "kills={} notes={acknowledged} lost_subscriptions={} lost_notifications={}",
        kills(),
        counts.lost_subscriptions,
        counts.lost_notifications
    ));
    assert!(counts.subscriptions > 0 && counts.notifications > 0, "{counts:?}");
    assert_eq!((counts.lost_subscriptions, counts.lost_notifications), (0, 0), "{counts:?}");
}

/// The child: puts load on the store until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Some(file), Some(seed)) = (std::env::var_os(FILE), std::env::var(SEED).ok()) else { return };
    let store = open(Path::new(&file)).await;
    let notes: Notes = Arc::new(|note| {
        let line = format!("{MARK}{}\n", serde_json::to_string(&note).unwrap());
        // One write per line: what was written is in the pipe, whatever happens to this process.
        std::io::stderr().lock().write_all(line.as_bytes()).unwrap();
    });
    std::io::stderr().lock().write_all(format!("{MARK}ready\n").as_bytes()).unwrap();
    load::run(&store, seed.parse().unwrap(), &notes).await;
}

async fn open(path: &Path) -> Embedded {
    let conf = Conf { path: path.to_owned() };
    netweave_embedded::open(&conf, Arc::new(TestClock::new()), Arc::new(RandomIds)).await.unwrap()
}

/// Kills the child at the end of the test, however it ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts the child, lets it work for a random time, kills it, and returns what it noted.
fn run_and_kill(path: &Path, dice: &mut Dice) -> Vec<Note> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--nocapture"])
        .env(FILE, path)
        .env(SEED, dice.roll(u64::MAX).to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap());
    let mut killed = Some(Killed(child));
    let mut notes = Vec::new();
    let mut end = None;
    let mut lines = lines.lines();
    // The last line may be cut off: it was never acknowledged to anyone.
    while let Some(Ok(line)) = lines.next() {
        match line.strip_prefix(MARK) {
            Some("ready") => end = Some(Instant::now() + Duration::from_millis(20 + dice.roll(400))),
            Some(note) => notes.extend(serde_json::from_str::<Note>(note)),
            None => {}
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            drop(killed.take());
        }
    }
    assert!(end.is_some(), "the child did not come up");
    notes
}
