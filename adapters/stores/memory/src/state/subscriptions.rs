//! The operations of the subscription port.

use super::State;
use super::members::Likeness;
use crate::backing::Backing;
use netweave_model::port::{Created, Quota, SubscriptionChange, Update, Updated, refusal};
use netweave_model::{Id, NewSubscription, Result, Subscription, Timestamp};
use std::time::Duration;
use uuid::Uuid;

impl<B: Backing> State<B> {
    /// See `Subscriptions::create`; `id` is fresh.
    pub fn create(&mut self, new: NewSubscription, quota: Quota, id: Uuid, now: Timestamp) -> Created {
        let subscription = new.made(Id::from(id.to_string()), now);
        if let Some(twin) = self.twin(&subscription, now) {
            return Created::Duplicate(twin);
        }
        let of_owner = self.members.count_of(&subscription.owner, now);
        if of_owner >= quota.per_owner || self.members.count(now) >= quota.total {
            return Created::QuotaExceeded;
        }
        self.put(subscription.clone(), true);
        Created::New(subscription)
    }

    /// See `Subscriptions::get`.
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, id: &Id, now: Timestamp) -> Result<Subscription> {
        let member = self.members.live(id, now).ok_or_else(refusal::no_subscription)?;
        Ok(member.subscription.clone())
    }

    /// See `Subscriptions::page`.
    pub fn page(
        &self,
        owner: Option<&str>,
        after: Option<&Id>,
        limit: usize,
        now: Timestamp,
    ) -> Vec<Subscription> {
        let live = self.members.after(owner, after).filter(|member| member.is_live(now));
        live.take(limit).map(|member| member.subscription.clone()).collect()
    }

    /// See `Subscriptions::update`.
    ///
    /// # Errors
    /// As there.
    pub fn update(
        &mut self,
        id: &Id,
        if_rev: Option<u64>,
        update: Update,
        now: Timestamp,
    ) -> Result<Subscription> {
        let old = self.expect_rev(id, if_rev, now)?;
        let Updated { subscription: mut new, rematch, revived } = update.on(&old);
        new.expires_at = now.plus(Duration::from_millis(new.lease_ms));
        if self.twin(&new, now).is_some_and(|twin| twin.id != *id) {
            return Err(refusal::twin());
        }
        self.put(new.clone(), rematch);
        self.replaced(id, revived, now);
        Ok(new)
    }

    /// See `Subscriptions::renew`.
    ///
    /// # Errors
    /// As there.
    pub fn renew(&mut self, id: &Id, lease: Option<Duration>, now: Timestamp) -> Result<Subscription> {
        let mut renewed = self.get(id, now)?;
        renewed.expires_at = now.plus(lease.unwrap_or(Duration::from_millis(renewed.lease_ms)));
        self.put(renewed.clone(), false);
        Ok(renewed)
    }

    /// See `Subscriptions::delete`.
    ///
    /// # Errors
    /// As there.
    pub fn delete(&mut self, id: &Id, if_rev: Option<u64>, now: Timestamp) -> Result<()> {
        self.expect_rev(id, if_rev, now)?;
        self.remove(id);
        Ok(())
    }

    /// See `Subscriptions::since`.
    pub fn since(&self, version: u64, now: Timestamp) -> (u64, bool, Vec<SubscriptionChange>) {
        let change = |id: Id| match self.members.live(&id, now) {
            Some(member) => SubscriptionChange::Put(member.subscription.clone()),
            None => SubscriptionChange::Gone(id),
        };
        if let Some(ids) = self.members.changed_since(version) {
            return (self.members.version, false, ids.into_iter().map(change).collect());
        }
        let live = self.members.iter().filter(|member| member.is_live(now));
        let all = live.map(|member| SubscriptionChange::Put(member.subscription.clone()));
        (self.members.version, true, all.collect())
    }

    fn expect_rev(&self, id: &Id, if_rev: Option<u64>, now: Timestamp) -> Result<Subscription> {
        let subscription = self.get(id, now)?;
        if if_rev.is_some_and(|rev| rev != subscription.rev) {
            return Err(refusal::changed_meanwhile());
        }
        Ok(subscription)
    }

    /// The owner's live subscription that this one would equal. One that has expired gives way.
    fn twin(&mut self, subscription: &Subscription, now: Timestamp) -> Option<Subscription> {
        let id = self.members.alike(&Likeness::of(subscription))?.clone();
        let twin = self.members.live(&id, now).map(|member| member.subscription.clone());
        if twin.is_none() {
            self.expire(&id, now);
        }
        twin
    }

    pub(super) fn put(&mut self, subscription: Subscription, rematch: bool) {
        let id = subscription.id.clone();
        self.members.insert(subscription);
        if let Some(member) = self.members.get(&id) {
            member.record(&mut self.backing);
        }
        self.members.changed(id, rematch);
    }

    /// Lets deliveries go on as the new state says; one whose owner acted is tried at once.
    fn replaced(&mut self, id: &Id, revived: bool, now: Timestamp) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        if revived && member.queue.claim.is_none() {
            member.queue.fact.failures = 0;
            member.queue.fact.retry_at = None;
            member.queue.due = now;
            member.record_queue(&mut self.backing);
        }
        self.ready.place(member);
    }
}
