//! What this process knows that a new primary may lack: subscriptions, which of them were deleted, and the log's end.
//!
//! Replication is asynchronous, so what the old primary acknowledged last may be gone with it. Each process keeps what it
//! wrote and read, and says it again on entering a server that begins a new generation; see `session`.

use crate::log::entry::Raw;
use fred::prelude::Value;
use netweave_model::port::SubscriptionChange;
use netweave_model::{Id, Subscription};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long an entry of the log is kept: a change of primaries takes seconds.
const TAIL_KEPT: Duration = Duration::from_secs(30);
/// The most entries of the log that are kept, and the most bytes of their objects.
const TAIL: usize = 20_000;
const TAIL_BYTES: usize = 32 << 20;
/// How long it is known that a subscription was deleted.
const GONE_KEPT: Duration = Duration::from_mins(10);
/// Knowledge older than this says nothing about what should be there: its deletion may be forgotten everywhere.
const STALE: Duration = Duration::from_mins(30);

/// One entry of the log as the server tells it.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) sequence: u64,
    pub(crate) fields: Vec<(Value, Value)>,
    bytes: usize,
    at: Instant,
}

/// The journal of one process.
#[derive(Default)]
pub(crate) struct Journal {
    known: Mutex<Known>,
    tail: Mutex<Tail>,
    /// How often some subscriptions had their turn to be compared.
    turns: AtomicUsize,
}

#[derive(Default)]
struct Known {
    subscriptions: HashMap<Id, Subscription>,
    gone: HashMap<Id, (u64, Instant)>,
    /// When everything was last compared with the server.
    refreshed: Option<Instant>,
}

#[derive(Default)]
struct Tail {
    generation: u64,
    entries: VecDeque<Told>,
    bytes: usize,
}

/// What is to be said about one subscription.
pub(crate) enum Say {
    /// It exists like this.
    Is(Box<Subscription>),
    /// It was deleted at this revision.
    Gone(Id, u64),
}

impl Journal {
    /// Notes what the server returned of a subscription that exists.
    pub(crate) fn put(&self, subscription: &Subscription) {
        let mut known = self.known();
        known.gone.remove(&subscription.id);
        known.put(subscription);
    }

    /// Notes that one was deleted.
    pub(crate) fn delete(&self, id: &Id, rev: u64) {
        let mut known = self.known();
        known.subscriptions.remove(id);
        let now = Instant::now();
        known.gone.retain(|_, (_, at)| now.duration_since(*at) < GONE_KEPT);
        known.gone.insert(id.clone(), (rev, now));
    }

    /// Notes that one ended by itself.
    pub(crate) fn end(&self, id: &Id) {
        self.known().subscriptions.remove(id);
    }

    /// Notes what the server says has changed, or all there is.
    ///
    /// A complete list is no reason to forget: it may lack what vanished, or what other processes still have to say. What
    /// ended meanwhile is forgotten when it is compared; see `mend`.
    pub(crate) fn changed(&self, complete: bool, changes: &[SubscriptionChange]) {
        let mut known = self.known();
        if complete {
            known.forget_stale();
        }
        for change in changes {
            match change {
                SubscriptionChange::Put(subscription) => known.put(subscription),
                SubscriptionChange::Gone(id) => drop(known.subscriptions.remove(id)),
            }
        }
        known.refreshed = Some(Instant::now());
    }

    /// Returns all that is known of subscriptions.
    pub(crate) fn subscriptions(&self) -> Vec<Say> {
        let mut known = self.known();
        known.forget_stale();
        let gone = known.gone.iter().map(|(id, (rev, _))| Say::Gone(id.clone(), *rev));
        let is = known.subscriptions.values().map(|one| Say::Is(Box::new(one.clone())));
        gone.chain(is).collect()
    }

    /// Returns the ids of the subscriptions that are known to exist, in their order.
    pub(crate) fn ids(&self) -> Vec<Id> {
        let mut known = self.known();
        known.forget_stale();
        let mut ids: Vec<Id> = known.subscriptions.keys().cloned().collect();
        ids.sort();
        ids
    }

    /// Returns a part of some ids, another one with each call, until all had their turn.
    pub(crate) fn turn<'a>(&self, ids: &'a [Id], most: usize) -> &'a [Id] {
        let parts = ids.len().div_ceil(most).max(1);
        let turn = self.turns.fetch_add(1, Ordering::Relaxed) % parts;
        ids.chunks(most).nth(turn).unwrap_or_default()
    }

    /// Returns one that is known to exist.
    pub(crate) fn get(&self, id: &Id) -> Option<Subscription> {
        self.known().subscriptions.get(id).cloned()
    }

    /// Returns how many subscriptions are known, and how many entries of the log.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        (self.known().subscriptions.len(), self.tail().entries.len())
    }

    /// Notes entries that were read, oldest first. What does not join what is kept takes its place.
    pub(crate) fn read(&self, generation: u64, entries: impl IntoIterator<Item = Raw>) {
        let mut tail = self.tail();
        if tail.generation != generation {
            *tail = Tail { generation, ..Tail::default() };
        }
        for (sequence, fields) in entries {
            let last = tail.entries.back().map(|told| told.sequence);
            if last.is_some_and(|last| sequence <= last) {
                continue;
            }
            if last.is_some_and(|last| sequence > last + 1) {
                (tail.entries, tail.bytes) = (VecDeque::new(), 0);
            }
            let bytes = fields.iter().filter_map(|(_, value)| Some(value.as_bytes()?.len())).sum();
            tail.bytes += bytes;
            tail.entries.push_back(Told { sequence, fields, bytes, at: Instant::now() });
        }
        tail.shorten();
    }

    /// Returns the generation of the log that was read, and the entries beyond a place in it, if they join it.
    pub(crate) fn beyond(&self, head: u64) -> (u64, Vec<Told>) {
        let tail = self.tail();
        let joins = tail.entries.front().is_some_and(|first| first.sequence <= head + 1);
        let beyond = tail.entries.iter().filter(|told| joins && told.sequence > head);
        (tail.generation, beyond.cloned().collect())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget_stale(&mut self) {
        if self.refreshed.is_some_and(|at| at.elapsed() > STALE) {
            *self = Self::default();
        }
    }

    /// Answers may overtake each other, so an older one changes nothing.
    fn put(&mut self, subscription: &Subscription) {
        let older = self
            .subscriptions
            .get(&subscription.id)
            .is_some_and(|known| (subscription.rev, subscription.expires_at) < (known.rev, known.expires_at));
        if !older {
            self.subscriptions.insert(subscription.id.clone(), subscription.clone());
        }
    }
}

impl Tail {
    fn shorten(&mut self) {
        while let Some(first) = self.entries.front() {
            let fits = self.entries.len() <= TAIL && self.bytes <= TAIL_BYTES;
            if fits && first.at.elapsed() < TAIL_KEPT {
                return;
            }
            self.bytes -= first.bytes;
            self.entries.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::subscription::{Major, StateForm};
    use netweave_model::{NewSubscription, Timestamp};

    fn read(journal: &Journal, generation: u64, sequences: std::ops::RangeInclusive<u64>) {
        journal.read(generation, sequences.map(|sequence| (sequence, vec![("at".into(), "1".into())])));
    }

    fn beyond(journal: &Journal, head: u64) -> Vec<u64> {
        journal.beyond(head).1.into_iter().map(|told| told.sequence).collect()
    }

    #[test]
    fn what_was_read_is_known_once_and_without_gaps() {
        let journal = Journal::default();
        read(&journal, 1, 5..=7);
        read(&journal, 1, 6..=8);
        assert_eq!(beyond(&journal, 6), [7, 8]);
        assert_eq!(beyond(&journal, 4), [5, 6, 7, 8]);
        assert_eq!(beyond(&journal, 3), [0; 0], "what lies between is not known");
        read(&journal, 1, 10..=10);
        assert_eq!(beyond(&journal, 9), [10]);
        assert_eq!(beyond(&journal, 8), [0; 0]);
    }

    fn subscription(id: &str) -> Subscription {
        let new = NewSubscription {
            owner: "smo".to_owned(),
            major: Major::V2,
            callback: "https://smo.example/a".to_owned(),
            consumer_subscription_id: None,
            filter: None,
            states: StateForm::Object,
            secret: "whsec_AAAA".into(),
            lease: Duration::from_mins(1),
        };
        new.made(Id::from(id), Timestamp(1))
    }

    #[test]
    fn a_list_that_lacks_some_is_no_reason_to_forget_them() {
        let journal = Journal::default();
        for id in ["a", "b"] {
            journal.put(&subscription(id));
        }
        journal.changed(true, &[SubscriptionChange::Put(subscription("c"))]);
        journal.changed(false, &[SubscriptionChange::Gone(Id::from("b"))]);
        assert_eq!(journal.ids(), [Id::from("a"), Id::from("c")]);
    }

    #[test]
    fn all_have_their_turn() {
        let journal = Journal::default();
        let ids: Vec<Id> = ["a", "b", "c", "d", "e"].map(Id::from).to_vec();
        let turns: Vec<_> = (0..4).map(|_| journal.turn(&ids, 2)).collect();
        assert_eq!(turns, [&ids[0..2], &ids[2..4], &ids[4..], &ids[0..2]]);
        assert!(journal.turn(&[], 2).is_empty());
    }

    #[test]
    fn another_generation_is_another_log() {
        let journal = Journal::default();
        read(&journal, 1, 1..=3);
        read(&journal, 2, 3..=4);
        assert_eq!(beyond(&journal, 2), [3, 4]);
        assert_eq!(beyond(&journal, 0), [0; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_old_is_forgotten() {
        let journal = Journal::default();
        read(&journal, 1, 1..=3);
        tokio::time::advance(TAIL_KEPT).await;
        read(&journal, 1, 4..=4);
        assert_eq!(beyond(&journal, 3), [4]);
        assert_eq!(beyond(&journal, 2), [0; 0]);
        journal.changed(true, &[]);
        journal.delete(&Id::from("s"), 3);
        assert_eq!(journal.subscriptions().len(), 1);
        tokio::time::advance(STALE + Duration::from_secs(1)).await;
        assert_eq!(journal.subscriptions().len(), 0);
    }
}
