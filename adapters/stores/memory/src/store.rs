//! The state machine behind the ports: a short critical section per operation, then a wait at the gate.

use crate::backing::{Backing, Gate, RowsReader};
use crate::follow;
use crate::heap::Heap;
use crate::signals::Signals;
use crate::state::State;
use async_trait::async_trait;
use netweave_model::port::{
    Acked, Attempt, Backlog, Change, Claim, Clock, Created, DeadLetter, DeadLetterReason, Deliveries,
    EntryStream, FanOut, FanOutOutcome, Fence, Ids, InventoryLog, Item, Leases, Notice, Quota, Renewal,
    Replay, Restored, Saved, Snapshot, Standing, SubscriptionChange, Subscriptions, Update,
};
use netweave_model::{
    Entry, Error, Id, NewSubscription, Position, Result, SourceName, Subscription, Timestamp,
};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A store in memory, lost with the process.
pub type Memory = Store<Heap>;

/// One store behind all four ports; clones share it.
///
/// What an operation returns was durable before it returned, also what a read saw. Every future may be dropped; an
/// operation that was decided by then takes effect.
pub struct Store<B: Backing> {
    inner: Arc<Inner<B>>,
}

struct Inner<B: Backing> {
    state: Mutex<State<B>>,
    gate: B::Gate,
    signals: Arc<Signals>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Store<Heap> {
    /// Starts an empty store.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let signals = Arc::new(Signals::default());
        let state = State::new(Heap::new(Arc::clone(&signals)), clock.now());
        Self::assemble(state, signals, clock, ids)
    }
}

impl<B: Backing> Store<B> {
    /// Puts a state machine behind the ports; its backing publishes through `signals`.
    pub fn assemble(
        mut state: State<B>,
        signals: Arc<Signals>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        state.settle(clock.now());
        let gate = state.gate();
        Self { inner: Arc::new(Inner { state: Mutex::new(state), gate, signals, clock, ids }) }
    }

    /// Does one operation and waits until all that it wrote, or may have seen, is durable.
    async fn run<T>(&self, operation: impl FnOnce(&mut State<B>, Timestamp) -> Result<T>) -> Result<T> {
        let (answer, ticket) = self.decide(operation)?;
        self.inner.gate.passed(ticket).await?;
        answer
    }

    /// Does one operation that reads only what is durable, or what need not be.
    fn peek<T>(&self, operation: impl FnOnce(&mut State<B>, Timestamp) -> Result<T>) -> Result<T> {
        self.decide(operation)?.0
    }

    fn decide<T>(
        &self,
        operation: impl FnOnce(&mut State<B>, Timestamp) -> Result<T>,
    ) -> Result<(Result<T>, u64)> {
        self.inner.gate.check()?;
        let now = self.inner.clock.now();
        let mut state = self.lock();
        let answer = operation(&mut state, now);
        let ticket = state.settle(now);
        Ok((answer, ticket))
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.inner.signals
    }

    pub(crate) fn read_now(&self, from: Position, limit: usize) -> Result<Vec<Entry>> {
        self.peek(|state, _| state.read(from, limit))
    }
}

impl<B: Backing> Clone for Store<B> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<B: Backing> fmt::Debug for Store<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Reads rows where blocking is allowed.
async fn read_rows(rows: RowsReader) -> Result<Vec<netweave_model::Object>> {
    let task = tokio::task::spawn_blocking(rows);
    task.await
        .map_err(|error| Error::internal("the rows of a source could not be read").with_source(error))?
}

#[async_trait]
impl<B: Backing> InventoryLog for Store<B> {
    async fn commit(&self, source: &SourceName, fence: Fence, changes: &[Change]) -> Result<Position> {
        self.run(|state, now| state.commit(source, fence, changes, now)).await
    }

    async fn snapshot(&self, source: &SourceName) -> Result<Snapshot> {
        let (snapshot, rows) = self.run(|state, _| state.snapshot(source)).await?;
        Ok(Snapshot { objects: read_rows(rows).await?, ..snapshot })
    }

    async fn head(&self) -> Result<Position> {
        self.run(|state, _| Ok(state.head())).await
    }

    async fn follow(&self, from: Position) -> Result<EntryStream> {
        self.peek(|state, _| state.check_position(from))?;
        Ok(follow::stream(self.clone(), from))
    }

    async fn read(&self, from: Position, limit: usize) -> Result<Vec<Entry>> {
        self.read_now(from, limit)
    }

    async fn trim(&self, below: Position, keep: Duration) -> Result<u64> {
        self.run(|state, now| Ok(state.trim(below, keep, now))).await
    }
}

#[async_trait]
impl<B: Backing> Subscriptions for Store<B> {
    async fn create(&self, new: NewSubscription, quota: Quota) -> Result<Created> {
        let id = self.inner.ids.uuid();
        self.run(|state, now| Ok(state.create(new, quota, id, now))).await
    }

    async fn get(&self, id: &Id) -> Result<Subscription> {
        self.run(|state, now| state.get(id, now)).await
    }

    async fn page(&self, owner: Option<&str>, after: Option<&Id>, limit: usize) -> Result<Vec<Subscription>> {
        self.run(|state, now| Ok(state.page(owner, after, limit, now))).await
    }

    async fn update(&self, id: &Id, if_rev: Option<u64>, update: Update) -> Result<Subscription> {
        self.run(|state, now| state.update(id, if_rev, update, now)).await
    }

    async fn renew(&self, id: &Id, lease: Option<Duration>) -> Result<Subscription> {
        self.run(|state, now| state.renew(id, lease, now)).await
    }

    async fn delete(&self, id: &Id, if_rev: Option<u64>) -> Result<()> {
        self.run(|state, now| state.delete(id, if_rev, now)).await
    }

    async fn sweep(&self, limit: usize) -> Result<Vec<Subscription>> {
        self.run(|state, now| Ok(state.sweep(limit, now))).await
    }

    async fn restore(&self, saved: &[Saved]) -> Result<Vec<Restored>> {
        self.run(|state, now| Ok(state.take_over(saved, now))).await
    }

    async fn since(&self, version: u64) -> Result<(u64, bool, Vec<SubscriptionChange>)> {
        self.run(|state, now| Ok(state.since(version, now))).await
    }
}

#[async_trait]
impl<B: Backing> Deliveries for Store<B> {
    async fn cursor(&self) -> Result<Position> {
        self.run(|state, _| Ok(state.cursor())).await
    }

    async fn fan_out(&self, step: FanOut) -> Result<FanOutOutcome> {
        self.run(|state, now| state.fan_out(&step, now)).await
    }

    async fn enqueue(&self, subscription: &Id, notices: Vec<Notice>, max_queue: u64) -> Result<Vec<Item>> {
        self.run(|state, now| state.enqueue(subscription, &notices, max_queue, now)).await
    }

    async fn take(&self, limit: usize, depth: usize, hold: Duration) -> Result<Vec<Claim>> {
        self.run(|state, now| state.take(limit, depth, hold, now)).await
    }

    async fn next_due(&self) -> Result<Option<Duration>> {
        self.peek(|state, now| Ok(state.next_due(now)))
    }

    async fn ack_head(&self, claim: &Claim, attempt: Attempt) -> Result<Acked> {
        self.run(|state, now| Ok(state.ack_head(claim, attempt, now))).await
    }

    async fn defer(&self, claim: &Claim, pause: Duration, attempt: Attempt) -> Result<bool> {
        self.run(|state, now| Ok(state.defer(claim, pause, attempt, now))).await
    }

    async fn postpone(&self, claim: &Claim, pause: Duration) -> Result<bool> {
        self.run(|state, now| Ok(state.postpone(claim, pause, now))).await
    }

    async fn dead_letter(&self, claim: &Claim, reason: DeadLetterReason, attempt: Attempt) -> Result<bool> {
        self.run(|state, now| Ok(state.dead_letter(claim, reason, attempt, now))).await
    }

    async fn release(&self, claim: &Claim) -> Result<()> {
        self.peek(|state, now| {
            state.release(claim, now);
            Ok(())
        })
    }

    async fn backlog(&self, subscription: &Id) -> Result<Backlog> {
        self.run(|state, now| state.backlog(subscription, now)).await
    }

    async fn standing(&self) -> Result<Standing> {
        self.peek(|state, now| Ok(state.standing(now)))
    }

    async fn dead_letters(&self, subscription: Option<&Id>, limit: usize) -> Result<Vec<DeadLetter>> {
        self.run(|state, _| state.dead_letters(subscription, limit)).await
    }

    async fn replay(&self, subscription: &Id, from: u64, max_queue: u64) -> Result<Replay> {
        self.run(|state, now| state.replay(subscription, from, max_queue, now)).await
    }

    async fn wait(&self) {
        self.inner.signals.due().await;
    }
}

#[async_trait]
impl<B: Backing> Leases for Store<B> {
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Fence>> {
        self.run(|state, now| Ok(state.acquire(name, holder, ttl, now))).await
    }

    async fn renew(&self, name: &str, fence: Fence, ttl: Duration) -> Result<Renewal> {
        self.peek(|state, now| Ok(state.renew_lease(name, fence, ttl, now)))
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<()> {
        self.peek(|state, _| {
            state.release_lease(name, fence);
            Ok(())
        })?;
        self.inner.signals.released();
        Ok(())
    }

    async fn revoke(&self, name: &str) -> Result<bool> {
        let held = self.peek(|state, now| Ok(state.revoke_lease(name, now)))?;
        self.inner.signals.released();
        Ok(held)
    }

    async fn wait_for_release(&self) {
        self.inner.signals.release().await;
    }
}
