//! A batch: the effects of some operations, which become durable together.

use crate::codec::{encode_entry, encode_event, encode_row, kind_code};
use crate::tables::{BODIES, ENTRIES, FACTS, META, META_ALIVE, ROWS};
use netweave_memory::{Fact, FactKey, Fingerprint, Publication};
use netweave_model::{Entry, Event, Object, ObjectKey, SourceName, Timestamp};
use redb::{Durability, WriteTransaction};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// The last effect on each place, `None` being its removal.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) rows: BTreeMap<(SourceName, ObjectKey), Option<(Object, Fingerprint)>>,
    pub(crate) entries: BTreeMap<u64, (Timestamp, Entry)>,
    /// Entries up to this one are dropped.
    pub(crate) trimmed: Option<u64>,
    pub(crate) bodies: BTreeMap<u64, Option<Arc<Event>>>,
    pub(crate) facts: BTreeMap<FactKey, Option<Fact>>,
    /// Facts that ask for no sync of their own.
    pub(crate) lazy: BTreeMap<FactKey, Option<Fact>>,
    /// How many operations are in it.
    pub(crate) operations: usize,
    /// What becomes visible with it.
    pub(crate) publication: Option<Publication>,
}

impl Batch {
    /// Says whether nothing in it asks for a sync.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.entries.is_empty()
            && self.trimmed.is_none()
            && self.bodies.is_empty()
            && self.facts.is_empty()
    }

    /// Takes over what came later.
    pub(crate) fn merge(&mut self, later: Self) {
        self.rows.extend(later.rows);
        self.entries.extend(later.entries);
        self.trimmed = self.trimmed.max(later.trimmed);
        self.bodies.extend(later.bodies);
        for key in later.facts.keys() {
            self.lazy.remove(key);
        }
        self.facts.extend(later.facts);
        self.lazy.extend(later.lazy);
        self.operations += later.operations;
    }

    /// Replaces what becomes visible; that a queue may be due is not forgotten.
    pub(crate) fn publish_later(&mut self, mut publication: Publication) {
        publication.due |= self.publication.as_ref().is_some_and(|earlier| earlier.due);
        self.publication = Some(publication);
    }

    /// Writes everything and syncs.
    pub(crate) fn write(
        &self,
        mut transaction: WriteTransaction,
        alive: Timestamp,
    ) -> Result<(), redb::Error> {
        transaction.set_durability(Durability::Immediate)?;
        self.write_rows(&transaction)?;
        self.write_log(&transaction)?;
        self.write_bodies(&transaction)?;
        self.write_facts(&transaction)?;
        let alive = u64::try_from(alive.0).unwrap_or_default();
        transaction.open_table(META)?.insert(META_ALIVE, alive)?;
        transaction.commit()?;
        Ok(())
    }

    fn write_rows(&self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut table = transaction.open_table(ROWS)?;
        for ((source, key), row) in &self.rows {
            let place = (source.as_str(), kind_code(key.kind), key.id.as_str());
            match row {
                Some((object, fingerprint)) => {
                    table.insert(place, encode_row(object, *fingerprint).as_slice())?;
                }
                None => {
                    table.remove(place)?;
                }
            }
        }
        Ok(())
    }

    fn write_log(&self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        if self.entries.is_empty() && self.trimmed.is_none() {
            return Ok(());
        }
        let mut table = transaction.open_table(ENTRIES)?;
        for (sequence, (at, entry)) in &self.entries {
            table.insert(sequence, encode_entry(*at, entry).map_err(unwritable)?.as_slice())?;
        }
        if let Some(last) = self.trimmed {
            table.retain_in(..=last, |_, _| false)?;
        }
        Ok(())
    }

    fn write_bodies(&self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        if self.bodies.is_empty() {
            return Ok(());
        }
        let mut table = transaction.open_table(BODIES)?;
        for (number, event) in &self.bodies {
            match event {
                Some(event) => {
                    table.insert(number, encode_event(event).map_err(unwritable)?.as_slice())?;
                }
                None => {
                    table.remove(number)?;
                }
            }
        }
        Ok(())
    }

    fn write_facts(&self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        let mut table = transaction.open_table(FACTS)?;
        for (key, fact) in self.facts.iter().chain(&self.lazy) {
            let key = serde_json::to_vec(key).map_err(unwritable)?;
            match fact {
                Some(fact) => {
                    table.insert(key.as_slice(), serde_json::to_vec(fact).map_err(unwritable)?.as_slice())?;
                }
                None => {
                    table.remove(key.as_slice())?;
                }
            }
        }
        Ok(())
    }
}

fn unwritable(error: serde_json::Error) -> redb::Error {
    redb::Error::Io(io::Error::other(error))
}
