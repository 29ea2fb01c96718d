//! The port of the second-level cache, as the one on Redis implements it: a failing cache is a miss, and nobody waits.
#![expect(clippy::unwrap_used, reason = "code of tests: a panic says what is not as it must be")]

use bytes::Bytes;
use netweave_model::port::{CacheFill, CacheObserver, CacheRead, CachedBody, ResponseCache};
use netweave_redis::{Cache, Conf};
use netweave_tests::harness::clock::RandomIds;
use netweave_tests::harness::{RedisServer, soon};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_mins(1);

/// Writes down what a cache tells.
#[derive(Default)]
struct Heard {
    reads: Mutex<Vec<CacheRead>>,
    fills: Mutex<Vec<CacheFill>>,
}

impl CacheObserver for Heard {
    fn read(&self, outcome: CacheRead, _took: Duration) {
        self.reads.lock().unwrap().push(outcome);
    }

    fn fill(&self, outcome: CacheFill) {
        self.fills.lock().unwrap().push(outcome);
    }
}

impl Heard {
    fn of(&self, outcome: CacheFill) -> usize {
        self.fills.lock().unwrap().iter().filter(|heard| **heard == outcome).count()
    }

    fn last(&self) -> Option<CacheRead> {
        self.reads.lock().unwrap().last().copied()
    }
}

fn cache(server: &RedisServer) -> (Cache, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let observer: Arc<dyn CacheObserver> = Arc::<Heard>::clone(&heard);
    (Cache::new(&Conf::of_url(server.url()), observer, Arc::new(RandomIds)).unwrap(), heard)
}

fn answer(size: usize) -> CachedBody {
    CachedBody { etag: "\"1\"".to_owned(), link: None, body: Bytes::from(vec![b'x'; size]) }
}

/// Has an answer stored; again, if a busy machine delayed something, so that the cache was left alone for a moment.
async fn stored(cache: &Cache, heard: &Heard, key: &str, answer: &CachedBody, lifetime: Duration) {
    let before = heard.of(CacheFill::Stored);
    soon("the answer to be stored", async || {
        let told = heard.fills.lock().unwrap().len();
        cache.put(key.to_owned(), answer.clone(), lifetime);
        soon("what became of it", async || heard.fills.lock().unwrap().len() > told).await;
        heard.of(CacheFill::Stored) > before
    })
    .await;
}

/// Looks until the cache gives an answer; a busy machine may delay a look-up.
async fn given(cache: &Cache, key: &str) -> CachedBody {
    let mut found = None;
    soon("the answer", async || {
        found = cache.get(key).await;
        found.is_some()
    })
    .await;
    found.unwrap()
}

#[tokio::test]
async fn what_one_stores_the_other_gets_until_its_time_is_over() {
    let Some(server) = RedisServer::start().await else { return };
    let ((one, heard), (two, others)) = (cache(&server), cache(&server));
    soon("the miss", async || one.get("cache:a").await.is_none() && heard.last() == Some(CacheRead::Absent))
        .await;
    let linked = CachedBody { link: Some("</next>; rel=\"next\"".to_owned()), ..answer(100_000) };
    stored(&one, &heard, "cache:a", &linked, MINUTE).await;
    stored(&one, &heard, "cache:b", &answer(10), Duration::from_millis(300)).await;
    assert_eq!(given(&two, "cache:a").await, linked);
    assert_eq!(others.last(), Some(CacheRead::Hit));
    soon("the end of its time", async || server.ask(&["EXISTS", "cache:b"]) == ["0"]).await;
    let left: u64 = server.ask(&["PTTL", "cache:a"])[0].parse().unwrap();
    assert!((40_000..=66_000).contains(&left), "{left}");
}

#[tokio::test]
async fn what_is_too_large_is_left_out() {
    let Some(server) = RedisServer::start().await else { return };
    let (cache, heard) = cache(&server);
    cache.put("cache:a".to_owned(), answer((1 << 20) + 1), MINUTE);
    stored(&cache, &heard, "cache:b", &answer(1 << 20), MINUTE).await;
    assert_eq!(given(&cache, "cache:b").await, answer(1 << 20));
    assert_eq!((heard.of(CacheFill::TooLarge), server.ask(&["DBSIZE"])), (1, vec!["1".to_owned()]));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_a_miss_and_fills_are_left_out() {
    let Some(server) = RedisServer::start().await else { return };
    let (cache, heard) = cache(&server);
    stored(&cache, &heard, "cache:a", &answer(1), MINUTE).await;
    given(&cache, "cache:a").await;
    server.pause();
    let begin = Instant::now();
    for key in 0..1000 {
        cache.put(format!("cache:{key}"), answer(1), MINUTE);
    }
    let accepted = begin.elapsed();
    assert!(heard.of(CacheFill::Busy) >= 1000 - 64, "at most as many as there are places wait");
    assert!(accepted < Duration::from_millis(500), "{accepted:?}");
    let begin = Instant::now();
    assert_eq!(cache.get("cache:a").await, None);
    let took = begin.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert!(matches!(heard.last(), Some(CacheRead::Late | CacheRead::Resting)));
    assert_eq!((cache.get("cache:a").await, heard.last()), (None, Some(CacheRead::Resting)));
    cache.put("cache:a".to_owned(), answer(2), MINUTE);
    assert!(heard.of(CacheFill::Resting) >= 1);
    server.resume();
    given(&cache, "cache:a").await;
}

#[tokio::test]
async fn a_server_that_refuses_to_store_is_read_all_the_same() {
    let Some(server) = RedisServer::start().await else { return };
    let (cache, heard) = cache(&server);
    stored(&cache, &heard, "cache:a", &answer(1), MINUTE).await;
    given(&cache, "cache:a").await;
    server.ask(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    soon("the refusal", async || {
        cache.put("cache:b".to_owned(), answer(1), MINUTE);
        heard.of(CacheFill::Failed) > 0
    })
    .await;
    given(&cache, "cache:a").await;
    assert_eq!(server.ask(&["EXISTS", "cache:b"]), ["0"]);
}
