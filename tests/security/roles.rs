//! Role by role and operation by operation, against `roles.txt`.

use crate::table;
use http::Method;
use netweave_tests::harness::client::{Client, V1, V2};
use netweave_tests::harness::figures::record;
use netweave_tests::harness::{Callbacks, Inventory, Setup};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TABLE: &str = include_str!("roles.txt");
/// The client that no rule names.
const NOBODY: &str = "-";

fn rules(clients: &[String]) -> Value {
    let rule = |client: &String| json!({ "match": format!("spiffe://test/{client}"), "roles": [client] });
    let mut rules: Vec<Value> = clients.iter().filter(|client| *client != NOBODY).map(rule).collect();
    rules.push(json!({ "match": "spiffe://test/somebody", "roles": ["subscriber"] }));
    rules.into()
}

async fn subscribe(client: &Client, callback: &str) -> Option<String> {
    let created = client.post(&format!("{V2}/subscriptions"), &json!({ "callback": callback })).await;
    (created.status == 201).then(|| created.json()["subscriptionId"].as_str().expect("an id").to_owned())
}

#[tokio::test]
async fn every_role_may_do_what_the_table_says_in_both_majors_and_again_from_the_cache() {
    let rows = table::read(TABLE, 2);
    let names: Vec<String> = rows[0].expected.iter().map(|(client, _)| client.clone()).collect();
    let (inventory, callbacks) = (Inventory::with_servers(4), Callbacks::start().await);
    let setup = Setup::memory().file("lab", &inventory);
    let gateway = setup.set("/access", json!({ "rules": rules(&names), "others": [] })).start().await;
    let clients: BTreeMap<String, Client> = names
        .iter()
        .map(|name| (name.clone(), gateway.client(if name == NOBODY { "nobody" } else { name })))
        .collect();
    let alien = subscribe(&gateway.client("somebody"), &callbacks.url("/somebody")).await.expect("one");
    let mut own = BTreeMap::new();
    for (name, client) in &clients {
        own.insert(
            name,
            subscribe(client, &callbacks.url(&format!("/{name}"))).await.unwrap_or_else(|| alien.clone()),
        );
    }
    let mut checks = 0;
    for row in &rows {
        for base in [V1, V2] {
            for round in ["first", "again"] {
                for (name, expected) in &row.expected {
                    let asked = row
                        .asked
                        .replace("/{v}", base)
                        .replace("{alien}", &alien)
                        .replace("{own}", &own[name]);
                    let (method, path) = asked.split_once(' ').expect("method and path");
                    let method: Method = method.parse().expect("a method");
                    let body = if matches!(method, Method::GET | Method::DELETE) { "" } else { "{}" };
                    let answer =
                        clients[name].send(method, path, &[("content-type", "application/json")], body).await;
                    assert_eq!(answer.status.to_string(), *expected, "{name}, {round}: {asked}: {answer:?}");
                    if answer.status >= 400 {
                        answer.problem(answer.status);
                    }
                    checks += 1;
                }
            }
            if !row.asked.contains("{v}") {
                break;
            }
        }
    }
    record(&format!("checks={checks}"));
}

#[tokio::test]
async fn a_client_is_told_its_roles_its_scope_and_its_limits() {
    let rule = json!({
        "match": "spiffe://test/dms*", "client": "dms", "tenant": "acme", "scope": { "sources": ["lab"] },
        "rate": { "rate": 7, "burst": 50 }, "subscriptions": 3,
    });
    let inventory = Inventory::with_servers(1);
    let setup = Setup::memory().file("lab", &inventory).set("/access", json!({ "rules": [rule] }));
    let gateway = setup.start().await;
    let shown = gateway.client("dms-1").get("/netweave/v1/self").await.expect(200).json();
    assert_eq!(shown["client"], "dms");
    assert_eq!(shown["tenant"], "acme");
    assert_eq!(shown["roles"], json!(["reader", "deployer"]));
    assert_eq!(shown["scope"]["sources"], json!(["lab"]));
    assert_eq!(shown["limits"]["requestsPerSecond"], 7);
    assert_eq!(shown["subscriptions"]["allowed"], 3);
    let other = gateway.client("smo").get("/netweave/v1/self").await.expect(200).json();
    assert_eq!((&other["client"], &other["roles"]), (&json!("smo"), &json!(["reader", "subscriber"])));
}

#[tokio::test]
async fn a_rule_gives_its_clients_a_rate_and_a_number_of_subscriptions_of_their_own() {
    let rules = json!([
        { "match": "spiffe://test/slow", "roles": ["subscriber"], "rate": { "rate": 1, "burst": 3 } },
        { "match": "spiffe://test/few", "roles": ["subscriber"], "subscriptions": 1 },
    ]);
    let callbacks = Callbacks::start().await;
    let gateway = Setup::memory().set("/access", json!({ "rules": rules })).start().await;
    let slow = gateway.client("slow");
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(slow.get("/netweave/v1/self").await.status);
    }
    assert!(statuses.starts_with(&[200, 200, 200]) && statuses.contains(&429), "{statuses:?}");
    let few = gateway.client("few");
    assert!(subscribe(&few, &callbacks.url("/1")).await.is_some());
    let refused = few.post(&format!("{V2}/subscriptions"), &json!({ "callback": callbacks.url("/2") })).await;
    refused.problem(429);
}
