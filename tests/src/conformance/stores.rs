//! What the suites of the store ports have in common: a store to test, and things to put into it.

use crate::harness::clock::TestClock;
use async_trait::async_trait;
use netweave_model::domain::KeyValuePairs;
use netweave_model::port::{
    Change, Claim, Clock, Created, Deliveries, FanOut, FanOutOutcome, Fence, InventoryLog, Item, Leases,
    Notice, Quota, Subscriptions,
};
use netweave_model::subscription::{Major, StateForm};
use netweave_model::{
    Entry, Event, EventType, Id, Kind, NewSubscription, Object, ObjectKey, Position, SourceName,
    Subscription, Timestamp,
};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// Makes empty stores.
#[async_trait]
pub trait Factory: Send + Sync {
    /// Makes a store with nothing in it.
    async fn make(&self) -> Rig;
}

/// One store behind its ports, with the clock that it goes by.
pub struct Rig {
    /// The change log.
    pub log: Arc<dyn InventoryLog>,
    /// The subscriptions.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// The delivery queues.
    pub deliveries: Arc<dyn Deliveries>,
    /// Leadership.
    pub leases: Arc<dyn Leases>,
    /// The store's time.
    pub clock: Arc<TestClock>,
    /// What must live as long as the store: its directory, its server.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// A quota that nobody reaches.
pub const QUOTA: Quota = Quota { per_owner: 1_000, total: 10_000 };

/// The lease of subscriptions made here.
pub const LEASE: Duration = Duration::from_mins(1);

/// The fence of commits made here.
pub const FENCE: Fence = Fence(1);

/// The source of objects made here.
pub fn lab() -> SourceName {
    SourceName::from("lab")
}

/// A pool; `name` is the part of its JSON that tests change.
pub fn pool(id: &str, name: &str) -> Object {
    object(Kind::ResourcePool, id, name)
}

/// An object of any kind.
pub fn object(kind: Kind, id: &str, name: &str) -> Object {
    let mut json = KeyValuePairs::new();
    json.insert(kind.id_attribute().to_owned(), id.into());
    json.insert("name".to_owned(), name.into());
    Object {
        key: ObjectKey { kind, id: Id::from(id) },
        parent: None,
        json: serde_json::to_vec(&json).unwrap().into(),
    }
}

/// The key of a pool.
pub fn pool_key(id: &str) -> ObjectKey {
    ObjectKey { kind: Kind::ResourcePool, id: Id::from(id) }
}

/// A subscription of `owner`; `callback` tells it from others of the same owner.
pub fn wish(owner: &str, callback: &str) -> NewSubscription {
    NewSubscription {
        owner: owner.to_owned(),
        major: Major::V2,
        callback: format!("https://smo.example/{callback}"),
        consumer_subscription_id: None,
        filter: None,
        states: StateForm::Object,
        secret: "whsec_AAAA".into(),
        lease: LEASE,
    }
}

/// An event that is in no log.
pub fn event(name: &str) -> Arc<Event> {
    Arc::new(Event {
        position: Position { generation: 1, sequence: 1 },
        notification_id: uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()),
        source: lab(),
        key: pool_key(name),
        parent: None,
        event_type: EventType::Create,
        prior: None,
        post: Some(pool(name, name).json),
        at: Timestamp(1),
        trace: None,
    })
}

/// The steps of a complete list of pools.
pub fn listing(pools: &[Object]) -> Vec<Change> {
    let mut changes = vec![Change::Reset(Kind::ResourcePool)];
    changes.extend(pools.iter().cloned().map(Change::Upsert));
    changes.push(Change::Synced(Kind::ResourcePool));
    changes
}

/// The event in an entry, or a failed test.
pub fn changed(entry: &Entry) -> &Event {
    match entry {
        Entry::Changed(event) => event,
        Entry::Baseline { .. } | Entry::Seen { .. } => panic!("expected a change, found {entry:?}"),
    }
}

/// The type and the id of each change.
pub fn told(entries: &[Entry]) -> Vec<(EventType, &str)> {
    entries.iter().map(changed).map(|event| (event.event_type, event.key.id.as_str())).collect()
}

impl Rig {
    /// The store's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Creates a subscription.
    pub async fn subscribe(&self, owner: &str, callback: &str) -> Subscription {
        match self.subscriptions.create(wish(owner, callback), QUOTA).await.unwrap() {
            Created::New(subscription) => subscription,
            other @ (Created::Duplicate(_) | Created::QuotaExceeded) => {
                panic!("expected a new subscription, found {other:?}")
            }
        }
    }

    /// Commits changes of the lab.
    pub async fn commit(&self, changes: &[Change]) -> Position {
        self.log.commit(&lab(), FENCE, changes).await.unwrap()
    }

    /// Commits a new pool and returns its event.
    pub async fn happen(&self, id: &str) -> Arc<Event> {
        let before = self.log.head().await.unwrap();
        self.commit(&[Change::Upsert(pool(id, "new"))]).await;
        let entries = self.log.read(before, 1).await.unwrap();
        Arc::new(changed(&entries[0]).clone())
    }

    /// The step that fans these items out up to the head of the log.
    pub async fn step(&self, items: Vec<(Id, Arc<Event>)>, max_queue: u64) -> FanOut {
        FanOut {
            from: self.deliveries.cursor().await.unwrap(),
            to: self.log.head().await.unwrap(),
            subscriptions_version: self.subscriptions.since(0).await.unwrap().0,
            items,
            max_queue,
        }
    }

    /// Fans these items out.
    pub async fn fan_out(&self, items: Vec<(Id, Arc<Event>)>, max_queue: u64) {
        let step = self.step(items, max_queue).await;
        assert_eq!(self.deliveries.fan_out(step).await.unwrap(), FanOutOutcome::Done);
    }

    /// Queues one new event per id for a subscription.
    pub async fn queue(&self, subscription: &Id, ids: &[&str]) {
        let mut items = Vec::new();
        for id in ids {
            items.push((subscription.clone(), self.happen(id).await));
        }
        self.fan_out(items, 1_000).await;
    }

    /// Claims everything that is due, for ten seconds.
    pub async fn take(&self) -> Vec<Claim> {
        self.deliveries.take(100, 100, Duration::from_secs(10)).await.unwrap()
    }

    /// Claims everything that is due and expects one subscription.
    pub async fn take_one(&self) -> Claim {
        let mut claims = self.take().await;
        assert_eq!(claims.len(), 1, "{claims:?}");
        claims.remove(0)
    }
}

/// The ids of the objects whose changes the items tell; a failed test if they tell of anything else.
pub fn told_items(items: &[Item]) -> Vec<&str> {
    let mut told = Vec::new();
    for item in items {
        match &item.notice {
            Notice::Change(event) => told.push(event.key.id.as_str()),
            Notice::Resync { .. } | Notice::Test => panic!("expected changes, found {item:?}"),
        }
    }
    told
}
