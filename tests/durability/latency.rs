//! What a durable write costs on this disk.

use netweave_embedded::{Conf, Embedded};
use netweave_model::port::Subscriptions;
use netweave_tests::conformance::stores::{QUOTA, wish};
use netweave_tests::harness::clock::{RandomIds, TestClock};
use netweave_tests::harness::figures;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Creates so many subscriptions, one after the other.
async fn create(store: &Embedded, owner: u64, count: u64) -> Vec<Duration> {
    let mut times = Vec::new();
    for n in 0..count {
        let begun = Instant::now();
        store.create(wish(&owner.to_string(), &n.to_string()), QUOTA).await.unwrap();
        times.push(begun.elapsed());
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_creation_is_measured() {
    let directory = tempfile::tempdir().unwrap();
    let conf = Conf { path: directory.path().join("state.db") };
    let store =
        netweave_embedded::open(&conf, Arc::new(TestClock::new()), Arc::new(RandomIds)).await.unwrap();
    let (alone, together) = if figures::full() { (1_000, 200) } else { (100, 20) };
    let mut times = create(&store, 0, alone).await;
    times.sort_unstable();
    let begun = Instant::now();
    let tasks: Vec<_> = (1..=64)
        .map(|owner| {
            let store = store.clone();
            tokio::spawn(async move { create(&store, owner, together).await.len() as u64 })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.unwrap();
    }
    let rate = count * 1_000 / u64::try_from(begun.elapsed().as_millis()).unwrap().max(1);
    let median = times[times.len() / 2].as_micros();
    figures::record(&format!("durable_create_us={median} durable_creates_per_second_of_64={rate}"));
}
