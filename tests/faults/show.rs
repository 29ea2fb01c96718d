//! Runs a fault as often as it is asked for, and says what all runs showed.

use crate::ledger::Findings;
use crate::stage::{Run, Stage};
use netweave_tests::harness::figures;

/// A fault, and what may be seen of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fault {
    /// As the table names it.
    pub(crate) name: &'static str,
    /// The test that shows it.
    pub(crate) test: &'static str,
    /// It takes the log away, so that subscribers are told to read again.
    pub(crate) resyncs: bool,
    /// The most repetitions that one run may cause, if that is known.
    pub(crate) most_duplicates: Option<usize>,
}

/// Runs a fault under load, each time with the same three pods; fails if anything was lost, and else writes its row.
pub(crate) async fn show(
    fault: Fault,
    stage: Option<Stage>,
    runs: usize,
    mut happen: impl AsyncFnMut(&mut Stage, usize),
) {
    let Some(mut stage) = stage else { return };
    let mut shown = Vec::new();
    for n in 0..runs {
        shown.push(stage.run(async |stage| happen(stage, n).await).await);
    }
    let found = sum(&shown);
    figures::record(&format!(
        "runs={runs} acknowledged_lost={} notifications_lost={} disordered={} duplicates={}",
        found.acknowledged_lost, found.notifications_lost, found.disordered, found.duplicates
    ));
    check(fault, &shown, found);
    figures::publish("reliability.md", &row(fault, &shown, found));
}

/// How often a fault is run: once, or as often as published figures need.
pub(crate) fn runs(full: usize) -> usize {
    if figures::full() { full } else { 1 }
}

fn check(fault: Fault, shown: &[Run], found: Findings) {
    assert!(found.subscriptions > 0 && found.notifications > 0, "{shown:#?}");
    let Findings { acknowledged_lost, revived, notifications_lost, disordered, wrong, .. } = found;
    let bad = [acknowledged_lost, revived, notifications_lost, disordered, wrong];
    assert_eq!(bad, [0; 5], "{shown:#?}");
    assert_eq!(found.resyncs > 0, fault.resyncs, "{shown:#?}");
    assert!(shown.iter().all(|run| run.unexplained == 0), "{shown:#?}");
    let most = fault.most_duplicates.unwrap_or(usize::MAX);
    assert!(shown.iter().all(|run| run.found.duplicates <= most), "{shown:#?}");
}

/// The cells of the table's row.
fn row(fault: Fault, shown: &[Run], found: Findings) -> Vec<String> {
    let (half, all) = pauses(shown);
    let counts = [
        shown.len(),
        found.subscriptions,
        found.notifications,
        found.acknowledged_lost,
        found.notifications_lost,
        found.disordered,
        found.duplicates,
    ];
    let texts = [fault.name.to_owned(), format!("`{}`", fault.test)];
    let times = [format!("{half:.1} s"), format!("{all:.1} s")];
    texts.into_iter().chain(counts.map(|count| count.to_string())).chain(times).collect()
}

fn sum(shown: &[Run]) -> Findings {
    let mut found = Findings::default();
    for run in shown {
        found += run.found;
    }
    found
}

/// Returns how many seconds passed in half of the runs at most until writes succeeded again, and in all of them.
fn pauses(shown: &[Run]) -> (f64, f64) {
    let mut times: Vec<_> = shown.iter().map(|run| run.pause.as_secs_f64()).collect();
    times.sort_unstable_by(f64::total_cmp);
    (times[(times.len() - 1) / 2], times[times.len() - 1])
}
