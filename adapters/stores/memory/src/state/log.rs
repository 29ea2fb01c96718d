//! The change log: which positions exist, reading, and trimming. The entries themselves lie in the backing.

use super::State;
use crate::backing::Backing;
use netweave_model::port::refusal;
use netweave_model::{Entry, Position, Result, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// The most entries that one read returns.
const READ_LIMIT: usize = 1_000;

/// Where the log begins and ends.
#[derive(Debug)]
pub(super) struct LogIndex {
    pub(super) generation: u64,
    pub(super) head: u64,
    /// When each kept entry was committed, oldest first; the last one is at `head`.
    pub(super) times: VecDeque<Timestamp>,
}

impl LogIndex {
    pub(super) fn new(generation: u64) -> Self {
        Self { generation, head: 0, times: VecDeque::new() }
    }

    pub(super) fn at(&self, sequence: u64) -> Position {
        Position { generation: self.generation, sequence }
    }

    /// Takes the next position.
    pub(super) fn append(&mut self, now: Timestamp) -> Position {
        self.head += 1;
        self.times.push_back(now);
        self.at(self.head)
    }

    /// The sequence number of the last entry that is gone.
    fn trimmed(&self) -> u64 {
        self.head.saturating_sub(self.times.len() as u64)
    }
}

impl<B: Backing> State<B> {
    /// See `InventoryLog::head`.
    pub fn head(&self) -> Position {
        self.log.at(self.log.head)
    }

    /// See `InventoryLog::read`.
    ///
    /// # Errors
    /// As there.
    pub fn read(&mut self, from: Position, limit: usize) -> Result<Vec<Entry>> {
        self.check_position(from)?;
        self.backing.entries(from.sequence, limit.min(READ_LIMIT))
    }

    /// Says whether all entries after a position are still there.
    ///
    /// # Errors
    /// `NotFound`: they are not.
    pub fn check_position(&self, from: Position) -> Result<()> {
        let known = self.log.trimmed()..=self.log.head;
        if from.generation == self.log.generation && known.contains(&from.sequence) {
            return Ok(());
        }
        let private =
            format!("asked for entries after {from}, has those after {}", self.log.at(*known.start()));
        Err(refusal::log_ended().with_private(private))
    }

    /// See `InventoryLog::trim`.
    pub fn trim(&mut self, below: Position, keep: Duration, now: Timestamp) -> u64 {
        let oldest = now.minus(keep);
        let first = self.log.trimmed() + 1;
        let mut last = self.log.trimmed();
        while self.log.at(last + 1) <= below && self.log.times.front().is_some_and(|at| *at < oldest) {
            self.log.times.pop_front();
            last += 1;
        }
        if last >= first {
            self.backing.drop_entries(first, last);
        }
        (last + 1).saturating_sub(first)
    }
}
