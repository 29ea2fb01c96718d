//! The file itself: who may open it, what is kept over a reopening, and what happens when it fails.

use crate::disk::Disk;
use netweave_embedded::{Conf, Embedded};
use netweave_model::port::{
    Change, Claim, Created, Deliveries, FanOut, Fence, Ids, InventoryLog, Leases, Notice, Schema,
    Subscriptions,
};
use netweave_model::{Entry, ErrorKind, Id};
use netweave_tests::conformance::stores::{LEASE, QUOTA, event, lab, listing, pool, wish};
use netweave_tests::harness::Dice;
use netweave_tests::harness::clock::{RandomIds, TestClock};
use redb::{ReadableDatabase, TableDefinition};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

struct Place {
    _directory: tempfile::TempDir,
    path: PathBuf,
    clock: Arc<TestClock>,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        Self { _directory: directory, path, clock: Arc::new(TestClock::new()) }
    }

    async fn open(&self) -> netweave_model::Result<Embedded> {
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        netweave_embedded::open(&Conf { path: self.path.clone() }, self.clock.shared(), ids).await
    }
}

async fn subscribe(store: &Embedded) -> Id {
    match store.create(wish("smo", "a"), QUOTA).await.unwrap() {
        Created::New(subscription) => subscription.id,
        other @ (Created::Duplicate(_) | Created::QuotaExceeded) => {
            panic!("expected a new subscription, found {other:?}")
        }
    }
}

async fn take(store: &Embedded) -> Vec<Claim> {
    store.take(10, 10, LEASE).await.unwrap()
}

#[tokio::test]
async fn a_second_opening_is_refused_until_the_first_is_closed() {
    let place = Place::new();
    let first = place.open().await.unwrap();
    let error = place.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.public(), "another process holds the state file");
    drop(first);
    place.open().await.unwrap();
}

#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    let place = Place::new();
    let mode = || std::fs::metadata(&place.path).unwrap().permissions().mode() & 0o777;
    drop(place.open().await.unwrap());
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(place.open().await.unwrap());
    assert_eq!(mode(), 0o600);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
    let place = Place::new();
    drop(place.open().await.unwrap());
    let database = redb::Database::open(&place.path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert("schema", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let conf = Conf { path: place.path.clone() };
    assert_eq!(netweave_embedded::schema(&conf).await.unwrap(), Some(Schema::new(2, 0)));
    assert_eq!(place.open().await.unwrap_err().kind(), ErrorKind::Unsupported);
    let database = redb::Database::open(&place.path).unwrap();
    let meta = database.begin_read().unwrap().open_table(META).unwrap();
    assert_eq!(meta.get("schema").unwrap().unwrap().value(), 2);
}

/// A program of the next minor version may have written it, or one of the version before.
#[tokio::test]
async fn a_file_of_an_adjacent_minor_version_is_used_and_the_higher_version_stays() {
    const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
    let place = Place::new();
    let minor = |write: Option<u64>| {
        let database = redb::Database::open(&place.path).unwrap();
        if let Some(minor) = write {
            let transaction = database.begin_write().unwrap();
            transaction.open_table(META).unwrap().insert("schemaMinor", minor).unwrap();
            transaction.commit().unwrap();
        }
        let meta = database.begin_read().unwrap().open_table(META).unwrap();
        meta.get("schemaMinor").unwrap().unwrap().value()
    };
    drop(place.open().await.unwrap());
    let own = u64::from(netweave_embedded::SCHEMA.minor);
    minor(Some(own + 1));
    drop(place.open().await.unwrap());
    assert_eq!(minor(None), own + 1);
    minor(Some(own + 2));
    assert_eq!(place.open().await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let place = Place::new();
    std::fs::write(&place.path, "subscriptions: none\n").unwrap();
    assert_eq!(place.open().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn rows_log_and_its_generation_stay() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let start = store.head().await.unwrap();
    store.commit(&lab(), Fence(3), &listing(&[pool("a", "1"), pool("b", "1")])).await.unwrap();
    let head = store.commit(&lab(), Fence(3), &[Change::Upsert(pool("a", "2"))]).await.unwrap();
    let (snapshot, entries) = (store.snapshot(&lab()).await.unwrap(), store.read(start, 10).await.unwrap());
    drop(store);
    place.clock.advance(Duration::from_hours(1));
    let store = place.open().await.unwrap();
    assert_eq!(store.head().await.unwrap(), head);
    assert_eq!(store.snapshot(&lab()).await.unwrap(), snapshot);
    assert_eq!(store.read(start, 10).await.unwrap(), entries);
    assert_eq!(store.commit(&lab(), Fence(3), &[Change::Upsert(pool("a", "2"))]).await.unwrap(), head);
    let error = store.commit(&lab(), Fence(2), &[Change::Heartbeat]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    store.commit(&lab(), Fence(3), &[Change::Delete(pool("a", "2").key)]).await.unwrap();
    let Some(Entry::Changed(event)) = store.read(head, 1).await.unwrap().pop() else { panic!() };
    assert_eq!(event.prior, Some(pool("a", "2").json));
}

#[tokio::test]
async fn leases_are_free_after_a_restart_and_fences_go_on() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let before = store.acquire("lab", "one", LEASE).await.unwrap().unwrap();
    drop(store);
    let store = place.open().await.unwrap();
    assert!(store.acquire("lab", "two", LEASE).await.unwrap().unwrap() > before);
}

#[tokio::test]
async fn queues_and_their_retries_stay_and_claims_are_free() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let id = subscribe(&store).await;
    let notices = vec![Notice::Change(event("x")), Notice::Test];
    let items = store.enqueue(&id, notices, 100).await.unwrap();
    take(&store).await;
    drop(store);
    let store = place.open().await.unwrap();
    let claim = take(&store).await.remove(0);
    assert_eq!(claim.items, items);
    let attempt = netweave_model::port::Attempt {
        sequence: 1,
        notification_id: items[0].notification_id,
        at: items[0].queued_at,
        duration_ms: 1,
        status: None,
        delivered: false,
        error: Some("refused".to_owned()),
    };
    assert!(store.defer(&claim, Duration::from_secs(5), attempt).await.unwrap());
    let backlog = store.backlog(&id).await.unwrap();
    drop(store);
    let store = place.open().await.unwrap();
    assert_eq!(store.backlog(&id).await.unwrap(), backlog);
    assert_eq!(take(&store).await, []);
    place.clock.advance(Duration::from_secs(5));
    assert_eq!(take(&store).await[0].items.len(), 2);
}

#[tokio::test]
async fn an_outage_prolongs_every_lease_by_its_length() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let id = subscribe(&store).await;
    let before = store.get(&id).await.unwrap();
    drop(store);
    let outage = Duration::from_hours(2);
    place.clock.advance(outage);
    let store = place.open().await.unwrap();
    let after = store.get(&id).await.unwrap();
    assert_eq!(after.expires_at, before.expires_at.plus(outage));
    drop(store);
    let store = place.open().await.unwrap();
    assert_eq!(store.get(&id).await.unwrap(), after);
    place.clock.advance(LEASE);
    assert_eq!(store.sweep(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_body_of_an_event_is_in_the_file_once() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let start = store.cursor().await.unwrap();
    let big = "x".repeat(100_000);
    let to = store.commit(&lab(), Fence(1), &[Change::Upsert(pool("a", &big))]).await.unwrap();
    let Some(Entry::Changed(event)) = store.read(start, 1).await.unwrap().pop() else { panic!() };
    let event = Arc::new(event);
    let mut items = Vec::new();
    for n in 0..200 {
        let Created::New(made) = store.create(wish("smo", &n.to_string()), QUOTA).await.unwrap() else {
            panic!()
        };
        items.push((made.id, Arc::clone(&event)));
    }
    let subscriptions_version = store.since(0).await.unwrap().0;
    let step = FanOut { from: start, to, subscriptions_version, items, max_queue: 10 };
    store.fan_out(step).await.unwrap();
    drop(store);
    assert!(std::fs::metadata(&place.path).unwrap().len() < 4_000_000);
}

#[tokio::test]
async fn a_failed_sync_closes_the_store_for_good() {
    let disk = Disk::new(u64::MAX);
    let open = |disk: &Disk| {
        netweave_embedded::open_with(disk.clone(), Arc::new(TestClock::new()), Arc::new(RandomIds))
    };
    let id = subscribe(&open(&disk).unwrap()).await;
    let failing = disk.after_power_cut(&mut Dice(1), 30);
    let store = open(&failing).unwrap();
    let mut stream = store.follow(store.head().await.unwrap()).await.unwrap();
    let mut changes = 0;
    let error = loop {
        let change = Change::Upsert(pool("a", &changes.to_string()));
        match store.commit(&lab(), Fence(1), &[change]).await {
            Ok(_) => changes += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(store.get(&id).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(store.commit(&lab(), Fence(1), &[]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let ended = loop {
        if let Err(error) = futures::StreamExt::next(&mut stream).await.unwrap() {
            break error;
        }
    };
    assert_eq!(ended.kind(), ErrorKind::Unavailable);
    drop((stream, store));
    let store = open(&failing.after_power_cut(&mut Dice(1), u64::MAX)).unwrap();
    assert_eq!(store.get(&id).await.unwrap().id, id);
}
