//! The small facts from which the state machine can be restored, in the form in which a backing records them.

use netweave_model::port::{Attempt, DeadLetterReason};
use netweave_model::{Id, Kind, SourceName, Subscription, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Names a fact. The order is the one in which facts are restored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FactKey {
    /// [`Fact::Counters`]; there is one.
    Counters,
    /// [`Fact::Source`].
    Source(SourceName),
    /// [`Fact::Subscription`].
    Subscription(Id),
    /// [`Fact::Queue`] of a subscription.
    Queue(Id),
    /// [`Fact::Item`] of a subscription's queue, by its sequence number.
    Item(Id, u64),
    /// [`Fact::Attempt`] of a subscription, by its place in a ring.
    Attempt(Id, u64),
    /// [`Fact::Grave`] of an expired subscription.
    Grave(Id),
    /// [`Fact::Dead`], by its number over all subscriptions.
    Dead(u64),
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// The numbers that only grow.
    Counters(Counters),
    /// What is known of a source, without its rows.
    Source(SourceFact),
    /// A subscription.
    Subscription(Box<Subscription>),
    /// A queue, without its items.
    Queue(QueueFact),
    /// An item that waits.
    Item(Queued),
    /// An attempt, with its number within the subscription.
    Attempt(u64, Attempt),
    /// When an expired subscription ended whose dead letters are still kept.
    Grave(Timestamp),
    /// A dead letter.
    Dead(Dead),
}

/// The numbers that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Generation of the log.
    pub generation: u64,
    /// Sequence number of the last log entry.
    pub head: u64,
    /// Sequence number up to which events were fanned out.
    pub cursor: u64,
    /// Version of the subscriptions.
    pub version: u64,
    /// The last fence given out.
    pub fence: u64,
    /// The last number given to an event's body.
    pub body: u64,
    /// The last number given to a dead letter.
    pub dead: u64,
}

/// What is known of a source, without its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFact {
    /// The highest fence used.
    pub fence: u64,
    /// When it was last confirmed.
    pub seen_at: Option<Timestamp>,
    /// The kinds with a complete list.
    pub known: BTreeSet<Kind>,
}

/// A queue, without its items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueFact {
    /// The last sequence number given out.
    pub last_sequence: u64,
    /// Attempts in a row that failed.
    pub failures: u32,
    /// When the head is tried again after a failure.
    pub retry_at: Option<Timestamp>,
    /// Dead letters that are no longer kept.
    pub discarded: u64,
    /// How many attempts were made so far.
    pub attempts: u64,
}

/// What a queued item tells; the event itself is kept once, under a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// The event of this number.
    Body(u64),
    /// So many items were dropped.
    Resync(u64),
    /// A test.
    Test,
}

/// One item of a queue, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// Its number within the subscription.
    pub sequence: u64,
    /// Stable over all attempts and replays.
    pub notification_id: Uuid,
    /// What it tells.
    pub told: Told,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// How many attempts have failed.
    pub attempts: u32,
}

/// A dead letter, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// The subscription.
    pub subscription: Id,
    /// The item.
    pub item: Queued,
    /// Why it is here.
    pub reason: DeadLetterReason,
    /// Since when.
    pub at: Timestamp,
}
