//! What the store acknowledged, kept outside of it, and the check of a reopened store against it.

use netweave_model::Id;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One line of the ledger. What is in doubt is noted before the call, what is acknowledged after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Note {
    /// A subscription was created.
    Created(Id),
    /// One may be gone from now on.
    Deleting(Id),
    /// It is gone.
    Deleted(Id),
    /// An object may exist from now on.
    Committing(String),
    /// It exists.
    Committed(String),
    /// An item may be gone from the head of its queue from now on.
    Delivering(Delivery),
    /// It is gone.
    Delivered(Delivery),
}

/// One item at the head of a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) subscription: Id,
    pub(crate) sequence: u64,
    /// The object and its change's place in the log.
    pub(crate) object: String,
    pub(crate) position: u64,
}

/// Everything that was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    steps: u64,
    subscriptions: BTreeMap<Id, Account>,
    commits: BTreeMap<String, Commit>,
}

/// One subscription in the ledger.
#[derive(Debug, Default)]
struct Account {
    /// `None`: the answer is still out, or lost.
    created: Option<u64>,
    ending: bool,
    ended: bool,
    last_sequence: u64,
    last_position: u64,
    in_doubt: Option<Delivery>,
    got: BTreeSet<String>,
}

#[derive(Debug)]
struct Commit {
    begun: u64,
    done: bool,
}

/// What a check counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) subscriptions: u64,
    pub(crate) lost_subscriptions: u64,
    pub(crate) notifications: u64,
    pub(crate) lost_notifications: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.subscriptions += other.subscriptions;
        self.lost_subscriptions += other.lost_subscriptions;
        self.notifications += other.notifications;
        self.lost_notifications += other.lost_notifications;
    }
}

impl Ledger {
    /// Takes a note; fails if a delivery is out of order.
    pub(crate) fn take(&mut self, note: Note) {
        self.steps += 1;
        match note {
            Note::Created(id) => {
                self.account(id).created = Some(self.steps);
            }
            Note::Deleting(id) => self.account(id).ending = true,
            Note::Deleted(id) => self.account(id).ended = true,
            Note::Committing(object) => {
                self.commits.insert(object, Commit { begun: self.steps, done: false });
            }
            Note::Committed(object) => self.commits.get_mut(&object).unwrap().done = true,
            Note::Delivering(delivery) => {
                let account = self.account(delivery.subscription.clone());
                account.in_doubt = Some(delivery);
            }
            Note::Delivered(delivery) => self.account(delivery.subscription.clone()).delivered(delivery),
        }
    }

    fn account(&mut self, id: Id) -> &mut Account {
        self.subscriptions.entry(id).or_default()
    }

    /// The objects that must be in the inventory.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &str> {
        self.commits.iter().filter(|(_, commit)| commit.done).map(|(object, _)| object.as_str())
    }

    /// Counts what is missing, once everything was delivered. `live` are the subscriptions that the store has.
    pub(crate) fn count(&mut self, live: &BTreeSet<Id>) -> Counts {
        let mut counts = Counts::default();
        for (id, account) in &mut self.subscriptions {
            account.resolve();
            account.ended |= account.ending && !live.contains(id);
            if account.ended {
                assert!(!live.contains(id), "{id} was deleted and is back");
                continue;
            }
            account.ending = false;
            let Some(created) = account.created else { continue };
            counts.subscriptions += 1;
            counts.lost_subscriptions += u64::from(!live.contains(id));
            let due = self.commits.iter().filter(|(_, commit)| commit.done && commit.begun > created);
            for (object, _) in due {
                counts.notifications += 1;
                counts.lost_notifications += u64::from(!account.got.contains(object));
            }
        }
        counts
    }
}

impl Account {
    /// Everything was delivered: if the item in doubt did not come again, its acknowledgement had been applied.
    fn resolve(&mut self) {
        if let Some(doubt) = self.in_doubt.take().filter(|doubt| doubt.sequence == self.last_sequence + 1) {
            self.delivered(doubt);
        }
    }

    fn delivered(&mut self, delivery: Delivery) {
        let expected = self.last_sequence + 1;
        let skipped = self.in_doubt.take().filter(|doubt| doubt.sequence == expected);
        if delivery.sequence != expected {
            // The answer to the last acknowledgement was lost, and it had been applied.
            let skipped = skipped.expect("no item is skipped");
            assert_eq!(delivery.sequence, expected + 1, "{delivery:?}");
            self.got.insert(skipped.object);
        }
        assert!(delivery.position > self.last_position, "{delivery:?} after {}", self.last_position);
        self.last_sequence = delivery.sequence;
        self.last_position = delivery.position;
        self.got.insert(delivery.object);
    }
}
