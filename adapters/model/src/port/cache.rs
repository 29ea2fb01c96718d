//! The port of the second-level response cache.

use async_trait::async_trait;
use bytes::Bytes;
use std::time::Duration;

/// A rendered answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedBody {
    /// The strong entity tag, with its quotes.
    pub etag: String,
    /// The `Link` header, if there is a next page.
    pub link: Option<String>,
    /// The JSON body.
    pub body: Bytes,
}

/// A cache of rendered answers that many processes share.
///
/// Keys hold the version of the data, so nothing is ever invalidated. A failing cache is a miss, never an error, and a
/// slow one is a failing one.
#[async_trait]
pub trait ResponseCache: Send + Sync {
    /// Returns the answer stored under the key, if it is still there; at most 50 ms later.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    async fn get(&self, key: &str) -> Option<CachedBody>;

    /// Has an answer stored under a key for about `lifetime`; it may be forgotten at any time, or not be stored at all.
    ///
    /// Returns at once; whoever waits for an answer does not wait for this.
    fn put(&self, key: String, answer: CachedBody, lifetime: Duration);
}

/// Whoever counts what a [`ResponseCache`] does.
pub trait CacheObserver: Send + Sync {
    /// Notes one look-up and how long it took.
    fn read(&self, outcome: CacheRead, took: Duration);

    /// Notes what became of one answer that was to be stored.
    fn fill(&self, outcome: CacheFill);
}

/// What came of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheRead {
    /// The answer was there.
    Hit,
    /// It was not.
    Absent,
    /// Something else was there.
    Damaged,
    /// The cache did not say in time.
    Late,
    /// The cache refused, or the connection broke.
    Failed,
    /// The cache was not asked, as it did not answer a moment ago.
    Resting,
}

/// What became of an answer that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheFill {
    /// It was stored.
    Stored,
    /// The cache refused, did not answer in time, or the connection broke.
    Failed,
    /// It is larger than what the cache takes.
    TooLarge,
    /// Too many others are on their way.
    Busy,
    /// The server is short of memory, and what it would drop for this could be state.
    Full,
    /// The cache was not asked, as it did not answer a moment ago.
    Resting,
}
