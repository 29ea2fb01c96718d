//! Scope by scope and path by path, against `scopes.txt`.

use crate::table;
use netweave_tests::harness::client::{Answer, Client, V1, V2};
use netweave_tests::harness::figures::record;
use netweave_tests::harness::{Gateway, Inventory, Setup};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TABLE: &str = include_str!("scopes.txt");

/// Renames what is in an inventory, so that two of them are told apart, and puts two servers into each pool.
fn inventories() -> (Inventory, Inventory) {
    let (mut lab, mut far) = (Inventory::with_servers(0), Inventory::with_servers(0));
    for (pool, letter) in [("pool-a", "a"), ("pool-b", "b")] {
        for number in 0..2 {
            lab.add(&format!("{letter}-{number}"), pool);
        }
    }
    lab.edit(|document| {
        document["resourceTypes"].as_array_mut().expect("types").truncate(1);
        document["deploymentManagers"][0]["extensions"] = json!({ "adminPassword": "hidden" });
    });
    far.edit(|document| {
        let rename = |value: &mut Value, id: &str| {
            for key in ["key", "id"] {
                value[key] = id.into();
            }
        };
        document["resourceTypes"].as_array_mut().expect("types").truncate(1);
        document["resourceTypes"][0]["alarmDictionary"] = Value::Null;
        document["resourceTypes"][0]["performanceDictionary"] = Value::Null;
        rename(&mut document["resourceTypes"][0], "plain-far");
        document["resourcePools"].as_array_mut().expect("pools").truncate(1);
        rename(&mut document["resourcePools"][0], "pool-c");
        rename(&mut document["deploymentManagers"][0], "dms-far");
        rename(&mut document["locations"][0], "south");
        document["deploymentManagers"][0]["supportedLocations"] = json!(["south"]);
        document["sites"].as_array_mut().expect("sites").truncate(1);
        rename(&mut document["sites"][0], "site-far");
        document["sites"][0]["location"] = "south".into();
        document["resourcePools"][0]["site"] = "site-far".into();
        for key in ["alarmDictionaries", "performanceDictionaries"] {
            document[key] = json!([]);
        }
    });
    for number in 0..2 {
        far.add(&format!("c-{number}"), "pool-c");
    }
    far.edit(|document| {
        for server in document["resources"].as_array_mut().expect("resources") {
            server["type"] = "plain-far".into();
        }
    });
    lab.edit(|document| {
        for server in document["resources"].as_array_mut().expect("resources") {
            server["type"] = "plain".into();
        }
    });
    (lab, far)
}

pub(crate) fn rules() -> Value {
    let rule = |name: &str, scope: Value| json!({ "match": format!("spiffe://test/{name}"), "roles": ["reader", "subscriber", "maintainer"], "scope": scope });
    let kinds = json!(["resourcePools", "resources"]);
    json!([
        rule("all", json!({})),
        rule("lab", json!({ "sources": ["lab"] })),
        rule("a", json!({ "pools": ["pool-a"] })),
        rule("kinds", json!({ "collections": kinds })),
        rule("one", json!({ "sources": ["lab"], "pools": ["pool-b"], "collections": kinds })),
        rule("none", json!({ "pools": [] })),
    ])
}

pub(crate) async fn gateway() -> (Gateway, Inventory, Inventory) {
    let (lab, far) = inventories();
    let setup = Setup::memory().file("lab", &lab).file("far", &far);
    let gateway = setup.set("/access", json!({ "rules": rules() })).start().await;
    (gateway, lab, far)
}

/// Says what an answer shows, as the table writes it.
fn shown(answer: &Answer) -> String {
    match serde_json::from_slice(&answer.body) {
        Ok(Value::Array(objects)) if objects.is_empty() => "[]".to_owned(),
        Ok(Value::Array(objects)) => objects.iter().map(id).collect::<Vec<_>>().join(","),
        Ok(_) | Err(_) => answer.status.to_string(),
    }
}

fn id(object: &Value) -> &str {
    let names =
        ["resourceId", "resourcePoolId", "resourceTypeId", "deploymentManagerId", "alarmDictionaryId"];
    names.iter().find_map(|name| object[name].as_str()).expect("an id")
}

#[tokio::test]
async fn every_scope_lets_see_what_the_table_says_in_both_majors_and_again_from_the_cache() {
    let rows = table::read(TABLE, 1);
    let (gateway, _lab, _far) = gateway().await;
    let clients: BTreeMap<&str, Client> =
        rows[0].expected.iter().map(|(name, _)| (name.as_str(), gateway.client(name))).collect();
    let mut checks = 0;
    for row in &rows {
        for base in [V1, V2] {
            // Whoever comes first fills the cache: first from the widest scope on, then from the narrowest, then as they are.
            let mut order = row.expected.clone();
            for round in ["widest first", "narrowest first", "again"] {
                for (name, expected) in &order {
                    let answer = clients[name.as_str()].get(&format!("{base}{}", row.asked)).await;
                    assert_eq!(shown(&answer), *expected, "{name}, {round}: {base}{}: {answer:?}", row.asked);
                    checks += 1;
                }
                order.reverse();
            }
        }
    }
    record(&format!("checks={checks}"));
}

#[tokio::test]
async fn sites_name_only_pools_that_may_be_seen_in_lists_single_objects_and_filters() {
    let (gateway, _lab, _far) = gateway().await;
    let (all, scoped) = (gateway.client("all"), gateway.client("a"));
    let pools = |site: &Value| site["resourcePools"].clone();
    let site = |id: &str| format!("{V2}/oCloudSites/{id}");
    assert_eq!(pools(&all.get(&site("site-b")).await.expect(200).json()), json!(["pool-b"]));
    for _ in 0..2 {
        assert_eq!(pools(&scoped.get(&site("site-b")).await.expect(200).json()), json!([]));
        assert_eq!(pools(&scoped.get(&site("site-a")).await.expect(200).json()), json!(["pool-a"]));
    }
    let text = String::from_utf8(scoped.get(&format!("{V2}/oCloudSites")).await.expect(200).body.to_vec());
    let text = text.expect("text");
    assert!(text.contains("pool-a") && !text.contains("pool-b") && !text.contains("pool-c"), "{text}");
    let probe = format!("{V2}/oCloudSites?filter=(cont,resourcePools,pool-b)");
    assert_eq!(all.get(&probe).await.expect(200).list().len(), 1);
    assert!(
        scoped.get(&probe).await.expect(200).list().is_empty(),
        "a filter tells nothing of what is hidden"
    );
}

#[tokio::test]
async fn pages_hold_what_may_be_seen_and_markers_of_others_show_no_more() {
    let (gateway, _lab, _far) = gateway().await;
    let (all, scoped) = (gateway.client("all"), gateway.client("lab"));
    let first = format!("{V2}/resourcePools?limit=1");
    let (mut seen, mut next) = (Vec::new(), Some(first));
    let mut of_all = None;
    while let Some(page) = next {
        let answer = scoped.get(&page).await.expect(200);
        seen.push(shown(&answer));
        of_all = of_all.or(all.get(&page).await.expect(200).next());
        next = answer.next();
    }
    assert_eq!(seen, ["pool-a", "pool-b"]);
    let mut next = of_all;
    while let Some(page) = next {
        let answer = scoped.get(&page).await.expect(200);
        assert!(!shown(&answer).contains("pool-c"), "{answer:?}");
        next = all.get(&page).await.expect(200).next();
    }
}

#[tokio::test]
async fn sources_that_may_not_be_seen_are_not_named_and_not_read_anew() {
    let (gateway, _lab, _far) = gateway().await;
    let scoped = gateway.client("lab");
    let names: Vec<Value> = scoped.get("/netweave/v1/sources").await.expect(200).list();
    let names: Vec<&Value> = names.iter().map(|source| &source["name"]).collect();
    assert_eq!(names, [&json!("lab")]);
    scoped.post("/netweave/v1/sources/far/refresh", &json!({})).await.problem(404);
    assert_eq!(gateway.client("all").get("/netweave/v1/sources").await.expect(200).list().len(), 2);
}

#[tokio::test]
async fn a_source_that_may_not_be_seen_keeps_no_answer_away_however_it_fails() {
    let (lab, far) = inventories();
    far.vanish();
    let setup = Setup::memory().file("lab", &lab).file("far", &far);
    let gateway = setup.set("/access", json!({ "rules": rules() })).start().await;
    let (all, scoped) = (gateway.client("all"), gateway.client("lab"));
    let list = format!("{V2}/resourcePools");
    assert_eq!(all.get(&list).await.expect(200).header("x-cache"), "STALE");
    all.get(&format!("{list}/unknown")).await.problem(503);
    let answer = scoped.get(&list).await.expect(200);
    assert!(["HIT", "MISS"].contains(&answer.header("x-cache")), "{answer:?}");
    scoped.get(&format!("{list}/unknown")).await.problem(404);
}
