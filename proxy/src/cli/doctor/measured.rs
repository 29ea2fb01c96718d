//! What gateways have measured since they started: requests, deliveries, audit records, and reloads.

use super::Seen;
use crate::cli::exposition::{Sample, Samples};
use crate::cli::verdict::Check;
use crate::conf::tree::Conf;
use netweave_model::Timestamp;
use std::time::Duration;

/// Fewer failures than these are no trend. Source: the alerts on errors and deliveries.
const TREND: f64 = 5.0;
/// Fewer delivery attempts than these are no trend either: they are rare.
const ATTEMPTS: f64 = 3.0;
/// Fewer requests than these have no percentiles.
const MANY: f64 = 100.0;
/// Source: docs/monitoring.md, "Objectives" and "Priorities".
const ERRORS: [f64; 2] = [0.01, 0.10];
const P99_S: [f64; 2] = [0.5, 1.0];
/// Changes that wait to be put into queues. Source: the alert `NetweaveFanOutBehind`.
const BEHIND: f64 = 1000.0;
/// A client's certificate that ends sooner is worth a warning. Source: the alert `NetweaveCertificateEndsIn14Days`.
const CLIENT_SOON: Duration = Duration::from_hours(14 * 24);
const SILENT: &str = "no gateway says what it measures";

/// Judges deliveries, and what waits or was given up.
pub(super) fn subscriptions(seen: &Seen, conf: Option<&Conf>) -> Check {
    const NAME: &str = "subscriptions";
    let mut check = Check::new(NAME);
    let Some(samples) = &seen.samples else { return Check::not_judged(NAME, SILENT) };
    let attempts = |of: &[&str]| {
        samples.sum("o2ims_webhook_deliveries_total", |sample| of.contains(&sample.label("status")))
    };
    let failed = attempts(&["failed", "dead", "suspended"]);
    let all = failed + attempts(&["delivered"]);
    let waits = seen.servers.load.as_ref().map(|load| load.queued);
    let longest = seen.servers.load.as_ref().and_then(|load| load.longest.as_ref());
    let known = seen.servers.load.as_ref().map_or_else(
        || format!("{:.0}", most(samples, "o2ims_adapter_subscriptions_active")),
        |load| load.subscriptions.to_string(),
    );
    check.seen(format!("{known} subscriptions, {failed:.0} of {all:.0} attempts failed"));
    if failed >= ATTEMPTS && failed * 2.0 > all && waits != Some(0) {
        let most = longest.map(|(id, length)| format!("; {length} wait for subscription {id}"));
        let what = format!("{failed:.0} of {all:.0} delivery attempts failed{}", most.unwrap_or_default());
        let change = "`netweave subs get ID` says what the callback answered; tell its owner";
        check.warn(what, change, Some("NetweaveDeliveryFailing"));
    }
    let dead = seen.servers.load.as_ref().map_or_else(
        || format!("{:.0}", samples.sum("o2ims_webhook_dlq_total", |_| true)),
        |load| load.dead.to_string(),
    );
    if dead != "0" {
        let change = "when the callbacks answer: `netweave dead-letter replay ID`";
        check.warn(format!("{dead} notifications were given up"), change, Some("NetweaveDeadLetters"));
    }
    if let (Some((id, length)), Some(conf)) = (longest, conf)
        && length.saturating_mul(5) >= conf.delivery.max_queue.saturating_mul(4)
    {
        let what = format!("the queue of subscription {id} holds {length} of {}", conf.delivery.max_queue);
        let change = "have its consumer answer, or delete it: what is more becomes a dead letter";
        check.failed(what, change, Some("NetweaveDeadLetters"));
    }
    let behind = samples.of("o2ims_event_stream_length").map(|sample| sample.value).min_by(f64::total_cmp);
    if let Some(behind) = behind.filter(|behind| *behind > BEHIND) {
        let what = format!("{behind:.0} changes wait to be put into queues");
        check.warn(what, "look at the log of the gateways", Some("NetweaveFanOutBehind"));
    }
    check
}

/// Judges errors and times of answers.
pub(super) fn requests(seen: &Seen) -> Check {
    const NAME: &str = "requests";
    let mut check = Check::new(NAME);
    let Some(samples) = &seen.samples else { return Check::not_judged(NAME, SILENT) };
    let all = samples.sum("o2ims_http_requests_total", of_api);
    let failed = samples
        .sum("o2ims_http_requests_total", |sample| of_api(sample) && sample.label("status").starts_with('5'));
    let p99 = samples.quantile(0.99, "o2ims_http_request_duration_seconds", of_api);
    let shown = p99.map(|p99| format!(", p99 {:.0} ms", p99 * 1000.0));
    check.seen(format!("{failed:.0} of {all:.0} failed{} since the start", shown.unwrap_or_default()));
    let ratio = if all > 0.0 { failed / all } else { 0.0 };
    let what = format!("{failed:.0} of {all:.0} requests failed since the start");
    let change = "the log has each with its reason: look for the status 5xx";
    let [objective, critical] = ERRORS;
    if failed >= TREND && ratio > critical {
        check.failed(what, change, Some("NetweaveErrorRateCritical"));
    } else if failed >= TREND && ratio > objective {
        check.warn(what, change, Some("NetweaveErrorRateAboveObjective"));
    }
    if let Some(p99) = p99.filter(|_| all >= MANY) {
        let what = format!("the slowest of a hundred answers took {:.0} ms", p99 * 1000.0);
        let change = "look at load, limits and the servers behind";
        let [objective, critical] = P99_S;
        if p99 > critical {
            check.failed(what, change, Some("NetweaveLatencyCritical"));
        } else if p99 > objective {
            check.warn(what, change, Some("NetweaveLatencyHigh"));
        }
    }
    check
}

/// Whether a request was one of the API; probes are none.
fn of_api(sample: &Sample) -> bool {
    !matches!(sample.label("path"), "/livez" | "/healthz" | "/readyz")
}

/// Judges whether the configuration in force is the one that was given last.
pub(super) fn reload(seen: &Seen) -> Check {
    const NAME: &str = "reload";
    let mut check = Check::new(NAME);
    let results = seen.told.iter().filter_map(|told| {
        let result = told.samples()?.one("netweave_config_last_reload_successful", |_| true)?;
        Some((told, result))
    });
    let mut judged = false;
    for (told, result) in results {
        judged = true;
        if result < 1.0 {
            let what = format!("{} refused the configuration that it was given last", told.url);
            let change = "`netweave check-config FILE` names the faults; the old one is in force";
            check.warn(what, change, Some("NetweaveConfigReloadFailed"));
        }
    }
    check.seen("the latest configuration is in force");
    if judged { check } else { Check::not_judged(NAME, "no gateway says so") }
}

/// Judges whether audit records are kept.
pub(super) fn audit(seen: &Seen) -> Check {
    const NAME: &str = "audit";
    let mut check = Check::new(NAME);
    let Some(samples) = &seen.samples else { return Check::not_judged(NAME, SILENT) };
    let taken = samples.sum("netweave_audit_records_total", |_| true);
    check.seen(format!("{taken:.0} records, none lost"));
    let dropped = samples.sum("netweave_audit_dropped_total", |_| true);
    if dropped > 0.0 {
        let what = format!("{dropped:.0} records were lost since the start");
        check.failed(what, "look at the log of the sinks", Some("NetweaveAuditDropped"));
    }
    let refused = samples.sum("netweave_audit_refused_total", |_| true);
    if refused > 0.0 {
        let what = format!("{refused:.0} changes were refused since the start, for lack of a sink");
        check.warn(what, "give the folder space, or mend the sink", Some("NetweaveAuditBlocks"));
    }
    for sink in samples.of("netweave_audit_sink_up").filter(|sample| sample.value < 1.0) {
        let what = format!("the sink `{}` takes no records", sink.label("sink"));
        check.failed(what, "mend it: its records are kept elsewhere or lost", Some("NetweaveAuditSinkDown"));
    }
    check
}

/// Judges the certificates of clients, as gateways have seen them within a day.
pub(super) fn clients(seen: &Seen, now: Timestamp) -> Check {
    const NAME: &str = "client-certificates";
    let mut check = Check::new(NAME);
    let Some(samples) = &seen.samples else { return Check::not_judged(NAME, SILENT) };
    let of = samples.of("netweave_tls_certificate_expiration_timestamp_seconds");
    let ends = of.filter(|sample| sample.label("role") == "observed_client").map(|sample| sample.value);
    let Some(ends) = ends.min_by(f64::total_cmp) else {
        return Check::not_judged(NAME, "no client with a certificate came within a day");
    };
    #[expect(clippy::cast_possible_truncation, reason = "years up to 9999 fit")]
    let ends = Timestamp((ends * 1000.0) as i64);
    check.seen(format!("the first ends at {ends}"));
    if ends <= now.plus(CLIENT_SOON) {
        let what = format!("the certificate of a client ends at {ends}");
        let change = "tell its owner: `/netweave/v1/self` tells each its own";
        check.warn(what, change, Some("NetweaveCertificateEndsIn14Days"));
    }
    check
}

/// Returns the largest value that a gateway says.
fn most(samples: &Samples, name: &str) -> f64 {
    samples.of(name).map(|sample| sample.value).max_by(f64::total_cmp).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cli::gateways::{self, Told};
    use crate::cli::plain::Plain;
    use crate::cli::redis::Looked;
    use crate::cli::verdict::State;
    use netweave_model::Id;
    use netweave_model::port::StoreLoad;
    use url::Url;

    /// One gateway that measures this.
    pub(in crate::cli::doctor) fn measuring(metrics: &str) -> Seen {
        let answer = |text: &str| Ok(Plain { status: 200, text: text.to_owned() });
        let url = Url::parse("http://127.0.0.1:1").unwrap();
        let told = vec![Told { url, live: answer(""), ready: answer(""), metrics: answer(metrics) }];
        Seen { samples: gateways::samples(&told), told, servers: Looked::default() }
    }

    #[test]
    fn errors_count_only_when_they_are_many_and_of_the_api() {
        let text = |path: &str, failed: u32| {
            format!(
                "o2ims_http_requests_total{{path=\"/x\",status=\"200\"}} 95\n\
                 o2ims_http_requests_total{{path=\"{path}\",status=\"503\"}} {failed}\n"
            )
        };
        let state = |path: &str, failed| requests(&measuring(&text(path, failed))).state;
        assert_eq!(
            [state("/x", 4), state("/x", 5), state("/x", 50)],
            [State::Ok, State::Warning, State::Failed]
        );
        assert_eq!(state("/readyz", 50), State::Ok);
    }

    #[test]
    fn answers_that_take_long_are_told() {
        let text = "o2ims_http_requests_total{path=\"/x\",status=\"200\"} 100
o2ims_http_request_duration_seconds_bucket{path=\"/x\",le=\"0.5\"} 90
o2ims_http_request_duration_seconds_bucket{path=\"/x\",le=\"1\"} 100
o2ims_http_request_duration_seconds_bucket{path=\"/x\",le=\"+Inf\"} 100
";
        let check = requests(&measuring(text));
        assert_eq!((check.state, check.findings[0].runbook), (State::Warning, Some("NetweaveLatencyHigh")));
    }

    #[test]
    fn failing_callbacks_are_told_while_something_waits() {
        let text = "o2ims_webhook_deliveries_total{status=\"failed\"} 4
o2ims_webhook_deliveries_total{status=\"delivered\"} 3
";
        let with = |queued, dead| {
            let longest = (queued > 0).then(|| (Id::from("sub-1"), queued));
            let load = Some(StoreLoad { subscriptions: 1, queued, longest, dead });
            let servers = Looked { load, ..Looked::default() };
            subscriptions(&Seen { servers, ..measuring(text) }, Some(&Conf::default()))
        };
        assert_eq!(with(0, 0).state, State::Ok);
        let failing = with(2, 0);
        assert!(failing.findings[0].what.ends_with("2 wait for subscription sub-1"), "{failing:?}");
        assert_eq!(with(0, 1).findings[0].runbook, Some("NetweaveDeadLetters"));
        assert_eq!(with(8000, 0).state, State::Failed);
    }

    #[test]
    fn lost_records_and_refused_reloads_are_told_and_what_is_not_measured_is_not_judged() {
        assert_eq!(audit(&measuring("netweave_audit_dropped_total{place=\"queue\"} 0\n")).state, State::Ok);
        assert_eq!(
            audit(&measuring("netweave_audit_dropped_total{place=\"queue\"} 1\n")).state,
            State::Failed
        );
        assert_eq!(audit(&measuring("netweave_audit_sink_up{sink=\"file\"} 0\n")).state, State::Failed);
        assert_eq!(reload(&measuring("")).state, State::NotJudged);
        assert_eq!(reload(&measuring("netweave_config_last_reload_successful 1\n")).state, State::Ok);
        assert_eq!(reload(&measuring("netweave_config_last_reload_successful 0\n")).state, State::Warning);
    }

    #[test]
    fn a_clients_certificate_that_ends_soon_is_told() {
        let now = Timestamp(1_800_000_000_000);
        let state = |days: i64| {
            let role = "netweave_tls_certificate_expiration_timestamp_seconds{role=\"observed_client\"}";
            clients(&measuring(&format!("{role} {}\n", 1_800_000_000 + days * 86_400)), now).state
        };
        assert_eq!([state(15), state(13)], [State::Ok, State::Warning]);
        assert_eq!(clients(&measuring(""), now).state, State::NotJudged);
    }
}
