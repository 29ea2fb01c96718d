//! The second level of rendered answers: what other pods made of the same contents.
//!
//! A key holds the release, the O-Cloud, what the caller may see, the version of the contents and the query, and nothing
//! about who asks. Requests of this process for one key wait for the first of them. Nobody waits for other processes:
//! making an answer of a view is quicker than asking whether another pod makes it; see `docs/adr/0004-second-cache.md`.

use super::cache::{Answer, KeyRef};
use crate::digest::half_sha256;
use netweave_model::Result;
use netweave_model::port::ResponseCache;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How much longer than its class an answer is kept.
const KEPT: Duration = Duration::from_mins(10);

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Another request of this process made it or found it.
    Neighbour,
    /// It was in the second level.
    Shared,
    /// It was made.
    Made,
}

/// The second level.
pub struct Second {
    cache: Arc<dyn ResponseCache>,
    /// What all keys begin with.
    prefix: String,
    flights: Flights,
}

/// What this process is looking for: one entry per key, for as long as the first request does.
#[derive(Default)]
struct Flights(Mutex<HashMap<String, watch::Receiver<Option<Arc<Answer>>>>>);

/// The first request for a key; when it goes, with or without an answer, the others go on.
struct Lead<'a> {
    flights: &'a Flights,
    key: &'a str,
    found: watch::Sender<Option<Arc<Answer>>>,
}

enum Turn<'a> {
    First(Lead<'a>),
    Later(watch::Receiver<Option<Arc<Answer>>>),
}

impl Second {
    /// Puts a cache behind the first level of an O-Cloud's gateway.
    pub fn new(cache: Arc<dyn ResponseCache>, o_cloud_id: &str) -> Self {
        let prefix = format!("cache:v1:{}:{}", env!("CARGO_PKG_VERSION"), half_sha256(o_cloud_id.as_bytes()));
        Self { cache, prefix, flights: Flights::default() }
    }

    /// Finds an answer, or makes it and has it stored for the lifetime of its class and ten minutes.
    ///
    /// # Errors
    /// What `make` says.
    ///
    /// # Cancel safety
    /// Safe: who waits for this request makes the answer itself.
    pub async fn find_or_make(
        &self,
        key: KeyRef<'_>,
        lifetime: Duration,
        make: impl FnOnce() -> Result<Answer> + Send,
    ) -> Result<(Arc<Answer>, Origin)> {
        let key = self.name(key);
        let lead = match self.flights.join(&key) {
            Turn::First(lead) => lead,
            Turn::Later(mut found) => {
                let found = found.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
                return match found {
                    Some(answer) => Ok((answer, Origin::Neighbour)),
                    None => Ok((Arc::new(make()?), Origin::Made)),
                };
            }
        };
        let cached = self.cache.get(&key).await.and_then(|cached| Answer::from_cached(cached).ok());
        let (answer, origin) = match cached {
            Some(answer) => (Arc::new(answer), Origin::Shared),
            None => (Arc::new(make()?), Origin::Made),
        };
        if origin == Origin::Made {
            self.cache.put(key.clone(), answer.to_cached(), lifetime.saturating_add(KEPT));
        }
        lead.found.send_replace(Some(Arc::clone(&answer)));
        Ok((answer, origin))
    }

    /// Names an answer in the second level.
    ///
    /// What a client chose is hashed: it may be long, and hold anything.
    fn name(&self, key: KeyRef<'_>) -> String {
        let KeyRef { major, scope, version, subject, parent, id, spelling: _, query } = key;
        let (parent, id) = (parent.unwrap_or_default(), id.unwrap_or_default());
        // Lengths keep the parts apart.
        let asked = format!("{}:{}:{parent}{id}?{query}", parent.len(), id.len());
        let (prefix, kind) = (&self.prefix, subject.label());
        format!("{prefix}:{major:?}:{kind}:{scope}:{version}:{}", half_sha256(asked.as_bytes()))
    }
}

impl Flights {
    fn all(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<Option<Arc<Answer>>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join<'a>(&'a self, key: &'a str) -> Turn<'a> {
        let mut all = self.all();
        if let Some(found) = all.get(key) {
            return Turn::Later(found.clone());
        }
        let (found, others) = watch::channel(None);
        all.insert(key.to_owned(), others);
        Turn::First(Lead { flights: self, key, found })
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.flights.all().remove(self.key);
    }
}

#[cfg(test)]
mod tests;
