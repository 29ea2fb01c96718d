use super::*;
use crate::inventory::catalog::Part;
use crate::inventory::fakes::{FakeBackend, World, object, pool};
use netweave_model::port::Change;

fn resource(pool: &str, id: &str) -> netweave_model::Object {
    object(Kind::Resource, Some(pool), id, "r")
}

fn world() -> World {
    World::new(&[("a", &FakeBackend::new(&[Kind::Resource])), ("b", &FakeBackend::new(&[Kind::Resource]))])
}

#[tokio::test]
async fn what_was_committed_before_and_after_the_start_is_in_the_views() {
    let world = world();
    world.commit(0, Kind::Resource, vec![resource("p", "1"), resource("p", "2")]).await;
    let world = world.run();
    world.commit(1, Kind::Resource, vec![resource("q", "7")]).await;
    world.feeds[0]
        .commit(&[Change::Upsert(resource("p", "3")), Change::Delete(resource("p", "1").key)])
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.ids(Kind::Resource, Some("p")), ["2", "3"]);
    assert_eq!(world.ids(Kind::Resource, Some("q")), ["7"]);
    assert_eq!(world.metrics.resources.with_label_values(&["a", "resources"]).get(), 2);
    assert_eq!(world.metrics.follow_lag.get(), 0);
}

#[tokio::test]
async fn a_resource_that_moves_leaves_its_old_pool() {
    let world = world().run();
    world.commit(0, Kind::Resource, vec![resource("p", "1"), resource("p", "2")]).await;
    world.feeds[0].commit(&[Change::Upsert(resource("q", "1"))]).await.unwrap();
    world.settle().await;
    assert_eq!(world.ids(Kind::Resource, Some("p")), ["2"]);
    assert_eq!(world.ids(Kind::Resource, Some("q")), ["1"]);
}

#[tokio::test]
async fn the_version_changes_with_the_objects_and_with_nothing_else() {
    let world = world().run();
    world.commit(0, Kind::Resource, vec![resource("p", "1")]).await;
    world.commit(0, Kind::ResourcePool, vec![pool("p")]).await;
    world.settle().await;
    let versions = || {
        let views = world.desk.catalog.views();
        [Part::Pool("p"), Part::Kinds(&[Kind::ResourcePool])].map(|part| views.version(&part).unwrap())
    };
    let before = versions();
    world.feeds[0].commit(&[Change::Upsert(resource("p", "2")), Change::Heartbeat]).await.unwrap();
    world.settle().await;
    let after = versions();
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1], before[1]);
    world.feeds[0].commit(&[Change::Upsert(resource("p", "2")), Change::Heartbeat]).await.unwrap();
    world.settle().await;
    assert_eq!(versions(), after, "the same again is no change");
    world.commit(0, Kind::Resource, vec![resource("p", "1")]).await;
    world.settle().await;
    assert_eq!(versions(), before, "what was there before has the version that it had");
}

#[tokio::test]
async fn a_second_process_over_the_same_store_sees_the_same_at_the_same_version() {
    let first = world().run();
    for round in 0..5 {
        first.commit(0, Kind::Resource, vec![resource("p", "1"), resource("p", &format!("x{round}"))]).await;
        first.commit(1, Kind::ResourcePool, vec![pool(&format!("p{round}"))]).await;
    }
    let backend = FakeBackend::new(&[]);
    let second = first.again(&[("a", &backend), ("b", &backend)]).run();
    first.commit(1, Kind::Resource, vec![resource("z", "9")]).await;
    first.settle().await;
    second.settle().await;
    assert_eq!(first.ids(Kind::Resource, Some("p")), second.ids(Kind::Resource, Some("p")));
    assert_eq!(first.ids(Kind::Resource, Some("z")), second.ids(Kind::Resource, Some("z")));
    let version = |world: &World| {
        let views = world.desk.catalog.views();
        let view = views.view(&SourceName::from("a"), Kind::Resource).unwrap();
        view.version_of_members(Some("p")).unwrap()
    };
    assert_eq!(version(&first), version(&second));
}

#[tokio::test]
async fn a_trimmed_past_starts_over_from_the_rows() {
    let world = world();
    let catalog = Arc::clone(&world.desk.catalog);
    world.commit(0, Kind::Resource, vec![resource("p", "0")]).await;
    let follow = Follow::new(
        Arc::clone(&world.desk.log),
        Arc::clone(&catalog),
        Arc::clone(&world.desk.sources),
        Arc::clone(&world.metrics),
        vec![SourceName::from("a")],
    );
    follow.state.lock().await.draft = Some(Views::new([SourceName::from("a")]));
    for id in 1..5 {
        world.feeds[0].commit(&[Change::Upsert(resource("p", &id.to_string()))]).await.unwrap();
    }
    let head = world.desk.log.head().await.unwrap();
    world.clock.forward(Duration::from_hours(1));
    assert!(world.desk.log.trim(head, Duration::from_mins(10)).await.unwrap() > 0);
    follow.activate().await.unwrap();
    assert!(follow.state.lock().await.draft.is_none(), "the past is gone");
    tokio::select! {
        result = async { loop { follow.activate().await?; } } => { let result: Result<()> = result; result.unwrap() }
        () = catalog.until(|views| views.position >= head) => {}
    }
    assert_eq!(world.ids(Kind::Resource, Some("p")), ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_source_that_confirms_is_heard_of() {
    let world = world().run();
    world.settle().await;
    let backend = FakeBackend::new(&[]);
    let other = world.again(&[("a", &backend), ("b", &backend)]).run();
    other.settle().await;
    world.commit(0, Kind::Resource, vec![]).await;
    let name = SourceName::from("a");
    other.eventually(|| other.desk.sources.state(&name).unwrap().seen_at.is_some()).await;
    assert!(other.desk.sources.state(&name).unwrap().kinds.get(Kind::Location).is_some());
}
