//! The operations of the delivery port that empty the queues: claims, and what becomes of the head.

use super::State;
use super::letters::Letters;
use super::members::Member;
use super::queue::Ready;
use crate::backing::Backing;
use netweave_model::port::{Acked, Attempt, Claim, DeadLetterReason, Item};
use netweave_model::{Result, Timestamp};
use std::time::Duration;

impl<B: Backing> State<B> {
    /// See `Deliveries::take`.
    ///
    /// # Errors
    /// As there.
    pub fn take(&mut self, limit: usize, depth: usize, hold: Duration, now: Timestamp) -> Result<Vec<Claim>> {
        let Self { members, backing, ready, .. } = self;
        let mut claims = Vec::new();
        for id in ready.due(now, limit) {
            let Some(member) = members.get_mut(&id) else {
                continue;
            };
            let head = member.queue.items.iter().take(depth.max(1));
            let items = head.map(|item| Letters::item(item, backing)).collect::<Result<Vec<Item>>>()?;
            let token = ready.claim(member, now.plus(hold));
            let consumer = member.is_live(now).then(|| member.subscription.clone());
            claims.push(Claim { subscription: id, token, consumer, items });
        }
        Ok(claims)
    }

    /// See `Deliveries::next_due`.
    pub fn next_due(&self, now: Timestamp) -> Option<Duration> {
        self.ready.next().map(|at| at.since(now))
    }

    /// See `Deliveries::ack_head`.
    pub fn ack_head(&mut self, claim: &Claim, attempt: Attempt, now: Timestamp) -> Acked {
        let Self { members, letters, backing, ready, .. } = self;
        let Some(member) =
            attempted(members.get_mut(&claim.subscription), claim, attempt, (now, ready, backing))
        else {
            return Acked::Lost;
        };
        if let Some(item) = member.pop(backing) {
            letters.drop_reference(item.told, backing);
        }
        member.queue.fact.failures = 0;
        member.queue.fact.retry_at = None;
        member.record_queue(backing);
        if !member.queue.items.is_empty() {
            return Acked::Held;
        }
        ready.remove(&mut member.queue);
        member.queue.let_go(now);
        Acked::Emptied
    }

    /// See `Deliveries::defer`.
    pub fn defer(&mut self, claim: &Claim, pause: Duration, attempt: Attempt, now: Timestamp) -> bool {
        let until = now.plus(pause);
        let Self { members, backing, ready, .. } = self;
        let Some(member) =
            attempted(members.get_mut(&claim.subscription), claim, attempt, (now, ready, backing))
        else {
            return false;
        };
        if let Some(head) = member.queue.items.front_mut() {
            head.attempts = head.attempts.saturating_add(1);
            let head = *head;
            member.record_item(&head, backing);
        }
        member.queue.fact.failures = member.queue.fact.failures.saturating_add(1);
        member.queue.fact.retry_at = Some(until);
        member.queue.let_go(until);
        member.record_queue(backing);
        ready.place(member);
        true
    }

    /// See `Deliveries::postpone`.
    pub fn postpone(&mut self, claim: &Claim, pause: Duration, now: Timestamp) -> bool {
        let until = now.plus(pause);
        let Self { members, backing, ready, .. } = self;
        let member = members.get_mut(&claim.subscription);
        let Some(member) = member.filter(|member| member.queue.claim == Some(claim.token)) else {
            return false;
        };
        member.queue.fact.retry_at = Some(until);
        member.queue.let_go(until);
        member.record_queue(backing);
        ready.place(member);
        true
    }

    /// See `Deliveries::dead_letter`.
    pub fn dead_letter(
        &mut self,
        claim: &Claim,
        reason: DeadLetterReason,
        attempt: Attempt,
        now: Timestamp,
    ) -> bool {
        let Self { members, letters, backing, ready, .. } = self;
        let Some(member) =
            attempted(members.get_mut(&claim.subscription), claim, attempt, (now, ready, backing))
        else {
            return false;
        };
        if let Some(mut item) = member.pop(backing) {
            item.attempts = item.attempts.saturating_add(1);
            letters.bury(member, item, (reason, now), backing);
        }
        member.queue.fact.failures = member.queue.fact.failures.saturating_add(1);
        member.queue.fact.retry_at = None;
        member.record_queue(backing);
        if member.queue.items.is_empty() {
            ready.remove(&mut member.queue);
        }
        true
    }

    /// See `Deliveries::release`.
    pub fn release(&mut self, claim: &Claim, now: Timestamp) {
        if let Some(member) = self.members.get_mut(&claim.subscription)
            && member.queue.claim == Some(claim.token)
        {
            member.queue.let_go(now);
            self.ready.place(member);
        }
    }
}

/// Checks that the claim is held and its head is the item that was attempted, and remembers the attempt.
///
/// An overflow may have replaced the head meanwhile: then the claim ends, and whoever takes the queue next sees the new head.
fn attempted<'a, B: Backing>(
    member: Option<&'a mut Member>,
    claim: &Claim,
    attempt: Attempt,
    (now, ready, backing): (Timestamp, &mut Ready, &mut B),
) -> Option<&'a mut Member> {
    let member = member.filter(|member| member.queue.claim == Some(claim.token))?;
    let at_head = member.queue.items.front().is_some_and(|head| head.sequence == attempt.sequence);
    member.remember(attempt, backing);
    if at_head {
        return Some(member);
    }
    member.record_queue(backing);
    member.queue.let_go(now);
    ready.place(member);
    None
}
