//! A source is read in parts by the Redis store: what is read is what there was at one position, whatever is committed
//! meanwhile, and no part takes long.
#![expect(clippy::unwrap_used, reason = "code of tests: a panic says what is not as it must be")]

use crate::stores::InRedis;
use netweave_model::port::{CallOutcome, Change, Fence, InventoryLog, StoreHealth, StoreObserver};
use netweave_model::{Id, Kind, Object, ObjectKey, SourceName};
use netweave_redis::{Conf, Redis, open};
use netweave_tests::conformance::stores::{FENCE, lab, listing, pool};
use netweave_tests::harness::clock::RandomIds;
use netweave_tests::harness::{RedisServer, figures};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The size of a server in JSON, as `benches/run.sh inventory` has it.
const SIZE: usize = 832;
/// A command is given up after two seconds, and a connection on which nothing comes for one and a half.
const HALF_OF_THE_TIME: Duration = Duration::from_millis(750);
/// Rows that are read at once, at most.
const PART: usize = 500;
/// Rows that are committed at once.
const AT_ONCE: usize = 1_000;

/// How often each script was called, and the longest call of it.
#[derive(Default)]
struct Calls(Mutex<BTreeMap<&'static str, (usize, Duration)>>);

impl StoreObserver for Calls {
    fn called(&self, command: &'static str, _outcome: CallOutcome, took: Duration) {
        let mut all = self.0.lock().unwrap();
        let (count, longest) = all.entry(command).or_default();
        (*count, *longest) = (*count + 1, took.max(*longest));
    }

    fn switched(&self, _told: u64) {}
}

async fn store() -> Option<(RedisServer, Redis)> {
    InRedis::found()?;
    let server = RedisServer::start().await?;
    let store = open(&Conf::of_url(server.url()), None, Arc::new(RandomIds)).await.unwrap();
    Some((server, store))
}

fn server_row(n: usize) -> Object {
    let key = ObjectKey { kind: Kind::Resource, id: Id::from(format!("server-{n:06}").as_str()) };
    let json = format!("{{\"resourceId\":\"{}\",\"description\":\"", key.id);
    let rest = "x".repeat(SIZE - json.len() - 2);
    Object { key, parent: Some(Id::from("pool")), json: format!("{json}{rest}\"}}").into() }
}

/// Commits the first complete list of so many servers.
async fn fill(store: &Redis, rows: usize) {
    let mut changes = vec![Change::Reset(Kind::Resource)];
    for n in 0..rows {
        changes.push(Change::Upsert(server_row(n)));
        if changes.len() == AT_ONCE {
            store.commit(&lab(), FENCE, &std::mem::take(&mut changes)).await.unwrap();
        }
    }
    changes.push(Change::Synced(Kind::Resource));
    store.commit(&lab(), FENCE, &changes).await.unwrap();
}

#[tokio::test]
async fn no_part_of_a_large_source_takes_long() {
    let Some((_server, store)) = store().await else { return };
    let rows = if figures::full() { 100_000 } else { 20_000 };
    fill(&store, rows).await;
    let calls = Arc::new(Calls::default());
    store.observed_by(Arc::<Calls>::clone(&calls));
    let began = Instant::now();
    let snapshot = store.snapshot(&lab()).await.unwrap();
    let took = began.elapsed();
    assert_eq!((snapshot.objects.len(), &snapshot.known[..]), (rows, &[Kind::Resource][..]));
    assert_eq!(snapshot.objects[rows - 1], server_row(rows - 1));
    let of = |script| calls.0.lock().unwrap()[script];
    let ((_, ids), (parts, part)) = (of("log_ids"), of("log_rows"));
    assert!(parts >= rows.div_ceil(PART), "{parts} calls");
    figures::record(&format!(
        "snapshot_rows={rows} total_ms={} ids_ms={} longest_part_ms={}",
        took.as_millis(),
        ids.as_millis(),
        part.as_millis()
    ));
    // A measurement has the machine to itself.
    if figures::full() {
        assert!(ids < HALF_OF_THE_TIME && part < HALF_OF_THE_TIME, "{ids:?} {part:?}");
    }
}

/// What was committed of a source, by the number of its entry.
type History = Arc<Mutex<Vec<(u64, Change)>>>;

/// What there is after an entry.
fn expected(begin: &[Object], history: &History, sequence: u64) -> Vec<Object> {
    let mut rows: BTreeMap<ObjectKey, Object> =
        begin.iter().map(|row| (row.key.clone(), row.clone())).collect();
    for (_, change) in history.lock().unwrap().iter().filter(|(number, _)| *number <= sequence) {
        match change {
            Change::Upsert(row) => drop(rows.insert(row.key.clone(), row.clone())),
            Change::Delete(key) => drop(rows.remove(key)),
            Change::Reset(_) | Change::Synced(_) | Change::Heartbeat => {}
        }
    }
    rows.into_values().collect()
}

/// Changes, removes and adds pools of a source, and those of another one, for as long as it is let.
async fn commit_on(store: Redis, history: History) {
    for n in 0_usize.. {
        // One that is removed comes back three rounds later.
        let row = pool(&format!("{:04}", n / 3 * 7 % 2_500), &n.to_string());
        let change = if n % 9 == 4 { Change::Delete(row.key) } else { Change::Upsert(row) };
        let head = store.commit(&lab(), FENCE, std::slice::from_ref(&change)).await.unwrap();
        history.lock().unwrap().push((head.sequence, change));
        let other = Change::Upsert(pool("other", &n.to_string()));
        store.commit(&SourceName::from("edge"), Fence(1), &[other]).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_committed_while_a_source_is_read_is_there_as_at_one_position() {
    let Some((_server, store)) = store().await else { return };
    let begin: Vec<Object> = (0..2_000).map(|n| pool(&format!("{n:04}"), "first")).collect();
    store.commit(&lab(), FENCE, &listing(&begin)).await.unwrap();
    let history = History::default();
    let committing = tokio::spawn(commit_on(store.clone(), Arc::clone(&history)));
    let mut meanwhile = 0;
    for _ in 0..20 {
        let before = store.head().await.unwrap();
        let snapshot = store.snapshot(&lab()).await.unwrap();
        meanwhile += snapshot.position.sequence - before.sequence;
        let expected = expected(&begin, &history, snapshot.position.sequence);
        assert_eq!(snapshot.objects, expected, "at {}", snapshot.position);
    }
    committing.abort();
    assert!(meanwhile > 20, "{meanwhile} commits while it was read");
}
