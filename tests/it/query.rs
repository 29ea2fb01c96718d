//! The query language over HTTP: operators, selectors, pages. Its rules in full are tested where it is built.

use netweave_tests::harness::client::{Client, V1, V2};
use netweave_tests::harness::{Gateway, Inventory, Setup, soon};
use serde_json::Value;
use std::collections::BTreeSet;

/// Filters over the servers of pool A (even numbers, 0 to 10) and the numbers that they let through.
const FILTERS: &[(&str, &[usize])] = &[
    ("(eq,resourceId,server-04)", &[4]),
    ("(neq,resourceId,server-04)", &[0, 2, 6, 8, 10]),
    ("(in,resourceId,server-00,server-08,server-99)", &[0, 8]),
    ("(nin,resourceId,server-00,server-08)", &[2, 4, 6, 10]),
    ("(gt,extensions/cores,22)", &[8, 10]),
    ("(gte,extensions/cores,22)", &[6, 8, 10]),
    ("(lt,extensions/cores,20)", &[0, 2]),
    ("(lte,extensions/cores,20)", &[0, 2, 4]),
    ("(cont,description,er 1,er 8)", &[8, 10]),
    ("(ncont,description,er 1,er 8)", &[0, 2, 4, 6]),
    ("(eq,tags,rack-2)", &[2, 6, 10]),
    ("(eq,globalAssetId,asset/6)", &[6]),
    ("(eq,extensions/labels/example.com~1role,edge)", &[0, 10]),
    ("(gt,extensions/installed,2026-01-05T02:00:00%2B02:00)", &[6, 8, 10]),
    ("(eq,resourceTypeId,accelerated);(gt,extensions/cores,16)", &[6]),
    ("(eq,resourceTypeId,accelerated)%3B(gt,extensions/cores,16)", &[6]),
    ("(eq,resourceTypeId,accelerated)&filter=(gt,extensions/cores,16)", &[6]),
    ("(eq,description,'server 2')", &[2]),
    ("(eq,extensions/labels/@key,example.com~1role)", &[]),
    ("(eq,resourceId,none)", &[]),
];

async fn gateway(servers: usize) -> (Gateway, Client, Inventory) {
    let inventory = Inventory::with_servers(servers);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    (gateway, client, inventory)
}

fn ids(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(|object| object["resourceId"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn every_operator_selects_what_it_says() {
    let (_gateway, client, _inventory) = gateway(12).await;
    for (filter, numbers) in FILTERS {
        let list = client
            .get(&format!("{V2}/resourcePools/pool-a/resources?filter={filter}"))
            .await
            .expect(200)
            .list();
        let expected: Vec<String> = numbers.iter().map(|number| format!("server-{number:02}")).collect();
        assert_eq!(ids(&list), expected, "{filter}");
    }
}

#[tokio::test]
async fn a_bad_query_is_400_and_says_where() {
    let (_gateway, client, _inventory) = gateway(1).await;
    for query in [
        "filter=(eq,resourceId",
        "filter=(like,resourceId,x)",
        "filter=(eq,noSuchAttribute,x)",
        "filter=(eq,resourceId,a,b)",
        "fields=noSuchAttribute",
        "limit=0",
        "limit=1001",
        "limit=many",
        "nextpage_opaque_marker=nonsense",
        "nextpage_opaque_marker=9999",
        "unknown=1",
    ] {
        let problem = client.get(&format!("{V2}/resourcePools/pool-a/resources?{query}")).await.problem(400);
        // An unknown name is raw input and does not come back: the whole query is named.
        let name = query.split('=').next().filter(|name| *name != "unknown").unwrap_or("query");
        let parameters = problem["invalidParams"].as_array().cloned().unwrap_or_default();
        assert!(parameters.iter().any(|parameter| parameter["name"] == name), "{query}: {problem}");
        assert!(!problem.to_string().contains("noSuchAttribute"), "raw input comes back: {problem}");
    }
}

#[tokio::test]
async fn selectors_keep_mandatory_attributes_and_cut_the_rest() {
    let (_gateway, client, _inventory) = gateway(1).await;
    let path = format!("{V2}/resourcePools/pool-a/resources/server-00");
    let attributes = async |query: &str| -> BTreeSet<String> {
        let object = client.get(&format!("{path}?{query}")).await.expect(200).json();
        object.as_object().expect("an object").keys().cloned().collect()
    };
    let all = attributes("all_fields").await;
    assert!(all.contains("extensions") && all.contains("tags"), "{all:?}");
    let some = attributes("fields=extensions").await;
    assert!(some.contains("extensions") && some.contains("resourceId") && !some.contains("tags"), "{some:?}");
    let less = attributes("exclude_fields=extensions").await;
    assert!(!less.contains("extensions") && less.contains("tags") && less.contains("resourceId"), "{less:?}");
}

#[tokio::test]
async fn pages_follow_each_other_and_keep_the_query() {
    let (_gateway, client, _inventory) = gateway(50).await;
    let path = format!("{V2}/resourcePools/pool-a/resources?limit=10&filter=(gte,extensions/cores,20)");
    let first = client.get(&path).await.expect(200);
    assert_eq!(first.list().len(), 10);
    assert!(
        first.next().is_some_and(|next| next.contains("filter=") && next.contains("limit=10")),
        "{first:?}"
    );
    let all = client.all(&path).await;
    let expected: Vec<String> = (4..50).step_by(2).map(|number| format!("server-{number:02}")).collect();
    assert_eq!(ids(&all), expected);
}

#[tokio::test]
async fn a_marker_of_digits_is_a_page_number_of_thirty_in_v1() {
    let (_gateway, client, _inventory) = gateway(80).await;
    let page = async |number: usize| {
        client.get(&format!("{V1}/resourcePools/pool-a/resources?nextpage_opaque_marker={number}")).await
    };
    assert_eq!(page(1).await.expect(200).list().len(), 30);
    let second = page(2).await.expect(200);
    assert_eq!(
        ids(&second.list()),
        (60..80).step_by(2).map(|number| format!("server-{number:02}")).collect::<Vec<_>>()
    );
    assert!(second.next().is_none());
    page(3).await.problem(400);
}

#[tokio::test]
async fn pages_stay_right_while_objects_come_and_go() {
    let (_gateway, client, mut inventory) = gateway(60).await;
    let path = format!("{V2}/resourcePools/pool-a/resources?limit=7");
    let mut seen: Vec<String> = Vec::new();
    let mut next = Some(path.clone());
    let mut step = 0;
    while let Some(page) = next {
        let answer = client.get(&page).await.expect(200);
        seen.extend(ids(&answer.list()).into_iter().map(str::to_owned));
        next = answer.next();
        // One comes before everything that was read, one goes that was read, and both are visible before the next page.
        let (comes, goes) = (format!("server-0{step}-new"), format!("server-{:02}", 2 * step));
        inventory.add(&comes, "pool-a");
        inventory.remove(&goes);
        soon("the change is served", async || {
            let base = format!("{V2}/resourcePools/pool-a/resources");
            client.get(&format!("{base}/{comes}")).await.status == 200
                && client.get(&format!("{base}/{goes}")).await.status == 404
        })
        .await;
        step += 1;
    }
    let unique: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len(), "an object came twice: {seen:?}");
    for number in (2 * step..60).step_by(2) {
        assert!(
            unique.contains(&format!("server-{number:02}")),
            "server {number} was there throughout: {seen:?}"
        );
    }
}
