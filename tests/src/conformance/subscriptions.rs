//! The conformance suite of the `subscriptions` port.

use super::stores::{Factory, LEASE, QUOTA, Rig, wish};
use netweave_model::port::{Created, DeadLetterReason, Quota, Restored, Saved, SubscriptionChange, Update};
use netweave_model::subscription::StateForm;
use netweave_model::{
    ErrorKind, FormerSecret, Id, SigningSecrets, Subscription, SubscriptionState, Timestamp,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

fn suspended() -> SubscriptionState {
    SubscriptionState::Suspended { reason: "the callback answered 410".to_owned() }
}

async fn ids(rig: &Rig, owner: Option<&str>) -> Vec<Id> {
    let page = rig.subscriptions.page(owner, None, 1_000).await.unwrap();
    page.into_iter().map(|subscription| subscription.id).collect()
}

/// A new subscription is what was asked for, with a fresh id, and can be read.
pub async fn a_created_one_can_be_read(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut new = wish("smo", "a");
    new.consumer_subscription_id = Some("mine".to_owned());
    new.filter = Some("(eq,objectType,ResourceInfo)".to_owned());
    let Created::New(made) = rig.subscriptions.create(new.clone(), QUOTA).await.unwrap() else { panic!() };
    assert_eq!(rig.subscriptions.get(&made.id).await.unwrap(), made);
    let expected = Subscription {
        id: made.id.clone(),
        owner: new.owner,
        major: new.major,
        callback: new.callback,
        consumer_subscription_id: new.consumer_subscription_id,
        filter: new.filter,
        states: new.states,
        secret: new.secret,
        former: None,
        lease_ms: 60_000,
        created_at: rig.now(),
        expires_at: rig.now().plus(LEASE),
        rev: 1,
        state: SubscriptionState::Active,
    };
    assert_eq!(made, expected);
    assert_ne!(rig.subscribe("smo", "b").await.id, made.id);
    let error = rig.subscriptions.get(&Id::from("unknown")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// The same wish of the same owner is a duplicate; another owner, callback, filter or consumer id is not.
pub async fn an_equal_one_of_the_owner_is_a_duplicate(factory: &dyn Factory) {
    let rig = factory.make().await;
    let made = rig.subscribe("smo", "a").await;
    let mut same = wish("smo", "a");
    same.states = StateForm::String;
    same.secret = "whsec_BBBB".into();
    assert_eq!(rig.subscriptions.create(same, QUOTA).await.unwrap(), Created::Duplicate(made));
    let mut others = [wish("other", "a"), wish("smo", "b"), wish("smo", "a"), wish("smo", "a")];
    others[2].filter = Some("f".to_owned());
    others[3].consumer_subscription_id = Some("c".to_owned());
    for other in others {
        assert!(matches!(rig.subscriptions.create(other, QUOTA).await.unwrap(), Created::New(_)));
    }
}

/// The quotas of an owner and of all hold; a duplicate needs none; what ended frees its place.
pub async fn quotas_hold(factory: &dyn Factory) {
    let rig = factory.make().await;
    let quota = Quota { per_owner: 2, total: 3 };
    let first = rig.subscribe("smo", "1").await;
    rig.subscribe("smo", "2").await;
    let create = |owner, callback| rig.subscriptions.create(wish(owner, callback), quota);
    assert_eq!(create("smo", "3").await.unwrap(), Created::QuotaExceeded);
    assert_eq!(create("smo", "1").await.unwrap(), Created::Duplicate(first.clone()));
    assert!(matches!(create("b", "1").await.unwrap(), Created::New(_)));
    assert_eq!(create("c", "1").await.unwrap(), Created::QuotaExceeded);
    rig.subscriptions.delete(&first.id, None).await.unwrap();
    assert!(matches!(create("smo", "3").await.unwrap(), Created::New(_)));
    rig.clock.advance(LEASE);
    assert!(matches!(create("c", "1").await.unwrap(), Created::New(_)));
}

/// Pages follow each other in the order of ids, of one owner or of all.
pub async fn pages_are_ordered_by_id(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut all = BTreeSet::new();
    let mut mine = BTreeSet::new();
    for n in 0..5 {
        let id = rig.subscribe("smo", &n.to_string()).await.id;
        mine.insert(id.clone());
        all.insert(id);
        all.insert(rig.subscribe("other", &n.to_string()).await.id);
    }
    for (owner, expected) in [(None, all), (Some("smo"), mine), (Some("nobody"), BTreeSet::new())] {
        let mut found = Vec::new();
        loop {
            let page = rig.subscriptions.page(owner, found.last(), 2).await.unwrap();
            assert!(page.len() <= 2);
            if page.is_empty() {
                break;
            }
            found.extend(page.into_iter().map(|subscription| subscription.id));
        }
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}

/// A replacement changes what it names, raises the revision and renews the lease.
pub async fn an_update_changes_what_it_names(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut expected = rig.subscribe("smo", "a").await;
    rig.clock.advance(Duration::from_secs(30));
    let update = Update {
        callback: Some("https://smo.example/b".to_owned()),
        consumer_subscription_id: Some(Some("mine".to_owned())),
        filter: Some(Some("f".to_owned())),
        states: Some(StateForm::String),
        state: Some(suspended()),
        secrets: Some(SigningSecrets { secret: "whsec_CCCC".into(), former: Some(Box::new(former())) }),
    };
    let changed = rig.subscriptions.update(&expected.id, Some(1), update).await.unwrap();
    "https://smo.example/b".clone_into(&mut expected.callback);
    expected.consumer_subscription_id = Some("mine".to_owned());
    expected.filter = Some("f".to_owned());
    expected.states = StateForm::String;
    expected.state = suspended();
    (expected.secret, expected.former) = ("whsec_CCCC".into(), Some(Box::new(former())));
    expected.rev = 2;
    expected.expires_at = rig.now().plus(LEASE);
    assert_eq!(changed, expected);
    let update = Update { filter: Some(None), consumer_subscription_id: Some(None), ..Update::default() };
    let changed = rig.subscriptions.update(&expected.id, None, update).await.unwrap();
    assert_eq!((changed.filter, changed.consumer_subscription_id, changed.rev), (None, None, 3));
    assert_eq!(changed.callback, expected.callback);
    assert_eq!((changed.secret, changed.former), (expected.secret, expected.former), "as they were");
}

/// A secret that was replaced and still signs.
fn former() -> FormerSecret {
    FormerSecret { secret: "whsec_AAAA".into(), until: Timestamp(i64::from(u32::MAX)) }
}

/// An update needs the right revision and must not make a duplicate.
pub async fn an_update_is_refused(factory: &dyn Factory) {
    let rig = factory.make().await;
    let one = rig.subscribe("smo", "a").await;
    let two = rig.subscribe("smo", "b").await;
    let update = |callback: &str| Update { callback: Some(callback.to_owned()), ..Update::default() };
    let refused = |id: &Id, rev| {
        let (id, update) = (id.clone(), update(&two.callback));
        let subscriptions = Arc::clone(&rig.subscriptions);
        async move { subscriptions.update(&id, rev, update).await.unwrap_err().kind() }
    };
    assert_eq!(refused(&Id::from("unknown"), None).await, ErrorKind::NotFound);
    assert_eq!(refused(&one.id, Some(7)).await, ErrorKind::PreconditionFailed);
    assert_eq!(refused(&one.id, Some(1)).await, ErrorKind::Conflict);
    assert_eq!(rig.subscriptions.get(&one.id).await.unwrap(), one);
    assert!(rig.subscriptions.update(&two.id, Some(1), update(&two.callback)).await.is_ok());
}

/// After an update the old callback is free for another subscription, the new one is not.
pub async fn an_update_moves_what_counts_as_duplicate(factory: &dyn Factory) {
    let rig = factory.make().await;
    let one = rig.subscribe("smo", "a").await;
    let update = Update { callback: Some("https://smo.example/b".to_owned()), ..Update::default() };
    let one = rig.subscriptions.update(&one.id, None, update).await.unwrap();
    assert_eq!(rig.subscriptions.create(wish("smo", "b"), QUOTA).await.unwrap(), Created::Duplicate(one));
    rig.subscribe("smo", "a").await;
}

/// A renewal is for the given time from now, or for the subscription's own lease.
pub async fn a_renewal_prolongs_the_lease(factory: &dyn Factory) {
    let rig = factory.make().await;
    let made = rig.subscribe("smo", "a").await;
    rig.clock.advance(Duration::from_secs(59));
    let renewed = rig.subscriptions.renew(&made.id, None).await.unwrap();
    assert_eq!((renewed.expires_at, renewed.rev), (rig.now().plus(LEASE), 1));
    let long = Duration::from_hours(1);
    let renewed = rig.subscriptions.renew(&made.id, Some(long)).await.unwrap();
    assert_eq!((renewed.expires_at, renewed.rev), (rig.now().plus(long), 1));
    assert_eq!(
        rig.subscriptions.renew(&Id::from("unknown"), None).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

/// One whose lease has run out is gone for everybody, even before it is swept.
pub async fn an_expired_one_is_gone_before_the_sweep(factory: &dyn Factory) {
    let rig = factory.make().await;
    let made = rig.subscribe("smo", "a").await;
    rig.clock.advance(LEASE.saturating_sub(Duration::from_millis(1)));
    assert!(rig.subscriptions.get(&made.id).await.is_ok());
    rig.clock.advance(Duration::from_millis(1));
    let gone = |error: netweave_model::Error| error.kind() == ErrorKind::NotFound;
    assert!(rig.subscriptions.get(&made.id).await.is_err_and(gone));
    assert!(rig.subscriptions.renew(&made.id, None).await.is_err_and(gone));
    assert!(rig.subscriptions.update(&made.id, None, Update::default()).await.is_err_and(gone));
    assert!(rig.subscriptions.delete(&made.id, None).await.is_err_and(gone));
    assert!(rig.deliveries.backlog(&made.id).await.is_err_and(gone));
    assert_eq!(ids(&rig, None).await, []);
    assert_ne!(rig.subscribe("smo", "a").await.id, made.id);
}

/// A deletion takes the queue, the history and the dead letters along, if the revision is right.
pub async fn a_deleted_one_leaves_nothing(factory: &dyn Factory) {
    let rig = factory.make().await;
    let made = rig.subscribe("smo", "a").await;
    rig.queue(&made.id, &["x", "y"]).await;
    let claim = rig.take_one().await;
    let attempt = super::deliveries::attempt(&rig, &claim.items[0], false);
    rig.deliveries.dead_letter(&claim, DeadLetterReason::Refused, attempt).await.unwrap();
    let error = rig.subscriptions.delete(&made.id, Some(9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    rig.subscriptions.delete(&made.id, Some(1)).await.unwrap();
    assert_eq!(rig.subscriptions.delete(&made.id, None).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(rig.deliveries.backlog(&made.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(rig.deliveries.dead_letters(Some(&made.id), 10).await.unwrap(), []);
    assert_eq!(rig.deliveries.dead_letters(None, 10).await.unwrap(), []);
    let attempt = super::deliveries::attempt(&rig, &claim.items[1], true);
    assert!(!rig.deliveries.ack_head(&claim, attempt).await.unwrap().removed());
    rig.clock.advance(Duration::from_secs(11));
    assert_eq!(rig.take().await, []);
}

/// A sweep ends those whose lease has run out, the longest ago first, and leaves the others.
pub async fn a_sweep_ends_the_expired(factory: &dyn Factory) {
    let rig = factory.make().await;
    let mut expected = Vec::new();
    for n in 0..3 {
        expected.push(rig.subscribe("smo", &n.to_string()).await);
        rig.clock.advance(Duration::from_secs(1));
    }
    rig.clock.advance(Duration::from_secs(50));
    let living = rig.subscribe("smo", "living").await;
    rig.clock.advance(Duration::from_secs(9));
    assert_eq!(rig.subscriptions.sweep(2).await.unwrap(), expected[..2]);
    assert_eq!(rig.subscriptions.sweep(2).await.unwrap(), expected[2..]);
    assert_eq!(rig.subscriptions.sweep(2).await.unwrap(), []);
    assert_eq!(ids(&rig, None).await, [living.id]);
}

/// What was queued for one that expired can be read for a day.
pub async fn a_sweep_keeps_queued_items_as_dead_letters(factory: &dyn Factory) {
    let rig = factory.make().await;
    let made = rig.subscribe("smo", "a").await;
    rig.queue(&made.id, &["x", "y"]).await;
    rig.clock.advance(LEASE);
    rig.subscriptions.sweep(10).await.unwrap();
    let dead = rig.deliveries.dead_letters(Some(&made.id), 10).await.unwrap();
    assert_eq!(dead.len(), 2);
    assert!(dead.iter().all(|dead| dead.reason == DeadLetterReason::Expired && dead.at == rig.now()));
    assert_eq!(dead.iter().map(|dead| dead.item.sequence).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(rig.deliveries.replay(&made.id, 0, 100).await.unwrap_err().kind(), ErrorKind::NotFound);
    rig.clock.advance(Duration::from_hours(24));
    rig.subscriptions.sweep(10).await.unwrap();
    assert_eq!(rig.deliveries.dead_letters(Some(&made.id), 10).await.unwrap().len(), 2);
    rig.clock.advance(Duration::from_millis(1));
    rig.subscriptions.sweep(10).await.unwrap();
    assert_eq!(rig.deliveries.dead_letters(None, 10).await.unwrap(), []);
}

/// Who knows a version gets what changed after it: each subscription once, as it is now, oldest change first.
pub async fn since_tells_the_difference(factory: &dyn Factory) {
    let rig = factory.make().await;
    let a = rig.subscribe("smo", "a").await;
    let (version, _, _) = rig.subscriptions.since(0).await.unwrap();
    let b = rig.subscribe("smo", "b").await;
    let c = rig.subscribe("smo", "c").await;
    let renewed = rig.subscriptions.renew(&b.id, None).await.unwrap();
    rig.subscriptions.delete(&a.id, None).await.unwrap();
    let (later, complete, changes) = rig.subscriptions.since(version).await.unwrap();
    assert!(later > version && !complete);
    let expected =
        [SubscriptionChange::Put(c), SubscriptionChange::Put(renewed), SubscriptionChange::Gone(a.id)];
    assert_eq!(changes, expected);
    assert_eq!(rig.subscriptions.since(later).await.unwrap(), (later, false, Vec::new()));
}

/// Who knows nothing, or a version that never was, can trust that nothing is missing.
pub async fn since_an_unknown_version_is_complete(factory: &dyn Factory) {
    let rig = factory.make().await;
    let a = rig.subscribe("smo", "a").await;
    let (version, _, changes) = rig.subscriptions.since(0).await.unwrap();
    assert_eq!(changes, [SubscriptionChange::Put(a.clone())]);
    let (_, complete, changes) = rig.subscriptions.since(version + 1).await.unwrap();
    assert!(complete);
    assert_eq!(changes, [SubscriptionChange::Put(a)]);
}

/// The history tells of an expiry as of a deletion.
pub async fn since_tells_of_expiry(factory: &dyn Factory) {
    let rig = factory.make().await;
    let a = rig.subscribe("smo", "a").await;
    let (version, _, _) = rig.subscriptions.since(0).await.unwrap();
    rig.clock.advance(LEASE);
    rig.subscriptions.sweep(10).await.unwrap();
    let (_, complete, changes) = rig.subscriptions.since(version).await.unwrap();
    assert!(!complete);
    assert_eq!(changes, [SubscriptionChange::Gone(a.id)]);
}

/// A subscription of another store is put under its id, is matched, and its numbers go on.
pub async fn a_saved_one_goes_on_where_it_was(factory: &dyn Factory) {
    let (from, to) = (factory.make().await, factory.make().await);
    let subscription = from.subscribe("smo", "a").await;
    let saved = Saved { subscription: subscription.clone(), last_sequence: 41, waiting: 0, dead: 0 };
    let (before, ..) = to.subscriptions.since(0).await.unwrap();
    assert_eq!(to.subscriptions.restore(&[saved]).await.unwrap(), [Restored::Put]);
    assert_eq!(to.subscriptions.get(&subscription.id).await.unwrap(), subscription);
    let (_, _, changes) = to.subscriptions.since(before).await.unwrap();
    assert_eq!(changes, [SubscriptionChange::Put(subscription.clone())]);
    to.queue(&subscription.id, &["p"]).await;
    assert_eq!(to.take_one().await.items[0].sequence, 42);
    let twin = to.subscriptions.create(wish("smo", "a"), QUOTA).await.unwrap();
    assert_eq!(twin, Created::Duplicate(subscription));
}

/// What the store knows better stays: a later revision, and the end of a lease.
pub async fn a_saved_one_replaces_only_what_is_older(factory: &dyn Factory) {
    let rig = factory.make().await;
    let first = rig.subscribe("smo", "a").await;
    let update = Update { filter: Some(Some("f".to_owned())), ..Update::default() };
    let second = rig.subscriptions.update(&first.id, None, update).await.unwrap();
    let saved = |subscription: &Subscription| Saved {
        subscription: subscription.clone(),
        last_sequence: 0,
        waiting: 0,
        dead: 0,
    };
    let third = Subscription { rev: 3, ..first.clone() };
    let gone = Subscription { id: Id::from("gone"), expires_at: rig.now(), ..first.clone() };
    let all = [saved(&first), saved(&second), saved(&gone)];
    let expected = [Restored::Known, Restored::Known, Restored::Ended];
    assert_eq!(rig.subscriptions.restore(&all).await.unwrap(), expected);
    assert_eq!(rig.subscriptions.get(&first.id).await.unwrap(), second);
    assert_eq!(rig.subscriptions.restore(&[saved(&third)]).await.unwrap(), [Restored::Put]);
    assert_eq!(rig.subscriptions.get(&first.id).await.unwrap(), third);
    assert_eq!(rig.subscriptions.get(&gone.id).await.unwrap_err().kind(), ErrorKind::NotFound);
}
