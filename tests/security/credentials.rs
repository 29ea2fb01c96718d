//! Credentials of deployment managers: for deployers alone, whatever way somebody else tries.

use netweave_tests::harness::client::{V1, V2};
use netweave_tests::harness::{Callbacks, Client, Gateway, Inventory, Setup, soon};
use serde_json::{Value, json};

/// What nobody but a deployer may ever get.
const SECRET: &str = "hunter2-of-the-cluster";

async fn scene() -> (Gateway, Inventory) {
    let mut inventory = Inventory::with_servers(1);
    inventory.edit(|document| {
        document["deploymentManagers"][0]["extensions"] =
            json!({ "profileData": { "admin_user": "root", "admin_password": SECRET }, "kubeconfig": { "token": SECRET } });
    });
    let rules = json!([
        { "match": "spiffe://test/admin", "roles": ["admin"] },
        { "match": "spiffe://test/dms", "client": "dms" },
    ]);
    let setup = Setup::embedded().file("lab", &inventory).set("/access", json!({ "rules": rules }));
    (setup.start().await, inventory)
}

async fn text(client: &Client, path: &str) -> String {
    String::from_utf8(client.get(path).await.expect(200).body.to_vec()).expect("text")
}

#[tokio::test]
async fn only_deployers_read_them_whoever_filled_the_cache_before() {
    let (gateway, _inventory) = scene().await;
    let (dms, others) = (gateway.client("dms"), [gateway.client("admin"), gateway.client("smo")]);
    for base in [V1, V2] {
        for path in ["deploymentManagers", "deploymentManagers/dms-1", "deploymentManagers?fields=extensions"]
        {
            let path = format!("{base}/{path}");
            for _ in 0..2 {
                assert!(text(&dms, &path).await.contains(SECRET), "{path}");
                for other in &others {
                    let shown = text(other, &path).await;
                    assert!(
                        !shown.contains(SECRET) && shown.contains("***") && shown.contains("root"),
                        "{shown}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_filter_does_not_tell_them_to_who_may_not_read_them() {
    let (gateway, _inventory) = scene().await;
    let path = format!("{V2}/deploymentManagers?filter=(eq,extensions/profileData/admin_password,{SECRET})");
    assert_eq!(gateway.client("dms").get(&path).await.expect(200).list().len(), 1);
    assert!(gateway.client("admin").get(&path).await.expect(200).list().is_empty());
}

#[tokio::test]
async fn notifications_do_not_tell_them() {
    let (gateway, mut inventory) = scene().await;
    let (client, callbacks) = (gateway.client("smo"), Callbacks::start().await);
    client.get(&format!("{V2}/deploymentManagers")).await.expect(200);
    client.post(&format!("{V2}/subscriptions"), &json!({ "callback": callbacks.url("/") })).await.expect(201);
    inventory.edit(|document| {
        document["deploymentManagers"][0]["extensions"]["profileData"]["admin_password"] = "another".into();
    });
    inventory.edit(|document| document["deploymentManagers"][0]["description"] = "changed".into());
    let told = || callbacks.received("/");
    soon("the visible change is told", async || !told().is_empty()).await;
    let told: Vec<Value> = told();
    assert_eq!(told.len(), 1, "what is hidden changes nothing: {told:?}");
    let text = told[0].to_string();
    assert!(text.contains("changed") && text.contains("***"), "{text}");
    assert!(!text.contains(SECRET) && !text.contains("another"), "{text}");
}
