//! Every operation that reads, in both majors and both spellings of the API's name.

use netweave_tests::harness::client::{Client, V1, V2};
use netweave_tests::harness::{Gateway, Inventory, Setup};
use serde_json::{Value, json};

/// Collections and an object of each, with the majors that have them.
const COLLECTIONS: &[(&str, &str, &[&str])] = &[
    ("resourceTypes", "plain", &["v1", "v2"]),
    ("resourcePools", "pool-a", &["v1", "v2"]),
    ("resourcePools/pool-a/resources", "server-00", &["v1", "v2"]),
    ("deploymentManagers", "dms-1", &["v1", "v2"]),
    ("alarmDictionaries", "server-alarms", &["v1", "v2"]),
    ("performanceDictionaries", "server-figures", &["v1", "v2"]),
    ("locations", "north", &["v2"]),
    ("oCloudSites", "site-a", &["v2"]),
];

const SPELLINGS: [&str; 2] = ["o2ims-infrastructureInventory", "O2ims_infrastructureInventory"];

async fn gateway() -> (Gateway, Client, Inventory) {
    let inventory = Inventory::with_servers(4);
    let gateway = Setup::memory().file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    (gateway, client, inventory)
}

#[tokio::test]
async fn every_collection_is_a_bare_array_in_both_majors_and_spellings() {
    let (_gateway, client, _inventory) = gateway().await;
    for (collection, id, majors) in COLLECTIONS {
        for (spelling, major, slash) in ways(majors) {
            let answer = client.get(&format!("/{spelling}/{major}/{collection}{slash}")).await.expect(200);
            assert_eq!(answer.header("content-type"), "application/json");
            assert!(answer.list().iter().any(|object| named(object, id)), "{collection} lacks {id}");
        }
    }
}

#[tokio::test]
async fn every_object_is_served_in_both_majors_and_spellings() {
    let (_gateway, client, _inventory) = gateway().await;
    for (collection, id, majors) in COLLECTIONS {
        for (spelling, major, slash) in ways(majors) {
            let answer =
                client.get(&format!("/{spelling}/{major}/{collection}/{id}{slash}")).await.expect(200);
            assert!(named(&answer.json(), id), "{collection}/{id}: {}", answer.json());
        }
    }
}

#[tokio::test]
async fn places_do_not_exist_in_v1() {
    let (_gateway, client, _inventory) = gateway().await;
    for collection in ["locations", "oCloudSites"] {
        client.get(&format!("{V1}/{collection}")).await.problem(404);
    }
}

#[tokio::test]
async fn the_dictionaries_of_a_type_are_the_ones_it_names() {
    let (_gateway, client, _inventory) = gateway().await;
    let pairs = [
        ("alarmDictionary", "alarmDictionaries/server-alarms"),
        ("performanceDictionary", "performanceDictionaries/server-figures"),
    ];
    for (below, collection) in pairs {
        for base in [V1, V2] {
            let of_type = client.get(&format!("{base}/resourceTypes/plain/{below}")).await.expect(200).json();
            assert_eq!(of_type, client.get(&format!("{base}/{collection}")).await.expect(200).json());
            client.get(&format!("{base}/resourceTypes/accelerated/{below}")).await.problem(404);
            client.get(&format!("{base}/resourceTypes/unknown/{below}")).await.problem(404);
        }
    }
}

#[tokio::test]
async fn the_root_describes_the_cloud_with_and_without_trailing_slash() {
    let (_gateway, client, _inventory) = gateway().await;
    for (spelling, major, slash) in ways(&["v1", "v2"]) {
        let cloud = client.get(&format!("/{spelling}/{major}{slash}")).await.expect(200).json();
        assert_eq!(cloud["oCloudId"], "cloud-1");
        assert_eq!(cloud["globalCloudId"], "global-1");
        assert_eq!(cloud["name"], "Test cloud");
        assert_eq!(cloud["description"], "A cloud of the tests");
        assert!(cloud["serviceUri"].is_string() && cloud["extensions"].is_object(), "{cloud}");
    }
}

#[tokio::test]
async fn field_compatibility_adds_the_old_name_of_the_global_id_in_v1_alone() {
    let inventory = Inventory::with_servers(1);
    let gateway =
        Setup::memory().file("lab", &inventory).set("/api/compatibility", json!("field")).start().await;
    let client = gateway.client("smo");
    assert_eq!(client.get(V1).await.expect(200).json()["globalcloudId"], "global-1");
    assert!(client.get(V2).await.expect(200).json().get("globalcloudId").is_none());
}

#[tokio::test]
async fn versions_are_told_per_major_and_together() {
    let (_gateway, client, _inventory) = gateway().await;
    for spelling in SPELLINGS {
        for (major, version) in [("v1", "1."), ("v2", "2.")] {
            let told = client.get(&format!("/{spelling}/{major}/api_versions")).await.expect(200).json();
            let versions = told["apiVersions"].as_array().expect("versions");
            assert!(
                versions
                    .iter()
                    .all(|one| one["version"].as_str().is_some_and(|text| text.starts_with(version))),
                "{told}"
            );
            assert!(told["uriPrefix"].is_string(), "{told}");
        }
        let told = client.get(&format!("/{spelling}/api_versions")).await.expect(200).json();
        assert!(told["apiVersions"].as_array().is_some_and(|versions| versions.len() >= 2), "{told}");
    }
}

#[tokio::test]
async fn a_resource_has_the_shape_of_the_specification() {
    let (_gateway, client, _inventory) = gateway().await;
    for base in [V1, V2] {
        let resource =
            client.get(&format!("{base}/resourcePools/pool-a/resources/server-02")).await.expect(200).json();
        let expected = json!({
            "resourceId": "server-02",
            "resourcePoolId": "pool-a",
            "resourceTypeId": "plain",
            "globalAssetId": "asset/2",
            "description": "server 2",
            "elements": [],
            "tags": ["rack-2", "server"],
            "groups": [],
            "extensions": {
                "nativeId": "server-02",
                "cores": 18,
                "installed": "2026-01-03T00:00:00Z",
                "labels": { "example.com/role": "core" },
            },
        });
        assert_eq!(resource, expected);
    }
}

#[tokio::test]
async fn a_pool_carries_old_and_new_places_in_both_majors() {
    let (_gateway, client, _inventory) = gateway().await;
    for base in [V1, V2] {
        let pool = client.get(&format!("{base}/resourcePools/pool-b")).await.expect(200).json();
        for (attribute, value) in [
            ("resourcePoolId", "pool-b"),
            ("oCloudId", "cloud-1"),
            ("globalLocationId", "north"),
            ("oCloudSiteId", "site-b"),
            ("name", "Pool B"),
            ("description", "The second pool"),
        ] {
            assert_eq!(pool[attribute], value, "{pool}");
        }
    }
}

#[tokio::test]
async fn places_name_what_they_hold() {
    let (_gateway, client, _inventory) = gateway().await;
    let location = client.get(&format!("{V2}/locations/north")).await.expect(200).json();
    assert_eq!(location["oCloudSiteIds"], json!(["site-a", "site-b"]));
    assert_eq!(location["coordinate"], json!({ "type": "Point", "coordinates": [13.4, 52.5] }));
    let site = client.get(&format!("{V2}/oCloudSites/site-a")).await.expect(200).json();
    assert_eq!(site["resourcePools"], json!(["pool-a"]));
}

#[tokio::test]
async fn lists_are_in_the_order_of_ids_and_a_pool_holds_its_own() {
    let (_gateway, client, _inventory) = gateway().await;
    for (pool, servers) in [("pool-a", ["server-00", "server-02"]), ("pool-b", ["server-01", "server-03"])] {
        let list = client.get(&format!("{V2}/resourcePools/{pool}/resources")).await.expect(200).list();
        let ids: Vec<&Value> = list.iter().map(|resource| &resource["resourceId"]).collect();
        assert_eq!(ids, servers);
        client.get(&format!("{V2}/resourcePools/{pool}/resources/server-09")).await.problem(404);
    }
    client.get(&format!("{V2}/resourcePools/pool-b/resources/server-00")).await.problem(404);
}

#[tokio::test]
async fn two_sources_are_one_inventory() {
    let (first, mut second) = (Inventory::with_servers(2), Inventory::with_servers(0));
    second.edit(|document| {
        let text = document
            .to_string()
            .replace("pool-", "far-")
            .replace("site-", "far-site-")
            .replace("north", "south");
        let text =
            text.replace("plain", "far-plain").replace("accelerated", "far-fast").replace("dms-1", "dms-2");
        let text = text.replace("server-alarms", "far-alarms").replace("server-figures", "far-figures");
        *document = serde_json::from_str(&text).expect("a document");
    });
    let gateway = Setup::memory().file("lab", &first).file("far", &second).start().await;
    let pools = gateway.client("smo").get(&format!("{V2}/resourcePools")).await.expect(200).list();
    let ids: Vec<&Value> = pools.iter().map(|pool| &pool["resourcePoolId"]).collect();
    assert_eq!(ids, ["far-a", "far-b", "pool-a", "pool-b"]);
}

#[tokio::test]
async fn the_openapi_document_names_every_collection() {
    let (_gateway, client, _inventory) = gateway().await;
    let document = client.get("/openapi.json").await.expect(200).json();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{document}");
    let paths = document["paths"].as_object().expect("paths");
    for (collection, _, _) in COLLECTIONS {
        let last = collection.rsplit('/').next().unwrap_or_default();
        assert!(
            paths.keys().any(|path| path.trim_end_matches('/').ends_with(last)),
            "no path for {collection}"
        );
    }
}

/// All spellings of a path's frame for the majors: API name, major, trailing slash.
fn ways<'a>(majors: &'a [&'a str]) -> impl Iterator<Item = (&'static str, &'a str, &'static str)> {
    let frames = majors.iter().flat_map(|major| SPELLINGS.map(|spelling| (spelling, *major)));
    frames.flat_map(|(spelling, major)| ["", "/"].map(|slash| (spelling, major, slash)))
}

fn named(object: &Value, id: &str) -> bool {
    object
        .as_object()
        .is_some_and(|object| object.iter().any(|(name, value)| name.ends_with("Id") && value == id))
}
