//! The port of the change log: the only place where the inventory changes.

use super::backend::Change;
use super::leases::Fence;
use crate::error::Result;
use crate::event::{Entry, Position};
use crate::kind::Kind;
use crate::object::{Object, SourceName};
use crate::time::Timestamp;
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::time::Duration;

/// All that is known of one source, at one position of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The objects, ordered by kind and id.
    pub objects: Vec<Object>,
    /// The kinds of which a complete list was committed at least once.
    pub known: Vec<Kind>,
    /// When the source last confirmed that this is current; `None` if never.
    pub seen_at: Option<Timestamp>,
    /// The position of the last entry that the objects contain.
    pub position: Position,
}

/// Entries in log order; an error item ends the stream and asks the follower to start over from a snapshot.
pub type EntryStream = BoxStream<'static, Result<Entry>>;

/// Rows of all sources and the log of their changes, always together.
#[async_trait]
pub trait InventoryLog: Send + Sync {
    /// Applies changes in order; rows and log entries become durable together before this returns.
    ///
    /// `Reset(kind) .. Synced(kind)` is staged, across calls too, and becomes visible as one step at `Synced`: the
    /// difference to the rows is logged. The first `Synced` of a kind logs one `Baseline` instead. An upsert that equals
    /// the row is no change. A `Reset` before the `Synced` of an earlier one discards what was staged. Heartbeats and
    /// `Synced` set the source's `seen_at`. Returns the position after the last entry written.
    ///
    /// # Errors
    /// `Conflict`: `fence` is older than one already used for this source; nothing was applied.
    /// `Unavailable` (retryable): the store did not take it; applying it again is harmless.
    async fn commit(&self, source: &SourceName, fence: Fence, changes: &[Change]) -> Result<Position>;

    /// Reads all rows of a source at one position.
    ///
    /// # Errors
    /// `Unavailable` (retryable).
    async fn snapshot(&self, source: &SourceName) -> Result<Snapshot>;

    /// Returns the position of the last entry.
    ///
    /// # Errors
    /// `Unavailable` (retryable).
    async fn head(&self) -> Result<Position>;

    /// Streams the entries after `from`, then new ones as they are committed; never ends by itself.
    ///
    /// # Errors
    /// `NotFound`: entries after `from` are gone, or it is of another generation; start over from snapshots.
    /// `Unavailable` (retryable).
    async fn follow(&self, from: Position) -> Result<EntryStream>;

    /// Reads up to `limit` entries after `from`, without waiting.
    ///
    /// # Errors
    /// As `follow`.
    async fn read(&self, from: Position, limit: usize) -> Result<Vec<Entry>>;

    /// Drops entries that are older than `keep` and not after `below`; returns how many.
    ///
    /// # Errors
    /// `Unavailable` (retryable).
    async fn trim(&self, below: Position, keep: Duration) -> Result<u64>;
}
