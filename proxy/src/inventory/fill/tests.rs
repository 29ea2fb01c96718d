use super::*;
use crate::inventory::fakes::{FakeBackend, World, pool};
use futures::future::join_all;
use netweave_model::SourceName;
use netweave_model::port::Change;
use std::sync::atomic::Ordering;

const POOLS: Kind = Kind::ResourcePool;
const LIFETIME: Duration = Duration::from_mins(5);

fn fresh(world: &World) -> Freshness {
    world.freshness(&[POOLS], Class::ResourcePools)
}

#[tokio::test]
async fn many_readers_of_what_was_never_read_cause_one_list() {
    let backend = FakeBackend::new(&[POOLS]);
    backend.holds(POOLS, vec![pool("p")]);
    let world = World::new(&[("a", &backend)]).run();
    let readers = join_all((0..50).map(|_| world.known(&[POOLS], false))).await;
    assert!(readers.into_iter().all(|known| known.is_ok()));
    assert_eq!(backend.lists.load(Ordering::SeqCst), 1);
    assert_eq!(world.ids(POOLS, None), ["p"]);
}

#[tokio::test]
async fn a_source_that_was_never_read_and_fails_is_unavailable_with_a_pause() {
    let backend = FakeBackend::new(&[POOLS]);
    backend.failing.store(true, Ordering::SeqCst);
    let world = World::new(&[("a", &backend)]).run();
    let readers = join_all((0..20).map(|_| world.known(&[POOLS], false))).await;
    for error in readers.into_iter().map(|known| known.unwrap_err()) {
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::After(PAUSE)));
    }
    for _ in 0..100 {
        assert!(world.known(&[POOLS], false).await.is_err(), "answered at once");
    }
    assert_eq!(backend.lists.load(Ordering::SeqCst), 1, "the pause is kept, however many ask");
}

#[tokio::test]
async fn a_failing_source_is_passed_over_beside_one_that_was_read() {
    let (good, bad) = (FakeBackend::new(&[POOLS]), FakeBackend::new(&[POOLS]));
    bad.failing.store(true, Ordering::SeqCst);
    let world = World::new(&[("a", &good), ("b", &bad)]).run();
    world.known(&[POOLS], false).await.unwrap();
    assert!(fresh(&world).stale, "the answer is marked");
    world.desk.sources.restored(&SourceName::from("b"), world.desk.clock.now());
    assert!(fresh(&world).stale, "also if the source confirmed other kinds");
    let error = world.known(&[POOLS], true).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unavailable,
        "nobody learns from half of the sources that something is absent"
    );
}

#[tokio::test]
async fn a_source_still_being_read_for_the_first_time_is_waited_for() {
    let (good, slow) = (FakeBackend::new(&[POOLS]), FakeBackend::new(&[POOLS]));
    slow.permits.forget_permits(usize::MAX);
    slow.holds(POOLS, vec![pool("late")]);
    let world = World::new(&[("a", &good), ("b", &slow)]).run();
    let reader = world.known(&[POOLS], false);
    let release = async {
        world.eventually(|| slow.lists.load(Ordering::SeqCst) == 1).await;
        world.until(|views| views.view(&SourceName::from("a"), POOLS).unwrap().known).await;
        assert!(!world.ids(POOLS, None).contains(&"late".to_owned()));
        slow.permits.add_permits(1);
    };
    let (known, ()) = futures::join!(reader, release);
    known.unwrap();
    assert_eq!(world.ids(POOLS, None), ["late"]);
}

#[tokio::test]
async fn a_kind_that_no_source_offers_is_known_to_be_empty() {
    let world = World::new(&[("a", &FakeBackend::new(&[POOLS]))]).run();
    world.known(&[Kind::PerformanceDictionary], true).await.unwrap();
    assert_eq!(world.freshness(&[Kind::PerformanceDictionary], Class::Capabilities), Freshness::default());
}

#[tokio::test]
async fn an_old_view_is_served_at_once_and_its_source_asked_once() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = World::new(&[("a", &backend)]).run();
    world.known(&[POOLS], false).await.unwrap();
    assert_eq!(fresh(&world), Freshness { age: Some(Duration::ZERO), stale: false });
    world.clock.forward(LIFETIME / 2);
    assert_eq!(fresh(&world), Freshness { age: Some(LIFETIME / 2), stale: false });
    tokio::task::yield_now().await;
    assert_eq!(backend.lists.load(Ordering::SeqCst), 1, "young enough");
    world.clock.forward(LIFETIME);
    for _ in 0..10 {
        assert!(fresh(&world).stale);
        world.known(&[POOLS], false).await.unwrap();
    }
    world.eventually(|| !fresh(&world).stale).await;
    assert_eq!(backend.lists.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_source_that_is_gone_changes_the_age_and_nothing_else() {
    let backend = FakeBackend::new(&[POOLS]);
    backend.holds(POOLS, vec![pool("p")]);
    let world = World::new(&[("a", &backend)]).run();
    world.known(&[POOLS], false).await.unwrap();
    backend.failing.store(true, Ordering::SeqCst);
    world.clock.forward(LIFETIME * 2);
    assert!(fresh(&world).stale);
    world.eventually(|| backend.lists.load(Ordering::SeqCst) == 2).await;
    let name = SourceName::from("a");
    world.eventually(|| world.desk.sources.state(&name).unwrap().failure.is_some()).await;
    assert_eq!(fresh(&world), Freshness { age: Some(LIFETIME * 2), stale: true });
    world.known(&[POOLS], true).await.unwrap();
    assert_eq!(world.ids(POOLS, None), ["p"]);
}

#[tokio::test]
async fn a_source_that_is_asked_too_often_is_left_to_its_watch() {
    let backend = FakeBackend::new(&[POOLS, Kind::Resource]);
    let world = World::new(&[("a", &backend)]).run();
    world.known(&[POOLS], false).await.unwrap();
    let (name, busy) = (SourceName::from("a"), Error::new(ErrorKind::RateLimited, "slow down"));
    world.desk.sources.failed(&name, world.desk.clock.now(), &busy);
    for _ in 0..5 {
        world.clock.forward(LIFETIME);
        assert!(fresh(&world).stale);
        assert!(world.known(&[Kind::Resource], false).await.is_err(), "answered without asking");
    }
    assert_eq!(backend.lists.load(Ordering::SeqCst), 1, "readers ask for nothing");
    world.desk.sources.seen(&name, world.desk.clock.now(), false);
    world.clock.forward(LIFETIME * 2);
    assert!(fresh(&world).stale);
    world.eventually(|| backend.lists.load(Ordering::SeqCst) > 1).await;
}

#[tokio::test]
async fn a_live_watch_is_fresh_by_definition() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = World::new(&[("a", &backend)]).run();
    world.commit(0, POOLS, vec![]).await;
    world.settle().await;
    world.desk.sources.seen(&SourceName::from("a"), world.desk.clock.now(), true);
    world.clock.forward(LIFETIME * 10);
    assert_eq!(fresh(&world), Freshness::default());
    assert_eq!(backend.lists.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_held_list_is_asked_for_again_and_confirmed() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = World::new(&[("a", &backend)]).run();
    world.commit(0, POOLS, (0..20).map(|id| pool(&format!("{id:02}"))).collect()).await;
    world.settle().await;
    world.commit(0, POOLS, vec![pool("00")]).await;
    backend.holds(POOLS, vec![pool("00"), pool("01")]);
    world.clock.forward(crate::inventory::feed::CONFIRM_AFTER);
    world.eventually(|| world.ids(POOLS, None) == ["00", "01"]).await;
}

#[tokio::test]
async fn a_held_list_is_confirmed_although_the_source_was_asked_too_often_before_it() {
    let backend = FakeBackend::polled(&[POOLS]);
    let world = World::new(&[("a", &backend)]).run();
    world.commit(0, POOLS, vec![pool("p"), pool("q")]).await;
    world.settle().await;
    let world = world.watch();
    world.eventually(|| backend.streams.load(Ordering::SeqCst) == 1).await;
    let name = SourceName::from("a");
    let fails = || world.desk.sources.state(&name).unwrap().failure.is_some();
    backend.say(&Err(Error::new(ErrorKind::RateLimited, "slow down")));
    world.eventually(fails).await;
    backend.say_list(POOLS, &[pool("p")]);
    world.eventually(|| !fails()).await;
    assert_eq!(world.ids(POOLS, None), ["p", "q"], "one list deletes nothing");
    backend.holds(POOLS, vec![pool("p")]);
    world.clock.forward(crate::inventory::feed::CONFIRM_AFTER);
    world.eventually(|| world.ids(POOLS, None) == ["p"]).await;
}

#[tokio::test]
async fn a_source_that_can_only_be_asked_is_asked_by_its_stream() {
    let backend = FakeBackend::polled(&[POOLS]);
    let world = World::new(&[("a", &backend)]).run().watch();
    world.eventually(|| backend.streams.load(Ordering::SeqCst) == 1).await;
    let reader = world.known(&[POOLS], false);
    let stream = async {
        world.eventually(|| backend.refreshes.load(Ordering::SeqCst) > 0).await;
        backend.say_list(POOLS, &[pool("p"), pool("q")]);
    };
    let (known, ()) = futures::join!(reader, stream);
    known.unwrap();
    backend.holds(POOLS, vec![pool("p")]);
    world.clock.forward(LIFETIME * 2);
    assert!(fresh(&world).stale);
    world.eventually(|| backend.refreshes.load(Ordering::SeqCst) == 2).await;
    // The lease ran out meanwhile, and the stream begins again.
    world.eventually(|| backend.streams.load(Ordering::SeqCst) == 2).await;
    backend.say_list(POOLS, &[pool("p"), pool("q")]);
    world.eventually(|| !fresh(&world).stale).await;
    assert_eq!((backend.lists.load(Ordering::SeqCst), world.ids(POOLS, None).len()), (0, 2));
}

#[tokio::test]
async fn a_look_that_was_under_way_has_answered_whoever_asked_meanwhile() {
    let backend = FakeBackend::polled(&[POOLS]);
    let world = World::new(&[("a", &backend)]).run();
    let (name, second) = (SourceName::from("a"), Duration::from_secs(1));
    let answers = || world.desk.sources.seen(&name, world.desk.clock.now(), false);
    let wanted = || world.fills.lines[0].slots.get(POOLS).is_wanted();
    world.commit(0, POOLS, vec![]).await;
    world.settle().await;
    answers();
    world.clock.forward(LIFETIME * 2);
    assert!(fresh(&world).stale);
    world.eventually(|| !wanted()).await;
    assert_eq!(backend.refreshes.load(Ordering::SeqCst), 1);
    world.clock.forward(second);
    assert!(fresh(&world).stale && wanted(), "the look takes its time, and its pause is not over");
    world.clock.forward(second);
    answers();
    world.clock.forward(PAUSE);
    world.eventually(|| !wanted()).await;
    assert_eq!(backend.refreshes.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_source_whose_first_list_does_not_come_is_waited_for_once() {
    let (good, silent) = (FakeBackend::new(&[POOLS]), FakeBackend::polled(&[POOLS]));
    good.holds(POOLS, vec![pool("p")]);
    // Another process leads it, and knows why nothing comes.
    let world = World::new(&[("a", &good), ("b", &silent)]).run();
    world.settle().await;
    let begun = tokio::time::Instant::now();
    world.known(&[POOLS], false).await.unwrap();
    assert_eq!(begun.elapsed(), FIRST_READ);
    assert!(fresh(&world).stale, "the answer is marked");
    world.known(&[POOLS], false).await.unwrap();
    assert_eq!(world.known(&[POOLS], true).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!((begun.elapsed(), world.ids(POOLS, None)), (FIRST_READ, vec!["p".to_owned()]));
    world.commit(1, POOLS, vec![pool("q")]).await;
    world.settle().await;
    world.known(&[POOLS], true).await.unwrap();
}

#[tokio::test]
async fn what_can_be_read_of_a_source_is_served_while_a_part_of_it_fails() {
    let backend = FakeBackend::polled(&[POOLS]);
    let world = World::new(&[("a", &backend)]).run().watch();
    world.eventually(|| backend.streams.load(Ordering::SeqCst) == 1).await;
    backend.say(&Ok(Change::Upsert(pool("p"))));
    backend.say(&Err(Error::new(ErrorKind::Forbidden, "a part")));
    let name = SourceName::from("a");
    world.eventually(|| world.desk.sources.state(&name).unwrap().failure.is_some()).await;
    world.eventually(|| world.ids(POOLS, None) == ["p"]).await;
    world.known(&[POOLS], false).await.unwrap();
    assert!(fresh(&world).stale, "the answer is marked");
    let error = world.known(&[POOLS], true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "nobody learns from a part that something is absent");
}
