//! The bodies of queued events, each kept once, and the dead letters.

use super::members::Member;
use crate::backing::{Backing, Urgency};
use crate::fact::{Dead, Fact, FactKey, Queued, Told};
use netweave_model::port::{DeadLetter, DeadLetterReason, Item, Notice};
use netweave_model::{Event, Id, Result, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The most dead letters that are kept per subscription; older ones are only counted.
pub(super) const DEAD_KEPT: usize = 10_000;

/// Bodies and dead letters of all subscriptions.
#[derive(Debug, Default)]
pub(super) struct Letters {
    pub(super) last_body: u64,
    pub(super) last_dead: u64,
    /// How many queued items and dead letters refer to a body.
    references: HashMap<u64, u32>,
    dead: BTreeMap<u64, Dead>,
    graves: BTreeMap<Id, Grave>,
}

/// What is left of an expired subscription.
#[derive(Debug)]
struct Grave {
    since: Timestamp,
    dead: BTreeSet<u64>,
}

impl Letters {
    pub(super) fn restore_grave(&mut self, id: Id, since: Timestamp) {
        self.graves.insert(id, Grave { since, dead: BTreeSet::new() });
    }

    pub(super) fn restore_dead(&mut self, number: u64, dead: Dead) {
        self.hold(dead.item.told);
        if let Some(grave) = self.graves.get_mut(&dead.subscription) {
            grave.dead.insert(number);
        }
        self.dead.insert(number, dead);
    }

    /// Keeps an event under a fresh number; nothing refers to it yet.
    pub(super) fn keep(&mut self, event: &Arc<Event>, backing: &mut impl Backing) -> Told {
        self.last_body += 1;
        backing.put_body(self.last_body, event);
        Told::Body(self.last_body)
    }

    /// Counts one more reference.
    pub(super) fn hold(&mut self, told: Told) {
        if let Told::Body(number) = told {
            *self.references.entry(number).or_default() += 1;
        }
    }

    /// Counts one reference less and drops the body after the last one.
    pub(super) fn drop_reference(&mut self, told: Told, backing: &mut impl Backing) {
        let Told::Body(number) = told else { return };
        let left = self.references.get(&number).copied().unwrap_or_default().saturating_sub(1);
        if left > 0 {
            self.references.insert(number, left);
        } else {
            self.references.remove(&number);
            backing.drop_body(number);
        }
    }

    /// Makes an item readable.
    pub(super) fn item(queued: &Queued, backing: &mut impl Backing) -> Result<Item> {
        let notice = match queued.told {
            Told::Body(number) => Notice::Change(backing.body(number)?),
            Told::Resync(dropped) => Notice::Resync { dropped },
            Told::Test => Notice::Test,
        };
        Ok(Item {
            sequence: queued.sequence,
            notification_id: queued.notification_id,
            notice,
            queued_at: queued.queued_at,
            attempts: queued.attempts,
        })
    }

    /// Makes a dead letter of an item that left the queue; the reference to its body goes over.
    pub(super) fn bury(
        &mut self,
        member: &mut Member,
        item: Queued,
        (reason, at): (DeadLetterReason, Timestamp),
        backing: &mut impl Backing,
    ) {
        self.last_dead += 1;
        let dead = Dead { subscription: member.subscription.id.clone(), item, reason, at };
        backing.record(FactKey::Dead(self.last_dead), Some(Fact::Dead(dead.clone())), Urgency::Now);
        self.dead.insert(self.last_dead, dead);
        member.queue.dead.insert(self.last_dead);
        if member.queue.dead.len() > DEAD_KEPT
            && let Some(oldest) = member.queue.dead.pop_first()
        {
            member.queue.fact.discarded += 1;
            self.discard(oldest, backing);
        }
    }

    /// Takes a dead letter back; the reference to its body stays with the item.
    pub(super) fn unearth(&mut self, number: u64, backing: &mut impl Backing) -> Option<Queued> {
        let dead = self.dead.remove(&number)?;
        backing.record(FactKey::Dead(number), None, Urgency::Now);
        Some(dead.item)
    }

    /// Forgets a dead letter.
    pub(super) fn discard(&mut self, number: u64, backing: &mut impl Backing) {
        if let Some(item) = self.unearth(number, backing) {
            self.drop_reference(item.told, backing);
        }
    }

    /// The numbers of a member's dead letters from a sequence number on, by sequence number.
    pub(super) fn replayable(&self, member: &Member, from: u64) -> Vec<u64> {
        let numbers = member
            .queue
            .dead
            .iter()
            .filter_map(|number| Some((self.dead.get(number)?.item.sequence, *number)));
        let sorted: BTreeSet<(u64, u64)> = numbers.filter(|(sequence, _)| *sequence >= from).collect();
        sorted.into_iter().map(|(_, number)| number).collect()
    }

    /// Digs a grave for a member that expired, if there is something to keep.
    pub(super) fn dig(&mut self, member: &mut Member, now: Timestamp, backing: &mut impl Backing) {
        let dead = std::mem::take(&mut member.queue.dead);
        if dead.is_empty() {
            return;
        }
        let id = member.subscription.id.clone();
        backing.record(FactKey::Grave(id.clone()), Some(Fact::Grave(now)), Urgency::Now);
        self.graves.insert(id, Grave { since: now, dead });
    }

    /// Forgets the graves that were dug before a time, at most `limit`.
    pub(super) fn level(&mut self, before: Timestamp, limit: usize, backing: &mut impl Backing) {
        let old = self.graves.iter().filter(|(_, grave)| grave.since < before).map(|(id, _)| id.clone());
        let old: Vec<Id> = old.take(limit).collect();
        for id in old {
            let dead = self.graves.remove(&id).map(|grave| grave.dead).unwrap_or_default();
            for number in dead {
                self.discard(number, backing);
            }
            backing.record(FactKey::Grave(id), None, Urgency::Now);
        }
    }

    /// Reads dead letters, newest first; `of` holds those of one member that still lives.
    pub(super) fn read(
        &self,
        subscription: Option<&Id>,
        of: Option<&Member>,
        limit: usize,
        backing: &mut impl Backing,
    ) -> Result<Vec<DeadLetter>> {
        let numbers: Vec<u64> = match subscription {
            None => self.dead.keys().rev().take(limit).copied().collect(),
            Some(id) => {
                let kept = of.map(|member| &member.queue.dead);
                let kept = kept.or_else(|| self.graves.get(id).map(|grave| &grave.dead));
                kept.into_iter().flat_map(|kept| kept.iter().rev()).take(limit).copied().collect()
            }
        };
        let dead = numbers.iter().filter_map(|number| self.dead.get(number));
        dead.map(|dead| {
            Ok(DeadLetter {
                subscription: dead.subscription.clone(),
                item: Self::item(&dead.item, backing)?,
                reason: dead.reason,
                at: dead.at,
            })
        })
        .collect()
    }
}
