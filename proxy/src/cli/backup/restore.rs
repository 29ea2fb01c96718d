//! Putting a backup into a store, some subscriptions at a time.

use super::create::backlog;
use super::form::{Damage, Reader, line};
use super::{AT_ONCE, damaged, failed, from_start};
use crate::cli::{Exit, Failure};
use netweave_adapters::Stores;
use netweave_model::port::{Backlog, Notice, Restored, Saved};
use netweave_model::{ErrorKind, Id, Subscription, Timestamp};
use serde::Serialize;
use std::fs::File;
use std::io::BufRead;
use std::path::Path;
use std::time::Duration;

/// How long a lease lasts after a restore, at least: time for its owner to come back.
const LEASE: Duration = Duration::from_hours(1);
/// More than any count of notifications, or any revision, can have grown since a backup was begun.
const AHEAD: u64 = 1_000_000;

/// What may be in the store already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Mode {
    /// Nothing.
    Empty,
    /// What it knows in the same or a later revision stays.
    Merge,
    /// What the file has wins, and what it has not is deleted.
    Replace,
}

/// How a backup is restored.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Manner {
    /// What may be in the store.
    pub(in crate::cli) mode: Mode,
    /// Nothing is changed, only counted.
    pub(in crate::cli) dry_run: bool,
    /// No gateway has run since the backup was begun, so nobody saw numbers that it does not know of.
    pub(in crate::cli) stopped: bool,
}

/// What came of a restore.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Outcome {
    /// Nothing was changed: this is what would have been done.
    dry_run: bool,
    /// Subscriptions in the file.
    read: u64,
    /// Those that were put, and read back.
    pub(in crate::cli) put: u64,
    /// Those that the store had in the same or a later revision; they stay as they are.
    known: u64,
    /// Those that it knows to have ended; they stay so.
    ended: u64,
    /// Those that the store had and the file has not.
    deleted: u64,
    /// Those whose consumers are told to read the inventory again.
    resync: u64,
}

/// One restore.
struct Restore<'a> {
    stores: &'a Stores,
    manner: Manner,
    /// When the backup was begun.
    created_at: Timestamp,
    outcome: Outcome,
}

/// Puts the subscriptions of a file into a store; the file was verified.
///
/// # Errors
/// The store is not what the mode wants, or does not answer; the file was changed meanwhile.
pub(in crate::cli) async fn restore(
    stores: &Stores,
    opened: &mut File,
    file: &Path,
    manner: Manner,
) -> Result<Outcome, Failure> {
    let refused = |damage: Damage| damaged(file, &damage);
    if manner.mode == Mode::Empty {
        refuse_used(stores).await?;
    }
    let mut reader = Reader::open(from_start(opened, file)?).map_err(refused)?;
    let created_at = reader.first().created_at;
    let outcome = Outcome { dry_run: manner.dry_run, ..Outcome::default() };
    let mut restore = Restore { stores, manner, created_at, outcome };
    loop {
        let some = read_some(&mut reader).map_err(refused)?;
        if some.is_empty() {
            break;
        }
        restore.put(some).await?;
    }
    if manner.mode == Mode::Replace {
        let mut reader = Reader::open(from_start(opened, file)?).map_err(refused)?;
        restore.delete_others(&mut reader).await?.map_err(refused)?;
    }
    Ok(restore.outcome)
}

async fn refuse_used(stores: &Stores) -> Result<(), Failure> {
    let some = stores.subscriptions.page(None, None, 1).await.map_err(|error| failed(&error))?;
    let dead = stores.deliveries.dead_letters(None, 1).await.map_err(|error| failed(&error))?;
    if some.is_empty() && dead.is_empty() {
        return Ok(());
    }
    let message =
        "state: the store has subscriptions or dead letters: use --merge, --replace, or an empty one";
    Err(Failure::new(Exit::Conflict, message))
}

fn read_some<R: BufRead>(reader: &mut Reader<R>) -> Result<Vec<Saved>, Damage> {
    let mut some = Vec::new();
    while some.len() < AT_ONCE
        && let Some(saved) = reader.next_one()?
    {
        some.push(saved);
    }
    Ok(some)
}

impl Restore<'_> {
    async fn put(&mut self, read: Vec<Saved>) -> Result<(), Failure> {
        self.outcome.read += read.len() as u64;
        let mut all = Vec::with_capacity(read.len());
        for saved in read {
            all.push(self.to_put(saved).await?);
        }
        if self.manner.dry_run {
            return self.only_count(&all).await;
        }
        let outcomes = self.stores.subscriptions.restore(&all).await.map_err(|error| failed(&error))?;
        let mut put = Vec::new();
        for (one, outcome) in all.iter().zip(outcomes) {
            match outcome {
                Restored::Put => put.push(one),
                Restored::Known => self.outcome.known += 1,
                Restored::Ended => self.outcome.ended += 1,
            }
            if outcome != Restored::Ended && self.tell_to_resync(one).await? {
                self.outcome.resync += 1;
            }
        }
        self.outcome.put += put.len() as u64;
        self.read_back(&put).await
    }

    /// Says what is put for one that was saved.
    ///
    /// Its owner gets time to come back. Consumers may have seen later numbers than the backup knows of, so they go on from
    /// the time of the backup, and further; the same number for a restore that is repeated.
    async fn to_put(&self, saved: Saved) -> Result<Saved, Failure> {
        let until = self.stores.clock.now().plus(LEASE);
        let begun = u64::try_from(self.created_at.0).unwrap_or_default();
        let beyond = saved.last_sequence.max(begun).saturating_add(AHEAD);
        let last_sequence = if self.manner.stopped { saved.last_sequence } else { beyond };
        let mut subscription = saved.subscription.clone();
        subscription.expires_at = subscription.expires_at.max(until);
        if self.manner.mode == Mode::Replace {
            let known = self.known(&subscription.id).await?.map_or(0, |known| known.rev);
            // Also one that was deleted here, in whichever revision.
            subscription.rev =
                if known == 0 { subscription.rev + AHEAD } else { known.max(subscription.rev) + 1 };
        }
        Ok(Saved { subscription, last_sequence, ..saved })
    }

    async fn known(&self, id: &Id) -> Result<Option<Subscription>, Failure> {
        match self.stores.subscriptions.get(id).await {
            Ok(known) => Ok(Some(known)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn only_count(&mut self, all: &[Saved]) -> Result<(), Failure> {
        for one in all {
            let known = self.known(&one.subscription.id).await?;
            let stays = known.is_some_and(|known| known.rev >= one.subscription.rev);
            *(if stays { &mut self.outcome.known } else { &mut self.outcome.put }) += 1;
        }
        Ok(())
    }

    /// Queues a notice for one that may have missed something, unless its queue has gone on since.
    async fn tell_to_resync(&self, saved: &Saved) -> Result<bool, Failure> {
        let dropped = saved.waiting.saturating_add(saved.dead);
        if self.manner.stopped && dropped == 0 {
            return Ok(false);
        }
        let id = &saved.subscription.id;
        let untouched =
            |backlog: &Backlog| backlog.queued == 0 && backlog.last_sequence == saved.last_sequence;
        if !backlog(self.stores, id).await?.as_ref().is_some_and(untouched) {
            return Ok(false);
        }
        let queued = self.stores.deliveries.enqueue(id, vec![Notice::Resync { dropped }], u64::MAX).await;
        queued.map_err(|error| failed(&error))?;
        Ok(true)
    }

    /// Compares what was put with what the store has now.
    async fn read_back(&self, put: &[&Saved]) -> Result<(), Failure> {
        let mut differ = Vec::new();
        for saved in put {
            let expected = &saved.subscription;
            let Some(now) = self.known(&expected.id).await? else {
                differ.push(expected.id.as_str());
                continue;
            };
            let found = Saved { subscription: as_put(now, expected), ..(*saved).clone() };
            if line(&found)? != line(saved)? {
                differ.push(expected.id.as_str());
            }
        }
        if differ.is_empty() {
            return Ok(());
        }
        let message = format!("the store does not have what was restored: {}", differ.join(", "));
        Err(Failure::new(Exit::Damaged, message))
    }

    /// Deletes what the store has and the file has not; both are in the order of their ids.
    async fn delete_others<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
    ) -> Result<Result<(), Damage>, Failure> {
        let (mut of_file, mut after): (Option<Id>, Option<Id>) = (None, None);
        loop {
            let page = self.stores.subscriptions.page(None, after.as_ref(), AT_ONCE).await;
            let page = page.map_err(|error| failed(&error))?;
            let Some(last) = page.last() else { return Ok(Ok(())) };
            after = Some(last.id.clone());
            for one in &page {
                while of_file.as_ref().is_none_or(|id| *id < one.id) {
                    match reader.next_one() {
                        Ok(Some(saved)) => of_file = Some(saved.subscription.id),
                        Ok(None) => break,
                        Err(damage) => return Ok(Err(damage)),
                    }
                }
                if of_file.as_ref() != Some(&one.id) {
                    self.delete(&one.id).await?;
                }
            }
        }
    }

    async fn delete(&mut self, id: &Id) -> Result<(), Failure> {
        self.outcome.deleted += 1;
        if self.manner.dry_run {
            return Ok(());
        }
        match self.stores.subscriptions.delete(id, None).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// What the store has, without what a gateway that runs may have done since: a renewal, or another state.
fn as_put(now: Subscription, put: &Subscription) -> Subscription {
    if now.rev < put.rev || now.expires_at < put.expires_at {
        return now;
    }
    Subscription { rev: put.rev, expires_at: put.expires_at, state: put.state.clone(), ..now }
}
