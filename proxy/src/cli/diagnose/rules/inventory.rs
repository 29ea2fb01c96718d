//! Backends, and the cache of what they hold.

use crate::cli::diagnose::Finding;
use crate::cli::diagnose::facts::{Facts, any, finding, listed, with};

const CALLS: &str = "o2ims_adapter_operations_total";
const DURATION: &str = "o2ims_adapter_operation_duration_seconds";

/// A backend that readiness names.
pub(in super::super) fn source_fails(facts: &Facts) -> Option<Finding> {
    let degraded = facts.degraded("source:");
    let first = degraded.first()?;
    let name = first.split("source:").nth(1)?.split(':').next()?.to_owned();
    let errors = facts.grown_by("o2ims_adapter_operation_errors_total", "error_type", with("adapter", &name));
    let sentence = format!(
        "the backend `{name}` does not answer, or not with something that can be read; `netweave backend check` asks it, and the log has its words"
    );
    let errors = (!errors.is_empty()).then(|| format!("failures by kind: {}", listed(&errors)));
    Some(finding("source-fails", sentence, degraded.into_iter().chain(errors).collect()))
}

/// Calls fail although the backend counts as followed.
pub(in super::super) fn calls_fail(facts: &Facts) -> Option<Finding> {
    let failed = facts.total(CALLS, with("status", "error"));
    let all = facts.total(CALLS, any);
    (failed > 0.05 * all && failed > 0.0).then(|| {
        let sentence = format!("{failed:.0} of {all:.0} calls to backends failed since the gateways began; the log has their words");
        finding("backend-calls", sentence, Vec::new())
    })
}

/// Calls take long.
pub(in super::super) fn calls_slow(facts: &Facts) -> Option<Finding> {
    let mean = facts.mean(DURATION, any).filter(|mean| *mean > 0.5)?;
    let sentence = format!("calls to backends take {mean:.2} s on average");
    Some(finding("backend-slow", sentence, Vec::new()))
}

/// Reads that no cache answers.
pub(in super::super) fn misses(facts: &Facts) -> Option<Finding> {
    let classes = facts.grown_by("o2ims_adapter_cache_misses_total", "class", any);
    let hits = facts.grown("o2ims_adapter_cache_hits_total", any);
    let missed: f64 = classes.values().sum();
    if missed < 0.1 * (hits + missed) || missed == 0.0 {
        return None;
    }
    let told = facts.grown(CALLS, with("operation", "watch"));
    let sentence = format!(
        "{missed:.0} of {:.0} reads were not in the cache: clients ask for something else each time, or the inventory changes faster than they ask",
        hits + missed
    );
    let evidence = vec![
        format!("missed by class: {}", listed(&classes)),
        format!("{told:.0} calls of watches meanwhile"),
    ];
    Some(finding("cache-misses", sentence, evidence))
}

/// A pod reads the log too slowly.
pub(in super::super) fn views(facts: &Facts) -> Option<Finding> {
    let lag = facts.max("netweave_follow_lag_entries", any).filter(|lag| *lag > 0.0)?;
    let sentence = format!("changes come faster than a gateway applies them: one is {lag:.0} behind the log");
    Some(finding("views-behind", sentence, Vec::new()))
}
