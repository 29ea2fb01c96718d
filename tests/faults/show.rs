//! Runs a fault as often as it is asked for, and says what all runs showed.

use crate::ledger::Findings;
use crate::stage::{Run, Stage};
use netweave_tests::harness::figures;

/// What must hold for a fault beyond what must hold for all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fault {
    /// Begins the names of its own figures.
    pub(crate) name: &'static str,
    /// How often it is run when published figures are asked for.
    pub(crate) full_runs: usize,
    /// It takes the log away, so that subscribers are told to read again.
    pub(crate) resyncs: bool,
}

/// Runs a fault under load, each time with the same three pods, and fails if anything was lost.
pub(crate) async fn show(fault: Fault, mut happen: impl AsyncFnMut(&mut Stage)) {
    let Some(mut stage) = Stage::start(1).await else { return };
    let runs = if figures::full() { fault.full_runs.max(1) } else { 1 };
    let mut shown = Vec::new();
    for _ in 0..runs {
        shown.push(stage.run(&mut happen).await);
    }
    let found = sum(&shown);
    figures::record(&format!(
        "runs={runs} acknowledged_lost={} notifications_lost={} disordered={} duplicates={}",
        found.acknowledged_lost, found.notifications_lost, found.disordered, found.duplicates
    ));
    let (half, all) = pauses(&shown);
    figures::record(&format!("{0}_pause_ms={half} {0}_longest_pause_ms={all}", fault.name));
    check(fault, &shown, found);
}

fn check(fault: Fault, shown: &[Run], found: Findings) {
    assert!(found.subscriptions > 0 && found.notifications > 0, "{shown:#?}");
    let Findings { acknowledged_lost, revived, notifications_lost, disordered, wrong, .. } = found;
    assert_eq!(
        (acknowledged_lost, revived, notifications_lost, disordered, wrong),
        (0, 0, 0, 0, 0),
        "{shown:#?}"
    );
    assert_eq!(found.resyncs > 0, fault.resyncs, "{shown:#?}");
    assert!(shown.iter().all(|run| run.unexplained == 0), "{shown:#?}");
}

fn sum(shown: &[Run]) -> Findings {
    let mut found = Findings::default();
    for run in shown {
        found += run.found;
    }
    found
}

/// Returns how many milliseconds passed in half of the runs at most until writes succeeded again, and in all of them.
fn pauses(shown: &[Run]) -> (u128, u128) {
    let mut times: Vec<_> = shown.iter().map(|run| run.pause.as_millis()).collect();
    times.sort_unstable();
    (times[(times.len() - 1) / 2], times[times.len() - 1])
}
