//! Turns `look` into `changes` for sources that can only be asked.
//!
//! A failed look changes nothing; one with a gap that is not bridged deletes nothing. An object is deleted only after two
//! complete looks in a row without it, because some infrastructures answer from replicas that lag behind.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use netweave_model::backoff::Backoff;
use netweave_model::port::{Backend, Capabilities, Change, Changes, Look, baseline};
use netweave_model::{Error, Id, Kind, Object, ObjectKey, Result};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Complete looks in a row without an object after which it is gone.
const ABSENCES: u8 = 2;
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// A backend whose stream of changes is made by looking at it again and again.
pub struct Poller {
    inner: Arc<dyn Backend>,
    every: Duration,
    nudges: watch::Sender<u64>,
    state: Arc<Mutex<State>>,
}

/// How the latest round of a stream stands, for those who ask beside it.
#[derive(Default)]
struct State {
    looking: bool,
    failing: bool,
    /// What could not be read while other parts could.
    gap: Option<Error>,
}

impl Poller {
    /// Wraps a backend; `every` is the mean pause between two rounds, jittered by a tenth.
    pub fn new(inner: Arc<dyn Backend>, every: Duration) -> Self {
        Self { inner, every, nudges: watch::Sender::new(0), state: Arc::default() }
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

    /// While a part cannot be read, the rounds ask for it, and nobody else asks for anything.
    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        let gap = locked(&self.state).gap.as_ref().map(Error::echo);
        match gap {
            Some(error) => Err(error),
            None => self.inner.look(kinds).await,
        }
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        self.inner.get(key).await
    }

    /// Begins a round, unless one is under way or being told, or the source fails: its pauses are kept.
    fn refresh(&self) {
        let state = locked(&self.state);
        if !state.looking && !state.failing {
            self.nudge();
        }
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        let polling = Polling {
            inner: Arc::clone(&self.inner),
            kinds: kinds.to_vec(),
            every: self.every,
            backoff: Backoff::new(self.every, LONGEST_PAUSE),
            pause: Duration::ZERO,
            state: Arc::clone(&self.state),
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
    backoff: Backoff,
    /// The pause before the next round; nothing before the first.
    pause: Duration,
    state: Arc<Mutex<State>>,
    nudges: watch::Receiver<u64>,
    told: BTreeMap<Kind, ToldOfKind>,
    ready: VecDeque<Result<Change>>,
}

/// What was told of one kind.
#[derive(Default)]
struct ToldOfKind {
    /// It was told completely.
    synced: bool,
    objects: HashMap<Id, Told>,
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

    /// Waits for the next round; a nudge ends the wait. What is said before it begins, the round that has just ended has answered.
    async fn wait(&mut self) {
        locked(&self.state).looking = false;
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

    /// Looks once at all kinds.
    async fn round(&mut self) {
        *locked(&self.state) = State { looking: true, ..State::default() };
        let Look { mut objects, gap } = match self.inner.look(&self.kinds).await {
            Ok(look) => look,
            Err(error) => {
                *locked(&self.state) = State { failing: true, ..State::default() };
                self.pause = self.backoff.failed(error.retry());
                return self.ready.push_back(Err(error));
            }
        };
        let whole = gap.as_ref().is_none_or(|gap| gap.bridged);
        for kind in self.kinds.clone() {
            if let Some(objects) = objects.remove(&kind) {
                self.tell(kind, objects, whole);
            }
        }
        self.backoff.reset();
        // The part that fails is spared by the backend; the others are read as ever.
        self.pause = self.every;
        let error = gap.map(|gap| gap.error);
        let failing = error.is_some();
        *locked(&self.state) = State { looking: true, failing, gap: error.as_ref().map(Error::echo) };
        self.ready.push_back(error.map_or(Ok(Change::Heartbeat), Err));
    }

    /// Tells how the objects of a kind differ from what was told. Unless they are the whole kind, what is not among them may
    /// exist all the same.
    fn tell(&mut self, kind: Kind, objects: Vec<Object>, whole: bool) {
        let told = self.told.entry(kind).or_default();
        if whole && !told.synced {
            told.synced = true;
            told.objects = objects.iter().map(|object| (object.key.id.clone(), Told::of(object))).collect();
            return self.ready.extend(baseline(kind, objects).map(Ok));
        }
        for known in told.objects.values_mut() {
            known.absences += u8::from(whole);
        }
        for object in objects {
            let now = Told::of(&object);
            let digest = now.digest;
            let before = told.objects.insert(object.key.id.clone(), now).map(|before| before.digest);
            if before != Some(digest) {
                self.ready.push_back(Ok(Change::Upsert(object)));
            }
        }
        let ready = &mut self.ready;
        told.objects.retain(|id, known| {
            let gone = known.absences >= ABSENCES;
            if gone {
                ready.push_back(Ok(Change::Delete(ObjectKey { kind, id: id.clone() })));
            }
            !gone
        });
    }
}

impl Drop for Polling {
    /// Nobody looks any more.
    fn drop(&mut self) {
        *locked(&self.state) = State::default();
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
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
