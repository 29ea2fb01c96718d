//! Four infrastructures behind one gateway, each broken in turn in another way: the others do not notice.

mod scene;
mod throttled;

use netweave_tests::harness::{Fault, until};
use scene::{NAMES, PATIENCE, Scene, is_well, objects};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_is_broken_does_not_touch_the_others() {
    let Some(mut scene) = Scene::new(|setup| setup).await else { return };
    let (before, callbacks) = scene.subscribed().await;
    let ways = [
        ("cut", Fault::Cut),
        ("503", Fault::answer(503, "busy")),
        ("403", Fault::answer(403, "no")),
        ("garbage", Fault::Garbage),
    ];
    for (n, (way, fault)) in ways.into_iter().enumerate() {
        let broken = NAMES[n % NAMES.len()];
        scene.wires[n % NAMES.len()].all(fault);
        let during = scene.when(way, |all| !all[broken]["failure"].is_null()).await;
        assert_eq!(objects(&during), objects(&before), "{broken} {way}: what is known stays");
        let others = during.iter().filter(|(name, _)| *name != broken);
        assert!(others.clone().all(|(_, source)| is_well(source)), "{broken} {way}: {during:#?}");
        let verbose = scene.gateway.ops("/readyz?verbose").await.expect(200);
        assert!(String::from_utf8_lossy(&verbose.body).contains(broken), "{broken} {way}: {verbose:?}");

        scene.inventory.describe("server-00", way);
        let told = |body: &Value| body["postObjectState"]["description"] == way;
        until(PATIENCE, "a change of another source", async || {
            callbacks.received("/smo").iter().any(told).then_some(())
        })
        .await;
        scene.wires[n % NAMES.len()].pass();
        scene.when("all to be well again", |all| all.values().all(is_well)).await;
    }
    let deleted = |body: &&Value| body["notificationEventType"] == 2;
    assert_eq!(callbacks.received("/smo").iter().find(deleted), None, "nothing was deleted");
}
