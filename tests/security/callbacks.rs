//! Callbacks that would turn the gateway against the network behind it.

use netweave_tests::harness::Setup;
use netweave_tests::harness::client::{V1, V2};
use netweave_tests::harness::figures::record;
use serde_json::json;

/// What is refused, and a part of the reason; the guard's own tests read the same.
const REFUSED: &str = include_str!("../../adapters/http/src/guard/refused.json");

#[tokio::test]
async fn every_spelling_of_a_forbidden_address_is_refused_when_a_subscription_is_created() {
    let refused: Vec<(String, String)> = serde_json::from_str(REFUSED).expect("the table");
    let callback = json!({ "schemes": ["http", "https"] });
    let gateway = Setup::memory().set("/subscriptions/callback", callback).start().await;
    let client = gateway.client("smo");
    let mut checks = 0;
    for (url, reason) in &refused {
        // Those that only a name server of the test could answer are left to the guard's own tests.
        let resolved =
            ["loopback", "metadata", "v4-mapped", "private", "cannot be resolved"].contains(&reason.as_str());
        if resolved && url.contains(".example.net/") {
            continue;
        }
        for base in [V1, V2] {
            let answer = client.post(&format!("{base}/subscriptions"), &json!({ "callback": url })).await;
            let problem = answer.problem(400).to_string();
            assert!(problem.contains("callback"), "{url}: {problem}");
            checks += 1;
        }
        assert!(client.get(&format!("{V2}/subscriptions")).await.expect(200).list().is_empty(), "{url}");
    }
    assert!(checks > 2 * 100, "{checks}");
    record(&format!("checks={checks}"));
}
