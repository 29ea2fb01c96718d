//! The cases as a table, and how each ended, for the matrix of all backends.
#![cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "the names of the cases stand in one list"))]

use super::faults::*;
use super::need::Need;
use super::odd::*;
use super::*;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::fs::File;
use std::io::Write;
use std::panic::AssertUnwindSafe;

/// The variable that names the file to which each case adds a line: backend, case, `passed`, `failed`, or `skipped` and why.
const MATRIX: &str = "NETWEAVE_MATRIX";

/// One case of the suite.
struct Case {
    name: &'static str,
    /// What the source must have for it.
    needs: &'static [Need],
    run: for<'a> fn(&'a mut dyn Bench) -> BoxFuture<'a, ()>,
}

macro_rules! table {
    ([] $($name:ident: [$($need:ident)*];)+) => {
        /// All cases; the large one is last.
        const CASES: &[Case] = &[
            $(Case {
                name: stringify!($name),
                needs: &[$(Need::$need)*],
                run: |bench| Box::pin($name(bench)),
            }),+
        ];
    };
}
crate::every_backend_case!(table []);

/// Runs a case on a bench, and notes how it ends.
pub async fn run(backend: &'static str, name: &str, bench: &mut dyn Bench) {
    let case = CASES.iter().find(|case| case.name == name).expect("a case of the suite");
    let mut note = Note { backend, case: case.name, outcome: Outcome::Failed };
    if let Some(need) = case.needs.iter().find(|need| !need.is_met(bench)) {
        note.outcome = Outcome::Skipped(need.absence());
        return;
    }
    (case.run)(bench).await;
    note.outcome = Outcome::Passed;
}

/// Runs all cases on one bench, one after the other; one that fails does not keep the others from running.
pub async fn every_case(backend: &'static str, bench: &mut dyn Bench) {
    let mut failed = Vec::new();
    for case in CASES {
        if AssertUnwindSafe(run(backend, case.name, bench)).catch_unwind().await.is_err() {
            failed.push(case.name);
            bench.mend().await;
        }
    }
    assert!(failed.is_empty(), "{backend}: {failed:?}");
}

/// How a case ended.
enum Outcome {
    Passed,
    Failed,
    Skipped(&'static str),
}

/// Adds its line to the matrix when the case is over, however that came.
struct Note {
    backend: &'static str,
    case: &'static str,
    outcome: Outcome,
}

impl Drop for Note {
    fn drop(&mut self) {
        let outcome = match self.outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed => "failed".to_owned(),
            Outcome::Skipped(why) => format!("skipped {why}"),
        };
        let line = format!("{} {} {outcome}\n", self.backend, self.case);
        if matches!(self.outcome, Outcome::Skipped(_)) {
            std::io::stderr().write_all(format!("SKIPPED: {line}").as_bytes()).ok();
        }
        let Some(path) = std::env::var_os(MATRIX) else { return };
        let file = File::options().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the matrix takes a line");
    }
}
