//! The Redis of the state, as the gateways see it.

use crate::cli::diagnose::Finding;
use crate::cli::diagnose::facts::{Facts, finding, listed, with};
use crate::cli::exposition::Sample;
use std::collections::BTreeSet;

const CALLS: &str = "netweave_redis_command_duration_seconds";
/// Calls that take longer than this many seconds on average are slow.
const SLOW: f64 = 0.1;
/// The part of calls that may fail.
const FEW: f64 = 0.02;

fn state(sample: &Sample) -> bool {
    sample.label("role") == "state"
}

fn found(severity: &'static str) -> impl Fn(&Sample) -> bool {
    move |sample| state(sample) && sample.label("severity") == severity
}

/// Returns a gauge of the state, where the server answers.
fn gauge(facts: &Facts, name: &str) -> Vec<f64> {
    let of = |samples: &crate::cli::exposition::Samples| {
        let up = samples.one("netweave_redis_up", state) == Some(1.0);
        up.then(|| samples.one(name, state)).flatten()
    };
    facts.answering().filter_map(|(_, samples)| of(samples)).collect()
}

fn greatest(facts: &Facts, name: &str) -> Option<f64> {
    gauge(facts, name).into_iter().reduce(f64::max)
}

/// No gateway reaches a server.
pub(in super::super) fn gone(facts: &Facts) -> Option<Finding> {
    (facts.max("netweave_redis_up", state)? == 0.0).then(|| {
        let sentence = "no gateway reaches a Redis server of the state: all are down, no Sentinels agree on one, or \
                        nothing leads there";
        finding("redis-gone", sentence.to_owned(), facts.degraded("state"))
    })
}

/// What answers is no primary.
pub(in super::super) fn no_primary(facts: &Facts) -> Option<Finding> {
    (greatest(facts, "netweave_redis_primary")? == 0.0).then(|| {
        let sentence =
            "the Redis server that the gateways use is a replica: none has taken the place of the primary";
        finding("redis-no-primary", sentence.to_owned(), facts.degraded("state"))
    })
}

/// One gateway does not reach what others reach.
pub(in super::super) fn one_without(facts: &Facts) -> Option<Finding> {
    let up = facts.each("netweave_redis_up", state);
    let without: Vec<&str> = up.iter().filter(|(_, up)| *up == 0.0).map(|(url, _)| *url).collect();
    if without.is_empty() || without.len() == up.len() {
        return None;
    }
    let sentence = format!(
        "{} does not reach Redis while {} others do: its way or its configuration, not the servers",
        without.join(", "),
        up.len() - without.len()
    );
    Some(finding("redis-one-without", sentence, facts.degraded("state")))
}

/// The primary refuses writes.
pub(in super::super) fn unusable(facts: &Facts) -> Option<Finding> {
    if facts.max("netweave_redis_findings", found("unusable"))? == 0.0 {
        return None;
    }
    let (used, max) = (
        greatest(facts, "netweave_redis_memory_used_bytes"),
        greatest(facts, "netweave_redis_memory_max_bytes"),
    );
    let replicas = greatest(facts, "netweave_redis_connected_replicas");
    let evidence = facts.degraded("state");
    if let (Some(used), Some(max)) = (used, max)
        && max > 0.0
        && used >= max
    {
        let sentence =
            format!("the Redis primary is full: it uses {used:.0} of {max:.0} bytes, and refuses writes");
        return Some(finding("redis-full", sentence, evidence));
    }
    if replicas == Some(0.0) {
        let sentence =
            "no replica follows the Redis primary, which therefore takes no writes (min-replicas-to-write)";
        return Some(finding("redis-without-replicas", sentence.to_owned(), evidence));
    }
    let sentence = "the Redis primary refuses writes; `netweave redis check` says for which reason";
    Some(finding("redis-unusable", sentence.to_owned(), evidence))
}

/// The server drops state, or would.
pub(in super::super) fn drops(facts: &Facts) -> Option<Finding> {
    let forbidden = facts.max("netweave_redis_findings", found("forbidden")).unwrap_or_default();
    let evicted = greatest(facts, "netweave_redis_evicted_keys").unwrap_or_default();
    (forbidden > 0.0).then(|| {
        let sentence =
            "the Redis of the state has a maxmemory-policy that drops subscriptions when it is full";
        let evidence = vec![format!("{evicted:.0} keys were dropped since the server began")];
        finding("redis-evicts", sentence.to_owned(), [evidence, facts.degraded("state")].concat())
    })
}

/// There is something to be changed that does not hurt yet.
pub(in super::super) fn warned(facts: &Facts) -> Option<Finding> {
    (facts.max("netweave_redis_findings", |one| one.label("severity") == "warning")? > 0.0).then(|| {
        let sentence = "a Redis server is not as it should be; `netweave redis check` says what to change";
        finding("redis-warned", sentence.to_owned(), facts.degraded("state"))
    })
}

/// Fewer replicas than two.
pub(in super::super) fn replica_down(facts: &Facts) -> Option<Finding> {
    let replicas = greatest(facts, "netweave_redis_connected_replicas").filter(|count| *count < 2.0)?;
    let sentence =
        format!("{replicas:.0} replicas follow the Redis primary instead of two: one is down, or cut off");
    Some(finding("redis-replica-down", sentence, Vec::new()))
}

/// A replica is silent, or far behind.
pub(in super::super) fn replica_lags(facts: &Facts) -> Option<Finding> {
    let lag = greatest(facts, "netweave_redis_replica_lag_seconds").filter(|lag| *lag > 3.0)?;
    let bytes = greatest(facts, "netweave_redis_replica_lag_bytes").unwrap_or_default();
    let sentence = format!(
        "a Redis replica has been silent for {lag:.0} s although it is connected: it hangs, or is cut off"
    );
    Some(finding("redis-replica-hangs", sentence, vec![format!("it has not confirmed {bytes:.0} bytes")]))
}

/// Fewer Sentinels than three.
pub(in super::super) fn sentinel_down(facts: &Facts) -> Option<Finding> {
    let count = greatest(facts, "netweave_redis_sentinels").filter(|count| *count < 3.0)?;
    let sentence = format!("{count:.0} Sentinels answer instead of three: one is down, or cut off");
    Some(finding("sentinel-down", sentence, Vec::new()))
}

/// The memory of the server runs out.
pub(in super::super) fn fills_up(facts: &Facts) -> Option<Finding> {
    let used = greatest(facts, "netweave_redis_memory_used_bytes")?;
    let max =
        greatest(facts, "netweave_redis_memory_max_bytes").filter(|max| *max > 0.0 && used > 0.8 * max)?;
    let queued = facts.max("o2ims_event_stream_length", |_| true).unwrap_or_default();
    let sentence = format!(
        "the Redis of the state uses {used:.0} of {max:.0} bytes: either its maxmemory is too small, or too much waits in it"
    );
    Some(finding("redis-fills-up", sentence, vec![format!("{queued:.0} changes wait to be told")]))
}

/// Calls come back as errors: the server answers, and refuses. One that lacks a right is made again twice a minute only, so it need
/// not be among those of the last seconds.
pub(in super::super) fn refused(facts: &Facts) -> Option<Finding> {
    let denied: BTreeSet<&str> =
        facts.answering().flat_map(|(_, samples)| samples.denied(facts.at)).collect();
    if !denied.is_empty() {
        let names: Vec<&str> = denied.into_iter().collect();
        let sentence = "Redis answers and refuses calls: the gateways' user lacks rights (`deploy/redis/users.acl`); the log says which";
        let evidence = vec![format!("refused for want of a right: {}", names.join(", "))];
        return Some(finding(
            "redis-refuses",
            sentence.to_owned(),
            [evidence, facts.degraded("state")].concat(),
        ));
    }
    let failed = facts.grown_by(&format!("{CALLS}_count"), "command", with("outcome", "error"));
    let all = facts.grown(&format!("{CALLS}_count"), |_| true);
    let errors: f64 = failed.values().sum();
    (errors > FEW * all && errors > 0.0).then(|| {
        let sentence = format!(
            "Redis answers and refuses {errors:.0} of {all:.0} calls: the gateways' user lacks rights (`deploy/redis/users.acl`), or the server does"
        );
        let evidence = vec![format!("refused by command: {}", listed(&failed))];
        finding("redis-refuses", sentence, [evidence, facts.degraded("state")].concat())
    })
}

/// Calls take long, or come too late.
pub(in super::super) fn slow(facts: &Facts) -> Option<Finding> {
    let late = facts.grown(&format!("{CALLS}_count"), with("outcome", "timeout"));
    let all = facts.grown(&format!("{CALLS}_count"), |_| true);
    let above = facts.above(CALLS, "0.25", |_| true).unwrap_or_default();
    let mean = facts.mean(CALLS, |_| true).unwrap_or_default();
    (all > 0.0 && (late > FEW * all || above > FEW || mean > SLOW)).then(|| {
        let sentence = format!(
            "Redis is slow: its calls take {mean:.3} s on average, {:.0} % of them longer than 0.25 s",
            above * 100.0
        );
        finding("redis-slow", sentence, vec![format!("{late:.0} of {all:.0} calls came too late")])
    })
}

/// Subscriptions had vanished.
pub(in super::super) fn mended(facts: &Facts) -> Option<Finding> {
    let mended = facts.total("netweave_redis_mended_total", |_| true);
    (mended > 0.0).then(|| {
        let sentence = format!(
            "{mended:.0} subscriptions vanished from Redis although its policy keeps them: something deleted them, such as a hand or a FLUSHALL"
        );
        finding("redis-lost-keys", sentence, Vec::new())
    })
}

/// Another server took over.
pub(in super::super) fn switched(facts: &Facts) -> Option<Finding> {
    let switches = facts.total("netweave_redis_switches_total", |_| true);
    (switches > 0.0).then(|| {
        let sentence =
            "another Redis server took over, or one lost its data, since the gateways began".to_owned();
        finding(
            "redis-switched",
            sentence,
            vec![format!("{switches:.0} times, as all gateways count together")],
        )
    })
}
