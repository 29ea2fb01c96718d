//! The change log's entries and positions.

use crate::Id;
use crate::object::{Object, ObjectKey, SourceName};
use crate::time::Timestamp;
use crate::trace::{self, Trace};
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
    /// The trace that it was committed in, if any.
    pub trace: Option<Trace>,
}

impl Event {
    /// Tells of a change from one state of an object to another, at least one of which is there; it belongs to the trace of
    /// whoever tells it.
    pub fn of(
        (source, key, position, at): (&SourceName, &ObjectKey, Position, Timestamp),
        prior: Option<&Object>,
        post: Option<&Object>,
    ) -> Self {
        Self {
            position,
            notification_id: Self::id_of(source, key, position),
            source: source.clone(),
            key: key.clone(),
            parent: post.or(prior).and_then(|object| object.parent.clone()),
            event_type: match (prior, post) {
                (_, None) => EventType::Delete,
                (None, Some(_)) => EventType::Create,
                (Some(_), Some(_)) => EventType::Modify,
            },
            prior: prior.map(|object| object.json.clone()),
            post: post.map(|object| object.json.clone()),
            at,
            trace: trace::current(),
        }
    }

    /// Derives the notification id of a change. It hangs on the position, so that a change back and forth gives new ids.
    pub fn id_of(source: &SourceName, key: &ObjectKey, position: Position) -> Uuid {
        /// Namespace of these ids; fixed for ever.
        const NAMESPACE: Uuid = Uuid::from_u128(0x8d4e_11a7_05c3_5f6b_b7d2_93a8_4c10_6ee9);
        let name = format!("{source}\n{}\n{}\n{position}", key.kind.type_name(), key.id);
        Uuid::new_v5(&NAMESPACE, name.as_bytes())
    }
}

/// An event as stores lay it out: the objects' JSON lies behind it, and in its place are the lengths.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventHead {
    position: Position,
    notification_id: Uuid,
    source: SourceName,
    key: ObjectKey,
    parent: Option<Id>,
    event_type: EventType,
    prior: Option<usize>,
    post: Option<usize>,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<Trace>,
}

impl EventHead {
    /// Takes the head of an event; the objects are to be laid out behind it, first the one before.
    pub fn of(event: &Event) -> Self {
        Self {
            position: event.position,
            notification_id: event.notification_id,
            source: event.source.clone(),
            key: event.key.clone(),
            parent: event.parent.clone(),
            event_type: event.event_type,
            prior: event.prior.as_ref().map(Bytes::len),
            post: event.post.as_ref().map(Bytes::len),
            at: event.at,
            trace: event.trace,
        }
    }

    /// Puts an event together with its objects, which share `objects`, and returns what lies behind them; `None` if they
    /// are cut off.
    pub fn with(self, mut objects: Bytes) -> Option<(Event, Bytes)> {
        let mut cut = |length: Option<usize>| match length {
            None => Some(None),
            Some(length) => (length <= objects.len()).then(|| Some(objects.split_to(length))),
        };
        let event = Event {
            prior: cut(self.prior)?,
            post: cut(self.post)?,
            position: self.position,
            notification_id: self.notification_id,
            source: self.source,
            key: self.key,
            parent: self.parent,
            event_type: self.event_type,
            at: self.at,
            trace: self.trace,
        };
        Some((event, objects))
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

impl Entry {
    /// Returns its place in the log, if it has one.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Changed(event) => Some(event.position),
            Self::Baseline { position, .. } => Some(*position),
            Self::Seen { .. } => None,
        }
    }
}
