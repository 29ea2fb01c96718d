//! Notifications and their callbacks.

use crate::cli::diagnose::Finding;
use crate::cli::diagnose::facts::{Facts, any, finding, listed, with};

const ATTEMPTS: &str = "o2ims_webhook_deliveries_total";
const TOKENS: &str = "netweave_webhook_token_requests_total";

/// No token can be had for callbacks.
pub(in super::super) fn tokens_fail(facts: &Facts) -> Option<Finding> {
    let failed = facts.total(TOKENS, with("result", "failed"));
    let good = facts.grown(TOKENS, with("result", "ok"));
    (failed > 0.0 && good == 0.0).then(|| {
        let sentence =
            "the token endpoint of a callback domain gives no tokens: it is down, or refuses the client";
        finding(
            "callback-tokens",
            sentence.to_owned(),
            vec![format!("{failed:.0} calls failed since the gateways began")],
        )
    })
}

/// Secrets cannot be opened.
pub(in super::super) fn unreadable(facts: &Facts) -> Option<Finding> {
    let count = facts
        .max("netweave_subscription_secrets", with("form", "unreadable"))
        .filter(|count| *count > 0.0)?;
    let sentence = format!(
        "the secrets of {count:.0} subscriptions were sealed with a key that is not among `subscriptions.secretKeyFiles`: it was replaced or lost"
    );
    Some(finding("secret-key", sentence, Vec::new()))
}

/// Files for callbacks cannot be used.
pub(in super::super) fn files_refused(facts: &Facts) -> Option<Finding> {
    let all: Vec<String> = facts
        .answering()
        .flat_map(|(pod, samples)| {
            let failed =
                |one: &&crate::cli::exposition::Sample| one.label("result") == "failed" && one.value > 0.0;
            let samples = samples.of("netweave_webhook_reloads_total").filter(failed);
            samples.map(|one| format!("{}: {}", pod.url, one.label("what"))).collect::<Vec<_>>()
        })
        .collect();
    let what = all.first()?.rsplit(": ").next().unwrap_or_default().to_owned();
    let sentence = format!(
        "the files for callbacks ({what}) that the gateways were given cannot be used, so they go on with the old ones; the log names the file"
    );
    Some(finding("callback-files", sentence, all))
}

/// Returns how attempts ended: between the looks, or if there was none, since the gateways began.
fn attempts(facts: &Facts) -> (f64, f64) {
    let bad =
        |one: &crate::cli::exposition::Sample| matches!(one.label("status"), "failed" | "dead" | "suspended");
    let (failed, all) = (facts.grown(ATTEMPTS, bad), facts.grown(ATTEMPTS, any));
    if all > 0.0 { (failed, all) } else { (facts.total(ATTEMPTS, bad), facts.total(ATTEMPTS, any)) }
}

/// Consumers refuse, or do not answer.
pub(in super::super) fn attempts_fail(facts: &Facts) -> Option<Finding> {
    let (failed, all) = attempts(facts);
    (failed > 0.0).then(|| {
        let sentence = format!(
            "consumers refuse notifications or do not answer: {failed:.0} of {all:.0} attempts failed"
        );
        let evidence = format!("by outcome: {}", listed(&facts.grown_by(ATTEMPTS, "status", any)));
        finding("consumer-fails", sentence, vec![evidence])
    })
}

/// Notifications were given up.
pub(in super::super) fn gave_up(facts: &Facts) -> Option<Finding> {
    let dead = facts.total("o2ims_webhook_dlq_total", any);
    (dead > 0.0).then(|| {
        let sentence = format!(
            "a consumer refuses notifications, or did not take them for 24 hours: {dead:.0} were given up; `netweave dead-letter list` has them"
        );
        finding("consumer-rejects", sentence, vec![format!("by outcome: {}", listed(&facts.grown_by(ATTEMPTS, "status", any)))])
    })
}

/// Consumers take long.
pub(in super::super) fn slow(facts: &Facts) -> Option<Finding> {
    let name = "o2ims_webhook_latency_seconds";
    let mean = facts.mean(name, with("attempt", "first"))?;
    let workers = facts.max("o2ims_active_webhook_workers", any).unwrap_or_default();
    (mean > 0.2).then(|| {
        let sentence = format!(
            "consumers take long to answer: first attempts take {mean:.2} s from the change to the answer"
        );
        finding(
            "consumer-slow",
            sentence,
            vec![format!("at most {workers:.0} deliveries of a gateway are in flight")],
        )
    })
}

/// Changes wait to be put into queues.
pub(in super::super) fn fan_out(facts: &Facts) -> Option<Finding> {
    let waiting = facts.max("o2ims_event_stream_length", any).filter(|waiting| *waiting > 0.0)?;
    let subscriptions = facts.max("o2ims_adapter_subscriptions_active", any).unwrap_or_default();
    let sentence = format!(
        "changes come faster than they are put into the queues of {subscriptions:.0} subscriptions: {waiting:.0} wait"
    );
    Some(finding("fan-out", sentence, Vec::new()))
}
