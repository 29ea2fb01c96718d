//! `netweave runbook NAME --diagnose`: names the cause of an alert from what the gateways tell now.
//!
//! `TABLE` says for each alert what is looked at, in which order; the first rule that finds something names the cause. What no rule
//! finds is said to be unknown.

mod facts;
mod rules;

use super::gateways::ask_all;
use super::{Exit, Failure, Output, Process};
use facts::Facts;
use rules::{audit, certificates, clients, delivery, inventory, pods, redis};
use serde::Serialize;
use std::time::Duration;
use url::Url;

/// Arguments beside the name of the alert.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Asks the gateways what causes the alert, and says so in one sentence with the evidence
    #[arg(long)]
    pub(super) diagnose: bool,
    /// With --diagnose: an operations listener; all of them are to be named
    #[arg(long, value_name = "URL", requires = "diagnose", default_value = "http://127.0.0.1:8080")]
    ops: Vec<Url>,
    /// With --diagnose: how long is looked at what is counted
    #[arg(long, value_name = "TIME", requires = "diagnose", default_value = "5s", value_parser = time)]
    over: Duration,
    /// With --diagnose: the form of the result
    #[arg(short, long, value_enum, requires = "diagnose", default_value_t)]
    output: Output,
}

/// What causes an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// Its name, for programs.
    cause: &'static str,
    /// One sentence.
    sentence: String,
    /// What the sentence rests on.
    evidence: Vec<String>,
}

/// Looks at the facts for one cause.
type Rule = fn(&Facts) -> Option<Finding>;

/// What the answer is.
#[derive(Debug, Serialize)]
struct Diagnosis<'a> {
    alert: &'a str,
    known: bool,
    #[serde(flatten)]
    finding: Finding,
}

/// What is looked at for each alert, the likeliest and gravest first.
#[rustfmt::skip]
const TABLE: &[(&str, &[Rule])] = &[
    ("NetweaveAuditBlocks", &[audit::sink_down, audit::refused]),
    ("NetweaveAuditDropped", &[audit::sink_down, audit::dropped]),
    ("NetweaveAuditSinkDown", &[audit::sink_down]),
    ("NetweaveBackendErrors", &[inventory::source_fails, inventory::calls_fail]),
    ("NetweaveBackendSlower", &[inventory::calls_slow]),
    ("NetweaveCacheHitRatioLow", &[inventory::misses]),
    ("NetweaveCallbackFilesRefused", &[delivery::files_refused]),
    ("NetweaveCallbackSilent", &[delivery::attempts_fail]),
    ("NetweaveCallbackTokensFailing", &[delivery::tokens_fail]),
    ("NetweaveCertificateEndsIn14Days", &[certificates::ends]),
    ("NetweaveCertificateEndsIn7Days", &[certificates::ends]),
    ("NetweaveCertificateReloadFailed", &[certificates::reload_failed]),
    ("NetweaveClientLimited", &[clients::limited]),
    ("NetweaveConfigReloadFailed", &[pods::configuration]),
    ("NetweaveConnectionsFlooded", &[clients::flooded]),
    ("NetweaveConnectionsRefused", &[clients::connections]),
    ("NetweaveDeadLetters", &[delivery::tokens_fail, delivery::unreadable, delivery::gave_up]),
    ("NetweaveDeliveryBacklogOld", &[redis::gone, delivery::tokens_fail, delivery::unreadable, delivery::attempts_fail, delivery::slow]),
    ("NetweaveDeliveryFailing", &[redis::gone, delivery::tokens_fail, delivery::unreadable, delivery::attempts_fail]),
    ("NetweaveDeliverySlow", &[redis::gone, redis::slow, delivery::slow]),
    ("NetweaveErrorBudgetBurns", ERRORS),
    ("NetweaveErrorBudgetBurnsFast", ERRORS),
    ("NetweaveErrorRateAboveObjective", ERRORS),
    ("NetweaveErrorRateCritical", ERRORS),
    ("NetweaveErrorRateHigh", ERRORS),
    ("NetweaveFanOutBehind", &[redis::gone, redis::refused, redis::slow, pods::service_fails, delivery::fan_out]),
    ("NetweaveHandshakesFailing", &[certificates::list_ends, clients::handshakes]),
    ("NetweaveLatencyAboveObjective", LATENCY),
    ("NetweaveLatencyCritical", LATENCY),
    ("NetweaveLatencyHigh", LATENCY),
    ("NetweaveLimitsNotShared", &[redis::gone, redis::one_without, redis::unusable, clients::not_shared]),
    ("NetweaveMemoryHigh", &[pods::memory]),
    ("NetweaveNoSubscriptionActivity", &[redis::gone, inventory::source_fails, pods::service_fails]),
    ("NetweaveOverloaded", &[clients::overload]),
    ("NetweavePodMissing", &[pods::silent, pods::restarted]),
    ("NetweavePodRestarting", &[pods::silent, pods::restarted]),
    ("NetweavePodsDown", &[pods::silent, pods::restarted]),
    ("NetweavePoolCountDrop", &[inventory::source_fails]),
    ("NetweaveRedisDropsState", &[redis::drops]),
    ("NetweaveRedisFinding", &[redis::warned]),
    ("NetweaveRedisMemoryHigh", &[redis::fills_up]),
    ("NetweaveRedisPrimaryDown", &[redis::gone, redis::no_primary, redis::one_without]),
    ("NetweaveRedisReplicaDown", &[redis::replica_down]),
    ("NetweaveRedisReplicaLags", &[redis::replica_lags, redis::replica_down]),
    ("NetweaveRedisSwitched", &[redis::switched]),
    ("NetweaveRedisUnreachable", &[redis::gone, redis::one_without]),
    ("NetweaveRedisUnusable", &[redis::unusable]),
    ("NetweaveResourceCountDrop", &[inventory::source_fails]),
    ("NetweaveRevocationListEndsSoon", &[certificates::list_ends]),
    ("NetweaveRevocationListStale", &[certificates::list_ends]),
    ("NetweaveSecretsUnreadable", &[delivery::unreadable]),
    ("NetweaveSentinelDown", &[redis::sentinel_down]),
    ("NetweaveServiceFailing", &[redis::gone, redis::one_without, redis::unusable, redis::refused, pods::service_fails]),
    ("NetweaveSourceNotLive", &[redis::gone, inventory::source_fails]),
    ("NetweaveStateCallsFailing", &[redis::gone, redis::no_primary, redis::one_without, redis::unusable, redis::refused, redis::slow]),
    ("NetweaveSubscriptionsMended", &[redis::drops, redis::mended]),
    ("NetweaveTokenKeysNotFetched", &[clients::token_keys]),
    ("NetweaveViewsBehind", &[redis::gone, redis::refused, redis::slow, pods::service_fails, inventory::views]),
];

/// What makes requests fail.
const ERRORS: &[Rule] = &[
    redis::gone,
    redis::no_primary,
    redis::one_without,
    redis::unusable,
    audit::refused,
    redis::refused,
    clients::overload,
    inventory::source_fails,
    redis::slow,
    clients::errors,
];

/// What makes requests slow.
const LATENCY: &[Rule] =
    &[redis::gone, redis::no_primary, redis::slow, clients::overload, inventory::calls_slow, clients::slow];

/// Looks twice, so that counters tell what goes on now, and prints what the alert comes from.
///
/// Ends with 1 if no cause was found.
pub(super) async fn run(alert: &str, args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let before = ask_all(&args.ops).await;
    tokio::time::sleep(args.over).await;
    let facts = Facts::new(&before, &ask_all(&args.ops).await, process.now());
    let rules = TABLE.iter().find(|(name, _)| *name == alert).map_or(&[][..], |(_, rules)| rules);
    let found = rules.iter().find_map(|rule| rule(&facts));
    let known = found.is_some();
    let diagnosis = Diagnosis { alert, known, finding: found.unwrap_or_else(|| unknown(&facts)) };
    match args.output {
        Output::Json => process.out.json(&diagnosis)?,
        Output::Text => {
            process.out.line(&format!("{alert}: {}", diagnosis.finding.sentence))?;
            for line in &diagnosis.finding.evidence {
                process.out.line(&format!("  {line}"))?;
            }
        }
    }
    Ok(if known { Exit::Done } else { Exit::Failed })
}

/// Says that nothing was found, and what was looked at.
fn unknown(facts: &Facts) -> Finding {
    Finding {
        cause: "unknown",
        sentence: "what the gateways tell now shows no cause; look at what the page names under Check"
            .to_owned(),
        evidence: facts.seen(),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let time = text.parse::<crate::conf::unit::Span>().map(|span| span.0)?;
    if time <= Duration::from_mins(5) { Ok(time) } else { Err("must be 5m at most".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alert_of_the_first_two_priorities_has_rules() {
        let texts = [
            include_str!("../../../deploy/prometheus/rules/audit.yaml"),
            include_str!("../../../deploy/prometheus/rules/certificates.yaml"),
            include_str!("../../../deploy/prometheus/rules/inventory.yaml"),
            include_str!("../../../deploy/prometheus/rules/notifications.yaml"),
            include_str!("../../../deploy/prometheus/rules/redis.yaml"),
            include_str!("../../../deploy/prometheus/rules/service.yaml"),
        ];
        let mut alerts = 0;
        for alert in texts.iter().flat_map(|text| text.split("- alert: ").skip(1)) {
            let name = alert.lines().next().unwrap_or_default();
            if alert.contains("priority: P3") {
                continue;
            }
            alerts += 1;
            assert!(TABLE.iter().any(|(known, rules)| *known == name && !rules.is_empty()), "{name}");
        }
        assert!(alerts > 40, "{alerts}");
    }

    #[test]
    fn what_no_rule_finds_is_unknown() {
        let facts = Facts::new(&[], &[], netweave_model::Timestamp(0));
        for (alert, rules) in TABLE {
            let found: Vec<Finding> = rules.iter().filter_map(|rule| rule(&facts)).collect();
            assert!(found.is_empty(), "{alert}: {found:?}");
        }
        assert_eq!(unknown(&facts).cause, "unknown");
    }
}
