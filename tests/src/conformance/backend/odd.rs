//! The case of answers that look right from afar and are made to do harm, or were made by mistake.

use super::faults::{recovers, told, wire};
use super::{Bench, Told, resources};
use crate::harness::memory::Growth;
use crate::harness::{Fault, figures};
use netweave_model::Kind;

/// Most memory that this process may need for one answer, in MiB, with the copies of the answer in the wire itself.
const MOST_MIB: usize = 500;
/// Elements or objects within each other.
const DEEP: usize = 1 << 20;
/// Bytes of an answer that is larger than any is read.
const HUGE: usize = 33 << 20;

/// Answers that are of no use to anybody, whatever is asked.
fn everybodys() -> Vec<String> {
    let laughs: String = (1..30).fold(r#"<!DOCTYPE a [<!ENTITY x0 "ha">"#.to_owned(), |text, n| {
        format!(r#"{text}<!ENTITY x{n} "&x{};&x{};">"#, n - 1, n - 1)
    });
    vec![
        format!("{laughs}]><a>&x29;</a>"),
        "<a>".repeat(DEEP),
        "[".repeat(DEEP),
        r#"{"items":"#.repeat(DEEP),
        " ".repeat(HUGE),
    ]
}

/// Such answers are errors, delete nothing, and need little memory.
pub(super) async fn odd_answers_delete_nothing_and_need_little_memory(bench: &mut dyn Bench) {
    let mut told = told(bench).await;
    let (mut count, mut most_mib) = (4, 0);
    let everybodys = everybodys().into_iter().map(|text| (None, text));
    let own = bench.odd().into_iter().map(|(call, text)| (Some(call), text));
    for (call, text) in everybodys.chain(own) {
        let shown: String = text.chars().take(200).collect();
        let growth = Growth::begin();
        match call {
            None => wire(bench).all(Fault::answer(200, text)),
            Some(call) => wire(bench).calls_with(call, Fault::answer(200, text)),
        }
        refused(bench, &mut told, &mut count, (call, &shown)).await;
        bench.mend().await;
        let mib = growth.peak_mib();
        assert!(mib < MOST_MIB, "{mib} MiB for {shown}");
        most_mib = most_mib.max(mib);
        assert_eq!(told.deletes, 0, "{shown}");
        // Pauses grow while nothing succeeds.
        told.until_resources(bench, &resources(count, 1)).await;
    }
    figures::record(&format!("{}_odd_answers_peak_mib={most_mib}", tried()));
    recovers(bench, &mut told, &resources(count + 1, 1)).await;
}

/// Returns who is tried, as the test's name says: `backend::NAME::..`.
fn tried() -> String {
    let thread = std::thread::current();
    thread.name().and_then(|name| name.split("::").nth(1)).unwrap_or("backend").to_owned()
}

/// Sees that an answer is an error wherever it is read: in a list, in the stream, or in both.
async fn refused(
    bench: &mut dyn Bench,
    told: &mut Told,
    count: &mut usize,
    (call, shown): (Option<&str>, &str),
) {
    let before = told.errors.len();
    let listed = bench.backend().list(Kind::Resource).await;
    if let Ok(listing) = &listed {
        assert_eq!(listing.objects.len(), *count, "a list that does not need the answer is whole: {shown}");
        assert!(call.is_some(), "a list whose calls all meet the answer: {shown}");
    }
    let errors = match (bench.backend().capabilities().native_watch, call) {
        // Two lists without an object delete it.
        (false, _) => 2,
        (true, None) => 1,
        // The calls of a stream are others than those of a list.
        (true, Some(_)) => usize::from(listed.is_ok()),
    };
    // A wait that is under way ends when something changes; the next one gets the answer.
    *count += 1;
    bench.set(&resources(*count, 1)).await;
    told.until(&format!("the error is told: {shown}"), |told| told.errors.len() >= before + errors).await;
}
