//! Entity tags: a reader is told that nothing has changed, a writer that something has.

use http::Method;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Inventory, Setup, soon};
use serde_json::json;

#[tokio::test]
async fn an_unchanged_object_or_list_is_304_and_a_changed_one_is_sent() {
    let mut inventory = Inventory::with_servers(4);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let object = format!("{V2}/resourcePools/pool-a/resources/server-00");
    let list = format!("{V2}/resourcePools/pool-a/resources");
    let mut tags = Vec::new();
    for path in [&object, &list, &format!("{V2}/resourceTypes"), &V2.to_owned()] {
        let tag = client.get(path).await.expect(200).header("etag").to_owned();
        assert!(
            tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10,
            "{path}: {tag:?} is no strong tag"
        );
        for known in [&tag, &format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
            let answer = client.get_with(path, &[("if-none-match", known)]).await.expect(304);
            assert!(answer.body.is_empty() && answer.header("etag") == tag, "{path}, {known}: {answer:?}");
        }
        client.get_with(path, &[("if-none-match", "\"other\"")]).await.expect(200);
        tags.push(tag);
    }
    inventory.describe("server-00", "changed");
    for (path, tag) in [&object, &list].into_iter().zip(&tags) {
        soon("the change has another tag", async || {
            let answer = client.get_with(path, &[("if-none-match", tag)]).await;
            answer.status == 200 && answer.header("etag") != tag
        })
        .await;
    }
    // What did not change is still known by its tag.
    let types = format!("{V2}/resourceTypes");
    client.get_with(&types, &[("if-none-match", &tags[2])]).await.expect(304);
}

#[tokio::test]
async fn a_second_read_is_a_cache_hit_with_the_same_tag_and_bytes() {
    let inventory = Inventory::with_servers(4);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let path = format!("{V2}/resourcePools/pool-b/resources?filter=(eq,resourceId,server-01)");
    let first = client.get(&path).await.expect(200);
    let second = client.get(&path).await.expect(200);
    assert_eq!(first.header("x-cache"), "MISS");
    assert_eq!(second.header("x-cache"), "HIT");
    assert_eq!((first.body, first.headers.get("etag")), (second.body, second.headers.get("etag")));
    assert!(second.headers.contains_key("cache-control"));
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let path = format!("{V2}/resourceTypes");
    let get = client.get(&path).await.expect(200);
    let head = client.send(Method::HEAD, &path, &[], "").await.expect(200);
    assert!(head.body.is_empty());
    assert_eq!(head.headers.get("etag"), get.headers.get("etag"));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
}

#[tokio::test]
async fn a_write_with_an_old_tag_is_412() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let body = json!({ "callback": "http://127.0.0.1:9/inbox" });
    let created = client.post(&format!("{V2}/subscriptions"), &body).await.expect(201);
    let id = created.json()["subscriptionId"].as_str().expect("an id").to_owned();
    let path = format!("{V2}/subscriptions/{id}");
    let tag = client.get(&path).await.expect(200).header("etag").to_owned();
    let own = format!("/netweave/v1/subscriptions/{id}");
    let replaced = json!({ "callback": "http://127.0.0.1:9/inbox", "consumerSubscriptionId": "two" });
    let json_type = ("content-type", "application/json");
    client
        .send(Method::PUT, &own, &[("if-match", "\"other\""), json_type], &replaced.to_string())
        .await
        .problem(412);
    client.send(Method::PUT, &own, &[("if-match", &tag), json_type], &replaced.to_string()).await.expect(200);
    client.send(Method::DELETE, &path, &[("if-match", &tag)], "").await.problem(412);
    let tag = client.get(&path).await.expect(200).header("etag").to_owned();
    client.send(Method::DELETE, &path, &[("if-match", &tag)], "").await.expect(204);
    client.get(&path).await.problem(404);
}
