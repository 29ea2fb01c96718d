//! The port of the second-level response cache.

use async_trait::async_trait;
use bytes::Bytes;

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

/// A cache of rendered answers, shared or not, within a byte budget.
///
/// Keys hold the version of the data, so nothing is ever invalidated. A failing cache is a miss, never an error.
#[async_trait]
pub trait ResponseCache: Send + Sync {
    /// Returns the answer stored under the key, if it is still there.
    async fn get(&self, key: &str) -> Option<CachedBody>;

    /// Stores an answer under a key; it may be forgotten at any time.
    async fn put(&self, key: &str, answer: CachedBody);
}
