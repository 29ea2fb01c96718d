//! The audit log.

use crate::cli::diagnose::Finding;
use crate::cli::diagnose::facts::{Facts, any, finding, listed};

/// Sinks that take nothing.
pub(in super::super) fn sink_down(facts: &Facts) -> Option<Finding> {
    let down: Vec<String> = facts
        .answering()
        .flat_map(|(pod, samples)| {
            let sinks = samples.of("netweave_audit_sink_up").filter(|one| one.value == 0.0);
            sinks.map(|one| format!("{}: {}", pod.url, one.label("sink"))).collect::<Vec<_>>()
        })
        .collect();
    let first = down.first()?.rsplit(": ").next().unwrap_or_default().to_owned();
    let sentence = format!(
        "the audit sink `{first}` takes no records: what it writes to is down, full, or not there; the gateway's log says which"
    );
    Some(finding("audit-sink-down", sentence, down))
}

/// Changes are refused.
pub(in super::super) fn refused(facts: &Facts) -> Option<Finding> {
    let refused = facts.grown("netweave_audit_refused_total", any);
    if refused == 0.0 {
        return None;
    }
    let mut found = sink_down(facts)
        .unwrap_or_else(|| finding("audit-blocks", "no audit sink takes records".to_owned(), Vec::new()));
    found.evidence.push(format!("{refused:.0} changes were refused while this was looked at"));
    Some(found)
}

/// Records were lost, and all sinks take them again.
pub(in super::super) fn dropped(facts: &Facts) -> Option<Finding> {
    let now = facts.grown_by("netweave_audit_dropped_total", "place", any);
    if !now.is_empty() {
        let sentence =
            format!("audit records are being lost ({}): they come faster than they are taken", listed(&now));
        return Some(finding("audit-overrun", sentence, Vec::new()));
    }
    let lost = facts.total("netweave_audit_dropped_total", any);
    (lost > 0.0).then(|| {
        let sentence =
            format!("{lost:.0} audit records were lost since the gateways began; now all sinks take them");
        finding("audit-lost-before", sentence, Vec::new())
    })
}
