//! A Redis that does not let the gateways' user do something: it is told which, and what waits meanwhile is counted.

use netweave_tests::harness::{Gateway, Inventory, RedisServer, Setup, soon, until};
use std::time::Duration;

/// Longer than a service that fails waits before it tries again.
const PAUSE: Duration = Duration::from_secs(40);
/// What waits, as the gateway measures it.
const WAITING: [&str; 2] = ["netweave_follow_lag_entries", "o2ims_event_stream_length"];
/// The services that read the log.
const READERS: [&str; 2] = ["follow", "dispatcher"];

async fn value(gateway: &Gateway, name: &str) -> f64 {
    gateway.metric(name).await.unwrap_or_default()
}

async fn failed_rounds(gateway: &Gateway, service: &str) -> f64 {
    value(gateway, &format!("netweave_service_failed_rounds{{service=\"{service}\"}}")).await
}

#[tokio::test]
async fn without_the_right_to_read_the_log_it_is_told_which_is_missing_and_what_waits_is_counted() {
    let Some(redis) = RedisServer::start().await else { return };
    let mut inventory = Inventory::with_servers(1);
    let gateway = Setup::redis(&redis.url()).file("lab", &inventory).start().await;
    redis.ask(&["ACL", "SETUSER", "default", "-xrange"]);
    inventory.add("server-late", "pool-a");
    for name in WAITING {
        soon(name, async || value(&gateway, name).await > 0.0).await;
    }
    for service in READERS {
        soon(service, async || failed_rounds(&gateway, service).await > 0.0).await;
    }
    let denied = value(&gateway, "netweave_redis_denied_timestamp_seconds{command=\"log_read\"}").await;
    assert!(denied > 1_700_000_000.0, "{denied}");
    let log = gateway.log();
    assert!(log.contains("deploy/redis/users.acl"), "{log}");
    let ops = format!("http://{}", gateway.ops_address());
    let (_, told, _) = gateway
        .run(&["runbook", "NetweaveServiceFailing", "--diagnose", "--ops", &ops, "--over", "1s"])
        .await;
    assert!(told.contains("lacks rights") && told.contains("log_read"), "{told}");
    let (_, told, _) = gateway.run(&["doctor", "--ops", &ops]).await;
    assert!(told.contains("for want of a right: log_read"), "{told}");

    redis.ask(&["ACL", "SETUSER", "default", "+xrange"]);
    for service in READERS {
        until(PAUSE, service, async || (failed_rounds(&gateway, service).await < 1.0).then_some(())).await;
    }
    for name in WAITING {
        soon(name, async || value(&gateway, name).await < 1.0).await;
    }
}
