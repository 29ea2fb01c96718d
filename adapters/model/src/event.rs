//! The change log's entries and positions.

use crate::Id;
use crate::object::{ObjectKey, SourceName};
use crate::time::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A place in the change log. A new generation starts when the log's past can no longer be trusted.
///
/// Ordered by generation, then sequence. Sequence 0 lies before the first entry of its generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Generation of the log.
    pub generation: u64,
    /// Number of the entry within the generation, from 1, without gaps.
    pub sequence: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.generation, self.sequence)
    }
}

/// What happened to an object; the discriminant is the specification's `notificationEventType`.
///
/// Source: O-RAN.WG6.TS.O2IMS-INTERFACE-R004-v10.00, inventory change notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum EventType {
    /// The object is new.
    Create = 0,
    /// The object differs from before.
    Modify = 1,
    /// The object is gone.
    Delete = 2,
}

/// One committed change of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log.
    pub position: Position,
    /// Stable for this change, so that a consumer can recognise a repeated delivery.
    pub notification_id: Uuid,
    /// The backend instance that saw it.
    pub source: SourceName,
    /// The object.
    pub key: ObjectKey,
    /// The pool of a resource, after the change (before it, for a delete).
    pub parent: Option<Id>,
    /// What happened.
    pub event_type: EventType,
    /// The object's JSON before the change; `None` for a create.
    pub prior: Option<Bytes>,
    /// The object's JSON after the change; `None` for a delete.
    pub post: Option<Bytes>,
    /// When the gateway committed it.
    pub at: Timestamp,
}

impl Event {
    /// Derives the notification id of a change. It hangs on the position, so that a change back and forth gives new ids.
    pub fn id_of(source: &SourceName, key: &ObjectKey, position: Position) -> Uuid {
        /// Namespace of these ids; fixed for ever.
        const NAMESPACE: Uuid = Uuid::from_u128(0x8d4e_11a7_05c3_5f6b_b7d2_93a8_4c10_6ee9);
        let name = format!("{source}\n{}\n{}\n{position}", key.kind.type_name(), key.id);
        Uuid::new_v5(&NAMESPACE, name.as_bytes())
    }
}

/// One entry of the change log, as a follower reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// One object changed; to be applied to views and told to subscribers.
    Changed(Event),
    /// A source delivered its first complete list of a kind: followers load it with `snapshot`; nobody is notified.
    Baseline {
        /// Its place in the log.
        position: Position,
        /// The backend instance.
        source: SourceName,
        /// The kind that is now known.
        kind: crate::Kind,
    },
    /// A source confirmed that what is known of it is current. Has no place in the log and may be skipped over.
    Seen {
        /// The backend instance.
        source: SourceName,
        /// When it confirmed.
        at: Timestamp,
    },
}
