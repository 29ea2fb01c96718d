//! Reading the file at the start: everything that memory holds is rebuilt from it.

use crate::codec::{damaged, entry_time, kind_of, row_fingerprint};
use crate::tables::{BODIES, ENTRIES, FACTS, META, META_ALIVE, META_SCHEMA, META_SCHEMA_MINOR, ROWS, SCHEMA};
use netweave_memory::{Counters, Fact, FactKey, Recovered, SourceRows};
use netweave_model::port::Schema;
use netweave_model::{Error, ErrorKind, Id, Result, Retry, SourceName, Timestamp};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};
use std::collections::{BTreeMap, VecDeque};

/// Makes the tables of a new file; refuses a file whose layout this program may not use. Returns whether it is new.
pub(crate) fn prepare(database: &Database) -> Result<bool> {
    let found = schema_of(database).map_err(unreadable)?;
    let now = SCHEMA.on(found)?;
    if found != Some(now) {
        write_schema(database, now).map_err(unreadable)?;
    }
    Ok(found.is_none())
}

/// Reads the version of a file's layout; `None` if it has no tables yet.
pub(crate) fn schema_of(
    database: &impl ReadableDatabase,
) -> std::result::Result<Option<Schema>, redb::Error> {
    let meta = match database.begin_read()?.open_table(META) {
        Ok(meta) => meta,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let number = |key| -> std::result::Result<Option<u32>, redb::Error> {
        Ok(meta.get(key)?.map(|number| u32::try_from(number.value()).unwrap_or(u32::MAX)))
    };
    let minor = number(META_SCHEMA_MINOR)?.unwrap_or_default();
    Ok(number(META_SCHEMA)?.map(|major| Schema::new(major, minor)))
}

/// Writes the version, and makes the tables that are not there.
fn write_schema(database: &Database, schema: Schema) -> std::result::Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert(META_SCHEMA, u64::from(schema.major))?;
        meta.insert(META_SCHEMA_MINOR, u64::from(schema.minor))?;
    }
    transaction.open_table(FACTS)?;
    transaction.open_table(ROWS)?;
    transaction.open_table(ENTRIES)?;
    transaction.open_table(BODIES)?;
    transaction.commit()?;
    Ok(())
}

/// Reads all that is held in memory.
pub(crate) fn recover(database: &Database) -> Result<Recovered> {
    let transaction = database.begin_read().map_err(|error| unreadable(error.into()))?;
    let recovered = Recovered {
        facts: read_facts(&transaction)?,
        rows: read_rows(&transaction)?,
        entries: read_times(&transaction)?,
        alive: read_alive(&transaction).map_err(unreadable)?,
    };
    let counters = recovered.facts.get(&FactKey::Counters);
    let head = if let Some(Fact::Counters(Counters { head, .. })) = counters { *head } else { 0 };
    let last = last_entry(&transaction).map_err(unreadable)?;
    if last.is_some_and(|last| last != head) || recovered.entries.len() as u64 > head {
        return Err(damaged("its log does not end where it should"));
    }
    Ok(recovered)
}

fn read_facts(transaction: &ReadTransaction) -> Result<BTreeMap<FactKey, Fact>> {
    let mut facts = BTreeMap::new();
    let table = transaction.open_table(FACTS).map_err(|error| unreadable(error.into()))?;
    for fact in table.iter().map_err(|error| unreadable(error.into()))? {
        let (key, fact) = fact.map_err(|error| unreadable(error.into()))?;
        let strange = |error| damaged("a fact").with_source(error);
        let key: FactKey = serde_json::from_slice(key.value()).map_err(strange)?;
        facts.insert(key, serde_json::from_slice(fact.value()).map_err(strange)?);
    }
    Ok(facts)
}

fn read_rows(transaction: &ReadTransaction) -> Result<BTreeMap<SourceName, SourceRows>> {
    let mut rows: BTreeMap<SourceName, SourceRows> = BTreeMap::new();
    let table = transaction.open_table(ROWS).map_err(|error| unreadable(error.into()))?;
    for row in table.iter().map_err(|error| unreadable(error.into()))? {
        let (place, row) = row.map_err(|error| unreadable(error.into()))?;
        let (source, kind, id) = place.value();
        let kinds = match rows.get_mut(source) {
            Some(kinds) => kinds,
            None => rows.entry(SourceName::from(source)).or_default(),
        };
        kinds.entry(kind_of(kind)?).or_default().insert(Id::from(id), row_fingerprint(row.value())?);
    }
    Ok(rows)
}

fn read_times(transaction: &ReadTransaction) -> Result<VecDeque<Timestamp>> {
    let table = transaction.open_table(ENTRIES).map_err(|error| unreadable(error.into()))?;
    let entries = table.iter().map_err(|error| unreadable(error.into()))?;
    entries.map(|entry| entry_time(entry.map_err(|error| unreadable(error.into()))?.1.value())).collect()
}

fn read_alive(transaction: &ReadTransaction) -> std::result::Result<Option<Timestamp>, redb::Error> {
    let alive = transaction.open_table(META)?.get(META_ALIVE)?.map(|alive| alive.value());
    Ok(alive.and_then(|alive| i64::try_from(alive).ok()).map(Timestamp))
}

fn last_entry(transaction: &ReadTransaction) -> std::result::Result<Option<u64>, redb::Error> {
    Ok(transaction.open_table(ENTRIES)?.last()?.map(|(sequence, _)| sequence.value()))
}

/// The error of a file that cannot be read at the start.
pub(crate) fn unreadable(error: redb::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the state file cannot be read")
        .with_source(error)
        .with_retry(Retry::Never)
}
