//! Whom a certificate names, and whose names count.

use netweave_tests::harness::pki::Name;
use netweave_tests::harness::{Client, Gateway, Inventory, Setup};
use serde_json::{Value, json};

async fn gateway(access: Value) -> (Gateway, Inventory) {
    let inventory = Inventory::with_servers(1);
    (Setup::memory().file("lab", &inventory).set("/access", access).start().await, inventory)
}

fn client(gateway: &Gateway, names: &[Name<'_>]) -> Client {
    Client::new(gateway.pki(), Some(&gateway.pki().client_named(names)), gateway.url())
}

#[tokio::test]
async fn the_uri_counts_before_the_dns_name_and_that_before_the_common_name() {
    let (gateway, _inventory) = gateway(json!({ "others": [] })).await;
    for (names, field, name) in [
        (
            vec![Name::Common("cn"), Name::Dns("smo.example.net"), Name::Uri("spiffe://o2/smo")],
            "uri",
            "spiffe://o2/smo",
        ),
        (vec![Name::Common("cn"), Name::Dns("smo.example.net")], "dns", "smo.example.net"),
        (vec![Name::Common("cn")], "commonName", "cn"),
    ] {
        let shown = client(&gateway, &names).get("/netweave/v1/self").await.expect(200).json();
        assert_eq!((shown["field"].as_str(), shown["name"].as_str()), (Some(field), Some(name)));
        assert_eq!(shown["commonName"], "cn");
    }
}

#[tokio::test]
async fn nobody_passes_for_a_uri_by_another_field() {
    let rules = json!([{ "match": "spiffe://o2/*", "roles": ["admin"] }]);
    let (gateway, _inventory) = gateway(json!({ "rules": rules })).await;
    client(&gateway, &[Name::Uri("spiffe://o2/smo")]).get("/netweave/v1/sources").await.expect(200);
    client(&gateway, &[Name::Common("spiffe://o2/smo")]).get("/netweave/v1/self").await.problem(401);
}

#[tokio::test]
async fn spiffe_identities_of_other_trust_domains_are_refused() {
    let (gateway, _inventory) = gateway(json!({ "trustDomains": ["o2"] })).await;
    for (name, status) in [
        (Name::Uri("spiffe://o2/smo"), 200),
        (Name::Uri("spiffe://o2.evil/smo"), 401),
        (Name::Uri("spiffe://evil/o2/smo"), 401),
        (Name::Dns("smo.example.net"), 200),
    ] {
        let answer = client(&gateway, &[name]).get("/netweave/v1/self").await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}
