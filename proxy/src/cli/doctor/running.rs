//! What gateways say of themselves: whether they live, whether they are ready, and what they know of their sources.

use super::Seen;
use crate::cli::gateways::Told;
use crate::cli::plain::Plain;
use crate::cli::verdict::Check;
use crate::ops;
use std::collections::BTreeMap;

/// How old what is known of a source may be. Source: the alert `NetweaveSourceNotLive`.
const MAX_AGE_S: f64 = 300.0;
/// The age of what a live watch delivers.
const LIVE: f64 = 0.0;
/// What the names of the checks of sources begin with.
const SOURCE: &str = "source:";

/// Judges whether each gateway lives and is ready.
pub(super) fn gateways(seen: &Seen) -> Check {
    let mut check = Check::new("gateways");
    check.seen(format!("{} live and ready", seen.told.len()));
    if seen.told.is_empty() {
        return Check::not_judged("gateways", "give an operations listener with --ops URL");
    }
    for told in &seen.told {
        let url = told.url.as_str();
        match (&told.live, &told.ready) {
            (Err(reason), _) => check.failed(
                format!("{url} does not answer: {reason}"),
                "start it, or look at its log why it ended",
                Some("NetweavePodsDown"),
            ),
            (Ok(live), _) if live.status != 200 => check.failed(
                format!("{url} answers {} to /livez", live.status),
                "look at its log, and start it again",
                Some("NetweavePodsDown"),
            ),
            (Ok(_), Err(reason)) => check.failed(
                format!("{url} does not say whether it is ready: {reason}"),
                "look at its log",
                Some("NetweavePodsDown"),
            ),
            (Ok(_), Ok(ready)) if ready.status != 200 => check.failed(
                format!("{url} is {}", unready(ready)),
                "wait if it has just begun or is ending; else look at its log",
                Some("NetweavePodMissing"),
            ),
            (Ok(_), Ok(_)) => {}
        }
    }
    check
}

/// Reads why a gateway is not ready.
fn unready(answer: &Plain) -> String {
    let problem: serde_json::Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let detail = problem.get("detail").and_then(serde_json::Value::as_str);
    detail.map_or_else(|| format!("not ready: it answers {}", answer.status), str::to_owned)
}

/// Judges the checks of readiness that no other check here looks into.
pub(super) fn readiness(seen: &Seen) -> Check {
    let mut check = Check::new("readiness");
    let all: Vec<(&Told, Vec<ops::Check>)> = seen.told.iter().map(|told| (told, told.checks())).collect();
    let count = all.iter().map(|(_, checks)| checks.len()).sum::<usize>();
    if count == 0 {
        return Check::not_judged("readiness", "no gateway is ready");
    }
    check.seen(format!("{count} checks of /readyz"));
    for (told, checks) in &all {
        for one in checks.iter().filter(|one| !is_looked_into(&one.name) && (one.degraded || !one.ok)) {
            let what = format!("{} says of {}: {}", told.url, one.name, one.detail);
            check.warn(what, "look at its log", None);
        }
    }
    check
}

fn is_looked_into(name: &str) -> bool {
    name == "state" || name == "cache" || name.starts_with(SOURCE)
}

/// Judges each source: the gateway that follows it knows when it fails, and only that one has it live.
pub(super) fn sources(seen: &Seen) -> Check {
    let mut check = Check::new("sources");
    let mut known: BTreeMap<String, Vec<ops::Check>> = BTreeMap::new();
    for one in seen.told.iter().flat_map(Told::checks) {
        if let Some(name) = one.name.strip_prefix(SOURCE) {
            known.entry(name.to_owned()).or_default().push(one);
        }
    }
    if seen.told.iter().all(|told| told.checks().is_empty()) {
        return Check::not_judged("sources", "no gateway is ready");
    }
    check.seen(format!("{} sources are followed", known.len()));
    for (name, said) in known {
        let change = format!("`netweave backend check {name} -c FILE` says what it answers");
        let age = age(seen, &name);
        if age == Some(LIVE) {
            continue;
        }
        if let Some(one) = said.iter().find(|one| one.degraded) {
            check.failed(format!("{name}: {}", one.detail), change, Some("NetweaveSourceNotLive"));
        } else if let Some(age) = age.filter(|age| *age > MAX_AGE_S) {
            let what = format!("{name}: what is known of it was confirmed {age:.0} s ago");
            check.warn(what, change, Some("NetweaveSourceNotLive"));
        }
    }
    check
}

/// Returns the least age in seconds of what gateways know of a source.
fn age(seen: &Seen, name: &str) -> Option<f64> {
    let samples = seen.samples.as_ref()?;
    let ages = samples.of("netweave_source_age_seconds").filter(|sample| sample.label("adapter") == name);
    ages.map(|sample| sample.value).filter(|age| !age.is_nan()).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::measured::tests::measuring;
    use crate::cli::verdict::State;
    use serde_json::json;
    use url::Url;

    fn told(ready: u16, body: &serde_json::Value) -> Told {
        let answer = |status, text: String| Ok(Plain { status, text });
        Told {
            url: Url::parse("http://127.0.0.1:1").unwrap(),
            live: answer(200, String::new()),
            ready: answer(ready, body.to_string()),
            metrics: answer(200, String::new()),
        }
    }

    fn with(told: Vec<Told>) -> Seen {
        Seen { told, ..measuring("") }
    }

    fn source(degraded: bool) -> serde_json::Value {
        let inventory = json!({"name": "inventory", "ok": true, "degraded": false});
        let lab = json!({"name": "source:lab", "ok": true, "degraded": degraded, "detail": "file, failing"});
        json!({"status": "x", "checks": [inventory, lab]})
    }

    #[test]
    fn a_gateway_that_is_gone_or_not_ready_is_named() {
        let mut gone = told(200, &json!({}));
        gone.live = Err("refused".to_owned());
        let unready = told(503, &json!({"detail": "not ready: inventory (loading)"}));
        let check = gateways(&with(vec![told(200, &source(false)), gone, unready]));
        assert_eq!((check.state, check.findings.len()), (State::Failed, 2));
        assert!(check.findings[0].what.contains("refused"), "{check:?}");
        assert!(check.findings[1].what.ends_with("is not ready: inventory (loading)"), "{check:?}");
        assert_eq!(gateways(&with(Vec::new())).state, State::NotJudged);
    }

    #[test]
    fn a_source_fails_if_a_gateway_says_so_and_none_has_it_live() {
        let state = |all: &[bool], age: &str| {
            let told = all.iter().map(|bad| told(200, &source(*bad))).collect();
            let age = format!("netweave_source_age_seconds{{adapter=\"lab\"}} {age}\n");
            sources(&Seen { told, ..measuring(&age) }).state
        };
        assert_eq!([state(&[true, false], "2"), state(&[true, false], "0")], [State::Failed, State::Ok]);
        assert_eq!([state(&[false], "301"), state(&[false], "299")], [State::Warning, State::Ok]);
        assert_eq!(state(&[], "0"), State::NotJudged);
        assert_eq!(readiness(&with(vec![told(200, &source(true))])).state, State::Ok);
    }

    #[test]
    fn a_check_that_nobody_else_looks_into_is_told() {
        let body = json!({"checks": [{"name": "audit", "ok": true, "degraded": true, "detail": "full"}]});
        let check = readiness(&with(vec![told(200, &body)]));
        assert_eq!((check.state, check.findings.len()), (State::Warning, 1));
    }
}
