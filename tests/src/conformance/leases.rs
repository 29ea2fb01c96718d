//! The conformance suite of the `leases` port.

use super::stores::{Factory, LEASE};
use netweave_model::port::{Fence, Renewal};
use std::time::Duration;
use tokio::time::timeout;

const TTL: Duration = Duration::from_secs(3);

/// One holder at a time.
pub async fn a_held_lease_is_refused_to_others(factory: &dyn Factory) {
    let rig = factory.make().await;
    assert!(rig.leases.acquire("a", "one", TTL).await.unwrap().is_some());
    assert_eq!(rig.leases.acquire("a", "two", TTL).await.unwrap(), None);
    assert!(rig.leases.acquire("b", "two", TTL).await.unwrap().is_some());
}

/// Taking it again while holding keeps the fence and prolongs it.
pub async fn the_holder_may_take_it_again(factory: &dyn Factory) {
    let rig = factory.make().await;
    let fence = rig.leases.acquire("a", "one", TTL).await.unwrap();
    rig.clock.advance(Duration::from_secs(2));
    assert_eq!(rig.leases.acquire("a", "one", TTL).await.unwrap(), fence);
    rig.clock.advance(Duration::from_secs(2));
    assert_eq!(rig.leases.acquire("a", "two", TTL).await.unwrap(), None);
}

/// A lease that ran out goes to the next, with a higher fence; also to the same holder.
pub async fn a_fresh_hold_has_a_higher_fence(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut last = Fence::default();
    for holder in ["one", "two", "two"] {
        let fence = rig.leases.acquire("a", holder, TTL).await.unwrap().unwrap();
        assert!(fence > last, "{fence:?} after {last:?}");
        last = fence;
        rig.clock.advance(TTL);
    }
}

/// A renewal prolongs the lease, as long as it is held with this fence.
pub async fn only_the_holder_renews(factory: &dyn Factory) {
    let rig = factory.make().await;
    let fence = rig.leases.acquire("a", "one", TTL).await.unwrap().unwrap();
    rig.clock.advance(Duration::from_secs(2));
    assert_eq!(rig.leases.renew("a", fence, TTL).await.unwrap(), Renewal::Held);
    rig.clock.advance(Duration::from_secs(2));
    assert_eq!(rig.leases.acquire("a", "two", TTL).await.unwrap(), None);
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(rig.leases.renew("a", fence, TTL).await.unwrap(), Renewal::Lost);
    rig.leases.acquire("a", "two", TTL).await.unwrap();
    assert_eq!(rig.leases.renew("a", fence, TTL).await.unwrap(), Renewal::Lost);
    assert_eq!(rig.leases.renew("unknown", fence, TTL).await.unwrap(), Renewal::Lost);
}

/// A lease given back is free at once; a late release by a former holder does nothing.
pub async fn release_needs_the_fence(factory: &dyn Factory) {
    let rig = factory.make().await;
    let first = rig.leases.acquire("a", "one", TTL).await.unwrap().unwrap();
    rig.leases.release("a", first).await.unwrap();
    let second = rig.leases.acquire("a", "two", TTL).await.unwrap().unwrap();
    rig.leases.release("a", first).await.unwrap();
    assert_eq!(rig.leases.acquire("a", "one", TTL).await.unwrap(), None);
    assert!(second > first);
}

/// A lease of leadership and the lease of a subscription are renewed by one store, each in its own way.
pub async fn subscriptions_are_renewed_beside_leases(factory: &dyn Factory) {
    let rig = factory.make().await;
    let fence = rig.leases.acquire("a", "one", TTL).await.unwrap().unwrap();
    let made = rig.subscribe("smo", "a").await;
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(rig.leases.renew("a", fence, TTL).await.unwrap(), Renewal::Held);
    let renewed = rig.subscriptions.renew(&made.id, None).await.unwrap();
    assert_eq!(renewed.expires_at, rig.now().plus(LEASE));
    assert_eq!(rig.leases.renew("a", fence, TTL).await.unwrap(), Renewal::Held);
}

/// A lease that is taken away is lost for its holder; whoever takes it again is a new one.
pub async fn a_revoked_lease_begins_anew(factory: &dyn Factory) {
    let rig = factory.make().await;
    assert!(!rig.leases.revoke("a").await.unwrap());
    let first = rig.leases.acquire("a", "one", TTL).await.unwrap().unwrap();
    let revoke = async { assert!(rig.leases.revoke("a").await.unwrap()) };
    let (woken, ()) = tokio::join!(timeout(Duration::from_secs(5), rig.leases.wait_for_release()), revoke);
    woken.unwrap();
    assert_eq!(rig.leases.renew("a", first, TTL).await.unwrap(), Renewal::Lost);
    assert!(!rig.leases.revoke("a").await.unwrap());
    assert!(rig.leases.acquire("a", "one", TTL).await.unwrap() > Some(first));
    rig.clock.advance(TTL);
    assert!(!rig.leases.revoke("a").await.unwrap(), "it ran out by itself");
}

/// Whoever waits is told of a lease that was given back.
pub async fn a_release_wakes_those_who_wait(factory: &dyn Factory) {
    let rig = factory.make().await;
    let fence = rig.leases.acquire("a", "one", TTL).await.unwrap().unwrap();
    assert_eq!(rig.leases.acquire("a", "two", TTL).await.unwrap(), None);
    let release = async { rig.leases.release("a", fence).await.unwrap() };
    let (woken, ()) = tokio::join!(timeout(Duration::from_secs(5), rig.leases.wait_for_release()), release);
    woken.unwrap();
    assert!(rig.leases.acquire("a", "two", TTL).await.unwrap() > Some(fence));
}
