//! Changes as the arguments of the commit script.

use super::row;
use crate::scripts::number;
use fred::prelude::Value;
use netweave_model::port::{Change, Fence};
use netweave_model::{Id, Kind, SourceName, trace};

/// Lays out a commit: source, fence, name of the call, number of kinds, the kinds, then of each change tag, kind, id and object.
pub(super) fn arguments(source: &SourceName, fence: Fence, call: &str, changes: &[Change]) -> Vec<Value> {
    let mut arguments = Vec::with_capacity(4 + Kind::ALL.len() + 4 * changes.len());
    arguments.extend([Value::from(source.as_str()), number(fence.0), call.into(), number(Kind::ALL.len())]);
    arguments.extend(Kind::ALL.map(|kind| Value::from(kind.collection())));
    // Beside the changes there may be the trace that they belong to.
    arguments
        .extend(trace::current().into_iter().flat_map(|trace| step("trace", None, None, trace.to_string())));
    arguments.extend(changes.iter().flat_map(change));
    arguments
}

fn change(change: &Change) -> [Value; 4] {
    match change {
        Change::Reset(kind) => step("reset", Some(*kind), None, ""),
        Change::Upsert(object) => {
            step("upsert", Some(object.key.kind), Some(&object.key.id), row::encode(object))
        }
        Change::Delete(key) => step("delete", Some(key.kind), Some(&key.id), ""),
        Change::Synced(kind) => step("synced", Some(*kind), None, ""),
        Change::Heartbeat => step("heartbeat", None, None, ""),
    }
}

fn step(tag: &'static str, kind: Option<Kind>, id: Option<&Id>, object: impl Into<Value>) -> [Value; 4] {
    let kind = kind.map_or("", Kind::collection);
    [tag.into(), kind.into(), id.map_or("", Id::as_str).into(), object.into()]
}
