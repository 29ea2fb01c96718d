//! A random load on a store: creations, commits, fan-outs and acknowledgements at the same time, each noted in a ledger.

use crate::ledger::{Counts, Delivery, Ledger, Note};
use futures::StreamExt;
use netweave_embedded::Embedded;
use netweave_model::port::{
    Attempt, Change, Claim, Created, Deliveries, FanOut, FanOutOutcome, Fence, InventoryLog, Item, Notice,
    SubscriptionChange, Subscriptions,
};
use netweave_model::{Entry, Id, Result};
use netweave_tests::conformance::stores::{QUOTA, lab, pool, wish};
use netweave_tests::harness::Dice;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How many writers of subscriptions and objects run at the same time.
const WRITERS: u64 = 4;

/// So many subscriptions per writer live at most.
const PER_WRITER: usize = 4;

/// So many subscriptions of earlier rounds are kept, or every event would go to ever more of them.
const KEPT: usize = 4;

/// Takes the notes of all tasks, one after the other.
pub(crate) type Notes = Arc<dyn Fn(Note) + Send + Sync>;

/// Runs until the store fails; `seed` decides what is done.
pub(crate) async fn run(store: &Embedded, seed: u64, notes: &Notes) {
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (store, notes) = (store.clone(), Arc::clone(notes));
        tasks.spawn(async move { write(&store, seed, writer, &notes).await });
    }
    let (dispatching, delivering) = (store.clone(), store.clone());
    let delivered = Arc::clone(notes);
    tasks.spawn(async move { dispatch(&dispatching).await });
    tasks.spawn(async move { deliver(&delivering, Dice(seed), &delivered).await });
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap().expect_err("a task runs until the store fails");
    }
}

async fn write(store: &Embedded, seed: u64, writer: u64, notes: &Notes) -> Result<()> {
    let mut dice = Dice(seed ^ (writer << 32));
    let mut mine: Vec<Id> = Vec::new();
    for n in 0_u64.. {
        let name = format!("{seed:x}-{writer}-{n}");
        match dice.roll(8) {
            0 if mine.len() < PER_WRITER => {
                let mut new = wish(&name, "callback");
                new.lease = Duration::from_hours(24);
                if let Created::New(subscription) = store.create(new, QUOTA).await? {
                    mine.push(subscription.id.clone());
                    notes(Note::Created(subscription.id));
                }
            }
            1 if mine.len() >= PER_WRITER => {
                let id = mine.remove(0);
                notes(Note::Deleting(id.clone()));
                store.delete(&id, None).await?;
                notes(Note::Deleted(id));
            }
            _ => {
                notes(Note::Committing(name.clone()));
                store.commit(&lab(), Fence(1), &[Change::Upsert(pool(&name, "new"))]).await?;
                notes(Note::Committed(name));
            }
        }
    }
    Ok(())
}

async fn dispatch(store: &Embedded) -> Result<()> {
    let mut matcher = Matcher::default();
    let mut entries = store.follow(store.cursor().await?).await?;
    loop {
        matcher.catch_up(store).await?;
        if let Some(entry) = entries.next().await {
            entry?;
        }
    }
}

/// Sends every event to every subscription.
#[derive(Default)]
struct Matcher {
    version: u64,
    all: BTreeSet<Id>,
}

impl Matcher {
    /// Fans out up to the head of the log.
    async fn catch_up(&mut self, store: &Embedded) -> Result<()> {
        loop {
            self.learn(store).await?;
            let from = store.cursor().await?;
            let entries = store.read(from, 64).await?;
            let mut to = from;
            let mut items = Vec::new();
            for entry in entries {
                match entry {
                    Entry::Changed(event) => {
                        to = event.position;
                        let event = Arc::new(event);
                        items.extend(self.all.iter().map(|id| (id.clone(), Arc::clone(&event))));
                    }
                    Entry::Baseline { position, .. } => to = position,
                    Entry::Seen { .. } => {}
                }
            }
            if to == from {
                return Ok(());
            }
            let step = FanOut { from, to, subscriptions_version: self.version, items, max_queue: 1_000_000 };
            let outcome = store.fan_out(step).await?;
            assert_ne!(outcome, FanOutOutcome::Already, "there is one dispatcher");
        }
    }

    async fn learn(&mut self, store: &Embedded) -> Result<()> {
        let (version, complete, changes) = store.since(self.version).await?;
        self.version = version;
        if complete {
            self.all.clear();
        }
        for change in changes {
            match change {
                SubscriptionChange::Put(subscription) => self.all.insert(subscription.id),
                SubscriptionChange::Gone(id) => self.all.remove(&id),
            };
        }
        Ok(())
    }
}

async fn deliver(store: &Embedded, mut dice: Dice, notes: &Notes) -> Result<()> {
    loop {
        for claim in store.take(8, 4, Duration::from_mins(1)).await? {
            serve(store, &claim, &mut dice, notes).await?;
        }
        if store.next_due().await?.is_none_or(|due| due > Duration::ZERO) {
            Deliveries::wait(store).await;
        }
    }
}

/// Acknowledges the items of a claim; now and then the head is left for another time.
async fn serve(store: &Embedded, claim: &Claim, dice: &mut Dice, notes: &Notes) -> Result<()> {
    for item in &claim.items {
        if dice.roll(10) == 0 {
            store.defer(claim, Duration::ZERO, attempt(item)).await?;
            return Ok(());
        }
        let delivery = delivery(claim, item);
        notes(Note::Delivering(delivery.clone()));
        if !store.ack_head(claim, attempt(item)).await?.removed() {
            return Ok(());
        }
        notes(Note::Delivered(delivery));
    }
    Deliveries::release(store, claim).await
}

fn delivery(claim: &Claim, item: &Item) -> Delivery {
    let Notice::Change(event) = &item.notice else { panic!("only changes are queued, found {item:?}") };
    Delivery {
        subscription: claim.subscription.clone(),
        sequence: item.sequence,
        object: event.key.id.to_string(),
        position: event.position.sequence,
    }
}

fn attempt(item: &Item) -> Attempt {
    Attempt {
        sequence: item.sequence,
        notification_id: item.notification_id,
        at: item.queued_at,
        duration_ms: 1,
        status: Some(204),
        delivered: true,
        error: None,
    }
}

/// Delivers everything that is left and compares the store with the ledger.
pub(crate) async fn settle(store: &Embedded, ledger: &mut Ledger) -> Counts {
    Matcher::default().catch_up(store).await.unwrap();
    loop {
        let claims = store.take(100, 100, Duration::from_mins(1)).await.unwrap();
        if claims.is_empty() {
            break;
        }
        let drained = claims.iter().map(|claim| drain(store, claim));
        for delivery in futures::future::join_all(drained).await.into_iter().flatten() {
            ledger.take(Note::Delivered(delivery));
        }
    }
    let rows = store.snapshot(&lab()).await.unwrap().objects;
    let rows: BTreeSet<&str> = rows.iter().map(|row| row.key.id.as_str()).collect();
    for object in ledger.objects() {
        assert!(rows.contains(object), "the row of {object} is lost");
    }
    let live = store.page(None, None, 10_000).await.unwrap();
    let live: BTreeSet<Id> = live.into_iter().map(|subscription| subscription.id).collect();
    let counts = ledger.count(&live);
    for id in live.into_iter().skip(KEPT) {
        ledger.take(Note::Deleting(id.clone()));
        store.delete(&id, None).await.unwrap();
        ledger.take(Note::Deleted(id));
    }
    counts
}

async fn drain(store: &Embedded, claim: &Claim) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for item in &claim.items {
        assert!(store.ack_head(claim, attempt(item)).await.unwrap().removed());
        deliveries.push(delivery(claim, item));
    }
    Deliveries::release(store, claim).await.unwrap();
    deliveries
}
