//! The conformance suite of the `log` port.

use super::stores::{FENCE, Factory, changed, lab, listing, object, pool, pool_key, told};
use futures::StreamExt;
use netweave_model::port::{Change, EntryStream, Fence};
use netweave_model::{Entry, ErrorKind, EventType, Id, Kind, Position, SourceName};
use std::collections::HashSet;
use std::time::Duration;

/// The next entry of a stream that is not a mere confirmation.
async fn next(stream: &mut EntryStream) -> Entry {
    loop {
        match stream.next().await.expect("a stream never ends by itself").unwrap() {
            Entry::Seen { .. } => {}
            entry @ (Entry::Changed(_) | Entry::Baseline { .. }) => return entry,
        }
    }
}

/// An empty store has an empty log, and a source that never came is not known.
pub async fn an_empty_store_has_an_empty_log(factory: &dyn Factory) {
    let rig = factory.make().await;
    let head = rig.log.head().await.unwrap();
    assert_eq!(head.sequence, 0);
    assert_ne!(head.generation, 0);
    let snapshot = rig.log.snapshot(&lab()).await.unwrap();
    assert_eq!((snapshot.objects.len(), snapshot.known.len(), snapshot.seen_at), (0, 0, None));
    assert_eq!(snapshot.position, head);
    assert_eq!(rig.log.read(head, 10).await.unwrap(), []);
}

/// The first complete list of a kind is one baseline entry; its objects are in the snapshot.
pub async fn the_first_synced_of_a_kind_logs_one_baseline(factory: &dyn Factory) {
    let rig = factory.make().await;
    let from = rig.log.head().await.unwrap();
    let head = rig.commit(&listing(&[pool("b", "1"), pool("a", "1")])).await;
    assert_eq!(head.sequence, from.sequence + 1);
    let entries = rig.log.read(from, 10).await.unwrap();
    assert_eq!(entries, [Entry::Baseline { position: head, source: lab(), kind: Kind::ResourcePool }]);
    let snapshot = rig.log.snapshot(&lab()).await.unwrap();
    assert_eq!(snapshot.objects, [pool("a", "1"), pool("b", "1")]);
    assert_eq!(snapshot.known, [Kind::ResourcePool]);
    assert_eq!(snapshot.position, head);
}

/// An empty first list makes the kind known.
pub async fn an_empty_first_list_is_a_baseline_too(factory: &dyn Factory) {
    let rig = factory.make().await;
    let head = rig.commit(&listing(&[])).await;
    assert_eq!(head.sequence, 1);
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().known, [Kind::ResourcePool]);
}

/// A later list is compared with the rows: what is new, differs or is missing is told, in the order of ids.
pub async fn a_later_synced_logs_the_difference(factory: &dyn Factory) {
    let rig = factory.make().await;
    let from = rig.commit(&listing(&[pool("a", "1"), pool("b", "1"), pool("c", "1")])).await;
    let head = rig.commit(&listing(&[pool("d", "1"), pool("c", "2"), pool("a", "1")])).await;
    let entries = rig.log.read(from, 10).await.unwrap();
    assert_eq!(
        told(&entries),
        [(EventType::Delete, "b"), (EventType::Modify, "c"), (EventType::Create, "d")]
    );
    assert_eq!(changed(&entries[2]).position, head);
    let snapshot = rig.log.snapshot(&lab()).await.unwrap();
    assert_eq!(snapshot.objects, [pool("a", "1"), pool("c", "2"), pool("d", "1")]);
}

/// A list is staged over several calls and is seen by nobody before it is complete.
pub async fn a_list_becomes_visible_at_synced(factory: &dyn Factory) {
    let rig = factory.make().await;
    let from = rig.commit(&listing(&[pool("a", "1")])).await;
    rig.commit(&[Change::Reset(Kind::ResourcePool), Change::Upsert(pool("b", "1"))]).await;
    rig.commit(&[
        Change::Upsert(pool("c", "1")),
        Change::Upsert(pool("x", "1")),
        Change::Delete(pool_key("x")),
    ])
    .await;
    assert_eq!(rig.log.head().await.unwrap(), from);
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().objects, [pool("a", "1")]);
    rig.commit(&[Change::Synced(Kind::ResourcePool)]).await;
    let entries = rig.log.read(from, 10).await.unwrap();
    assert_eq!(
        told(&entries),
        [(EventType::Delete, "a"), (EventType::Create, "b"), (EventType::Create, "c")]
    );
}

/// Another kind's changes go through while a list is staged.
pub async fn staging_holds_back_its_own_kind_only(factory: &dyn Factory) {
    let rig = factory.make().await;
    let from = rig.commit(&[Change::Reset(Kind::ResourcePool)]).await;
    rig.commit(&[Change::Upsert(object(Kind::Resource, "r", "1"))]).await;
    assert_eq!(told(&rig.log.read(from, 10).await.unwrap()), [(EventType::Create, "r")]);
}

/// A new `Reset` discards what an earlier one staged.
pub async fn a_second_reset_starts_over(factory: &dyn Factory) {
    let rig = factory.make().await;
    rig.commit(&listing(&[pool("a", "1")])).await;
    rig.commit(&[Change::Reset(Kind::ResourcePool), Change::Upsert(pool("stale", "1"))]).await;
    rig.commit(&listing(&[pool("a", "1")])).await;
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().objects, [pool("a", "1")]);
}

/// A `Synced` without its `Reset` deletes nothing and makes nothing known.
pub async fn synced_without_reset_only_confirms(factory: &dyn Factory) {
    let rig = factory.make().await;
    let head = rig.commit(&listing(&[pool("a", "1")])).await;
    assert_eq!(rig.commit(&[Change::Synced(Kind::ResourcePool), Change::Synced(Kind::Resource)]).await, head);
    let snapshot = rig.log.snapshot(&lab()).await.unwrap();
    assert_eq!(snapshot.known, [Kind::ResourcePool]);
    assert_eq!(snapshot.objects.len(), 1);
}

/// What a leader staged is gone once another one took over.
pub async fn a_new_fence_discards_what_was_staged(factory: &dyn Factory) {
    let rig = factory.make().await;
    rig.commit(&listing(&[pool("a", "1")])).await;
    rig.commit(&[Change::Reset(Kind::ResourcePool)]).await;
    rig.log.commit(&lab(), Fence(FENCE.0 + 1), &[Change::Synced(Kind::ResourcePool)]).await.unwrap();
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().objects, [pool("a", "1")]);
}

/// Single changes are told with the state before and after.
pub async fn single_changes_carry_both_states(factory: &dyn Factory) {
    let rig = factory.make().await;
    let from = rig.log.head().await.unwrap();
    let mut resource = object(Kind::Resource, "r", "1");
    resource.parent = Some(Id::from("p"));
    let mut moved = object(Kind::Resource, "r", "2");
    moved.parent = Some(Id::from("q"));
    rig.commit(&[Change::Upsert(resource.clone()), Change::Upsert(moved.clone())]).await;
    rig.commit(&[Change::Delete(moved.key.clone())]).await;
    let entries = rig.log.read(from, 10).await.unwrap();
    let states: Vec<_> =
        entries.iter().map(changed).map(|event| (event.prior.clone(), event.post.clone())).collect();
    let (first, second) = (resource.json.clone(), moved.json.clone());
    assert_eq!(
        states,
        [(None, Some(first.clone())), (Some(first), Some(second.clone())), (Some(second), None)]
    );
    let parents: Vec<_> = entries.iter().map(changed).map(|event| event.parent.clone()).collect();
    assert_eq!(parents, [Some(Id::from("p")), Some(Id::from("q")), Some(Id::from("q"))]);
    assert!(entries.iter().map(changed).all(|event| event.at == rig.now() && event.source == lab()));
}

/// A change keeps the trace in which it was committed, for whoever tells it.
pub async fn a_change_keeps_its_trace(factory: &dyn Factory) {
    let rig = factory.make().await;
    let from = rig.log.head().await.unwrap();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().ok();
    let change = [Change::Upsert(object(Kind::Resource, "r", "1"))];
    netweave_model::Context::of(trace).within(rig.commit(&change)).await;
    rig.commit(&[Change::Upsert(object(Kind::Resource, "r", "2"))]).await;
    let entries = rig.log.read(from, 10).await.unwrap();
    assert!(trace.is_some());
    assert_eq!(entries.iter().map(changed).map(|event| event.trace).collect::<Vec<_>>(), [trace, None]);
}

/// A move to another pool is a change even if the JSON stays.
pub async fn a_new_parent_alone_is_a_change(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut resource = object(Kind::Resource, "r", "1");
    let from = rig.commit(&[Change::Upsert(resource.clone())]).await;
    resource.parent = Some(Id::from("p"));
    rig.commit(&[Change::Upsert(resource.clone())]).await;
    assert_eq!(told(&rig.log.read(from, 10).await.unwrap()), [(EventType::Modify, "r")]);
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().objects, [resource]);
}

/// An upsert that equals the row, and the delete of something unknown, are no changes; so a repeated commit is harmless.
pub async fn applying_a_change_again_is_harmless(factory: &dyn Factory) {
    let rig = factory.make().await;
    let changes = [Change::Upsert(pool("a", "2")), Change::Delete(pool_key("b"))];
    rig.commit(&listing(&[pool("a", "1"), pool("b", "1")])).await;
    let head = rig.commit(&changes).await;
    assert_eq!(rig.commit(&changes).await, head);
    assert_eq!(rig.commit(&listing(&[pool("a", "2")])).await, head);
}

/// A change back and forth gives a new id each time; positions count up by one.
pub async fn flapping_gives_new_notification_ids(factory: &dyn Factory) {
    let rig = factory.make().await;
    let from = rig.log.head().await.unwrap();
    for name in ["1", "2", "1", "2"] {
        rig.commit(&[Change::Upsert(pool("a", name))]).await;
    }
    let entries = rig.log.read(from, 10).await.unwrap();
    let ids: HashSet<_> = entries.iter().map(|entry| changed(entry).notification_id).collect();
    assert_eq!(ids.len(), 4);
    let sequences: Vec<_> = entries.iter().map(|entry| changed(entry).position.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
}

/// A fence older than one already used is refused, and nothing of the call is applied.
pub async fn an_older_fence_is_refused(factory: &dyn Factory) {
    let rig = factory.make().await;
    rig.log.commit(&lab(), Fence(5), &[Change::Upsert(pool("a", "1"))]).await.unwrap();
    let head = rig.log.head().await.unwrap();
    let error = rig.log.commit(&lab(), Fence(4), &[Change::Upsert(pool("b", "1"))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(rig.log.head().await.unwrap(), head);
    rig.log.commit(&SourceName::from("other"), Fence(1), &[Change::Heartbeat]).await.unwrap();
}

/// Heartbeats and `Synced` say when the source was seen; other changes do not.
pub async fn heartbeats_and_synced_set_when_it_was_seen(factory: &dyn Factory) {
    let rig = factory.make().await;
    rig.commit(&[Change::Upsert(pool("a", "1"))]).await;
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().seen_at, None);
    rig.commit(&[Change::Heartbeat]).await;
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().seen_at, Some(rig.now()));
    rig.clock.advance(Duration::from_secs(1));
    rig.commit(&listing(&[pool("a", "1")])).await;
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().seen_at, Some(rig.now()));
}

/// Sources have rows of their own in one common log.
pub async fn sources_do_not_mix(factory: &dyn Factory) {
    let rig = factory.make().await;
    let other = SourceName::from("other");
    rig.commit(&[Change::Upsert(pool("a", "1"))]).await;
    rig.log.commit(&other, FENCE, &[Change::Upsert(pool("b", "1"))]).await.unwrap();
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().objects, [pool("a", "1")]);
    assert_eq!(rig.log.snapshot(&other).await.unwrap().objects, [pool("b", "1")]);
    assert_eq!(rig.log.head().await.unwrap().sequence, 2);
}

/// A snapshot is ordered by kind and id.
pub async fn a_snapshot_is_ordered_by_kind_and_id(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut changes = Vec::new();
    for kind in Kind::ALL.into_iter().rev() {
        for id in ["b", "a"] {
            changes.push(Change::Upsert(object(kind, id, "1")));
        }
    }
    rig.commit(&changes).await;
    let keys: Vec<_> =
        rig.log.snapshot(&lab()).await.unwrap().objects.into_iter().map(|object| object.key).collect();
    assert_eq!(keys.len(), 16);
    assert!(keys.is_sorted());
}

/// A follower gets what is there already, then what comes, without loss and in order.
pub async fn a_follower_gets_old_and_new_entries(factory: &dyn Factory) {
    let rig = factory.make().await;
    let from = rig.log.head().await.unwrap();
    for n in 0..600 {
        rig.commit(&[Change::Upsert(pool(&format!("{n}"), "1"))]).await;
    }
    let mut stream = rig.log.follow(from).await.unwrap();
    for n in 0..600_u64 {
        assert_eq!(changed(&next(&mut stream).await).position.sequence, n + 1);
    }
    for n in 600..1_200_u64 {
        rig.commit(&[Change::Upsert(pool(&format!("{n}"), "1"))]).await;
    }
    for n in 600..1_200_u64 {
        assert_eq!(changed(&next(&mut stream).await).position.sequence, n + 1);
    }
}

/// A follower that waits is woken by a commit.
pub async fn a_waiting_follower_is_woken(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut stream = rig.log.follow(rig.log.head().await.unwrap()).await.unwrap();
    let changes = [Change::Upsert(pool("a", "1"))];
    let (entry, _) = tokio::join!(next(&mut stream), rig.commit(&changes));
    assert_eq!(changed(&entry).key, pool_key("a"));
}

/// A follower hears that a source was confirmed, after the entries that the confirmation covers.
pub async fn a_follower_hears_of_confirmations(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut stream = rig.log.follow(rig.log.head().await.unwrap()).await.unwrap();
    rig.commit(&listing(&[pool("a", "1")])).await;
    assert!(matches!(stream.next().await, Some(Ok(Entry::Baseline { .. }))));
    assert_eq!(stream.next().await.unwrap().unwrap(), Entry::Seen { source: lab(), at: rig.now() });
    rig.clock.advance(Duration::from_secs(1));
    rig.commit(&[Change::Heartbeat]).await;
    assert_eq!(stream.next().await.unwrap().unwrap(), Entry::Seen { source: lab(), at: rig.now() });
}

/// A follower that does not read holds nobody up, and loses nothing.
pub async fn a_slow_follower_does_not_hold_up_commits(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut slow = rig.log.follow(rig.log.head().await.unwrap()).await.unwrap();
    for n in 0..3_000 {
        let changes: Vec<_> = (0..10).map(|m| Change::Upsert(pool(&format!("{n}-{m}"), "1"))).collect();
        if n % 10 == 0 {
            rig.commit(&changes).await;
        }
    }
    for sequence in 1..=3_000 {
        assert_eq!(changed(&next(&mut slow).await).position.sequence, sequence);
    }
}

/// Positions of another generation, and those beyond the head, are not found.
pub async fn unknown_positions_are_not_found(factory: &dyn Factory) {
    let rig = factory.make().await;
    let head = rig.commit(&listing(&[])).await;
    let unknown = [
        Position::default(),
        Position { generation: head.generation + 1, ..head },
        Position { sequence: head.sequence + 1, ..head },
    ];
    for position in unknown {
        assert_eq!(rig.log.read(position, 1).await.unwrap_err().kind(), ErrorKind::NotFound, "{position}");
        assert_eq!(rig.log.follow(position).await.err().unwrap().kind(), ErrorKind::NotFound, "{position}");
    }
}

/// A read returns at most as many entries as were asked for.
pub async fn a_read_is_bounded(factory: &dyn Factory) {
    let rig = factory.make().await;
    let from = rig.log.head().await.unwrap();
    rig.commit(&[
        Change::Upsert(pool("a", "1")),
        Change::Upsert(pool("b", "1")),
        Change::Upsert(pool("c", "1")),
    ])
    .await;
    let entries = rig.log.read(from, 2).await.unwrap();
    assert_eq!(told(&entries), [(EventType::Create, "a"), (EventType::Create, "b")]);
    let rest = rig.log.read(changed(&entries[1]).position, 2).await.unwrap();
    assert_eq!(told(&rest), [(EventType::Create, "c")]);
}

/// Trimming drops entries that are old and not after the given position; others stay.
pub async fn trim_needs_age_and_position(factory: &dyn Factory) {
    let rig = factory.make().await;
    let start = rig.log.head().await.unwrap();
    let first = rig.commit(&[Change::Upsert(pool("a", "1"))]).await;
    let second = rig.commit(&[Change::Upsert(pool("b", "1"))]).await;
    let keep = Duration::from_mins(10);
    assert_eq!(rig.log.trim(second, keep).await.unwrap(), 0);
    rig.clock.advance(keep + Duration::from_millis(1));
    let third = rig.commit(&[Change::Upsert(pool("c", "1"))]).await;
    assert_eq!(rig.log.trim(first, keep).await.unwrap(), 1);
    assert_eq!(rig.log.trim(third, keep).await.unwrap(), 1);
    assert_eq!(rig.log.trim(third, keep).await.unwrap(), 0);
    assert_eq!(rig.log.read(start, 10).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(rig.log.read(first, 10).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(told(&rig.log.read(second, 10).await.unwrap()), [(EventType::Create, "c")]);
    assert_eq!(rig.log.head().await.unwrap(), third);
    assert_eq!(rig.log.snapshot(&lab()).await.unwrap().objects.len(), 3);
}

/// A follower whose next entry was trimmed is told to start over.
pub async fn trimming_ahead_of_a_follower_ends_its_stream(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut stream = rig.log.follow(rig.log.head().await.unwrap()).await.unwrap();
    let head = rig.commit(&[Change::Upsert(pool("a", "1")), Change::Upsert(pool("b", "1"))]).await;
    rig.clock.advance(Duration::from_secs(1));
    rig.log.trim(head, Duration::ZERO).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(stream.next().await.is_none());
}
