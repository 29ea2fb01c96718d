//! One subscription's queue, and the order in which queues fall due.

use super::members::Member;
use crate::backing::{Backing, Urgency};
use crate::fact::{Fact, FactKey, QueueFact, Queued, Told};
use netweave_model::port::{Attempt, Notice};
use netweave_model::{Id, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most attempts that are remembered per subscription.
pub(super) const ATTEMPTS_KEPT: u64 = 100;

/// One subscription's queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) items: VecDeque<Queued>,
    pub(super) fact: QueueFact,
    /// Since when, or from when on, it may be taken.
    pub(super) due: Timestamp,
    pub(super) claim: Option<u64>,
    /// Newest last.
    pub(super) attempts: VecDeque<(u64, Attempt)>,
    /// Numbers of the dead letters that are kept.
    pub(super) dead: BTreeSet<u64>,
    /// The place in [`Ready`], if it has one.
    slot: Option<(Timestamp, u64)>,
}

impl Queue {
    pub(super) fn restore(&mut self, fact: QueueFact) {
        self.fact = fact;
    }

    /// Attempts come in the order of their places in the ring; the older half may come second.
    pub(super) fn restore_attempt(&mut self, number: u64, attempt: Attempt) {
        let place = self.attempts.partition_point(|(earlier, _)| *earlier < number);
        self.attempts.insert(place, (number, attempt));
    }

    /// Finds when a restored queue falls due.
    pub(super) fn restore_due(&mut self) {
        let queued_at = self.items.front().map(|item| item.queued_at).unwrap_or_default();
        self.due = self.fact.retry_at.unwrap_or(queued_at);
    }

    /// Ends the claim; the queue may be taken from `due` on.
    pub(super) fn let_go(&mut self, due: Timestamp) {
        self.claim = None;
        self.due = due;
    }

    /// Takes the next sequence number.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.fact.last_sequence += 1;
        self.fact.last_sequence
    }
}

impl Member {
    /// Makes a notice that is not about a change.
    pub(super) fn notice(&self, sequence: u64, told: Told, now: Timestamp) -> Queued {
        let notification_id = Notice::id_of(&self.subscription.id, sequence, told == Told::Test);
        Queued { sequence, notification_id, told, queued_at: now, attempts: 0 }
    }

    /// Puts an item at the end of the queue and records it. An empty queue becomes due, unless it is claimed.
    pub(super) fn push(&mut self, item: Queued, backing: &mut impl Backing) {
        if self.queue.items.is_empty() && self.queue.claim.is_none() {
            self.queue.due = item.queued_at;
        }
        self.queue.items.push_back(item);
        self.record_item(&item, backing);
    }

    /// Takes the head of the queue.
    pub(super) fn pop(&mut self, backing: &mut impl Backing) -> Option<Queued> {
        let item = self.queue.items.pop_front()?;
        backing.record(FactKey::Item(self.subscription.id.clone(), item.sequence), None, Urgency::Now);
        Some(item)
    }

    pub(super) fn record_item(&self, item: &Queued, backing: &mut impl Backing) {
        let key = FactKey::Item(self.subscription.id.clone(), item.sequence);
        backing.record(key, Some(Fact::Item(*item)), Urgency::Now);
    }

    pub(super) fn record_queue(&self, backing: &mut impl Backing) {
        let key = FactKey::Queue(self.subscription.id.clone());
        backing.record(key, Some(Fact::Queue(self.queue.fact)), Urgency::Now);
    }

    /// Remembers an attempt, in place of the oldest one.
    pub(super) fn remember(&mut self, attempt: Attempt, backing: &mut impl Backing) {
        let number = self.queue.fact.attempts;
        self.queue.fact.attempts += 1;
        if self.queue.attempts.len() as u64 >= ATTEMPTS_KEPT {
            self.queue.attempts.pop_front();
        }
        let key = FactKey::Attempt(self.subscription.id.clone(), number % ATTEMPTS_KEPT);
        backing.record(key, Some(Fact::Attempt(number, attempt.clone())), Urgency::Now);
        self.queue.attempts.push_back((number, attempt));
    }
}

/// The queues that have something to deliver, by the time at which they may be taken; claimed ones by the end of the claim.
#[derive(Debug, Default)]
pub(super) struct Ready {
    order: BTreeMap<(Timestamp, u64), Id>,
    /// Keeps queues that are due at the same time in the order in which they became so.
    turn: u64,
    /// The token of the last claim.
    claims: u64,
    /// A queue may be due earlier than a taker knows.
    pub(super) woken: bool,
}

impl Ready {
    /// Puts a queue where it belongs now, after any change to it.
    pub(super) fn place(&mut self, member: &mut Member) {
        self.remove(&mut member.queue);
        if member.queue.items.is_empty() || !member.is_active() {
            return;
        }
        self.turn += 1;
        let slot = (member.queue.due, self.turn);
        self.order.insert(slot, member.subscription.id.clone());
        member.queue.slot = Some(slot);
        self.woken = true;
    }

    /// Puts a queue in its place if it has none: something came to an empty queue.
    pub(super) fn place_new(&mut self, member: &mut Member) {
        if member.queue.slot.is_none() {
            self.place(member);
        }
    }

    pub(super) fn remove(&mut self, queue: &mut Queue) {
        if let Some(slot) = queue.slot.take() {
            self.order.remove(&slot);
        }
    }

    /// The subscriptions whose queue may be taken, the one that waits longest first.
    pub(super) fn due(&self, now: Timestamp, limit: usize) -> Vec<Id> {
        let due = self.order.iter().take_while(|((at, _), _)| *at <= now);
        due.take(limit).map(|(_, id)| id.clone()).collect()
    }

    /// Gives a queue away until a time; returns the token of the claim.
    pub(super) fn claim(&mut self, member: &mut Member, until: Timestamp) -> u64 {
        let woken = self.woken;
        self.claims += 1;
        member.queue.claim = Some(self.claims);
        member.queue.due = until;
        self.place(member);
        self.woken = woken;
        self.claims
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.order.keys().next().map(|(at, _)| *at)
    }
}
