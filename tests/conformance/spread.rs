//! Who of several processes on one Redis leads what: evenly, and no lease moves that need not.
#![expect(clippy::unwrap_used, reason = "code of tests: a panic says what is not as it must be")]

use crate::stores::InRedis;
use netweave_model::port::{Fence, Renewal};
use netweave_tests::conformance::stores::{Factory, Rig};
use std::collections::BTreeMap;
use std::time::Duration;

const TTL: Duration = Duration::from_secs(3);
const SECOND: Duration = Duration::from_secs(1);

/// Some leases, and who has each.
struct Leases {
    rig: Rig,
    names: Vec<String>,
    held: BTreeMap<String, (&'static str, Fence)>,
    /// How many leases went from one to another.
    moves: usize,
}

impl Leases {
    async fn of(count: usize) -> Option<Self> {
        let rig = InRedis::found()?.make().await;
        let names = (0..count).map(|n| format!("source:{n}")).collect();
        Some(Self { rig, names, held: BTreeMap::new(), moves: 0 })
    }

    /// What watchers do in a second: they renew, give back what is wanted, and ask for what they do not have.
    async fn second(&mut self, pods: &[&'static str]) {
        for name in self.names.clone() {
            if let Some((pod, fence)) = self.held.get(&name).copied()
                && pods.contains(&pod)
            {
                let renewal = self.rig.leases.renew(&name, fence, TTL).await.unwrap();
                assert_ne!(renewal, Renewal::Lost, "{name} of {pod}");
                if renewal == Renewal::Wanted {
                    self.rig.leases.release(&name, fence).await.unwrap();
                }
            }
            for pod in pods {
                self.ask(&name, pod).await;
            }
        }
        self.rig.clock.advance(SECOND);
    }

    async fn ask(&mut self, name: &str, pod: &'static str) {
        let Some(fence) = self.rig.leases.acquire(name, pod, TTL).await.unwrap() else { return };
        let before = self.held.insert(name.to_owned(), (pod, fence));
        self.moves += usize::from(before.is_some_and(|(before, _)| before != pod));
    }

    fn counts(&self, pods: &[&str]) -> Vec<usize> {
        let of = |pod: &&str| self.held.values().filter(|(holder, _)| holder == pod).count();
        pods.iter().map(of).collect()
    }
}

#[tokio::test]
async fn those_who_come_get_their_share_and_nothing_else_moves() {
    let Some(mut leases) = Leases::of(6).await else { return };
    leases.second(&["one"]).await;
    assert_eq!(leases.counts(&["one"]), [6]);
    for _ in 0..5 {
        leases.second(&["one", "two"]).await;
    }
    assert_eq!(leases.moves, 0, "who has just come may go again");
    leases.second(&["one", "two"]).await;
    assert_eq!(leases.counts(&["one", "two"]), [3, 3]);
    for _ in 0..10 {
        leases.second(&["one", "two", "three"]).await;
    }
    assert_eq!(leases.counts(&["one", "two", "three"]), [2, 2, 2]);
    assert_eq!(leases.moves, 5);
}

#[tokio::test]
async fn one_more_than_another_one_is_even_enough() {
    let Some(mut leases) = Leases::of(3).await else { return };
    for _ in 0..20 {
        leases.second(&["one", "two"]).await;
    }
    assert_eq!((leases.counts(&["one", "two"]), leases.moves), (vec![2, 1], 1));
}

#[tokio::test]
async fn the_leases_of_the_dead_are_shared_by_the_living() {
    let Some(mut leases) = Leases::of(6).await else { return };
    for _ in 0..10 {
        leases.second(&["one", "two", "three"]).await;
    }
    let before = leases.moves;
    for _ in 0..20 {
        leases.second(&["two", "three"]).await;
    }
    assert_eq!(leases.counts(&["two", "three"]), [3, 3]);
    assert!(leases.moves <= before + 3, "two of the dead, and at most one to even it out: {}", leases.moves);
}

#[tokio::test]
async fn what_is_given_back_is_kept_for_the_one_who_has_fewest_and_not_for_long() {
    let Some(mut leases) = Leases::of(2).await else { return };
    for (name, pod) in [("source:0", "one"), ("source:1", "two")] {
        leases.ask(name, pod).await;
    }
    for _ in 0..2 {
        for pod in ["two", "three"] {
            leases.ask("source:0", pod).await;
        }
        let fence = leases.held["source:0"].1;
        leases.rig.leases.release("source:0", fence).await.unwrap();
        leases.ask("source:0", "two").await;
        assert_eq!(leases.held["source:0"].1, fence, "it is kept for another one");
        leases.ask("source:0", "three").await;
        assert_eq!(leases.held["source:0"].0, "three");
        let fence = leases.held["source:0"].1;
        leases.ask("source:0", "one").await;
        leases.rig.leases.release("source:0", fence).await.unwrap();
        leases.rig.clock.advance(SECOND);
        leases.ask("source:0", "three").await;
        assert_eq!(leases.held["source:0"].0, "three", "whom it was kept for did not come");
        leases.rig.clock.advance(TTL);
        leases.ask("source:0", "one").await;
        leases.ask("source:1", "two").await;
    }
}

#[tokio::test]
async fn nothing_is_given_back_for_one_who_no_longer_asks() {
    let Some(mut leases) = Leases::of(2).await else { return };
    for _ in 0..5 {
        leases.second(&["one"]).await;
        leases.ask("source:0", "two").await;
    }
    let fence = leases.held["source:0"].1;
    leases.rig.clock.advance(SECOND);
    assert_eq!(leases.rig.leases.renew("source:0", fence, TTL).await.unwrap(), Renewal::Wanted);
    assert_eq!(leases.rig.leases.renew("source:0", fence, TTL).await.unwrap(), Renewal::Wanted);
    leases.rig.clock.advance(SECOND * 2);
    assert_eq!(leases.rig.leases.renew("source:0", fence, TTL).await.unwrap(), Renewal::Held);
    leases.rig.leases.release("source:0", fence).await.unwrap();
    assert!(leases.rig.leases.acquire("source:0", "three", TTL).await.unwrap().is_some(), "kept for nobody");
}
