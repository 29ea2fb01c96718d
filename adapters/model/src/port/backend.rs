//! The port of an infrastructure that lies behind the gateway.

use crate::error::Result;
use crate::kind::Kind;
use crate::object::{Object, ObjectKey};
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::collections::BTreeMap;

/// What a backend can do; the conformance suite and the gateway read these flags instead of trying.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The kinds it delivers, in the order in which they should be listed.
    pub kinds: Vec<Kind>,
    /// `changes` is driven by the infrastructure itself; otherwise the shared poller makes it from `list`.
    pub native_watch: bool,
    /// `get` asks for one object without listing all.
    pub single_get: bool,
}

/// A complete list of one kind, ordered by id ascending, each id once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The objects.
    pub objects: Vec<Object>,
}

/// One step of a change stream.
///
/// Per kind a stream begins with `Reset, Upsert.., Synced`; afterwards come single changes. A later `Reset` starts over:
/// what is not named again before the next `Synced` no longer exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The full state of a kind follows, up to `Synced`.
    Reset(Kind),
    /// The object exists and looks like this; repeating it unchanged is harmless.
    Upsert(Object),
    /// The object does not exist any more; deleting an unknown one is harmless.
    Delete(ObjectKey),
    /// Everything of the kind has been named since `Reset`.
    Synced(Kind),
    /// Nothing changed; the source is alive and what is known of it is current.
    Heartbeat,
}

/// Applies changes of single objects to a set of them.
pub fn fold(objects: &mut BTreeMap<ObjectKey, Object>, changes: impl IntoIterator<Item = Change>) {
    for change in changes {
        match change {
            Change::Upsert(object) => drop(objects.insert(object.key.clone(), object)),
            Change::Delete(key) => drop(objects.remove(&key)),
            Change::Reset(_) | Change::Synced(_) | Change::Heartbeat => {}
        }
    }
}

/// A stream of changes. An error item means that the source is degraded for now: keep polling, the stream recovers by
/// itself with back-off, and never ends while the backend lives.
pub type Changes = BoxStream<'static, Result<Change>>;

/// One infrastructure instance behind the gateway. Subscriptions are no business of a backend.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Returns what the backend can do; constant for its life.
    fn capabilities(&self) -> &Capabilities;

    /// Asks the infrastructure whether it would answer.
    ///
    /// # Errors
    /// `Unavailable`, `Timeout` (both retryable), `Unauthenticated`, `Forbidden`.
    async fn probe(&self) -> Result<()>;

    /// Lists all objects of a kind: complete or an error, never silently short.
    ///
    /// # Errors
    /// `Unsupported`: not one of `capabilities().kinds`. Otherwise as `probe`, and `RateLimited` with its pause.
    async fn list(&self, kind: Kind) -> Result<Listing>;

    /// Reads one object by its O2-IMS id.
    ///
    /// # Errors
    /// `NotFound`: it does not exist now. Otherwise as `list`.
    async fn get(&self, key: &ObjectKey) -> Result<Object>;

    /// Streams the changes of these kinds until dropped.
    fn changes(&self, kinds: &[Kind]) -> Changes;
}
