use super::*;
use crate::inventory::fakes::{FakeBackend, World, object, pool};
use crate::inventory::feed::Desk;
use netweave_model::port::{Leases, Renewal};
use netweave_model::{Error, SourceName};
use std::sync::atomic::Ordering;

const POOLS: Kind = Kind::ResourcePool;

async fn watched(backend: &Arc<FakeBackend>) -> World {
    let world = World::new(&[("a", backend)]).run().watch();
    world.eventually(|| backend.streams.load(Ordering::SeqCst) == 1).await;
    world
}

fn live(world: &World) -> bool {
    world.desk.sources.state(&SourceName::from("a")).unwrap().live
}

#[tokio::test]
async fn a_streams_list_and_changes_reach_the_views_and_the_source_is_live() {
    let backend = FakeBackend::new(&[POOLS, Kind::Resource]);
    let world = watched(&backend).await;
    backend.say_list(POOLS, &[pool("p")]);
    world.until(|views| views.view(&SourceName::from("a"), POOLS).unwrap().known).await;
    assert!(!live(&world), "one kind is still to come");
    backend.say_list(Kind::Resource, &[]);
    world.eventually(|| live(&world)).await;
    backend.say(&Ok(Change::Upsert(object(Kind::Resource, Some("p"), "1", "r"))));
    backend.say(&Ok(Change::Upsert(object(Kind::Resource, Some("p"), "2", "r"))));
    backend.say(&Ok(Change::Delete(object(Kind::Resource, Some("p"), "1", "r").key)));
    world.eventually(|| world.ids(Kind::Resource, Some("p")) == ["2"]).await;
}

#[tokio::test]
async fn a_list_cut_short_changes_nothing() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = watched(&backend).await;
    backend.say_list(POOLS, &[pool("p"), pool("q")]);
    world.eventually(|| world.ids(POOLS, None).len() == 2).await;
    backend.say(&Ok(Change::Reset(POOLS)));
    backend.say(&Ok(Change::Upsert(pool("p"))));
    backend.say_list(POOLS, &[pool("p"), pool("q"), pool("r")]);
    world.eventually(|| world.ids(POOLS, None) == ["p", "q", "r"]).await;
}

#[tokio::test]
async fn an_error_ends_the_freshness_and_a_heartbeat_restores_it() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = watched(&backend).await;
    backend.say_list(POOLS, &[pool("p")]);
    world.eventually(|| live(&world)).await;
    backend.say(&Err(Error::new(ErrorKind::Unavailable, "down")));
    world.eventually(|| !live(&world)).await;
    assert_eq!(world.ids(POOLS, None), ["p"], "the known objects stay");
    backend.say(&Ok(Change::Upsert(pool("q"))));
    world.eventually(|| world.ids(POOLS, None).len() == 2).await;
    assert!(!live(&world), "a change may come from one part while another fails");
    backend.say(&Ok(Change::Heartbeat));
    world.eventually(|| live(&world)).await;
    assert_eq!(backend.streams.load(Ordering::SeqCst), 1, "the stream recovers by itself");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_answer_is_not_live_however_silent_its_stream_is() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = watched(&backend).await;
    backend.say_list(POOLS, &[pool("p")]);
    world.eventually(|| live(&world)).await;
    backend.failing.store(true, Ordering::SeqCst);
    sleep(2 * PROBE).await;
    assert!(!live(&world));
    backend.say(&Ok(Change::Heartbeat));
    world.eventually(|| live(&world)).await;
    sleep(2 * PROBE).await;
    assert!(!live(&world), "it was asked again");
    backend.failing.store(false, Ordering::SeqCst);
    sleep(2 * PROBE).await;
    world.eventually(|| live(&world)).await;
}

#[tokio::test]
async fn a_sign_of_life_from_before_an_error_does_not_hide_it() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = watched(&backend).await;
    backend.say_list(POOLS, &[pool("p")]);
    world.eventually(|| live(&world)).await;
    backend.say(&Ok(Change::Heartbeat));
    backend.say(&Err(Error::new(ErrorKind::Unavailable, "down")));
    world.eventually(|| !live(&world)).await;
    sleep(2 * GATHER).await;
    assert!(!live(&world), "the sign of life was committed after the error");
}

#[test]
fn a_source_that_is_asked_too_often_is_not_asked_sooner() {
    let refused = |kind| probe_pause(&Err(Error::new(kind, "prescribed")));
    assert_eq!((probe_pause(&Ok(())), refused(ErrorKind::Unavailable)), (PROBE, PROBE_SOON));
    for kind in [ErrorKind::RateLimited, ErrorKind::Unauthenticated, ErrorKind::Forbidden] {
        assert_eq!(refused(kind), PROBE, "{kind:?}");
    }
}

#[tokio::test]
async fn a_drop_of_much_is_held_until_a_second_list() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = watched(&backend).await;
    let all: Vec<_> = (0..20).map(|id| pool(&format!("{id:02}"))).collect();
    backend.say_list(POOLS, &all);
    world.eventually(|| world.ids(POOLS, None).len() == 20 && live(&world)).await;
    backend.holds(POOLS, vec![all[3].clone()]);
    backend.say_list(POOLS, &[all[3].clone(), pool("new")]);
    world.eventually(|| world.ids(POOLS, None).len() == 21).await;
    world.clock.forward(crate::inventory::feed::CONFIRM_AFTER);
    world.eventually(|| world.ids(POOLS, None) == ["03", "new"]).await;
}

#[tokio::test]
async fn a_lost_lease_stops_the_watch_and_it_leads_again_later() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = watched(&backend).await;
    backend.say_list(POOLS, &[pool("p")]);
    world.eventually(|| live(&world)).await;
    let leases = &world.desk.leases;
    world.clock.forward(Duration::from_secs(10));
    let other = leases.acquire("source:a", "other", Duration::from_mins(1)).await.unwrap().unwrap();
    world.eventually(|| !live(&world)).await;
    leases.release("source:a", other).await.unwrap();
    // Whoever leads again first, also a fill, does not prolong the old stream.
    assert!(world.feeds[0].lease().take().await.unwrap().is_some());
    world.eventually(|| backend.streams.load(Ordering::SeqCst) == 2).await;
    backend.say_list(POOLS, &[pool("q")]);
    world.eventually(|| world.ids(POOLS, None) == ["q"]).await;
}

/// Lets time pass for the store and here, second by second.
async fn pass(world: &World, time: Duration) {
    for _ in 0..time.as_secs() {
        world.clock.forward(Duration::from_secs(1));
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_busy_keeps_its_lease_and_one_that_hangs_loses_it() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = World::new(&[("a", &backend)]);
    let fence = world.feeds[0].lease().take().await.unwrap();
    assert!(fence.is_some());
    let keeper = Keeper::new(&world.feeds[0]);
    let nearly = keeper::LONGEST_TURN.saturating_sub(TICK);
    pass(&world, nearly).await;
    assert_eq!(world.feeds[0].lease().keep().await.unwrap(), fence);
    keeper.turned();
    pass(&world, nearly).await;
    let other =
        async || world.desk.leases.acquire("source:a", "other", Duration::from_secs(3)).await.unwrap();
    assert!(other().await.is_none());
    pass(&world, Duration::from_secs(10)).await;
    assert!(other().await.is_some(), "nobody has turned for longer than a turn may take");
}

#[tokio::test]
async fn stopping_hands_the_lease_over() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = World::new(&[("a", &backend)]);
    let watcher = Watcher::new(Arc::clone(&world.feeds[0]));
    tokio::select! {
        result = watcher.activate() => { result.unwrap(); }
        () = world.eventually(|| backend.streams.load(Ordering::SeqCst) == 1) => {}
    }
    watcher.stop().await;
    let other = world.desk.leases.acquire("source:a", "other", Duration::from_secs(3)).await.unwrap();
    assert!(other.is_some());
}

/// Every renewal says that another pod should have the lease.
struct Crowded(Arc<dyn Leases>);

#[async_trait]
impl Leases for Crowded {
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Fence>> {
        self.0.acquire(name, holder, ttl).await
    }

    async fn renew(&self, name: &str, fence: Fence, ttl: Duration) -> Result<Renewal> {
        let renewed = self.0.renew(name, fence, ttl).await?;
        Ok(if renewed == Renewal::Held { Renewal::Wanted } else { renewed })
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<()> {
        self.0.release(name, fence).await
    }

    async fn revoke(&self, name: &str) -> Result<bool> {
        self.0.revoke(name).await
    }

    async fn wait_for_release(&self) {
        self.0.wait_for_release().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_pod_should_have_is_handed_over_after_what_was_read_is_written() {
    let backend = FakeBackend::new(&[POOLS]);
    let world = World::new(&[("a", &backend)]).run();
    let crowded = Arc::new(Crowded(Arc::clone(&world.desk.leases)));
    let desk = Desk { leases: crowded, ..world.desk.clone() };
    let feed = Feed::new(SourceName::from("a"), Arc::clone(&backend) as _, desk);
    let watcher = Watcher::new(Arc::new(feed));
    let told = async {
        world.eventually(|| backend.streams.load(Ordering::SeqCst) == 1).await;
        backend.say_list(POOLS, &[pool("p")]);
        backend.say(&Ok(Change::Upsert(pool("q"))));
    };
    let (ended, ()) = tokio::join!(watcher.activate(), told);
    assert!(!ended.unwrap());
    let other = world.desk.leases.acquire("source:a", "other", Duration::from_secs(3)).await.unwrap();
    assert!(other.is_some());
    world.settle().await;
    assert_eq!(world.ids(POOLS, None), ["p", "q"]);
}
