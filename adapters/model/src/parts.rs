//! Reads an infrastructure part by part, such as its regions, so that one that fails does not hide the others.

use crate::backoff::Backoff;
use crate::error::{Error, Result};
use crate::port::{Clock, Gap};
use crate::time::Timestamp;
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest that a part rests.
const LONGEST_REST: Duration = Duration::from_mins(10);

/// The parts of an infrastructure, and what was read last of each.
pub struct Parts<K, T> {
    clock: Arc<dyn Clock>,
    /// How long a part rests after its first failure.
    rest: Duration,
    known: Mutex<BTreeMap<K, Known<T>>>,
}

/// One part.
struct Known<T> {
    last: Option<Arc<T>>,
    backoff: Backoff,
    /// Why it could not be read, and until when it is not asked again.
    fault: Option<(Error, Timestamp)>,
}

/// What is known of all parts.
#[derive(Debug)]
pub struct Seen<K, T> {
    /// The parts that were read now or before, in their order.
    pub parts: Vec<Part<K, T>>,
    /// What could not be read now.
    pub gap: Option<Gap>,
}

/// What is known of one part.
#[derive(Debug)]
pub struct Part<K, T> {
    /// Which one.
    pub key: K,
    /// What was read last.
    pub value: Arc<T>,
    /// It was read now.
    pub fresh: bool,
}

impl<K: Ord + Clone, T> Parts<K, T> {
    /// Begins without having read anything.
    pub fn new(clock: Arc<dyn Clock>, rest: Duration) -> Self {
        Self { clock, rest, known: Mutex::new(BTreeMap::new()) }
    }

    /// Returns the same that has read nothing and keeps nothing here, for a reading that is less than all.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::new(Arc::clone(&self.clock), self.rest)
    }

    /// Reads all parts, so many at the same time; other parts than these are forgotten.
    ///
    /// A part that fails is what it was when it was read last. It rests then, longer with each failure: others can be read
    /// meanwhile without waiting for it.
    ///
    /// # Errors
    /// The first failure, if no part could be read. Then nothing rests: who asks has pauses of its own.
    ///
    /// # Cancel safety
    /// A reading that is given up leaves nothing behind.
    pub async fn read<F>(&self, calls: Vec<(K, F)>, at_once: usize) -> Result<Seen<K, T>>
    where
        F: Future<Output = Result<T>>,
    {
        let now = self.clock.now();
        let mut asked = Vec::new();
        for (key, call) in calls {
            let rests = self.rests(&key, now);
            asked.push(async move {
                match rests {
                    Some(error) => (key, Err(error), true),
                    None => (key, call.await, false),
                }
            });
        }
        let outcomes = stream::iter(asked).buffered(at_once).collect().await;
        self.settle(outcomes)
    }

    /// Returns what a part was when it was read last.
    pub fn last(&self, key: &K) -> Option<Arc<T>> {
        self.known().get(key)?.last.clone()
    }

    /// Returns why a part is not asked now, if it rests.
    fn rests(&self, key: &K, now: Timestamp) -> Option<Error> {
        let known = self.known();
        let (error, until) = known.get(key)?.fault.as_ref()?;
        (now < *until).then(|| error.echo())
    }

    fn settle(&self, outcomes: Vec<(K, Result<T>, bool)>) -> Result<Seen<K, T>> {
        let (now, mut known) = (self.clock.now(), self.known());
        let keys: BTreeSet<&K> = outcomes.iter().map(|(key, ..)| key).collect();
        known.retain(|key, _| keys.contains(key));
        if !outcomes.is_empty() && outcomes.iter().all(|(_, outcome, _)| outcome.is_err()) {
            known.values_mut().for_each(Known::wake);
            // One that was met now says more than what is remembered.
            let met = outcomes.into_iter().min_by_key(|(.., rests)| *rests);
            return Err(met.and_then(|(_, outcome, _)| outcome.err()).unwrap_or_else(|| Error::internal("")));
        }
        let mut seen = Seen { parts: Vec::new(), gap: None };
        for (key, outcome, rests) in outcomes {
            let fresh = outcome.is_ok();
            let part = known.entry(key.clone()).or_insert_with(|| Known::new(self.rest));
            match outcome {
                Ok(value) => {
                    part.wake();
                    part.last = Some(Arc::new(value));
                }
                Err(error) => {
                    if !rests {
                        let until = now.plus(part.backoff.failed(error.retry()));
                        part.fault = Some((error.echo(), until));
                    }
                    let gap = Gap { error, bridged: part.last.is_some() };
                    seen.gap = Gap::join(seen.gap.take(), Some(gap));
                }
            }
            seen.parts.extend(part.last.clone().map(|value| Part { key, value, fresh }));
        }
        Ok(seen)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<K, Known<T>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Known<T> {
    fn new(rest: Duration) -> Self {
        Self { last: None, backoff: Backoff::new(rest, LONGEST_REST), fault: None }
    }

    fn wake(&mut self) {
        self.backoff.reset();
        self.fault = None;
    }
}

#[cfg(test)]
mod tests;
