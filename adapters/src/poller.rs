//! Turns `list` into `changes` for sources that can only be asked.
//!
//! A failed listing changes nothing. An object is deleted only after two complete lists in a row without it, because
//! some infrastructures answer from replicas that lag behind.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use netweave_model::port::{Backend, Capabilities, Change, Changes, Listing};
use netweave_model::{Error, ErrorKind, Id, Kind, Object, ObjectKey, Result, Retry};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Complete lists in a row without an object after which it is gone.
const ABSENCES: u8 = 2;
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// A backend whose stream of changes is made by listing it again and again.
pub struct Poller {
    inner: Arc<dyn Backend>,
    every: Duration,
    nudges: watch::Sender<u64>,
}

impl Poller {
    /// Wraps a backend; `every` is the mean pause between two rounds, jittered by a tenth.
    pub fn new(inner: Arc<dyn Backend>, every: Duration) -> Self {
        Self { inner, every, nudges: watch::Sender::new(0) }
    }

    /// Asks all streams to look now: something is said to have changed.
    pub fn nudge(&self) {
        self.nudges.send_modify(|count| *count = count.wrapping_add(1));
    }
}

#[async_trait]
impl Backend for Poller {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }

    async fn list(&self, kind: Kind) -> Result<Listing> {
        self.inner.list(kind).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        self.inner.get(key).await
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        let polling = Polling {
            inner: Arc::clone(&self.inner),
            kinds: kinds.to_vec(),
            every: self.every,
            pause: Duration::ZERO,
            nudges: self.nudges.subscribe(),
            told: BTreeMap::new(),
            ready: VecDeque::new(),
        };
        stream::unfold(polling, |mut polling| async move {
            let item = polling.next().await;
            Some((item, polling))
        })
        .boxed()
    }
}

/// One stream's state.
struct Polling {
    inner: Arc<dyn Backend>,
    kinds: Vec<Kind>,
    every: Duration,
    /// The pause before the next round; nothing before the first.
    pause: Duration,
    nudges: watch::Receiver<u64>,
    /// What was told of each kind that was ever listed.
    told: BTreeMap<Kind, HashMap<Id, Told>>,
    ready: VecDeque<Result<Change>>,
}

/// What was told of one object: a digest is enough to see that it changed.
struct Told {
    digest: u64,
    absences: u8,
}

impl Polling {
    async fn next(&mut self) -> Result<Change> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return item;
            }
            self.wait().await;
            self.round().await;
        }
    }

    /// Waits for the next round; a nudge ends the wait.
    async fn wait(&mut self) {
        let jittered = self.pause.mul_f64(0.9 + 0.2 * fastrand::f64());
        let nudged = async {
            if self.nudges.changed().await.is_err() {
                // The poller is gone; the stream lives on without nudges.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(jittered) => {}
            () = nudged => {}
        }
    }

    /// Lists every kind once; a source that says it is asked too often is asked nothing more in this round.
    async fn round(&mut self) {
        let mut failure = None;
        for kind in self.kinds.clone() {
            match self.inner.list(kind).await {
                Ok(listing) => self.tell(kind, listing),
                Err(error) if error.kind() == ErrorKind::RateLimited => {
                    failure = Some(error);
                    break;
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            None => {
                self.pause = self.every;
                self.ready.push_back(Ok(Change::Heartbeat));
            }
            Some(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: Error) {
        let wanted = match error.retry() {
            Retry::After(wanted) => wanted,
            Retry::Never | Retry::Later => Duration::ZERO,
        };
        let most = LONGEST_PAUSE.max(self.every);
        self.pause = (self.pause * 2).max(wanted).clamp(self.every, most);
        self.ready.push_back(Err(error));
    }

    fn tell(&mut self, kind: Kind, listing: Listing) {
        let Some(told) = self.told.get_mut(&kind) else {
            let told =
                listing.objects.iter().map(|object| (object.key.id.clone(), Told::of(object))).collect();
            self.told.insert(kind, told);
            self.ready.push_back(Ok(Change::Reset(kind)));
            self.ready.extend(listing.objects.into_iter().map(|object| Ok(Change::Upsert(object))));
            self.ready.push_back(Ok(Change::Synced(kind)));
            return;
        };
        for known in told.values_mut() {
            known.absences += 1;
        }
        for object in listing.objects {
            let now = Told::of(&object);
            let before = told.insert(object.key.id.clone(), now).map(|before| before.digest);
            if before != Some(Told::of(&object).digest) {
                self.ready.push_back(Ok(Change::Upsert(object)));
            }
        }
        let ready = &mut self.ready;
        told.retain(|id, known| {
            let gone = known.absences >= ABSENCES;
            if gone {
                ready.push_back(Ok(Change::Delete(ObjectKey { kind, id: id.clone() })));
            }
            !gone
        });
    }
}

impl Told {
    fn of(object: &Object) -> Self {
        let mut hasher = DefaultHasher::new();
        object.parent.hash(&mut hasher);
        object.json.hash(&mut hasher);
        Self { digest: hasher.finish(), absences: 0 }
    }
}

#[cfg(test)]
mod tests;
