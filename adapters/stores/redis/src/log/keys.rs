//! The keys of the log, in the order in which its scripts expect them.
//!
//! * `log:generation`, `log:head`: the position of the last entry
//! * `log`: stream of entries, the id begins with the sequence number
//! * `log:seen`: hash of when each source was last confirmed, for followers
//! * `source:SOURCE`: hash of `fence`, `call` (of the last commit), `seen_at`, and one field for each kind that is known
//! * `row:SOURCE:KIND`: hash of objects by id
//! * `stage:SOURCE:KIND`: hash of what was named since `Reset`, while there is no `Synced`

pub(super) use crate::keys::log;
use netweave_model::{Kind, SourceName};

/// The log and the sources' confirmations.
pub(super) fn read() -> Vec<String> {
    let mut keys = log();
    keys.push(seen());
    keys
}

/// The log and a source.
pub(super) fn source(source: &SourceName) -> Vec<String> {
    let mut keys = log();
    keys.push(format!("source:{source}"));
    keys
}

/// The log and the rows of a source, of each kind.
pub(super) fn rows(source: &SourceName) -> Vec<String> {
    let mut keys = log();
    keys.extend(of_each_kind("row", source));
    keys
}

/// The log and the rows of a source, of one kind.
pub(super) fn rows_of(source: &SourceName, kind: Kind) -> Vec<String> {
    let mut keys = log();
    keys.push(format!("row:{source}:{kind}"));
    keys
}

/// The log and all that a commit may write.
pub(super) fn commit(source: &SourceName) -> Vec<String> {
    let mut keys = self::source(source);
    keys.push(seen());
    keys.extend(of_each_kind("row", source));
    keys.extend(of_each_kind("stage", source));
    keys
}

fn seen() -> String {
    "log:seen".to_owned()
}

fn of_each_kind(what: &str, source: &SourceName) -> impl Iterator<Item = String> {
    Kind::ALL.into_iter().map(move |kind| format!("{what}:{source}:{kind}"))
}
