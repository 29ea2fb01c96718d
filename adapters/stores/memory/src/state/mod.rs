//! The state machine behind all ports: it decides every operation, at a time that is handed in.
//!
//! Small data is held here; rows, entries and bodies of events lie in the backing, which also records every small fact.

mod claims;
mod deliveries;
mod inventory;
mod leases;
mod letters;
mod log;
mod members;
mod queue;
mod subscriptions;
mod sweep;
mod transfer;

use crate::backing::{Backing, Fingerprint, Urgency};
use crate::fact::{Counters, Fact, FactKey};
use crate::signals::Publication;
use inventory::Source;
use leases::Holds;
use letters::Letters;
use log::LogIndex;
use members::Members;
use netweave_model::{Id, Kind, SourceName, Timestamp};
use queue::{Queue, Ready};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The fingerprints of a source's rows, by kind and id.
pub type SourceRows = BTreeMap<Kind, BTreeMap<Id, Fingerprint>>;

/// What a backing found when it was opened.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The facts, in the order in which they are restored.
    pub facts: BTreeMap<FactKey, Fact>,
    /// The rows.
    pub rows: BTreeMap<SourceName, SourceRows>,
    /// When each log entry that is still there was committed, oldest first.
    pub entries: VecDeque<Timestamp>,
    /// When the store was last known to be alive; everyone's lease is prolonged by the time since.
    pub alive: Option<Timestamp>,
}

/// All that a store knows.
#[derive(Debug)]
pub struct State<B> {
    backing: B,
    log: LogIndex,
    sources: BTreeMap<SourceName, Source>,
    seen: Arc<BTreeMap<SourceName, Timestamp>>,
    cursor: u64,
    members: Members,
    letters: Letters,
    ready: Ready,
    holds: Holds,
    recorded: Counters,
}

impl<B: Backing> State<B> {
    /// Starts an empty store, whose log begins a new generation named after the time.
    pub fn new(backing: B, now: Timestamp) -> Self {
        let generation = u64::try_from(now.0).unwrap_or_default().max(1);
        Self {
            backing,
            log: LogIndex::new(generation),
            sources: BTreeMap::new(),
            seen: Arc::default(),
            cursor: 0,
            members: Members::default(),
            letters: Letters::default(),
            ready: Ready::default(),
            holds: Holds::default(),
            recorded: Counters::default(),
        }
    }

    /// Takes up what an earlier process left. Leases and claims are free: their holders are gone.
    pub fn restore(backing: B, recovered: Recovered, now: Timestamp) -> Self {
        let mut state = Self::new(backing, now);
        for (name, rows) in recovered.rows {
            state.sources.entry(name).or_default().rows = rows;
        }
        for (key, fact) in recovered.facts {
            state.restore_fact(key, fact);
        }
        state.log.times = recovered.entries;
        state.place_all();
        if let Some(alive) = recovered.alive {
            state.credit(now.since(alive));
        }
        state
    }

    fn restore_fact(&mut self, key: FactKey, fact: Fact) {
        match (key, fact) {
            (FactKey::Counters, Fact::Counters(counters)) => self.restore_counters(counters),
            (FactKey::Source(name), Fact::Source(fact)) => {
                if let Some(at) = fact.seen_at {
                    Arc::make_mut(&mut self.seen).insert(name.clone(), at);
                }
                self.sources.entry(name).or_default().restore(fact);
            }
            (FactKey::Subscription(_), Fact::Subscription(subscription)) => {
                self.members.insert(*subscription);
            }
            (FactKey::Queue(id), Fact::Queue(fact)) => self.restore_queue(&id, |queue| queue.restore(fact)),
            (FactKey::Item(id, _), Fact::Item(item)) => {
                self.letters.hold(item.told);
                self.restore_queue(&id, |queue| queue.items.push_back(item));
            }
            (FactKey::Attempt(id, _), Fact::Attempt(number, attempt)) => {
                self.restore_queue(&id, |queue| queue.restore_attempt(number, attempt));
            }
            (FactKey::Grave(id), Fact::Grave(at)) => self.letters.restore_grave(id, at),
            (FactKey::Dead(number), Fact::Dead(dead)) => {
                if let Some(member) = self.members.get_mut(&dead.subscription) {
                    member.queue.dead.insert(number);
                }
                self.letters.restore_dead(number, dead);
            }
            _ => {}
        }
    }

    fn restore_queue(&mut self, id: &Id, restore: impl FnOnce(&mut Queue)) {
        if let Some(member) = self.members.get_mut(id) {
            restore(&mut member.queue);
        }
    }

    fn restore_counters(&mut self, counters: Counters) {
        self.log.generation = counters.generation;
        self.log.head = counters.head;
        self.cursor = counters.cursor;
        self.members.version = counters.version;
        self.members.matched = counters.version;
        self.holds.fence = counters.fence;
        self.letters.last_body = counters.body;
        self.letters.last_dead = counters.dead;
        self.recorded = counters;
    }

    fn counters(&self) -> Counters {
        Counters {
            generation: self.log.generation,
            head: self.log.head,
            cursor: self.cursor,
            version: self.members.version,
            fence: self.holds.fence,
            body: self.letters.last_body,
            dead: self.letters.last_dead,
        }
    }

    /// Ends one operation; returns the ticket with which its caller passes the backing's gate.
    pub fn settle(&mut self, now: Timestamp) -> u64 {
        let counters = self.counters();
        if counters != self.recorded {
            self.recorded = counters;
            self.backing.record(FactKey::Counters, Some(Fact::Counters(counters)), Urgency::Now);
        }
        let seen = Arc::clone(&self.seen);
        let due = std::mem::take(&mut self.ready.woken);
        self.backing.settle(Publication { head: self.log.head, seen, due, at: now })
    }

    /// Returns the gate of the backing.
    pub fn gate(&self) -> B::Gate {
        self.backing.gate()
    }
}
