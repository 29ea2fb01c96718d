use super::*;
use crate::inventory::fakes::{FakeBackend, World, pool};

const POOLS: Kind = Kind::ResourcePool;

fn pools(ids: std::ops::Range<u32>) -> Vec<Object> {
    ids.map(|id| pool(&format!("{id:03}"))).collect()
}

/// A world in which `count` pools are known.
async fn known(count: u32) -> World {
    let world = World::new(&[("a", &FakeBackend::new(&[POOLS]))]).run();
    world.commit(0, POOLS, pools(0..count)).await;
    world.settle().await;
    world
}

async fn count(world: &World) -> usize {
    world.settle().await;
    world.ids(POOLS, None).len()
}

#[tokio::test]
async fn a_list_that_lacks_little_takes_effect_at_once() {
    let world = known(20).await;
    assert_eq!(world.feeds[0].commit_list(POOLS, pools(6..20), None).await.unwrap(), Listed::Committed);
    assert_eq!(count(&world).await, 14);
}

#[tokio::test]
async fn a_list_that_lacks_much_deletes_nothing_before_a_second_one_confirms() {
    let world = known(20).await;
    let feed = &world.feeds[0];
    assert_eq!(feed.commit_list(POOLS, pools(13..22), None).await.unwrap(), Listed::Held);
    assert_eq!(count(&world).await, 22, "what is new is there, nothing is gone");
    assert_eq!(feed.held().await, [(POOLS, world.desk.clock.now().plus(CONFIRM_AFTER))]);
    let begun = feed.begin(POOLS).await;
    assert_eq!(feed.commit_list(POOLS, pools(13..22), Some(begun)).await.unwrap(), Listed::Committed);
    assert_eq!(count(&world).await, 9);
    assert!(feed.held().await.is_empty());
}

#[tokio::test]
async fn what_a_second_list_has_again_stays() {
    let world = known(20).await;
    let feed = &world.feeds[0];
    feed.commit_list(POOLS, pools(0..2), None).await.unwrap();
    feed.commit(&[Change::Upsert(pool("010"))]).await.unwrap();
    let begun = feed.begin(POOLS).await;
    feed.commit_list(POOLS, pools(0..6), Some(begun)).await.unwrap();
    assert_eq!(
        count(&world).await,
        7,
        "two that the first list had, four of the second, one named by the stream"
    );
}

#[tokio::test]
async fn a_second_list_of_the_stream_is_taken_as_it_is_if_it_lacks_the_same() {
    let world = known(20).await;
    let feed = &world.feeds[0];
    feed.commit_list(POOLS, pools(0..2), None).await.unwrap();
    assert_eq!(feed.commit_list(POOLS, pools(0..3), None).await.unwrap(), Listed::Committed);
    assert_eq!(count(&world).await, 3);
}

#[tokio::test]
async fn a_second_list_that_lacks_much_else_is_held_again() {
    let world = known(20).await;
    let feed = &world.feeds[0];
    feed.commit_list(POOLS, pools(0..10), None).await.unwrap();
    assert_eq!(feed.commit_list(POOLS, pools(10..20), None).await.unwrap(), Listed::Held);
    assert_eq!(count(&world).await, 20);
}

#[tokio::test]
async fn a_small_kind_may_lose_all() {
    let world = known(9).await;
    assert_eq!(world.feeds[0].commit_list(POOLS, vec![], None).await.unwrap(), Listed::Committed);
    assert_eq!(count(&world).await, 0);
}

#[tokio::test]
async fn a_list_older_than_what_the_stream_wrote_is_dropped() {
    let world = known(3).await;
    let feed = &world.feeds[0];
    let begun = feed.begin(POOLS).await;
    feed.commit(&[Change::Upsert(pool("new"))]).await.unwrap();
    assert_eq!(feed.commit_list(POOLS, pools(0..3), Some(begun)).await.unwrap(), Listed::Outdated);
    assert_eq!(count(&world).await, 4);
}

#[tokio::test]
async fn whoever_lost_the_lease_writes_nothing() {
    let world = known(3).await;
    let feed = &world.feeds[0];
    world.clock.forward(Duration::from_secs(6));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    let other = world.desk.leases.acquire("source:a", "other", Duration::from_secs(3)).await.unwrap();
    assert!(other.is_some(), "the first lease has run out");
    let error = feed.commit(&[Change::Upsert(pool("late"))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(!world.desk.sources.state(&feed.name).unwrap().leading);
    assert_eq!(feed.lease().take().await.unwrap(), None);
    assert_eq!(count(&world).await, 3);
}

#[tokio::test]
async fn what_one_list_of_a_source_lacks_that_can_only_be_asked_is_not_gone_yet() {
    let world = World::new(&[("a", &FakeBackend::polled(&[POOLS]))]).run();
    world.commit(0, POOLS, pools(0..3)).await;
    world.settle().await;
    let feed = &world.feeds[0];
    assert_eq!(feed.commit_list(POOLS, pools(1..4), None).await.unwrap(), Listed::Held);
    assert_eq!(count(&world).await, 4, "what is new is there, nothing is gone");
    let begun = feed.begin(POOLS).await;
    feed.commit_list(POOLS, pools(0..4), Some(begun)).await.unwrap();
    assert_eq!(count(&world).await, 4, "it was there all the time");
    feed.commit_list(POOLS, pools(1..4), None).await.unwrap();
    let begun = feed.begin(POOLS).await;
    feed.commit_list(POOLS, pools(1..4), Some(begun)).await.unwrap();
    assert_eq!(count(&world).await, 3, "two lists lack it");
}
