//! The port of the delivery queues: from a committed event to an acknowledged notification, in order per subscription.

use crate::error::Result;
use crate::event::{Event, Position};
use crate::object::Id;
use crate::subscription::Subscription;
use crate::time::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What one queue item tells the consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An object changed.
    Change(Arc<Event>),
    /// Older items were dropped by an overflow: the consumer should read the inventory again.
    Resync {
        /// How many items were dropped.
        dropped: u64,
    },
    /// The owner asked for a test delivery.
    Test,
}

impl Notice {
    /// Derives the notification id of a notice that is not about a change, from its first number in the queue.
    pub fn id_of(subscription: &Id, sequence: u64, test: bool) -> Uuid {
        /// Namespace of these ids; fixed for ever.
        const NAMESPACE: Uuid = Uuid::from_u128(0x1c7a_40be_6f35_5a92_9b0e_7d15_e3f8_2c46);
        Uuid::new_v5(&NAMESPACE, format!("{subscription}\n{sequence}\n{test}").as_bytes())
    }
}

/// One item of a subscription's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Counts the items of the subscription from 1. What was given up leaves a gap; a notice of dropped ones has the
    /// number of the newest of them.
    pub sequence: u64,
    /// Stable over all attempts.
    pub notification_id: Uuid,
    /// What it tells.
    pub notice: Notice,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// How many attempts have failed.
    pub attempts: u32,
}

/// A step of the fan-out: for a run of log entries, which subscriptions get which event.
#[derive(Clone, Debug)]
pub struct FanOut {
    /// The cursor must be here, or the step was already done.
    pub from: Position,
    /// The cursor moves here.
    pub to: Position,
    /// The version of the subscriptions that were matched; see `Subscriptions::since`.
    pub subscriptions_version: u64,
    /// The deliveries, in log order per subscription, which gets each event once at most.
    pub items: Vec<(Id, Arc<Event>)>,
    /// A queue longer than this overflows: its oldest items become dead letters until half as many are left, and one
    /// `Resync` notice at the head stands for them, with the number of the newest of them.
    pub max_queue: u64,
}

/// What came of a fan-out step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanOutOutcome {
    /// It is done, durably.
    Done,
    /// The cursor is not at `from`: another one did this step or a part of it; read the cursor and go on from there.
    Already,
    /// Subscriptions changed since the match, so that others may match; match again with those now. A mere renewal, or
    /// an end, need not count.
    StaleMatcher,
}

/// A subscription whose queue one worker serves until it lets go or the claim runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The subscription.
    pub subscription: Id,
    /// Fences out a worker whose claim ran out.
    pub token: u64,
    /// The subscription as it was then; `None` if its lease has run out, or if it must be read to be sure.
    pub consumer: Option<Subscription>,
    /// The head of the queue, oldest first, at least one item.
    pub items: Vec<Item>,
}

/// What came of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acked {
    /// The head is removed; the claim goes on.
    Held,
    /// The head is removed; nothing is left, so the claim has ended.
    Emptied,
    /// Nothing is removed: the claim is no longer held, or ends now because an overflow replaced the head.
    Lost,
}

impl Acked {
    /// Returns whether the head is removed.
    pub const fn removed(self) -> bool {
        matches!(self, Self::Held | Self::Emptied)
    }
}

/// One attempt, as the owner may read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The item.
    pub sequence: u64,
    /// The item's stable id.
    pub notification_id: Uuid,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The consumer's status code, if it answered.
    pub status: Option<u16>,
    /// Whether it counts as delivered.
    pub delivered: bool,
    /// What went wrong, in a word or two; never the consumer's text.
    pub error: Option<String>,
}

/// Why an item will not be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeadLetterReason {
    /// The consumer refused it for good.
    Refused,
    /// It was tried for as long as the configuration says.
    TooOld,
    /// The queue overflowed.
    Overflow,
    /// The subscription expired.
    Expired,
}

/// An item that will not be tried again unless it is replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The subscription.
    pub subscription: Id,
    /// The item.
    pub item: Item,
    /// Why it is here.
    pub reason: DeadLetterReason,
    /// Since when.
    pub at: Timestamp,
}

/// What became of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Dead letters that were queued again.
    pub queued: u64,
    /// Dead letters that were asked for and are still dead: call again, or the queue is full if none was queued.
    pub left: u64,
}

/// The delivery state of one subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Items that wait.
    pub queued: u64,
    /// When the oldest of them was queued.
    pub oldest: Option<Timestamp>,
    /// When the head is tried next; `None` if it may be tried now.
    pub next_attempt: Option<Timestamp>,
    /// Attempts in a row that failed.
    pub failures: u32,
    /// Items among the dead letters.
    pub dead: u64,
    /// Dead letters that are no longer kept: a subscription has at most 10,000, the newest.
    pub discarded: u64,
    /// The last sequence number given out.
    pub last_sequence: u64,
    /// The latest attempts, newest first, at most 100.
    pub attempts: Vec<Attempt>,
}

/// What waits in all queues together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Items.
    pub items: u64,
    /// When the oldest of them was queued; `None` if nothing waits.
    pub oldest: Option<Timestamp>,
}

/// Queues, claims and dead letters. Everything returned as done is durable.
///
/// Time is the store's own, so spans are handed in and out, never points in time of the caller's clock.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Returns the fan-out cursor; it begins where the log begins, so that no event is passed over.
    ///
    /// # Errors
    /// `Unavailable` (retryable), as all of this port.
    async fn cursor(&self) -> Result<Position>;

    /// Queues events for subscriptions and moves the cursor, in one step. Unknown subscriptions are skipped.
    ///
    /// A store may queue a long step in parts, in the order of its items: the first items can be taken before the cursor has
    /// moved, and stay queued if the step breaks off or turns out to be stale. Whoever makes a step from the same cursor then
    /// queues for no subscription again what it has got already.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn fan_out(&self, step: FanOut) -> Result<FanOutOutcome>;

    /// Queues notices for one subscription, at the end of its queue: a test, or events that it asked to see again.
    ///
    /// # Errors
    /// `NotFound`; `Conflict`: its queue would hold more than `max_queue`, so nothing was queued; `Unavailable`.
    async fn enqueue(&self, subscription: &Id, notices: Vec<Notice>, max_queue: u64) -> Result<Vec<Item>>;

    /// Claims up to `limit` subscriptions that have an item due, each with up to `depth` items, for `hold`.
    ///
    /// The one that has been due longest comes first; suspended ones are left alone. A claimed subscription is not given to
    /// anyone else until it is let go or `hold` has passed.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn take(&self, limit: usize, depth: usize, hold: Duration) -> Result<Vec<Claim>>;

    /// Returns how long it is until the next queue falls due, by its retry or the end of its claim; zero if one is due.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn next_due(&self) -> Result<Option<Duration>>;

    /// Removes the head, which was delivered; resets the count of failures. Ends the claim of a queue that is empty then.
    ///
    /// `attempt.sequence` names the head. `defer` and `dead_letter` answer `false` where this one answers `Lost`. A call that
    /// had to be made again may answer `Lost` for `Emptied`: there is no claim any more.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn ack_head(&self, claim: &Claim, attempt: Attempt) -> Result<Acked>;

    /// Lets the claim go and leaves the head to be tried again after `pause`; counts a failure.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn defer(&self, claim: &Claim, pause: Duration, attempt: Attempt) -> Result<bool>;

    /// Lets the claim go for `pause` without an attempt: nothing is counted. `false`: the claim is no longer held.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn postpone(&self, claim: &Claim, pause: Duration) -> Result<bool>;

    /// Moves the head to the dead letters. The claim stays.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn dead_letter(&self, claim: &Claim, reason: DeadLetterReason, attempt: Attempt) -> Result<bool>;

    /// Lets the claim go; what is still queued is due at once.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn release(&self, claim: &Claim) -> Result<()>;

    /// Reads the delivery state of one subscription.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn backlog(&self, subscription: &Id) -> Result<Backlog>;

    /// Counts what waits in all queues; a look that takes its time, so not for every request.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn standing(&self) -> Result<Standing>;

    /// Reads dead letters, newest first, at most `limit`; of one subscription or of all.
    ///
    /// Those of an expired subscription stay for a day.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn dead_letters(&self, subscription: Option<&Id>, limit: usize) -> Result<Vec<DeadLetter>>;

    /// Queues the subscription's dead letters again at the end of its queue, under their old notification ids.
    ///
    /// Only those with a sequence number of at least `from`, in that order and under new sequence numbers: at most 1,000,
    /// and no more than fit, so that the queue holds `max_queue`.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn replay(&self, subscription: &Id, from: u64, max_queue: u64) -> Result<Replay>;

    /// Waits until something may have become due, or the future is dropped; may return early.
    async fn wait(&self);
}
