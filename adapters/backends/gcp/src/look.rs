//! One look serves one list of every kind: whoever asks for all kinds in a row asks the cloud once.
//!
//! Whoever waited for a look that somebody else made gets a part of it too. A list that is asked for again is read again.
//! A look that failed has failed for every kind, once: a source that is silent is not waited for kind by kind.

use crate::map::{Name, Stock};
use netweave_model::{Error, ErrorKind, Id, Kind, Object, Result, Retry};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long the other kinds of a look may wait to be asked for.
const FRESH: Duration = Duration::from_secs(5);

/// The latest look, and the resources that were seen in it.
#[derive(Default)]
pub(crate) struct Looks {
    /// Held while somebody looks.
    latest: tokio::sync::Mutex<Option<Look>>,
    names: Mutex<HashMap<Id, Name>>,
}

struct Look {
    outcome: std::result::Result<BTreeMap<Kind, Vec<Object>>, Failure>,
    /// When it was complete.
    done: Instant,
    /// The kinds that were asked for after that.
    listed: BTreeSet<Kind>,
}

/// What is told of a failure to whoever did not meet it.
struct Failure {
    kind: ErrorKind,
    public: String,
    retry: Retry,
}

impl Look {
    fn of(&self, kind: Kind) -> Result<Vec<Object>> {
        match &self.outcome {
            Ok(objects) => Ok(objects.get(&kind).cloned().unwrap_or_default()),
            Err(Failure { kind, public, retry }) => Err(Error::new(*kind, public.clone())
                .with_private("as another list of the same look")
                .with_retry(*retry)),
        }
    }
}

impl Failure {
    fn of(error: &Error) -> Self {
        Self { kind: error.kind(), public: error.public().to_owned(), retry: error.retry() }
    }
}

impl Looks {
    /// Returns the objects of one of some kinds, ordered by id.
    ///
    /// # Errors
    /// As the look.
    ///
    /// # Cancel safety
    /// A look that is given up leaves nothing behind.
    pub(crate) async fn list(
        &self,
        kinds: &[Kind],
        kind: Kind,
        look: impl Future<Output = Result<Stock>>,
    ) -> Result<Vec<Object>> {
        let came = Instant::now();
        let mut latest = self.latest.lock().await;
        if let Some(look) = latest.as_mut() {
            if look.done > came {
                return look.of(kind);
            }
            if look.done.elapsed() < FRESH && look.listed.insert(kind) {
                let objects = look.of(kind);
                if look.listed.len() == kinds.len() {
                    *latest = None;
                }
                return objects;
            }
        }
        *latest = None;
        let looked = look.await;
        let listed = BTreeSet::from([kind]);
        match looked {
            Ok(Stock { objects, names }) => {
                *self.names() = names;
                let own = objects.get(&kind).cloned().unwrap_or_default();
                *latest = Some(Look { outcome: Ok(objects), done: Instant::now(), listed });
                Ok(own)
            }
            Err(error) => {
                *latest = Some(Look { outcome: Err(Failure::of(&error)), done: Instant::now(), listed });
                Err(error)
            }
        }
    }

    /// Returns what names a resource that was seen.
    pub(crate) fn name(&self, id: &Id) -> Option<Name> {
        self.names().get(id).cloned()
    }

    fn names(&self) -> MutexGuard<'_, HashMap<Id, Name>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const KINDS: [Kind; 3] = [Kind::Location, Kind::ResourcePool, Kind::Resource];

    /// Lists a kind; a look takes a second.
    async fn list(looks: &Looks, kind: Kind, count: &AtomicUsize) {
        let look = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Stock::default())
        };
        looks.list(&KINDS, kind, look).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn all_kinds_in_a_row_are_one_look_and_the_next_row_is_another() {
        let (looks, count) = (Looks::default(), AtomicUsize::new(0));
        for expected in 1..4 {
            for kind in KINDS {
                list(&looks, kind, &count).await;
            }
            assert_eq!(count.load(Ordering::SeqCst), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_kind_again_is_read_again_and_so_is_what_is_old() {
        let (looks, count) = (Looks::default(), AtomicUsize::new(0));
        list(&looks, Kind::Resource, &count).await;
        list(&looks, Kind::Resource, &count).await;
        assert_eq!(count.load(Ordering::SeqCst), 2);
        tokio::time::sleep(FRESH).await;
        list(&looks, Kind::Location, &count).await;
        assert_eq!(count.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_look_takes_nothing_from_who_made_it() {
        let (looks, count) = (Looks::default(), AtomicUsize::new(0));
        let row = async {
            for kind in KINDS {
                list(&looks, kind, &count).await;
            }
        };
        let waiting = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            list(&looks, Kind::Resource, &count).await;
        };
        futures::join!(row, waiting);
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_look_has_failed_for_every_kind_once() {
        let (looks, count) = (Looks::default(), AtomicUsize::new(0));
        list(&looks, Kind::Resource, &count).await;
        let pause = Retry::After(Duration::from_secs(30));
        let failed = async { Err(Error::new(ErrorKind::RateLimited, "prescribed").with_retry(pause)) };
        assert!(looks.list(&KINDS, Kind::Resource, failed).await.is_err());
        for kind in [Kind::Location, Kind::ResourcePool] {
            let never = async { unreachable!("nobody looks again") };
            let error = looks.list(&KINDS, kind, never).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.public(), error.retry()),
                (ErrorKind::RateLimited, "prescribed", pause)
            );
        }
        list(&looks, Kind::Resource, &count).await;
        assert_eq!(count.load(Ordering::SeqCst), 2, "then it is looked at again");
    }
}
