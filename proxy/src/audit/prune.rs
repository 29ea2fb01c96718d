//! Retention: which segments have had their time, and what must be said so that the rest can still be verified.
//!
//! A segment goes when all its records are older than the retention, oldest first, and only if its chain holds: what was
//! tampered with is evidence and stays. The record `audit.pruned` says of each chain how far it was deleted and with which
//! hash that ended, also what earlier such records said that are deleted now.

use super::archive::{self, Listing, Segment};
use super::checkpoint::Head;
use super::keys::Secret;
use super::record::Record;
use netweave_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

/// The name of the event.
pub(super) const PRUNED: &str = "audit.pruned";

/// How far a chain was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// The hash of the last deleted record.
    pub hash: String,
    /// The number of the last deleted record.
    pub seq: u64,
    /// The writer.
    pub writer: String,
}

/// What is to be deleted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// What is older goes.
    pub(super) before: Timestamp,
    /// The files.
    pub(super) remove: Vec<PathBuf>,
    /// How far each chain is deleted then.
    pub(super) ends: BTreeMap<String, End>,
    /// Chains of which nothing is left.
    pub(super) gone: Vec<String>,
    /// Records that are deleted.
    pub(super) records: u64,
    /// Segments that had their time and were kept, because their chain does not hold.
    pub(super) damaged: Vec<PathBuf>,
}

/// What retention goes by.
pub(super) struct Rule {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The key of its segments.
    pub(super) secret: Option<Secret>,
    /// The writer that asks; its last segment is being written.
    pub(super) own: String,
    /// What is older may go.
    pub(super) before: Timestamp,
}

/// Returns what an `audit.pruned` record says.
pub(super) fn said(record: &Record<'_>) -> Vec<End> {
    if record.event != PRUNED {
        return Vec::new();
    }
    let ends = record.detail.get("writers").cloned().unwrap_or(Value::Null);
    serde_json::from_value(ends).unwrap_or_default()
}

impl Rule {
    /// Looks for what has had its time; `known` are the chains that are known to have been.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn plan(&self, known: &[Head]) -> io::Result<Plan> {
        let listing = archive::list(&self.folder)?;
        let mut plan = Plan { before: self.before, ..Plan::default() };
        let mut said = Vec::new();
        for (writer, segments) in &listing.writers {
            said.extend(self.chain(writer, segments, &mut plan));
            if plan.removes_all(segments) {
                plan.gone.push(writer.clone());
                plan.remove.extend(listing.checkpoints.get(writer).cloned());
            }
        }
        for head in
            known.iter().filter(|head| self.is_old(&head.time) && !listing.writers.contains_key(&head.writer))
        {
            plan.ends.insert(head.writer.clone(), End::from(head));
            plan.gone.push(head.writer.clone());
            plan.remove.extend(listing.checkpoints.get(&head.writer).cloned());
        }
        restate(said, &listing, &mut plan);
        Ok(plan)
    }

    fn is_old(&self, time: &str) -> bool {
        Timestamp::parse(time).is_some_and(|time| time < self.before)
    }

    /// Plans the deletion of a chain's oldest segments; returns what `audit.pruned` records among them say.
    fn chain(&self, writer: &str, segments: &[Segment], plan: &mut Plan) -> Vec<End> {
        let mut said = Vec::new();
        let mut before: Option<String> = None;
        for (index, segment) in segments.iter().enumerate() {
            let next = segments.get(index + 1);
            if next.is_none() && writer == self.own {
                break;
            }
            match self.spent(segment, before.as_deref()) {
                Ok(Some(spent)) => {
                    plan.remove.push(segment.path.clone());
                    plan.records += spent.records;
                    before = Some(spent.end.hash.clone());
                    plan.ends.insert(writer.to_owned(), spent.end);
                    said.extend(spent.said);
                }
                Ok(None) => break,
                Err(_) => {
                    plan.damaged.push(segment.path.clone());
                    break;
                }
            }
        }
        said
    }

    /// Reads a segment to its end if all of it is old; `None` if it is not, or holds nothing.
    fn spent(&self, segment: &Segment, before: Option<&str>) -> io::Result<Option<Spent>> {
        let mut spent: Option<Spent> = None;
        for record in archive::records(segment, self.secret.as_ref())? {
            let (hash, record) = record?;
            if !self.is_old(&record.time) {
                return Ok(None);
            }
            let prev = spent.as_ref().map(|spent| spent.end.hash.as_str()).or(before);
            if prev.is_some_and(|prev| prev != record.prev) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the chain is broken"));
            }
            let mut said = said(&record);
            let end = End { hash, seq: record.seq, writer: segment.writer.clone() };
            let records = spent.as_ref().map_or(0, |spent| spent.records) + 1;
            said.extend(spent.into_iter().flat_map(|spent| spent.said));
            spent = Some(Spent { end, records, said });
        }
        Ok(spent)
    }
}

/// Says again what is still needed of what is deleted: of chains of which something is left, or which a checkpoint that
/// stays speaks of.
fn restate(said: Vec<End>, listing: &Listing, plan: &mut Plan) {
    if said.is_empty() {
        return;
    }
    let gone: BTreeSet<&String> = plan.gone.iter().collect();
    let mut needed: BTreeSet<String> =
        listing.writers.keys().filter(|writer| !gone.contains(writer)).cloned().collect();
    for (_, path) in listing.checkpoints.iter().filter(|(writer, _)| !gone.contains(writer)) {
        let heads = archive::checkpoint(path).map(|checkpoint| checkpoint.heads).unwrap_or_default();
        needed.extend(heads.into_iter().map(|head| head.writer));
    }
    for end in said.into_iter().filter(|end| needed.contains(&end.writer)) {
        if plan.ends.get(&end.writer).is_none_or(|known| known.seq < end.seq) {
            plan.ends.insert(end.writer.clone(), end);
        }
    }
}

/// A segment that has had its time.
struct Spent {
    end: End,
    records: u64,
    said: Vec<End>,
}

impl Plan {
    fn removes_all(&self, segments: &[Segment]) -> bool {
        segments.iter().all(|segment| self.remove.contains(&segment.path))
    }

    /// Says whether anything changes.
    pub(super) fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.gone.is_empty()
    }
}

impl From<&Head> for End {
    fn from(head: &Head) -> Self {
        Self { hash: head.hash.clone(), seq: head.seq, writer: head.writer.clone() }
    }
}
