//! What the state machine asks of the place where its data is kept.

use crate::fact::{Fact, FactKey};
use crate::signals::Publication;
use netweave_model::{Entry, Event, Object, ObjectKey, Result, SourceName, Timestamp};
use std::future::Future;
use std::sync::Arc;
use uuid::Uuid;

/// Sixteen bytes that differ when an object's parent or JSON differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// Computes the fingerprint of an object.
    pub fn of(object: &Object) -> Self {
        const NAMESPACE: Uuid = Uuid::from_u128(0x3f0b_6c51_92d7_5d0c_8a41_6f0e_21c9_5b7d);
        let parent = match &object.parent {
            Some(parent) => Uuid::new_v5(&NAMESPACE, parent.as_str().as_bytes()),
            None => NAMESPACE,
        };
        Self(Uuid::new_v5(&parent, &object.json).into_bytes())
    }
}

/// Whether a fact may wait for others before it is made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// The caller waits for it.
    Now,
    /// It may be lost by a crash until something urgent takes it along.
    Lazy,
}

/// Reads all rows of a source as they were when this was made, ordered by kind and id; may block on I/O.
pub type RowsReader = Box<dyn FnOnce() -> Result<Vec<Object>> + Send>;

/// Keeps the large data of the state machine, and a record of the small data from which it can be restored.
///
/// Everything between two calls of `settle` becomes durable together. Reads see all earlier writes, durable or not, except
/// `entries`, which gives durable ones only. An error of a read leaves the backing closed: every later call fails too.
pub trait Backing: Send + 'static {
    /// Tells callers when what they saw is durable.
    type Gate: Gate;

    /// Returns the gate that belongs to this backing.
    fn gate(&self) -> Self::Gate;

    /// Reads one row.
    ///
    /// # Errors
    /// `Unavailable`.
    fn row(&mut self, source: &SourceName, key: &ObjectKey) -> Result<Option<Object>>;

    /// Prepares a read of all rows of a source.
    ///
    /// # Errors
    /// `Unavailable`.
    fn rows(&mut self, source: &SourceName) -> Result<RowsReader>;

    /// Writes one row.
    fn put_row(&mut self, source: &SourceName, object: &Object, fingerprint: Fingerprint);

    /// Removes one row.
    fn drop_row(&mut self, source: &SourceName, key: &ObjectKey);

    /// Reads up to `limit` log entries after a sequence number.
    ///
    /// # Errors
    /// `Unavailable`.
    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>>;

    /// Appends a log entry, committed at this time.
    fn put_entry(&mut self, sequence: u64, at: Timestamp, entry: Entry);

    /// Removes all log entries from `first` up to and including `last`.
    fn drop_entries(&mut self, first: u64, last: u64);

    /// Reads the event that queue items refer to by this number.
    ///
    /// # Errors
    /// `Unavailable`.
    fn body(&mut self, number: u64) -> Result<Arc<Event>>;

    /// Keeps an event under a fresh number.
    fn put_body(&mut self, number: u64, event: &Arc<Event>);

    /// Removes an event that nothing refers to any more.
    fn drop_body(&mut self, number: u64);

    /// Puts down one fact, or that it no longer holds.
    fn record(&mut self, key: FactKey, fact: Option<Fact>, urgency: Urgency);

    /// Ends one operation: what it wrote belongs together. Returns the ticket with which its caller passes the gate.
    fn settle(&mut self, publication: Publication) -> u64;
}

/// Lets a caller wait until all that its operation wrote, or may have seen, is durable.
pub trait Gate: Send + Sync + 'static {
    /// Says whether the store still takes operations.
    ///
    /// # Errors
    /// `Unavailable`: a write failed, so the store is closed until it is opened again.
    fn check(&self) -> Result<()>;

    /// Waits until everything up to this ticket is durable.
    ///
    /// # Errors
    /// As `check`.
    fn passed(&self, ticket: u64) -> impl Future<Output = Result<()>> + Send;
}
