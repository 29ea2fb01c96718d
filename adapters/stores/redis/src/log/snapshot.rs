//! Reading all that is known of a source, in parts, so that the largest one holds up nobody and fits into the time of a call.
//!
//! Others may commit meanwhile. What they committed is in the log, and an entry says what its object is after it, so the
//! entries of that time make of rows that were read at different moments those of the last one.

use super::{READ_LIMIT, keys, row};
use crate::client::absent;
use crate::reply::{damaged, list, number, pairs, position, text};
use crate::scripts::lua;
use crate::store::Redis;
use fred::prelude::Value;
use netweave_model::port::Snapshot;
use netweave_model::{
    Entry, ErrorKind, Event, Id, Kind, Object, ObjectKey, Position, Result, SourceName, Timestamp,
};
use std::collections::BTreeMap;

lua!(reads IDS, "log_common.lua", "log_ids.lua");
lua!(reads ROWS, "log_common.lua", "log_rows.lua");
lua!(reads SOURCE, "log_common.lua", "log_source.lua");

/// Rows that are read at once: half a megabyte of servers, which is some milliseconds.
const PART: usize = 500;
/// How often it is begun: a change of servers, or the first complete list of a kind, makes void what was read.
const TRIES: usize = 5;

type Rows = BTreeMap<ObjectKey, Object>;

impl Redis {
    /// Reads a source; see `InventoryLog::snapshot`.
    pub(super) async fn read_source(&self, source: &SourceName) -> Result<Snapshot> {
        for _ in 0..TRIES {
            let (begin, mut rows) = self.read_rows(source).await?;
            let mut snapshot = decode(self.run(&SOURCE, keys::source(source), Vec::new()).await?)?;
            if self.catch_up(source, begin, snapshot.position, &mut rows).await? {
                snapshot.objects = rows.into_values().collect();
                return Ok(snapshot);
            }
        }
        Err(absent())
    }

    /// Reads each row that was there at a position, as it is when it has its turn.
    async fn read_rows(&self, source: &SourceName) -> Result<(Position, Rows)> {
        let [generation, sequence, ids] = list(self.run(&IDS, keys::rows(source), Vec::new()).await?)?;
        let begin = position(Value::Array(vec![generation, sequence]))?;
        let mut rows = Rows::new();
        for (kind, ids) in Kind::ALL.into_iter().zip(ids.into_array()) {
            for part in ids.into_array().chunks(PART) {
                let values = self.run(&ROWS, keys::rows_of(source, kind), part.to_vec()).await?.into_array();
                for (id, value) in part.iter().zip(values).filter(|(_, value)| !value.is_null()) {
                    let object = object(kind, id, &value)?;
                    rows.insert(object.key.clone(), object);
                }
            }
        }
        Ok((begin, rows))
    }

    /// Brings rows up to date with a position; `false` if the log does not say how.
    async fn catch_up(
        &self,
        source: &SourceName,
        mut at: Position,
        end: Position,
        rows: &mut Rows,
    ) -> Result<bool> {
        while at < end {
            let entries = match self.look(at, READ_LIMIT).await {
                Ok(look) => look.entries,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            };
            for entry in entries {
                let Some(position) = entry.position().filter(|position| *position <= end) else { break };
                at = position;
                match entry {
                    Entry::Changed(event) if event.source == *source => apply(event, rows),
                    Entry::Baseline { source: of, .. } if of == *source => return Ok(false),
                    Entry::Changed(_) | Entry::Baseline { .. } | Entry::Seen { .. } => {}
                }
            }
        }
        Ok(at == end)
    }
}

fn apply(Event { key, parent, post, .. }: Event, rows: &mut Rows) {
    if let Some(json) = post {
        rows.insert(key.clone(), Object { key, parent, json });
    } else {
        rows.remove(&key);
    }
}

/// Reads what is known of a source beside its rows: generation, sequence, and the source.
fn decode(value: Value) -> Result<Snapshot> {
    let [generation, sequence, source] = list(value)?;
    let position = position(Value::Array(vec![generation, sequence]))?;
    let mut snapshot = Snapshot { position, ..Snapshot::default() };
    for (field, value) in pairs(source) {
        match &*text(&field)? {
            "fence" | "call" => {}
            "seen_at" => snapshot.seen_at = Some(Timestamp(number(&value)?)),
            kind => snapshot.known.push(kind.parse().map_err(|()| damaged("a source's field"))?),
        }
    }
    snapshot.known.sort_unstable();
    Ok(snapshot)
}

fn object(kind: Kind, id: &Value, value: &Value) -> Result<Object> {
    let key = ObjectKey { kind, id: Id::from(&*text(id)?) };
    row::decode(key, value.as_bytes().ok_or_else(|| damaged("a row"))?)
}
