//! The subscriptions with their queues, and the indices over them.

use super::queue::Queue;
use crate::backing::{Backing, Urgency};
use crate::fact::{Fact, FactKey};
use netweave_model::{Id, Subscription, SubscriptionState, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// How many steps of the history are kept; who is further behind gets everything.
const HISTORY_KEPT: usize = 10_000;

/// One subscription with its queue.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) subscription: Subscription,
    pub(super) queue: Queue,
}

impl Member {
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.subscription.expires_at > now
    }

    pub(super) fn is_active(&self) -> bool {
        self.subscription.state == SubscriptionState::Active
    }

    pub(super) fn record(&self, backing: &mut impl Backing) {
        let key = FactKey::Subscription(self.subscription.id.clone());
        backing.record(key, Some(Fact::Subscription(Box::new(self.subscription.clone()))), Urgency::Now);
    }
}

/// What two subscriptions of one owner must not have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Likeness {
    pub(super) owner: String,
    pub(super) callback: String,
    pub(super) consumer_subscription_id: Option<String>,
    pub(super) filter: Option<String>,
}

impl Likeness {
    pub(super) fn of(subscription: &Subscription) -> Self {
        Self {
            owner: subscription.owner.clone(),
            callback: subscription.callback.clone(),
            consumer_subscription_id: subscription.consumer_subscription_id.clone(),
            filter: subscription.filter.clone(),
        }
    }
}

/// All subscriptions, with everything by which they are found.
#[derive(Debug, Default)]
pub(super) struct Members {
    all: BTreeMap<Id, Member>,
    by_owner: BTreeMap<String, BTreeSet<Id>>,
    by_likeness: HashMap<Likeness, Id>,
    by_expiry: BTreeSet<(Timestamp, Id)>,
    /// Raised by every change.
    pub(super) version: u64,
    /// The version of the last change that may alter which events a subscription gets.
    pub(super) matched: u64,
    history: VecDeque<(u64, Id)>,
}

impl Members {
    pub(super) fn get(&self, id: &Id) -> Option<&Member> {
        self.all.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &Id) -> Option<&mut Member> {
        self.all.get_mut(id)
    }

    pub(super) fn live(&self, id: &Id, now: Timestamp) -> Option<&Member> {
        self.all.get(id).filter(|member| member.is_live(now))
    }

    pub(super) fn live_mut(&mut self, id: &Id, now: Timestamp) -> Option<&mut Member> {
        self.all.get_mut(id).filter(|member| member.is_live(now))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.all.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.all.values_mut()
    }

    /// The subscriptions of an owner, or all, after an id and ordered by it.
    pub(super) fn after<'a>(
        &'a self,
        owner: Option<&str>,
        after: Option<&Id>,
    ) -> Box<dyn Iterator<Item = &'a Member> + 'a> {
        use std::ops::Bound::{Excluded, Unbounded};
        let range = (after.cloned().map_or(Unbounded, Excluded), Unbounded);
        match owner {
            None => Box::new(self.all.range(range).map(|(_, member)| member)),
            Some(owner) => {
                let ids = self.by_owner.get(owner).into_iter();
                Box::new(ids.flat_map(move |ids| ids.range(range.clone())).filter_map(|id| self.all.get(id)))
            }
        }
    }

    pub(super) fn alike(&self, likeness: &Likeness) -> Option<&Id> {
        self.by_likeness.get(likeness)
    }

    /// Those whose lease has run out, the longest ago first.
    pub(super) fn expired(&self, now: Timestamp) -> impl Iterator<Item = &Id> {
        self.by_expiry.iter().take_while(move |(at, _)| *at <= now).map(|(_, id)| id)
    }

    pub(super) fn count(&self, now: Timestamp) -> u64 {
        (self.all.len() - self.expired(now).count()) as u64
    }

    pub(super) fn count_of(&self, owner: &str, now: Timestamp) -> u64 {
        self.after(Some(owner), None).filter(|member| member.is_live(now)).count() as u64
    }

    /// Puts a subscription in; a queue that it has already stays.
    pub(super) fn insert(&mut self, subscription: Subscription) {
        let id = subscription.id.clone();
        let queue = self.take(&id).map(|member| member.queue).unwrap_or_default();
        self.by_owner.entry(subscription.owner.clone()).or_default().insert(id.clone());
        self.by_likeness.insert(Likeness::of(&subscription), id.clone());
        self.by_expiry.insert((subscription.expires_at, id.clone()));
        self.all.insert(id, Member { subscription, queue });
    }

    /// Takes a subscription out of everything but the history.
    pub(super) fn take(&mut self, id: &Id) -> Option<Member> {
        let member = self.all.remove(id)?;
        let subscription = &member.subscription;
        self.by_expiry.remove(&(subscription.expires_at, id.clone()));
        let likeness = Likeness::of(subscription);
        if self.by_likeness.get(&likeness) == Some(id) {
            self.by_likeness.remove(&likeness);
        }
        if let Some(ids) = self.by_owner.get_mut(&subscription.owner) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_owner.remove(&subscription.owner);
            }
        }
        Some(member)
    }

    /// Writes a step of the history; `rematch` says that events may go to other subscriptions from now on.
    pub(super) fn changed(&mut self, id: Id, rematch: bool) {
        self.version += 1;
        if rematch {
            self.matched = self.version;
        }
        if self.history.len() >= HISTORY_KEPT {
            self.history.pop_front();
        }
        self.history.push_back((self.version, id));
    }

    /// The ids that changed after a version, each once, in the order of their last change; `None` if it is too old.
    pub(super) fn changed_since(&self, version: u64) -> Option<Vec<Id>> {
        let steps = usize::try_from(self.version.checked_sub(version)?).ok()?;
        if steps > self.history.len() {
            return None;
        }
        let mut named = BTreeSet::new();
        let latest = self.history.iter().rev().take(steps).map(|(_, id)| id);
        let mut ids: Vec<Id> = latest.filter(|id| named.insert((*id).clone())).cloned().collect();
        ids.reverse();
        Some(ids)
    }
}
