//! What is not as it should be on a server of the role `state` or `cache`, and what to change.

use crate::info::Info;
use netweave_model::port::{Finding, Severity, Watcher};

/// The oldest version that the scripts are tested with, as major and minor.
const OLDEST: (u64, u64) = (7, 0);
/// Memory is short when less than this part of it is free: one in so many.
const FREE: u64 = 7;
/// A replica that was not heard of for so many seconds is no help.
const LAG: u64 = 10;

/// What is looked at.
struct Look<'a> {
    info: &'a Info,
    watchers: &'a [Watcher],
}

/// Judges a server of the role `state`; `watchers` are the Sentinels, if there are any. The worst comes first.
pub(crate) fn of_state(info: &Info, watchers: &[Watcher]) -> Vec<Finding> {
    let look = Look { info, watchers };
    let found = [
        look.policy(),
        look.role(),
        look.loading(),
        look.full(),
        look.refuses_for_its_disk(),
        look.refuses_without_replicas(),
        look.version(),
        look.limit(),
        look.evicted(),
        look.append_only(),
        look.replicas(),
        look.sentinels(),
    ];
    worst_first(found)
}

/// What a server of the role `cache` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Nothing but answers.
    Answers,
    /// State as well: it is the server of both roles.
    StateToo,
}

/// Judges a server of the role `cache`. The worst comes first.
///
/// What is wrong with it for state is said by the role `state`, if it is the server of both.
pub(crate) fn of_cache(info: &Info, watchers: &[Watcher], holds: Holds) -> Vec<Finding> {
    let look = Look { info, watchers };
    let of_holding = match holds {
        Holds::Answers => [look.cannot_drop(), look.limit(), look.keeps_answers()],
        Holds::StateToo => [look.drops_state(), look.answers_take_all(), None],
    };
    let others = [
        look.role(),
        look.loading(),
        look.refuses_for_its_disk(),
        look.refuses_without_replicas(),
        look.version(),
        look.sentinels(),
    ];
    worst_first(of_holding.into_iter().chain(others))
}

fn worst_first(found: impl IntoIterator<Item = Option<Finding>>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = found.into_iter().flatten().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Says so if another region sends the notifications.
pub(crate) fn elsewhere(own: &str, sends: &str) -> Option<Finding> {
    let what = format!("another region sends the notifications: `{sends}`, not `{own}`");
    let change = "if that region is gone: `netweave redis promote`";
    (own != sends).then(|| finding("region", Severity::Warning, what, change))
}

fn finding(code: &'static str, severity: Severity, what: impl Into<String>, change: &'static str) -> Finding {
    Finding { code, severity, what: what.into(), change }
}

impl Look<'_> {
    fn number(&self, name: &str) -> u64 {
        self.info.number(name).unwrap_or_default()
    }

    fn is_primary(&self) -> bool {
        self.info.says("role", "master")
    }

    fn policy(&self) -> Option<Finding> {
        let policy = self.info.text("maxmemory_policy");
        if !policy.starts_with("allkeys-") {
            return None;
        }
        let what = format!("the server drops any key when its memory is full ({policy}), subscriptions too");
        let change = "set `maxmemory-policy noeviction`, and keep what may be dropped on a server of its own";
        Some(finding("evictionPolicy", Severity::Forbidden, what, change))
    }

    fn role(&self) -> Option<Finding> {
        if self.is_primary() {
            return None;
        }
        let what = "the server is a replica: it is read, and takes no writes";
        let change = "write in the region of its primary; if that is gone: `REPLICAOF NO ONE` on this server";
        Some(finding("replica", Severity::Unusable, what, change))
    }

    fn loading(&self) -> Option<Finding> {
        let change = "wait: it answers when all is loaded";
        let loading = self.info.says("loading", "1");
        loading.then(|| finding("loading", Severity::Unusable, "the server loads its data", change))
    }

    fn full(&self) -> Option<Finding> {
        let (used, limit) = (self.number("used_memory"), self.number("maxmemory"));
        if limit == 0 || used < limit - limit / FREE || !self.info.says("maxmemory_policy", "noeviction") {
            return None;
        }
        let change = "raise `maxmemory`, or find out what fills it: `netweave redis status`";
        let part = used.saturating_mul(100) / limit;
        if used >= limit {
            return Some(finding("memory", Severity::Unusable, "memory is full: writes are refused", change));
        }
        Some(finding("memory", Severity::Warning, format!("memory is full to {part} %"), change))
    }

    fn refuses_for_its_disk(&self) -> Option<Finding> {
        let fails = |name: &str| self.info.says(name, "err");
        let change = "look at the server's log and at the space on its disk";
        if fails("aof_last_write_status") {
            let what = "the append-only file cannot be written, so the server refuses writes";
            return Some(finding("disk", Severity::Unusable, what, change));
        }
        let failing = fails("rdb_last_bgsave_status") || fails("aof_last_bgrewrite_status");
        let what = "the server cannot save its data, and may refuse writes for that reason";
        failing.then(|| finding("disk", Severity::Warning, what, change))
    }

    fn refuses_without_replicas(&self) -> Option<Finding> {
        let missing = self.info.says("min_slaves_good_slaves", "0");
        let what = "no replica is online, so the server refuses writes (`min-replicas-to-write`)";
        let change = "start the replicas, or look at their logs why they do not follow";
        missing.then(|| finding("replicas", Severity::Unusable, what, change))
    }

    fn cannot_drop(&self) -> Option<Finding> {
        let what = "the server of answers keeps old ones when its memory is full, so new ones are not stored";
        let change = "set `maxmemory-policy allkeys-lru`";
        let keeps = self.info.says("maxmemory_policy", "noeviction");
        keeps.then(|| finding("evictionPolicy", Severity::Warning, what, change))
    }

    fn keeps_answers(&self) -> Option<Finding> {
        let what = "answers are written to disk as they come, although each can be had again";
        let keeps = self.info.says("aof_enabled", "1");
        keeps.then(|| finding("appendOnly", Severity::Warning, what, "set `appendonly no`"))
    }

    fn drops_state(&self) -> Option<Finding> {
        let policy = self.info.text("maxmemory_policy");
        let what = format!("answers share a server with state that drops any key when it is full ({policy})");
        let change = "set `maxmemory-policy noeviction`, or put answers on a server of their own";
        let drops = policy.starts_with("allkeys-");
        drops.then(|| finding("shared", Severity::Warning, what, change))
    }

    fn answers_take_all(&self) -> Option<Finding> {
        let what = "answers share a server with state, and may take all of its memory";
        let change = "set `maxmemory`: answers are then stored only up to 70 % of it";
        self.info.says("maxmemory", "0").then(|| finding("sharedMemory", Severity::Warning, what, change))
    }

    fn version(&self) -> Option<Finding> {
        let version = self.info.text("redis_version");
        let mut parts = version.split('.').map(|part| part.parse().unwrap_or_default());
        if (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) >= OLDEST {
            return None;
        }
        let what = format!("the server is of version {version}, which nobody has tested");
        Some(finding("version", Severity::Warning, what, "use Redis 7.0 or later, or Valkey"))
    }

    fn limit(&self) -> Option<Finding> {
        let what = "memory has no limit, so the system ends the server when there is no more";
        let change = "set `maxmemory` to half of the machine's memory at most";
        self.info.says("maxmemory", "0").then(|| finding("memoryLimit", Severity::Warning, what, change))
    }

    fn evicted(&self) -> Option<Finding> {
        let evicted = self.number("evicted_keys");
        // Under the other policies only what has an end of its own is dropped, which is nothing that counts.
        if evicted == 0 || self.info.text("maxmemory_policy").starts_with("volatile-") {
            return None;
        }
        let what = format!("{evicted} keys were dropped since the server started, because memory was full");
        let change = "set `maxmemory-policy noeviction`; what was dropped of subscriptions is put back";
        Some(finding("evicted", Severity::Warning, what, change))
    }

    fn append_only(&self) -> Option<Finding> {
        if self.info.says("aof_enabled", "1") {
            return None;
        }
        let what = "changes are not written to disk as they come, so a restart loses the latest";
        Some(finding("appendOnly", Severity::Warning, what, "set `appendonly yes`"))
    }

    fn replicas(&self) -> Option<Finding> {
        if self.watchers.is_empty() || !self.is_primary() || self.info.says("min_slaves_good_slaves", "0") {
            return None;
        }
        let replicas = self.info.replicas();
        if !replicas.iter().any(|one| one.online && one.lag_seconds <= LAG) {
            let what = "no replica follows the primary, so nothing could take its place";
            return Some(finding("replicas", Severity::Warning, what, "start replicas"));
        }
        let what = "the primary goes on taking writes when no replica follows, and loses them with its place";
        let change = "set `min-replicas-to-write 1` and `min-replicas-max-lag 3`";
        let guarded = self.info.number("min_slaves_good_slaves").is_some();
        (!guarded).then(|| finding("minReplicas", Severity::Warning, what, change))
    }

    fn sentinels(&self) -> Option<Finding> {
        let all = self.watchers.len();
        let named: Vec<&str> = self.watchers.iter().filter_map(|one| one.primary.as_deref()).collect();
        let change = "start the Sentinels that are missing, and let all of them watch the same primary";
        if named.len() * 2 <= all && all > 0 {
            let what =
                format!("{} of {all} Sentinels answer, too few to replace a dead primary", named.len());
            return Some(finding("sentinels", Severity::Warning, what, change));
        }
        let agree = named.windows(2).all(|pair| pair.first() == pair.last());
        let what = "the Sentinels do not name the same primary";
        (!agree).then(|| finding("sentinels", Severity::Warning, what, change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server as `deploy/redis/state.conf` makes it, with two replicas.
    const GOOD: &[(&str, &str)] = &[
        ("redis_version", "7.0.15"),
        ("loading", "0"),
        ("used_memory", "100"),
        ("maxmemory", "1000"),
        ("maxmemory_policy", "noeviction"),
        ("evicted_keys", "0"),
        ("aof_enabled", "1"),
        ("aof_last_write_status", "ok"),
        ("rdb_last_bgsave_status", "ok"),
        ("role", "master"),
        ("min_slaves_good_slaves", "1"),
        ("slave0", "ip=h,port=1,state=online,offset=5,lag=0"),
    ];

    fn found(changes: &[(&str, &str)], primaries: &[Option<&str>]) -> Vec<(&'static str, Severity)> {
        let lines = GOOD.iter().chain(changes).map(|(name, value)| format!("{name}:{value}\r\n"));
        let watcher = |primary: Option<&str>| Watcher {
            address: "s:1".to_owned(),
            primary: primary.map(str::to_owned),
        };
        let watchers: Vec<_> = primaries.iter().copied().map(watcher).collect();
        let findings = of_state(&Info::read(&lines.collect::<String>()), &watchers);
        findings.into_iter().map(|finding| (finding.code, finding.severity)).collect()
    }

    #[test]
    fn a_server_as_it_should_be_has_no_findings() {
        assert_eq!(found(&[], &[]), []);
        assert_eq!(found(&[], &[Some("h:1"); 3]), []);
        assert_eq!(found(&[("maxmemory_policy", "volatile-lru"), ("evicted_keys", "9")], &[]), []);
    }

    #[test]
    fn each_fault_is_found() {
        use Severity::{Forbidden, Unusable, Warning};
        for (name, value, code, severity) in [
            ("maxmemory_policy", "allkeys-lru", "evictionPolicy", Forbidden),
            ("maxmemory_policy", "allkeys-random", "evictionPolicy", Forbidden),
            ("role", "slave", "replica", Unusable),
            ("loading", "1", "loading", Unusable),
            ("used_memory", "1000", "memory", Unusable),
            ("used_memory", "900", "memory", Warning),
            ("aof_last_write_status", "err", "disk", Unusable),
            ("rdb_last_bgsave_status", "err", "disk", Warning),
            ("min_slaves_good_slaves", "0", "replicas", Unusable),
            ("redis_version", "6.2.14", "version", Warning),
            ("maxmemory", "0", "memoryLimit", Warning),
            ("evicted_keys", "1", "evicted", Warning),
            ("aof_enabled", "0", "appendOnly", Warning),
        ] {
            assert_eq!(found(&[(name, value)], &[]), [(code, severity)], "{name}:{value}");
        }
    }

    #[test]
    fn behind_sentinels_replicas_and_agreement_are_asked_for() {
        let three = [Some("h:1"); 3];
        for lost in ["ip=h,port=1,state=online,offset=5,lag=11", "ip=h,port=1,state=send_bulk,offset=0,lag=0"]
        {
            assert_eq!(found(&[("slave0", lost)], &three), [("replicas", Severity::Warning)]);
            assert_eq!(found(&[("slave0", lost)], &[]), [], "one server alone needs none");
        }
        assert_eq!(found(&[("min_slaves_good_slaves", "")], &three), [("minReplicas", Severity::Warning)]);
        assert_eq!(found(&[], &[Some("h:1"), Some("h:1"), None]), []);
        for primaries in [[Some("h:1"), None, None], [Some("h:1"), Some("h:2"), Some("h:1")]] {
            assert_eq!(found(&[], &primaries), [("sentinels", Severity::Warning)]);
        }
    }

    /// A server as `deploy/redis/cache.conf` makes it, but for the changes.
    fn found_of_cache(holds: Holds, changes: &[(&str, &str)]) -> Vec<(&'static str, Severity)> {
        let cache = [("maxmemory_policy", "allkeys-lru"), ("aof_enabled", "0"), ("evicted_keys", "7")];
        let lines =
            GOOD.iter().chain(&cache).chain(changes).map(|(name, value)| format!("{name}:{value}\r\n"));
        let findings = of_cache(&Info::read(&lines.collect::<String>()), &[], holds);
        findings.into_iter().map(|finding| (finding.code, finding.severity)).collect()
    }

    #[test]
    fn each_fault_of_a_cache_is_found() {
        use Severity::{Unusable, Warning};
        assert_eq!(found_of_cache(Holds::Answers, &[]), [], "what it drops is no fault");
        assert_eq!(found_of_cache(Holds::Answers, &[("maxmemory_policy", "volatile-lru")]), []);
        for (name, value, code, severity) in [
            ("maxmemory_policy", "noeviction", "evictionPolicy", Warning),
            ("maxmemory", "0", "memoryLimit", Warning),
            ("aof_enabled", "1", "appendOnly", Warning),
            ("role", "slave", "replica", Unusable),
            ("loading", "1", "loading", Unusable),
            ("min_slaves_good_slaves", "0", "replicas", Unusable),
            ("rdb_last_bgsave_status", "err", "disk", Warning),
            ("redis_version", "6.2.14", "version", Warning),
        ] {
            assert_eq!(
                found_of_cache(Holds::Answers, &[(name, value)]),
                [(code, severity)],
                "{name}:{value}"
            );
        }
    }

    #[test]
    fn a_cache_shares_a_server_with_state_if_that_keeps_its_keys_and_has_a_limit() {
        let (keeps, no_limit) = (("maxmemory_policy", "noeviction"), ("maxmemory", "0"));
        assert_eq!(found_of_cache(Holds::StateToo, &[keeps, ("aof_enabled", "1")]), []);
        assert_eq!(found_of_cache(Holds::StateToo, &[]), [("shared", Severity::Warning)]);
        assert_eq!(
            found_of_cache(Holds::StateToo, &[keeps, no_limit]),
            [("sharedMemory", Severity::Warning)]
        );
    }

    #[test]
    fn the_worst_comes_first() {
        let all = [("aof_enabled", "0"), ("role", "slave"), ("maxmemory_policy", "allkeys-lfu")];
        let codes: Vec<_> = found(&all, &[]).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["evictionPolicy", "replica", "appendOnly"]);
    }
}
