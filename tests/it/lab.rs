//! The Redis lab itself, with the files of `deploy/redis`: it fails over, and users may do what they need and no more.

use netweave_tests::harness::lab::SIZE;
use netweave_tests::harness::redis::{Access, password};
use netweave_tests::harness::{Pki, RedisLab, RedisServer, client, figures};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The same access as another ACL user.
fn as_user(access: &Access, name: &str) -> Access {
    Access { user: Some((name.to_owned(), password(name))), ..access.clone() }
}

/// What a server says when it refuses a command; empty if it does not.
fn refusal(access: &Access, words: &[&str]) -> String {
    access.ask(words).err().map_or_else(String::new, |error| error.to_string())
}

/// One server is the primary, and all others follow it; returns it.
///
/// It need not be the one that was named first: Sentinels that are short of processor time replace one that lives.
fn one_is_followed(lab: &RedisLab) -> usize {
    let primary = lab.primary();
    let port = lab.server(primary).address.port().to_string();
    for n in 0..SIZE {
        let role = lab.ask(n, &["ROLE"]);
        if n == primary {
            assert_eq!(role[0], "master");
        } else {
            assert_eq!((role[0].as_str(), role[2].as_str()), ("slave", port.as_str()));
        }
    }
    primary
}

/// Servers and Sentinels may do what a failover needs: none of them was refused anything.
fn nothing_was_refused(lab: &RedisLab) {
    for access in (0..SIZE).flat_map(|n| [lab.server(n), lab.sentinel(n)]) {
        assert_eq!(access.ask(&["ACL", "LOG"]).expect("an answer"), [""; 0]);
    }
}

#[tokio::test]
async fn a_killed_primary_is_replaced_and_follows_when_it_is_back() {
    let Some(mut lab) = RedisLab::start().await else { return };
    let former = lab.primary();
    let gateway = as_user(lab.server(former), "netweave");
    gateway.ask(&["SET", "sys:test", "kept"]).expect("a write");
    // Both replicas: which of them will be the primary is not known.
    assert_eq!(gateway.ask(&["WAIT", "2", "5000"]).expect("an answer"), ["2"]);
    lab.kill9(former);
    let (primary, took) = lab.replaced(former).await;
    figures::record(&format!("lab_kill9_failover_s={:.1}", took.as_secs_f64()));
    assert_eq!(lab.ask(primary, &["GET", "sys:test"]), ["kept"]);
    lab.settled().await;
    let primary = one_is_followed(&lab);
    assert_eq!(lab.ask(former, &["GET", "sys:test"]), ["kept"]);
    as_user(lab.server(primary), "netweave").ask(&["SET", "sys:test", "again"]).expect("a write");
    nothing_was_refused(&lab);
}

#[tokio::test]
async fn a_planned_failover_names_another_primary() {
    let Some(mut lab) = RedisLab::start().await else { return };
    let former = lab.primary();
    let primary = lab.failover().await;
    assert_ne!(primary, former);
    lab.settled().await;
    let primary = one_is_followed(&lab);
    assert_ne!(lab.failover().await, primary);
    nothing_was_refused(&lab);
}

#[tokio::test]
async fn a_paused_primary_is_replaced_and_follows_when_it_woke_up() {
    let Some(mut lab) = RedisLab::start().await else { return };
    let former = lab.primary();
    lab.pause(former);
    let (_, took) = lab.replaced(former).await;
    figures::record(&format!("lab_pause_failover_s={:.1}", took.as_secs_f64()));
    lab.resume(former);
    assert_eq!(lab.ask(former, &["ROLE"])[0], "master");
    lab.settled().await;
    one_is_followed(&lab);
}

/// What a script writes is a transaction in the append-only file, which the default user has to be allowed to load.
#[tokio::test]
async fn a_server_that_is_started_again_has_what_scripts_wrote() {
    let Some(mut lab) = RedisLab::start().await else { return };
    let primary = lab.primary();
    let gateway = as_user(lab.server(primary), "netweave");
    let script = "redis.call('SET', KEYS[1], 'kept') redis.call('SET', KEYS[2], 'kept')";
    gateway.ask(&["EVAL", script, "2", "sys:test", "sys:more"]).expect("a script may write its keys");
    lab.kill9(primary);
    lab.start_again(primary).await;
    assert_eq!(lab.ask(primary, &["MGET", "sys:test", "sys:more"]), ["kept", "kept"]);
    lab.settled().await;
}

#[tokio::test]
async fn without_a_majority_of_sentinels_nothing_is_replaced_until_one_is_back() {
    let Some(mut lab) = RedisLab::start().await else { return };
    let former = lab.primary();
    lab.kill_sentinel(0);
    lab.kill_sentinel(1);
    lab.kill9(former);
    assert_eq!(lab.primary(), former);
    lab.start_sentinel(1).await;
    lab.replaced(former).await;
    lab.settled().await;
}

#[tokio::test]
async fn with_tls_only_those_are_served_who_show_a_certificate() {
    let pki = Pki::new();
    let Some(mut lab) = RedisLab::start_tls(&pki).await else { return };
    let nobody = Some(Arc::new(client::tls(&pki, None)));
    for access in [lab.server(0), lab.sentinel(0)] {
        let gateway = as_user(access, "netweave");
        assert_eq!(gateway.ask(&["PING"]).expect("an answer"), ["PONG"]);
        assert!(Access { tls: nobody.clone(), ..gateway.clone() }.ask(&["PING"]).is_err());
        assert!(Access { tls: None, ..gateway }.ask(&["PING"]).is_err());
    }
    let former = lab.primary();
    assert_ne!(lab.failover().await, former);
    lab.settled().await;
}

#[tokio::test]
async fn the_gateways_user_may_do_what_it_needs_and_no_more() {
    let Some(lab) = RedisLab::start().await else { return };
    let (server, sentinel) = (lab.server(lab.primary()), lab.sentinel(0));
    for access in [server, sentinel] {
        let default = refusal(&Access { user: None, ..access.clone() }, &["PING"]);
        assert!(default.starts_with("NOAUTH"), "{default}");
    }
    let (server, sentinel) = (as_user(server, "netweave"), as_user(sentinel, "netweave"));
    let script = "return redis.call('SET', KEYS[1], ARGV[1])";
    server.ask(&["EVAL", script, "1", "subscription:a", "{}"]).expect("a script may write its keys");
    sentinel.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]).expect("Sentinels tell the primary");
    let elsewhere = refusal(&server, &["EVAL", script, "1", "other", "{}"]);
    assert!(elsewhere.contains("permission"), "{elsewhere}");
    for forbidden in
        ["FLUSHALL", "KEYS *", "CONFIG GET *", "ACL LIST", "SHUTDOWN", "GET other", "SUBSCRIBE a"]
    {
        let words: Vec<_> = forbidden.split(' ').collect();
        let refused = refusal(&server, &words);
        assert!(refused.starts_with("NOPERM"), "{forbidden}: {refused}");
    }
    for forbidden in
        ["SENTINEL FAILOVER mymaster", "SENTINEL RESET *", "ACL LIST", "SUBSCRIBE __sentinel__:hello"]
    {
        let words: Vec<_> = forbidden.split(' ').collect();
        let refused = refusal(&sentinel, &words);
        assert!(refused.starts_with("NOPERM"), "{forbidden}: {refused}");
    }
}

#[tokio::test]
async fn the_files_make_a_cache_that_drops_and_a_state_that_refuses() {
    let Some(cache) = RedisServer::start_cache("8mb").await else { return };
    assert_eq!(cache.ask(&["CONFIG", "GET", "maxmemory"])[1], (8 << 20).to_string());
    let settings = |texts: Vec<String>| texts.into_iter().skip(1).step_by(2).collect::<Vec<_>>();
    let asked = ["CONFIG", "GET", "maxmemory-policy", "appendonly", "save"];
    let mut found = settings(cache.ask(&asked));
    found.sort();
    assert_eq!(found, ["", "allkeys-lru", "no"]);
    let Some(lab) = RedisLab::start().await else { return };
    for n in 0..3 {
        let mut found = settings(lab.ask(n, &asked));
        found.sort();
        assert_eq!(found, ["3600 1 300 1000", "noeviction", "yes"]);
    }
}

/// Reads the scripts, so that a command that a script begins to use is missed here and not in an installation.
#[test]
fn the_gateways_user_may_use_every_command_of_the_scripts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let users = std::fs::read_to_string(root.join("deploy/redis/users.acl")).expect("the users");
    let user = users.lines().find(|line| line.starts_with("user netweave ")).expect("the gateway's user");
    let may: BTreeSet<_> = user.split(' ').filter_map(|word| word.strip_prefix('+')).collect();
    let mut called = BTreeSet::new();
    for file in std::fs::read_dir(root.join("adapters/stores/redis/lua")).expect("the scripts") {
        let text = std::fs::read_to_string(file.expect("a script").path()).expect("its text");
        let calls = text.split("call('").skip(1).filter_map(|rest| rest.split('\'').next());
        called.extend(calls.map(str::to_lowercase));
    }
    assert!(called.len() > 30, "{called:?}");
    let missing: Vec<_> = called.iter().filter(|command| !may.contains(command.as_str())).collect();
    assert!(missing.is_empty(), "not in deploy/redis/users.acl: {missing:?}");
}
