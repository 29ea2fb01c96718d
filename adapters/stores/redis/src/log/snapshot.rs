//! Reading all that is known of a source.

use super::row;
use crate::reply::{damaged, list, number, pairs, text};
use fred::prelude::Value;
use netweave_model::port::Snapshot;
use netweave_model::{Id, Kind, Object, ObjectKey, Position, Result, Timestamp};

/// Reads the answer of the snapshot script: generation, sequence, the source, and the rows of each kind.
pub(super) fn decode(value: Value) -> Result<Snapshot> {
    let [generation, sequence, source, rows] = list(value)?;
    let mut snapshot = Snapshot {
        position: Position { generation: number(&generation)?, sequence: number(&sequence)? },
        ..Snapshot::default()
    };
    for (field, value) in pairs(source) {
        match &*text(&field)? {
            "fence" | "call" => {}
            "seen_at" => snapshot.seen_at = Some(Timestamp(number(&value)?)),
            kind => snapshot.known.push(kind.parse().map_err(|()| damaged("a source's field"))?),
        }
    }
    snapshot.known.sort_unstable();
    for (kind, rows) in Kind::ALL.into_iter().zip(rows.into_array()) {
        for (id, value) in pairs(rows) {
            snapshot.objects.push(object(kind, &id, &value)?);
        }
    }
    snapshot.objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(snapshot)
}

fn object(kind: Kind, id: &Value, value: &Value) -> Result<Object> {
    let key = ObjectKey { kind, id: Id::from(&*text(id)?) };
    row::decode(key, value.as_bytes().ok_or_else(|| damaged("a row"))?)
}
