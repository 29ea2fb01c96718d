//! The conformance suite of the `deliveries` port, as far as items are given up: dead letters, replay, overflow.

use super::deliveries::{ack, attempt, sequences};
use super::stores::{Factory, Rig, told_items};
use netweave_model::port::{Claim, DeadLetterReason, Item, Notice, Replay};
use netweave_model::{ErrorKind, Event, Id, Position};
use std::sync::Arc;
use std::time::Duration;

/// A longest queue that nothing here reaches.
const MANY: u64 = 100_000;

async fn drop_dead(rig: &Rig, claim: &Claim, item: &Item) {
    let refused = attempt(rig, item, false);
    assert!(rig.deliveries.dead_letter(claim, DeadLetterReason::Refused, refused).await.unwrap());
}

/// A subscription with the dead letters `x`, `y` and `z`, and one item that waits; with the claim that had them all.
async fn three_dead(factory: &dyn Factory) -> (Rig, Id, Claim) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x", "y", "z", "live"]).await;
    let claim = rig.take_one().await;
    for item in &claim.items[..3] {
        drop_dead(&rig, &claim, item).await;
    }
    rig.deliveries.release(&claim).await.unwrap();
    (rig, id, claim)
}

/// The head that was given up can be read with its reason, and the claim goes on with the next item.
pub async fn a_dead_letter_keeps_the_claim(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x", "y"]).await;
    let claim = rig.take_one().await;
    drop_dead(&rig, &claim, &claim.items[0]).await;
    assert!(ack(&rig, &claim, &claim.items[1]).await);
    let dead = rig.deliveries.dead_letters(Some(&id), 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (&dead[0].subscription, dead[0].reason, dead[0].at),
        (&id, DeadLetterReason::Refused, rig.now())
    );
    assert_eq!((dead[0].item.sequence, dead[0].item.attempts), (1, 1));
    assert_eq!(dead[0].item.notice, claim.items[0].notice);
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.dead, backlog.queued, backlog.failures), (1, 0, 0));
}

/// Dead letters are read newest first, of one subscription or of all, at most so many.
pub async fn dead_letters_are_read_newest_first(factory: &dyn Factory) {
    let rig = factory.make().await;
    let one = rig.subscribe("smo", "a").await.id;
    let two = rig.subscribe("smo", "b").await.id;
    for (id, name) in [(&one, "x"), (&two, "y"), (&one, "z")] {
        rig.queue(id, &[name]).await;
        let claim = rig.take_one().await;
        drop_dead(&rig, &claim, &claim.items[0]).await;
        rig.deliveries.release(&claim).await.unwrap();
    }
    let read = |id: Option<Id>, limit| {
        let deliveries = Arc::clone(&rig.deliveries);
        async move {
            let dead = deliveries.dead_letters(id.as_ref(), limit).await.unwrap();
            let items: Vec<_> = dead.into_iter().map(|dead| dead.item).collect();
            told_items(&items).join("")
        }
    };
    assert_eq!(read(None, 10).await, "zyx");
    assert_eq!(read(None, 2).await, "zy");
    assert_eq!(read(Some(one), 10).await, "zx");
    assert_eq!(read(Some(two), 10).await, "y");
    assert_eq!(read(Some(Id::from("unknown")), 10).await, "");
}

/// Replayed items stand at the end of the queue under their old ids and new numbers.
pub async fn replay_queues_dead_letters_again(factory: &dyn Factory) {
    let (rig, id, claim) = three_dead(factory).await;
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(rig.deliveries.replay(&id, 2, MANY).await.unwrap(), Replay { queued: 2, left: 0 });
    let replayed = rig.take_one().await;
    assert_eq!(
        (told_items(&replayed.items), sequences(&replayed.items)),
        (vec!["live", "y", "z"], vec![4, 5, 6])
    );
    assert_eq!(replayed.items[1].notification_id, claim.items[1].notification_id);
    assert_eq!((replayed.items[1].attempts, replayed.items[1].queued_at), (0, rig.now()));
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().dead, 1);
    assert_eq!(rig.deliveries.replay(&id, 2, MANY).await.unwrap(), Replay::default());
    assert_eq!(rig.deliveries.replay(&id, 0, MANY).await.unwrap(), Replay { queued: 1, left: 0 });
    let error = rig.deliveries.replay(&Id::from("unknown"), 0, MANY).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// A replay fills the queue and no more; what is left stays dead and can be asked for again.
pub async fn a_replay_stops_where_the_queue_is_full(factory: &dyn Factory) {
    let (rig, id, _) = three_dead(factory).await;
    assert_eq!(rig.deliveries.replay(&id, 0, 3).await.unwrap(), Replay { queued: 2, left: 1 });
    assert_eq!(rig.deliveries.replay(&id, 0, 3).await.unwrap(), Replay { queued: 0, left: 1 });
    assert_eq!(told_items(&rig.take_one().await.items), ["live", "x", "y"]);
    assert_eq!(rig.deliveries.backlog(&id).await.unwrap().dead, 1);
}

/// The older half of a queue that is too long becomes one resync notice; what was dropped is among the dead letters.
pub async fn an_overflow_leaves_one_resync_notice(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    let mut items = Vec::new();
    for n in 1..=5 {
        items.push((id.clone(), rig.happen(&n.to_string()).await));
    }
    rig.fan_out(items, 4).await;
    let claim = rig.take_one().await;
    assert_eq!(claim.items.len(), 3);
    assert_eq!((&claim.items[0].notice, claim.items[0].sequence), (&Notice::Resync { dropped: 3 }, 3));
    assert_eq!((told_items(&claim.items[1..]), sequences(&claim.items[1..])), (vec!["4", "5"], vec![4, 5]));
    let dead = rig.deliveries.dead_letters(Some(&id), 10).await.unwrap();
    assert!(dead.iter().all(|dead| dead.reason == DeadLetterReason::Overflow));
    assert_eq!(dead.iter().map(|dead| dead.item.sequence).collect::<Vec<_>>(), [3, 2, 1]);
}

/// A second overflow adds to the notice of the first: there is never more than one.
pub async fn overflows_add_up(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    for round in 0..3 {
        let mut items = Vec::new();
        for n in 0..3 {
            items.push((id.clone(), rig.happen(&format!("{round}-{n}")).await));
        }
        rig.fan_out(items, 2).await;
    }
    let claim = rig.take_one().await;
    let resyncs: Vec<_> =
        claim.items.iter().filter(|item| matches!(item.notice, Notice::Resync { .. })).collect();
    assert_eq!(resyncs.len(), 1);
    assert_eq!(claim.items[0].sequence, resyncs[0].sequence);
    let dead = rig.deliveries.backlog(&id).await.unwrap().dead;
    assert_eq!(resyncs[0].notice, Notice::Resync { dropped: dead });
    assert_eq!(dead + claim.items.len() as u64 - 1, 9);
}

/// An overflow under a claim: the acknowledgement of the dropped head ends the claim, and the notice is next.
pub async fn an_overflow_ends_the_claim_at_the_next_answer(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    rig.queue(&id, &["x", "y"]).await;
    let claim = rig.take_one().await;
    let happened = rig.happen("z").await;
    rig.fan_out(vec![(id, happened)], 2).await;
    assert_eq!(rig.take().await, []);
    assert!(!ack(&rig, &claim, &claim.items[0]).await);
    let next = rig.take_one().await.items;
    assert_eq!((&next[0].notice, told_items(&next[1..])), (&Notice::Resync { dropped: 2 }, vec!["z"]));
}

/// Only the newest 10,000 dead letters of a subscription are kept; the others are counted.
pub async fn dead_letters_are_bounded(factory: &dyn Factory) {
    let rig = factory.make().await;
    let id = rig.subscribe("smo", "a").await.id;
    let happened = rig.happen("x").await;
    let at = |sequence| Position { sequence, ..happened.position };
    let another = |sequence| Arc::new(Event { position: at(sequence), ..(*happened).clone() });
    let items = (1..=10_050).map(|sequence| (id.clone(), another(sequence))).collect();
    rig.fan_out(items, 1).await;
    let backlog = rig.deliveries.backlog(&id).await.unwrap();
    assert_eq!((backlog.queued, backlog.dead, backlog.discarded), (1, 10_000, 50));
    let kept = rig.deliveries.dead_letters(Some(&id), 20_000).await.unwrap();
    let kept: Vec<u64> =
        [kept.last(), kept.first()].into_iter().flatten().map(|dead| dead.item.sequence).collect();
    assert_eq!(kept, [51, 10_050]);
    assert_eq!(rig.deliveries.replay(&id, 0, MANY).await.unwrap(), Replay { queued: 1_000, left: 9_000 });
}
