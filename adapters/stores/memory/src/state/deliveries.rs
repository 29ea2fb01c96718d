//! The operations of the delivery port that fill and read the queues.

use super::State;
use super::letters::Letters;
use super::members::Member;
use crate::backing::Backing;
use crate::fact::{Queued, Told};
use netweave_model::port::{
    Backlog, DeadLetter, DeadLetterReason, FanOut, FanOutOutcome, Item, Notice, Replay, Standing, refusal,
};
use netweave_model::{Error, Event, Id, Position, Result, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;

/// The most dead letters that one call queues again.
const REPLAY_LIMIT: usize = 1_000;

impl<B: Backing> State<B> {
    /// See `Deliveries::cursor`.
    pub fn cursor(&self) -> Position {
        self.log.at(self.cursor)
    }

    /// See `Deliveries::fan_out`.
    ///
    /// # Errors
    /// `Internal`: the step ends outside the log.
    pub fn fan_out(&mut self, step: &FanOut, now: Timestamp) -> Result<FanOutOutcome> {
        if step.from != self.cursor() {
            return Ok(FanOutOutcome::Already);
        }
        if step.to < step.from || step.to > self.head() {
            return Err(Error::internal(format!(
                "a fan-out from {} to {} leaves the log",
                step.from, step.to
            )));
        }
        if step.subscriptions_version < self.members.matched {
            return Ok(FanOutOutcome::StaleMatcher);
        }
        let mut kept = HashMap::new();
        for (id, event) in &step.items {
            let Some(member) = self.members.live_mut(id, now) else {
                continue;
            };
            let Self { letters, backing, .. } = self;
            let told = *kept.entry(Arc::as_ptr(event)).or_insert_with(|| letters.keep(event, backing));
            push_change(member, event, told, now, (letters, backing));
            if member.queue.items.len() as u64 > step.max_queue {
                overflow(member, step.max_queue, now, (letters, backing));
            }
            member.record_queue(backing);
            self.ready.place_new(member);
        }
        self.cursor = step.to.sequence;
        Ok(FanOutOutcome::Done)
    }

    /// See `Deliveries::enqueue`.
    ///
    /// # Errors
    /// As there.
    pub fn enqueue(
        &mut self,
        id: &Id,
        notices: &[Notice],
        max_queue: u64,
        now: Timestamp,
    ) -> Result<Vec<Item>> {
        let Self { members, letters, backing, ready, .. } = self;
        let member = members.live_mut(id, now).ok_or_else(refusal::no_subscription)?;
        if (member.queue.items.len() + notices.len()) as u64 > max_queue {
            return Err(refusal::queue_full());
        }
        let first = member.queue.items.len();
        for notice in notices {
            let told = match notice {
                Notice::Change(event) => {
                    let told = letters.keep(event, backing);
                    push_change(member, event, told, now, (letters, backing));
                    continue;
                }
                Notice::Resync { dropped } => Told::Resync(*dropped),
                Notice::Test => Told::Test,
            };
            let sequence = member.queue.next_sequence();
            let item = member.notice(sequence, told, now);
            member.push(item, backing);
        }
        member.record_queue(backing);
        ready.place_new(member);
        member.queue.items.iter().skip(first).map(|item| Letters::item(item, backing)).collect()
    }

    /// See `Deliveries::backlog`.
    ///
    /// # Errors
    /// As there.
    pub fn backlog(&self, id: &Id, now: Timestamp) -> Result<Backlog> {
        let queue = &self.members.live(id, now).ok_or_else(refusal::no_subscription)?.queue;
        let waits = !queue.items.is_empty() && queue.claim.is_none() && queue.due > now;
        Ok(Backlog {
            queued: queue.items.len() as u64,
            oldest: queue.items.iter().map(|item| item.queued_at).min(),
            next_attempt: waits.then_some(queue.due),
            failures: queue.fact.failures,
            dead: queue.dead.len() as u64,
            discarded: queue.fact.discarded,
            last_sequence: queue.fact.last_sequence,
            attempts: queue.attempts.iter().rev().map(|(_, attempt)| attempt.clone()).collect(),
        })
    }

    /// See `Deliveries::standing`.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let live = || self.members.iter().filter(|member| member.is_live(now));
        let queues = || live().map(|member| &member.queue.items);
        Standing {
            items: queues().map(|items| items.len() as u64).sum(),
            oldest: queues().flatten().map(|item| item.queued_at).min(),
        }
    }

    /// See `Deliveries::dead_letters`.
    ///
    /// # Errors
    /// As there.
    pub fn dead_letters(&mut self, id: Option<&Id>, limit: usize) -> Result<Vec<DeadLetter>> {
        let member = id.and_then(|id| self.members.get(id));
        self.letters.read(id, member, limit, &mut self.backing)
    }

    /// See `Deliveries::replay`.
    ///
    /// # Errors
    /// As there.
    pub fn replay(&mut self, id: &Id, from: u64, max_queue: u64, now: Timestamp) -> Result<Replay> {
        let Self { members, letters, backing, ready, .. } = self;
        let member = members.live_mut(id, now).ok_or_else(refusal::no_subscription)?;
        let dead = letters.replayable(member, from);
        let room = max_queue.saturating_sub(member.queue.items.len() as u64);
        let now_queued = dead.len().min(REPLAY_LIMIT).min(usize::try_from(room).unwrap_or(usize::MAX));
        for number in dead.iter().take(now_queued) {
            member.queue.dead.remove(number);
            let Some(item) = letters.unearth(*number, backing) else {
                continue;
            };
            let sequence = member.queue.next_sequence();
            member.push(Queued { sequence, queued_at: now, attempts: 0, ..item }, backing);
        }
        if now_queued > 0 {
            member.record_queue(backing);
            ready.place_new(member);
        }
        Ok(Replay { queued: now_queued as u64, left: (dead.len() - now_queued) as u64 })
    }
}

/// Puts an event at the end of a queue.
fn push_change<B: Backing>(
    member: &mut Member,
    event: &Event,
    told: Told,
    now: Timestamp,
    (letters, backing): (&mut Letters, &mut B),
) {
    letters.hold(told);
    let sequence = member.queue.next_sequence();
    let notification_id = event.notification_id;
    member.push(Queued { sequence, notification_id, told, queued_at: now, attempts: 0 }, backing);
}

/// Puts one notice in place of the older half of a queue; what was dropped can be read, and replayed, as dead letters.
///
/// Half of it, so that a consumer that is always too slow is not told of each item by itself, and what was replayed
/// last stays. The notice takes the number of the newest item that it stands for.
fn overflow<B: Backing>(
    member: &mut Member,
    max_queue: u64,
    now: Timestamp,
    (letters, backing): (&mut Letters, &mut B),
) {
    let mut sequence = 0;
    let mut dropped = 0_u64;
    while member.queue.items.len() as u64 > max_queue / 2
        && let Some(item) = member.pop(backing)
    {
        sequence = item.sequence;
        if let Told::Resync(earlier) = item.told {
            dropped = dropped.saturating_add(earlier);
        } else {
            dropped = dropped.saturating_add(1);
            letters.bury(member, item, (DeadLetterReason::Overflow, now), backing);
        }
    }
    let notice = member.notice(sequence, Told::Resync(dropped), now);
    member.record_item(&notice, backing);
    member.queue.items.push_front(notice);
}
