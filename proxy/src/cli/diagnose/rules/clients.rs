//! What clients ask for, and how they are answered.

use crate::cli::diagnose::Finding;
use crate::cli::diagnose::facts::{Facts, any, finding, listed, with};
use crate::cli::exposition::Sample;

const REQUESTS: &str = "o2ims_http_requests_total";
const DURATION: &str = "o2ims_http_request_duration_seconds";
const LIMITED: &str = "netweave_requests_limited_total";
const REFUSED: &str = "netweave_connections_refused_total";

fn failed(sample: &Sample) -> bool {
    sample.label("status").starts_with('5')
}

/// All clients together ask for too much.
pub(in super::super) fn overload(facts: &Facts) -> Option<Finding> {
    let limits = facts.grown_by(LIMITED, "limit", |one| matches!(one.label("limit"), "global" | "in-flight"));
    if limits.is_empty() {
        return None;
    }
    let all = facts.grown(REQUESTS, any);
    let sentence = format!(
        "all clients together ask for more than the gateways may take: refused by limit: {}",
        listed(&limits)
    );
    Some(finding("overload", sentence, vec![format!("of {all:.0} requests meanwhile")]))
}

/// One client or tenant asks for too much.
pub(in super::super) fn limited(facts: &Facts) -> Option<Finding> {
    let limits =
        facts.grown_by(LIMITED, "limit", |one| !matches!(one.label("limit"), "global" | "in-flight"));
    (!limits.is_empty()).then(|| {
        let sentence =
            format!("a client or tenant asks for more than its share: refused by limit: {}", listed(&limits));
        finding("client-limited", sentence, Vec::new())
    })
}

/// Limits are not exchanged.
pub(in super::super) fn not_shared(facts: &Facts) -> Option<Finding> {
    let failed = facts.max("netweave_service_failed_rounds", with("service", "tally"))?;
    (failed > 0.0).then(|| {
        let sentence = "the gateways reach Redis and cannot exchange what their limits let through: their user lacks the keys \
                        `tally:*` (`deploy/redis/users.acl`), or the server refuses";
        finding("limit-keys", sentence.to_owned(), vec![format!("{failed:.0} exchanges have failed since the last good one")])
    })
}

/// More connections than may be.
pub(in super::super) fn connections(facts: &Facts) -> Option<Finding> {
    let reasons =
        facts.grown_by(REFUSED, "reason", |one| matches!(one.label("reason"), "connections" | "address"));
    if reasons.is_empty() {
        return None;
    }
    let open = facts.each("netweave_connections", any);
    let evidence =
        open.iter().map(|(url, count)| format!("{url}: {count:.0} connections are open")).collect();
    let what =
        if reasons.contains_key("address") { "one address holds" } else { "all clients together hold" };
    let sentence =
        format!("{what} more connections than the limits allow; closed by limit: {}", listed(&reasons));
    Some(finding("connections", sentence, evidence))
}

/// Handshakes fail.
pub(in super::super) fn handshakes(facts: &Facts) -> Option<Finding> {
    let reasons = facts.grown_by(REFUSED, "reason", |one| one.label("reason").starts_with("handshake"));
    (!reasons.is_empty()).then(|| {
        let sentence = format!(
            "clients come that no handshake is completed with: {}; the log has their addresses",
            listed(&reasons)
        );
        finding("handshakes", sentence, Vec::new())
    })
}

/// Frames that ask for nothing.
pub(in super::super) fn flooded(facts: &Facts) -> Option<Finding> {
    let count = facts.total("netweave_connections_flooded_total", any);
    (count > 0.0).then(|| {
        let sentence = format!(
            "{count:.0} HTTP/2 connections were closed because of a flood of frames since the gateways began"
        );
        finding("flood", sentence, Vec::new())
    })
}

/// Keys of token issuers.
pub(in super::super) fn token_keys(facts: &Facts) -> Option<Finding> {
    let name = "netweave_token_key_fetches_total";
    let failed = facts.total(name, with("result", "failed"));
    let issuers: Vec<String> = facts
        .answering()
        .flat_map(|(_, samples)| {
            samples.of(name).filter(|one| one.label("result") == "failed" && one.value > 0.0)
        })
        .map(|one| one.label("issuer").to_owned())
        .collect();
    let first = issuers.first()?;
    let sentence = format!(
        "the keys of the token issuer `{first}` cannot be fetched: its address does not answer, or not as it should"
    );
    Some(finding(
        "token-keys",
        sentence,
        vec![format!("{failed:.0} fetches failed since the gateways began")],
    ))
}

/// Requests fail, and nothing else shows why.
pub(in super::super) fn errors(facts: &Facts) -> Option<Finding> {
    let statuses = facts.grown_by(REQUESTS, "status", failed);
    let paths = facts.grown_by(REQUESTS, "path", failed);
    let (path, _) = paths.iter().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let sentence = format!(
        "requests of {path} fail, and the gateways measure nothing else that is wrong; their log has the requests"
    );
    Some(finding(
        "errors",
        sentence,
        vec![format!("by status: {}", listed(&statuses)), format!("by path: {}", listed(&paths))],
    ))
}

/// Requests are slow, and nothing else shows why.
pub(in super::super) fn slow(facts: &Facts) -> Option<Finding> {
    let paths = facts.grown_by(&format!("{DURATION}_count"), "path", any);
    let mean = |path: &String| facts.mean(DURATION, |one| one.label("path") == path.as_str());
    let means: Vec<(&String, f64)> = paths.keys().filter_map(|path| Some((path, mean(path)?))).collect();
    let (path, slowest) = means.iter().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    if *slowest < 0.05 {
        return None;
    }
    let flight = facts.max("o2ims_http_requests_in_flight", any).unwrap_or_default();
    let sentence = format!(
        "requests of {path} take {slowest:.3} s on average, and neither Redis nor a backend is slow: the gateways lack processor time, or the answers are large"
    );
    Some(finding("slow", sentence, vec![format!("at most {flight:.0} requests are being answered at once")]))
}
