//! The cases by name, and how each ended, for the matrix of all backends.

use super::{Bench, faults};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::fs::File;
use std::io::Write;
use std::panic::AssertUnwindSafe;

/// The variable that names the file to which each case adds a line: backend, case, `passed`, `failed` or `skipped`.
const MATRIX: &str = "NETWEAVE_MATRIX";

/// One case of the suite.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// It makes the wire to the source fail, so the bench must have one.
    pub needs_wire: bool,
    run: for<'a> fn(&'a mut dyn Bench) -> BoxFuture<'a, ()>,
}

const fn case(name: &'static str, run: for<'a> fn(&'a mut dyn Bench) -> BoxFuture<'a, ()>) -> Case {
    Case { name, needs_wire: false, run }
}

const fn on_the_wire(name: &'static str, run: for<'a> fn(&'a mut dyn Bench) -> BoxFuture<'a, ()>) -> Case {
    Case { name, needs_wire: true, run }
}

/// All cases; the large one is last.
pub const CASES: &[Case] = &[
    case("list_equals_stream_after_synced", |bench| Box::pin(super::list_equals_stream_after_synced(bench))),
    case("upserts_and_deletes_are_seen", |bench| Box::pin(super::upserts_and_deletes_are_seen(bench))),
    case("listing_is_sorted_and_unique", |bench| Box::pin(super::listing_is_sorted_and_unique(bench))),
    case("get_agrees_with_list", |bench| Box::pin(super::get_agrees_with_list(bench))),
    case("capability_flags_match", |bench| Box::pin(super::capability_flags_match(bench))),
    case("repeated_state_is_harmless", |bench| Box::pin(super::repeated_state_is_harmless(bench))),
    case("a_change_while_the_stream_begins_is_told", |bench| {
        Box::pin(super::a_change_while_the_stream_begins_is_told(bench))
    }),
    case("streams_are_independent", |bench| Box::pin(super::streams_are_independent(bench))),
    case("a_quiet_source_gives_a_sign_of_life", |bench| {
        Box::pin(super::a_quiet_source_gives_a_sign_of_life(bench))
    }),
    case("peer_gone_and_back", |bench| Box::pin(super::peer_gone_and_back(bench))),
    on_the_wire("a_throttled_peer_is_told_and_spared", |bench| {
        Box::pin(faults::a_throttled_peer_is_told_and_spared(bench))
    }),
    on_the_wire("a_slow_peer_is_read_completely", |bench| {
        Box::pin(faults::a_slow_peer_is_read_completely(bench))
    }),
    on_the_wire("answers_that_cannot_be_read_delete_nothing", |bench| {
        Box::pin(faults::answers_that_cannot_be_read_delete_nothing(bench))
    }),
    on_the_wire("refusals_delete_nothing", |bench| Box::pin(faults::refusals_delete_nothing(bench))),
    case("page_borders_are_complete", |bench| Box::pin(super::page_borders_are_complete(bench))),
    case("a_large_source_is_told_completely", |bench| {
        Box::pin(super::a_large_source_is_told_completely(bench))
    }),
];

/// Runs a case on a bench, and notes how it ends.
pub async fn run(backend: &'static str, name: &str, bench: &mut dyn Bench) {
    let case = CASES.iter().find(|case| case.name == name).expect("a case of the suite");
    let mut note = Note { backend, case: case.name, outcome: "failed" };
    if case.needs_wire && bench.wire().is_none() {
        note.outcome = "skipped";
        return;
    }
    (case.run)(bench).await;
    note.outcome = "passed";
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

/// Adds its line to the matrix when the case is over, however that came.
struct Note {
    backend: &'static str,
    case: &'static str,
    outcome: &'static str,
}

impl Drop for Note {
    fn drop(&mut self) {
        let line = format!("{} {} {}\n", self.backend, self.case, self.outcome);
        if self.outcome == "skipped" {
            std::io::stderr().write_all(format!("SKIPPED: {line}").as_bytes()).ok();
        }
        let Some(path) = std::env::var_os(MATRIX) else { return };
        let file = File::options().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the matrix takes a line");
    }
}
