//! The port of an infrastructure that lies behind the gateway.

use super::look::{Listing, Look};
use crate::error::{Error, ErrorKind, Result};
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
    /// `changes` is driven by the infrastructure itself; otherwise the shared poller makes it from `look`.
    pub native_watch: bool,
    /// `get` asks for one object without listing all.
    pub single_get: bool,
    /// How its calls get there.
    pub reach: Reach,
}

/// How the calls of a backend get to the infrastructure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// They stay in this machine.
    #[default]
    Local,
    /// Over a network, so they can be refused, late, broken off, or answered by somebody else on the way.
    Network,
}

impl Capabilities {
    /// Refuses kinds that are not delivered.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn check(&self, kinds: &[Kind]) -> Result<()> {
        if kinds.iter().all(|kind| self.kinds.contains(kind)) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, "this source has no objects of that kind"))
    }
}

/// One step of a change stream.
///
/// Per kind a stream begins with `Reset, Upsert.., Synced`; afterwards come single changes. Before that there may be upserts
/// of what is known although parts of the infrastructure cannot be read. A later `Reset` starts over: what is not named
/// again before the next `Synced` no longer exists.
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

impl Change {
    /// Returns whether this is of interest to whoever follows these kinds.
    pub fn concerns(&self, kinds: &[Kind]) -> bool {
        match self {
            Self::Upsert(object) => kinds.contains(&object.key.kind),
            Self::Delete(key) => kinds.contains(&key.kind),
            Self::Reset(kind) | Self::Synced(kind) => kinds.contains(kind),
            Self::Heartbeat => true,
        }
    }
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

    /// Reads all objects of some kinds, and asks for no more than these need. What could not be read is said in the gap: a
    /// look is never silently short.
    ///
    /// # Errors
    /// Nothing could be read. `Unsupported`: not all are of `capabilities().kinds`. Otherwise as `probe`, and `RateLimited`
    /// with its pause.
    async fn look(&self, kinds: &[Kind]) -> Result<Look>;

    /// Lists all objects of a kind: complete or an error.
    ///
    /// # Errors
    /// As `look`; a part that could not be read fails the list.
    async fn list(&self, kind: Kind) -> Result<Listing> {
        self.look(&[kind]).await?.complete(kind)
    }

    /// Reads one object by its O2-IMS id.
    ///
    /// # Errors
    /// `NotFound`: it does not exist now. Otherwise as `list`.
    async fn get(&self, key: &ObjectKey) -> Result<Object>;

    /// Says that somebody wants to know what is there now. One whose changes come from being asked looks earlier if that is
    /// no burden; one that is told its changes has nothing to do.
    fn refresh(&self) {}

    /// Streams the changes of these kinds until dropped.
    fn changes(&self, kinds: &[Kind]) -> Changes;
}
