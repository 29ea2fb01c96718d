//! The processes: which are silent, began anew, grow, or have services that fail.

use crate::cli::diagnose::Finding;
use crate::cli::diagnose::facts::{Facts, any, finding, listed};

/// A counter that grows by about one a second from the start of a process.
const ROUNDS: &str = "netweave_service_rounds_total";
/// Failed rounds of a service since its last good one.
const FAILED: &str = "netweave_service_failed_rounds";
/// Seconds within which a start is recent.
const RECENT: f64 = 1800.0;

/// Gateways that do not answer.
pub(in super::super) fn silent(facts: &Facts) -> Option<Finding> {
    let silent: Vec<_> = facts.pods.iter().filter(|pod| pod.now.is_none()).collect();
    if silent.is_empty() {
        return None;
    }
    let evidence = silent.iter().map(|pod| format!("{}: {}", pod.url, pod.silence)).collect();
    let sentence = format!(
        "{} of {} gateways do not answer on their operations listener: they do not run, or cannot be reached",
        silent.len(),
        facts.pods.len()
    );
    Some(finding("gateway-silent", sentence, evidence))
}

/// A gateway that has begun anew long after another one.
pub(in super::super) fn restarted(facts: &Facts) -> Option<Finding> {
    let rounds =
        facts.each(ROUNDS, |one| one.label("service") == "certificates" && one.label("outcome") == "ok");
    let oldest = rounds.iter().map(|(_, age)| *age).reduce(f64::max)?;
    let (url, youngest) = rounds.iter().min_by(|(_, one), (_, other)| one.total_cmp(other))?;
    if *youngest > RECENT || *youngest > oldest / 2.0 {
        return None;
    }
    let evidence =
        rounds.iter().map(|(url, age)| format!("{url}: about {age:.0} s since its start")).collect();
    let sentence =
        format!("{url} has begun anew while others went on: its process ended; its log before says why");
    Some(finding("gateway-restarted", sentence, evidence))
}

/// The gateway that uses the most memory.
pub(in super::super) fn memory(facts: &Facts) -> Option<Finding> {
    let used = facts.each("process_resident_memory_bytes", any);
    let (url, most) = used.iter().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let mib = |bytes: f64| format!("{:.0} MiB", bytes / f64::from(1 << 20));
    let objects = facts.max("o2ims_adapter_resources_total", |one| one.label("resource_type") == "resources");
    let connections = facts.max("netweave_connections", any).unwrap_or_default();
    let evidence = used.iter().map(|(url, bytes)| format!("{url}: {}", mib(*bytes))).collect();
    let sentence = format!(
        "{url} holds {} with at most {:.0} resources of a backend and {connections:.0} connections",
        mib(*most),
        objects.unwrap_or_default()
    );
    Some(finding("memory", sentence, evidence))
}

/// A configuration that is not taken.
pub(in super::super) fn configuration(facts: &Facts) -> Option<Finding> {
    let taken = facts.each("netweave_config_last_reload_successful", any);
    let not: Vec<&str> = taken.iter().filter(|(_, taken)| *taken == 0.0).map(|(url, _)| *url).collect();
    if not.is_empty() {
        return None;
    }
    let sentence = format!(
        "{} cannot use the configuration file that was written, and goes on with the one before; `netweave check-config` tells its faults",
        not.join(", ")
    );
    Some(finding("configuration", sentence, Vec::new()))
}

/// Services that fail now; one that fails tries again twice a minute, so what was counted meanwhile would not tell.
pub(in super::super) fn service_fails(facts: &Facts) -> Option<Finding> {
    let failed = facts.greatest_by(FAILED, "service");
    if failed.is_empty() {
        return None;
    }
    let sentence = format!(
        "background services fail, each so many times since it worked last: {}; the log says why",
        listed(&failed)
    );
    Some(finding("service-fails", sentence, facts.seen()))
}
