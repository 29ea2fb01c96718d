//! The Redis servers: what the rules of their roles find, and what a topology asks for beyond.

use super::Seen;
use crate::cli::verdict::{Check, Finding, State};
use crate::conf::tree::Conf;
use netweave_adapters::StoreConf;
use netweave_model::Timestamp;
use netweave_model::port::{self, Severity, StoreReport};

/// A replica that was not heard of for so many seconds lags. Source: the alert `NetweaveRedisReplicaLags`.
const LAG_S: u64 = 10;

const PRIMARY: &str = "redis-primary";
const REPLICAS: &str = "redis-replicas";
const SENTINELS: &str = "redis-sentinels";
const MEMORY: &str = "redis-memory";
const DISK: &str = "redis-disk";
const CACHE: &str = "redis-cache";

/// Judges the servers of state and cache; `replicas` must follow the primary.
pub(super) fn all(seen: &Seen, conf: Option<&Conf>, replicas: usize, now: Timestamp) -> Vec<Check> {
    let mut checks = match (&seen.servers.state, conf) {
        (Some(Ok(report)), _) => of_state(report, replicas),
        (Some(Err(reason)), _) => silent(reason),
        (None, Some(conf)) if !matches!(conf.state, StoreConf::Redis(_)) => {
            vec![Check::not_judged(PRIMARY, "the state is not kept in Redis")]
        }
        (None, _) => vec![as_gateways_say(seen)],
    };
    if let Some(primary) = checks.iter_mut().find(|check| check.name == PRIMARY) {
        unreached(seen, primary);
        denied(seen, primary, now);
    }
    match &seen.servers.cache {
        Some(Ok(report)) => checks.push(of_cache(report)),
        Some(Err(reason)) => {
            let mut check = Check::new(CACHE);
            let change = "start it; until then answers are made without it";
            check.warn(reason.clone(), change, Some("NetweaveSharedCacheFailing"));
            checks.push(check);
        }
        None => {}
    }
    checks
}

fn of_state(report: &StoreReport, replicas: usize) -> Vec<Check> {
    let mut checks = [PRIMARY, REPLICAS, SENTINELS, MEMORY, DISK].map(Check::new);
    let online = report.replicas.iter().filter(|replica| replica.online);
    let followers = online.clone().count();
    let lag = online.map(|replica| replica.lag_seconds).max().unwrap_or_default();
    let answering = report.watchers.iter().filter(|one| one.primary.is_some()).count();
    let [primary, following, watching, memory, disk] = &mut checks;
    primary.seen(format!("{} answers", report.version));
    following.seen(format!("{followers} online, lag {lag} s"));
    watching.seen(format!("{answering} of {} answer", report.watchers.len()));
    memory.seen(format!("{} of {} bytes, {}", report.used_bytes, report.max_bytes, report.eviction));
    disk.seen(if report.append_only { "each change is written" } else { "no change is written at once" });
    if followers < replicas {
        let what = format!("{followers} of {replicas} replicas follow the primary");
        following.warn(what, "start the one that is missing", Some("NetweaveRedisReplicaDown"));
    }
    if lag > LAG_S {
        let what = format!("a replica was last heard of {lag} s ago");
        let change = "look at its load and its network: what it lacks is lost with the primary";
        following.warn(what, change, Some("NetweaveRedisReplicaLags"));
    }
    for one in report.watchers.iter().filter(|one| one.primary.is_none()) {
        let what = format!("the Sentinel {} does not answer", one.address);
        watching.warn(what, "start it", Some("NetweaveSentinelDown"));
    }
    for finding in &report.findings {
        let (name, runbook) = home(finding.code);
        if let Some(check) = checks.iter_mut().find(|check| check.name == name) {
            check.add(found(finding, runbook));
        }
    }
    checks.into()
}

/// Returns the check that a finding belongs to, and its page.
fn home(code: &str) -> (&'static str, &'static str) {
    match code {
        "evictionPolicy" | "evicted" | "shared" => (MEMORY, "NetweaveRedisDropsState"),
        "memory" => (MEMORY, "NetweaveRedisMemoryHigh"),
        "memoryLimit" | "sharedMemory" => (MEMORY, "NetweaveRedisFinding"),
        "appendOnly" => (DISK, "NetweaveRedisFinding"),
        "disk" => (DISK, "NetweaveRedisUnusable"),
        "replicas" | "minReplicas" => (REPLICAS, "NetweaveRedisReplicaDown"),
        "sentinels" => (SENTINELS, "NetweaveSentinelDown"),
        "replica" | "loading" => (PRIMARY, "NetweaveRedisUnusable"),
        _ => (PRIMARY, "NetweaveRedisFinding"),
    }
}

fn found(finding: &port::Finding, runbook: &'static str) -> Finding {
    let state = match finding.severity {
        Severity::Warning => State::Warning,
        Severity::Unusable | Severity::Forbidden => State::Failed,
    };
    let (what, change) = (finding.what.clone(), finding.change.to_owned());
    Finding { state, what, change, runbook: Some(runbook) }
}

fn silent(reason: &str) -> Vec<Check> {
    let mut check = Check::new(PRIMARY);
    let change = "start it; until then reads go on and changes are refused";
    check.failed(reason, change, Some("NetweaveRedisPrimaryDown"));
    let others = [REPLICAS, SENTINELS, MEMORY, DISK];
    std::iter::once(check)
        .chain(others.map(|name| Check::not_judged(name, "the primary does not answer")))
        .collect()
}

/// Judges the server of the state by what gateways say of it, where it cannot be asked from here.
fn as_gateways_say(seen: &Seen) -> Check {
    let mut check = Check::new(PRIMARY);
    let mut asked = false;
    for told in &seen.told {
        for one in told.checks().iter().filter(|one| one.name == "state") {
            asked = true;
            if one.degraded || !one.ok {
                let what = format!("{} says: {}", told.url, one.detail);
                check.warn(what, "`netweave redis check -c FILE` says more", Some("NetweaveRedisFinding"));
            }
        }
    }
    check.seen("as the gateways say; with -c FILE it is asked itself");
    if asked { check } else { Check::not_judged(PRIMARY, "no gateway says that it has one") }
}

/// Names the gateways that do not reach the server of the state.
fn unreached(seen: &Seen, check: &mut Check) {
    for told in &seen.told {
        let up = told
            .samples()
            .and_then(|samples| samples.one("netweave_redis_up", |sample| sample.label("role") == "state"));
        if check.state != State::Failed && up == Some(0.0) {
            let what = format!("{} does not reach it", told.url);
            let change = "look at the network between them, and at the gateway's log";
            check.warn(what, change, Some("NetweaveRedisUnreachable"));
        }
    }
}

/// Says so if it refuses what gateways ask for, as their user lacks rights.
fn denied(seen: &Seen, check: &mut Check, now: Timestamp) {
    let calls = seen.samples.as_ref().map(|samples| samples.denied(now)).unwrap_or_default();
    if !calls.is_empty() {
        let calls: Vec<&str> = calls.into_iter().collect();
        let what = format!("it refuses calls of gateways for want of a right: {}", calls.join(", "));
        let change =
            "give the user all rights of deploy/redis/users.acl; the gateways' log says which is missing";
        check.failed(what, change, Some("NetweaveServiceFailing"));
    }
}

fn of_cache(report: &StoreReport) -> Check {
    let mut check = Check::new(CACHE);
    check.seen(format!("{} answers", report.version));
    for finding in &report.findings {
        check.add(found(finding, "NetweaveRedisFinding"));
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::measured::tests::measuring;
    use crate::cli::redis::Looked;
    use netweave_model::port::{Replica, Watcher};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn report() -> StoreReport {
        let replica =
            |port| Replica { address: format!("h:{port}"), online: true, lag_seconds: 0, behind_bytes: 0 };
        let watcher = |port| Watcher { address: format!("s:{port}"), primary: Some("h:1".to_owned()) };
        StoreReport {
            primary: true,
            replicas: vec![replica(2), replica(3)],
            watchers: vec![watcher(1), watcher(2), watcher(3)],
            ..StoreReport::default()
        }
    }

    fn holding(state: Result<StoreReport, String>, metrics: &str) -> Seen {
        Seen { servers: Looked { state: Some(state), ..Looked::default() }, ..measuring(metrics) }
    }

    fn judged(report: StoreReport) -> Vec<(&'static str, State)> {
        let seen = holding(Ok(report), "");
        let checks = all(&seen, None, 2, NOW);
        checks
            .iter()
            .filter(|check| check.state > State::NotJudged)
            .map(|check| (check.name, check.state))
            .collect()
    }

    #[test]
    fn each_trouble_is_told_by_its_own_check() {
        assert_eq!(judged(report()), []);
        let mut lacks = report();
        lacks.replicas.pop();
        assert_eq!(judged(lacks), [(REPLICAS, State::Warning)]);
        let mut lags = report();
        lags.replicas[0].lag_seconds = 11;
        assert_eq!(judged(lags), [(REPLICAS, State::Warning)]);
        let mut silent = report();
        silent.watchers[1].primary = None;
        assert_eq!(judged(silent), [(SENTINELS, State::Warning)]);
        let mut drops = report();
        let (what, change) = ("drops".to_owned(), "set another");
        drops.findings =
            vec![port::Finding { code: "evictionPolicy", severity: Severity::Forbidden, what, change }];
        assert_eq!(judged(drops), [(MEMORY, State::Failed)]);
    }

    #[test]
    fn of_a_silent_server_nothing_else_is_judged() {
        let metrics = "netweave_redis_up{role=\"state\"} 0\n";
        let seen = holding(Err("gone".to_owned()), metrics);
        let checks = all(&seen, None, 2, NOW);
        let states: Vec<State> = checks.iter().map(|check| check.state).collect();
        assert_eq!(states.first(), Some(&State::Failed));
        assert!(states.iter().skip(1).all(|state| *state == State::NotJudged), "{checks:?}");
        assert_eq!(checks[0].findings.len(), 1, "{checks:?}");
    }

    #[test]
    fn a_gateway_that_does_not_reach_a_good_server_is_named() {
        let seen = holding(Ok(report()), "netweave_redis_up{role=\"state\"} 0\n");
        let checks = all(&seen, None, 2, NOW);
        assert_eq!((checks[0].name, checks[0].state), (PRIMARY, State::Warning));
    }

    #[test]
    fn a_right_that_is_missing_now_is_told() {
        let told = |ago: i64| {
            let at = NOW.0 / 1000 - ago;
            let metrics = format!("netweave_redis_denied_timestamp_seconds{{command=\"log_read\"}} {at}\n");
            all(&holding(Ok(report()), &metrics), None, 2, NOW)
        };
        assert_eq!(told(61)[0].state, State::Ok);
        let checks = told(59);
        assert_eq!((checks[0].name, checks[0].state), (PRIMARY, State::Failed));
        assert!(checks[0].findings[0].what.ends_with(": log_read"), "{checks:?}");
    }
}
