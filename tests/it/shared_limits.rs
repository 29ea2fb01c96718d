//! Two gateways on one Redis that share their limits: a client gets its rate once, not once for each gateway.

use netweave_tests::harness::{Client, Gateway, RedisServer, Setup, soon};
use serde_json::json;
use std::time::{Duration, Instant};

const RATE: u32 = 20;
/// How long both are asked; long against the second after which they know of each other.
const WHILE: Duration = Duration::from_secs(6);

async fn pod(redis: &RedisServer, shared: bool) -> Gateway {
    let setup = Setup::redis(&redis.url())
        .set("/limits/perIdentity", json!({ "rate": RATE, "burst": RATE }))
        .set("/limits/shared", json!(shared));
    setup.start().await
}

/// Asks as often as answers come; returns how many requests were let through, and by how many seconds' worth of the rate.
async fn asked(clients: [Client; 2]) -> f64 {
    for client in &clients {
        client.get("/netweave/v1/self").await.expect(200);
    }
    let start = Instant::now();
    let ask = async |client: &Client| {
        let mut passed = 0_u32;
        while start.elapsed() < WHILE {
            match client.get("/netweave/v1/self").await.status {
                200 => passed += 1,
                status => assert_eq!(status, 429),
            }
        }
        passed
    };
    let (one, two) = tokio::join!(ask(&clients[0]), ask(&clients[1]));
    f64::from(one + two) / (f64::from(RATE) * (start.elapsed().as_secs_f64() + 1.0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_its_rate_once_and_not_for_each_gateway() {
    let Some(redis) = RedisServer::start().await else { return };
    for (shared, expected) in [(true, 0.6..1.5), (false, 1.8..2.1)] {
        let pods = [pod(&redis, shared).await, pod(&redis, shared).await];
        let passed = asked([pods[0].client("smo"), pods[1].client("smo")]).await;
        assert!(expected.contains(&passed), "{passed} of the rate, shared: {shared}");
    }
}

#[tokio::test]
async fn while_redis_is_away_each_gateway_limits_for_itself_and_says_so() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let gateway = pod(&redis, true).await;
    let smo = gateway.client("smo");
    smo.get("/netweave/v1/self").await.expect(200);
    let failures =
        async || gateway.metric("netweave_limits_exchange_failures_total").await.unwrap_or_default();
    assert!(failures().await < 1.0);
    redis.kill9();
    soon("the failure is counted", async || {
        smo.get("/o2ims-infrastructureInventory/api_versions").await;
        failures().await >= 1.0
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..3 * RATE {
        statuses.push(smo.get("/o2ims-infrastructureInventory/api_versions").await.status);
    }
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
}
