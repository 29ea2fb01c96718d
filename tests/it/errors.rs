//! Every refusal is a problem document with the status of the specification.

use http::Method;
use netweave_tests::harness::client::{V1, V2};
use netweave_tests::harness::{Inventory, Setup};
use serde_json::json;

#[tokio::test]
async fn unknown_paths_and_objects_are_404() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    for path in [
        "/",
        "/o2ims",
        "/o2ims-infrastructureInventory/v3/resourceTypes",
        "/o2ims-infrastructureInventory/v2/unknown",
        "/o2ims-infrastructureInventory/v2/resourceTypes/unknown",
        "/o2ims-infrastructureInventory/v2/resourcePools/unknown/resources",
        "/o2ims-infrastructureInventory/v2/resourceTypes/plain/unknown",
        "/o2ims-infrastructureInventory/v2/subscriptions/unknown",
        "/netweave/v1/unknown",
    ] {
        client.get(path).await.problem(404);
    }
}

#[tokio::test]
async fn a_hidden_major_does_not_exist() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).set("/api/majors", json!(["v1"])).start().await;
    let client = gateway.client("smo");
    client.get(&format!("{V1}/resourceTypes")).await.expect(200);
    client.get(&format!("{V2}/resourceTypes")).await.problem(404);
    let told = client.get("/o2ims-infrastructureInventory/api_versions").await.expect(200).json().to_string();
    assert!(!told.contains("\"2."), "{told}");
}

#[tokio::test]
async fn undeclared_methods_are_405_and_name_the_declared() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let reads = [
        "resourceTypes",
        "resourcePools",
        "resourcePools/pool-a/resources",
        "deploymentManagers",
        "resourceTypes/plain",
    ];
    for path in reads {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let answer = client.send(method.clone(), &format!("{V2}/{path}"), &[], "").await;
            answer.problem(405);
            assert!(answer.header("allow").contains("GET"), "{method} {path}: {answer:?}");
            assert!(!answer.header("allow").contains(method.as_str()), "{method} {path}: {answer:?}");
        }
    }
    let answer = client.send(Method::PUT, &format!("{V2}/subscriptions"), &[], "").await;
    answer.problem(405);
    assert!(answer.header("allow").contains("GET") && answer.header("allow").contains("POST"), "{answer:?}");
}

#[tokio::test]
async fn a_caller_without_certificate_is_401_but_may_ask_for_health() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let nobody = gateway.nobody();
    for path in [&format!("{V2}/resourceTypes"), V2, "/netweave/v1/self", "/unknown"] {
        let answer = nobody.get(path).await;
        assert!(answer.status == 401 || path == "/unknown" && answer.status == 404, "{path}: {answer:?}");
        answer.problem(answer.status);
    }
    for path in ["/healthz", "/livez", "/readyz"] {
        nobody.get(path).await.expect(200);
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_gets_no_answer() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let stranger = netweave_tests::harness::Pki::new().client("smo");
    let client = netweave_tests::harness::Client::new(gateway.pki(), Some(&stranger), gateway.url());
    assert!(client.ask(Method::GET, V2, &[], "").await.is_err());
}

#[tokio::test]
async fn what_cannot_be_negotiated_is_406_or_415() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let types = format!("{V2}/resourceTypes");
    client.get_with(&types, &[("accept", "application/xml")]).await.problem(406);
    client.get_with(&types, &[("accept", "application/json;q=0, text/html")]).await.problem(406);
    client.get_with(&types, &[("version", "99.0.0")]).await.problem(406);
    for good in ["application/json", "*/*", "application/*;q=0.5", "text/html, application/json"] {
        client.get_with(&types, &[("accept", good)]).await.expect(200);
    }
    let body = json!({ "callback": "http://127.0.0.1:9/" }).to_string();
    let subscriptions = format!("{V2}/subscriptions");
    client.send(Method::POST, &subscriptions, &[("content-type", "text/plain")], &body).await.problem(415);
    client.send(Method::POST, &subscriptions, &[], &body).await.problem(415);
    let with_charset = [("content-type", "application/json; charset=utf-8")];
    client.send(Method::POST, &subscriptions, &with_charset, &body).await.expect(201);
}

#[tokio::test]
async fn bodies_and_targets_beyond_their_bound_are_413_and_414() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).set("/limits/body", json!("4KiB")).start().await;
    let client = gateway.client("smo");
    let long = json!({ "callback": format!("http://127.0.0.1:9/{}", "x".repeat(5000)) });
    client.post(&format!("{V2}/subscriptions"), &long).await.problem(413);
    let answer = client.get(&format!("{V2}/resourceTypes?filter=(eq,name,{})", "x".repeat(9000))).await;
    assert!(answer.status == 414 || answer.status == 431, "{answer:?}");
    answer.problem(answer.status);
}

#[tokio::test]
async fn a_body_that_is_no_json_or_no_subscription_is_400() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let json_type = [("content-type", "application/json")];
    for body in [
        "{",
        "<xml/>",
        "[]",
        "{}",
        "null",
        r#"{"callback":1}"#,
        r#"{"callback":"not a url"}"#,
        r#"{"callback":"ftp://127.0.0.1/"}"#,
    ] {
        client.send(Method::POST, &format!("{V2}/subscriptions"), &json_type, body).await.problem(400);
    }
    let bad_filter = json!({ "callback": "http://127.0.0.1:9/", "filter": "(like,resourceId,x)" });
    let problem = client.post(&format!("{V2}/subscriptions"), &bad_filter).await.problem(400);
    assert!(problem["invalidParams"].to_string().contains("/filter"), "{problem}");
}

#[tokio::test]
async fn one_identity_beyond_its_rate_is_429_and_another_is_served() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory()
        .file("lab", &inventory)
        .set("/limits/perIdentity", json!({ "rate": 1, "burst": 5 }))
        .start()
        .await;
    let (greedy, modest) = (gateway.client("greedy"), gateway.client("modest"));
    let path = format!("{V2}/resourceTypes");
    let mut refused = None;
    for _ in 0..20 {
        let answer = greedy.get(&path).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("20 requests are more than 5 and one per second");
    refused.problem(429);
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1), "{refused:?}");
    modest.get(&path).await.expect(200);
}

#[tokio::test]
async fn a_request_id_comes_back_and_a_bad_one_is_replaced() {
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let answer = client.get_with("/unknown", &[("x-request-id", "from-the-smo")]).await;
    assert_eq!(answer.problem(404)["requestId"], "from-the-smo");
    let long = "x".repeat(65);
    let answer = client.get_with("/unknown", &[("x-request-id", &long)]).await;
    assert_ne!(answer.problem(404)["requestId"], long);
}
