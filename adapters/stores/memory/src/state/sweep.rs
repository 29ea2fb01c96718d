//! How subscriptions end: deleted by their owner, or because the lease has run out.

use super::State;
use super::members::Member;
use super::queue::ATTEMPTS_KEPT;
use crate::backing::{Backing, Urgency};
use crate::fact::FactKey;
use netweave_model::port::DeadLetterReason;
use netweave_model::{Id, Subscription, Timestamp};
use std::time::Duration;

/// How long the dead letters of an expired subscription stay readable.
const GRAVE_KEPT: Duration = Duration::from_hours(24);

/// How many graves one sweep forgets at most.
const GRAVES_PER_SWEEP: usize = 100;

impl<B: Backing> State<B> {
    /// See `Subscriptions::sweep`.
    pub fn sweep(&mut self, limit: usize, now: Timestamp) -> Vec<Subscription> {
        let expired: Vec<Id> = self.members.expired(now).take(limit).cloned().collect();
        let ended = expired.iter().filter_map(|id| self.expire(id, now)).collect();
        self.letters.level(now.minus(GRAVE_KEPT), GRAVES_PER_SWEEP, &mut self.backing);
        ended
    }

    /// Ends one; its queued items become dead letters, which stay readable for a day.
    pub(super) fn expire(&mut self, id: &Id, now: Timestamp) -> Option<Subscription> {
        let mut member = self.take_member(id)?;
        while let Some(item) = member.pop(&mut self.backing) {
            self.letters.bury(&mut member, item, (DeadLetterReason::Expired, now), &mut self.backing);
        }
        self.letters.dig(&mut member, now, &mut self.backing);
        Some(member.subscription)
    }

    /// Removes one with all its traces.
    pub(super) fn remove(&mut self, id: &Id) {
        let Some(mut member) = self.take_member(id) else {
            return;
        };
        while let Some(item) = member.pop(&mut self.backing) {
            self.letters.drop_reference(item.told, &mut self.backing);
        }
        for number in std::mem::take(&mut member.queue.dead) {
            self.letters.discard(number, &mut self.backing);
        }
    }

    fn take_member(&mut self, id: &Id) -> Option<Member> {
        let mut member = self.members.take(id)?;
        self.ready.remove(&mut member.queue);
        self.backing.record(FactKey::Subscription(id.clone()), None, Urgency::Now);
        self.backing.record(FactKey::Queue(id.clone()), None, Urgency::Now);
        for (number, _) in &member.queue.attempts {
            self.backing.record(FactKey::Attempt(id.clone(), number % ATTEMPTS_KEPT), None, Urgency::Now);
        }
        self.members.changed(id.clone(), false);
        Some(member)
    }

    /// Prolongs every lease by the time in which nobody could renew it.
    pub(super) fn credit(&mut self, outage: Duration) {
        if outage.is_zero() {
            return;
        }
        let all: Vec<Subscription> = self.members.iter().map(|member| member.subscription.clone()).collect();
        for mut subscription in all {
            subscription.expires_at = subscription.expires_at.plus(outage);
            let id = subscription.id.clone();
            self.members.insert(subscription);
            if let Some(member) = self.members.get(&id) {
                member.record(&mut self.backing);
            }
        }
    }

    /// Puts every restored queue in its place.
    pub(super) fn place_all(&mut self) {
        for member in self.members.iter_mut() {
            member.queue.restore_due();
            self.ready.place(member);
        }
    }
}
