//! Judges a folder of the audit log: whether each chain is whole, and what the signed checkpoints say is there.
//!
//! A chain is whole if its records have the hashes that they state, each names the one before, and the first is number 1 or
//! follows what retention deleted. Whether its end was cut off, or whole chains were taken away, only checkpoints tell: the
//! latest of each writer, which names all chains that it knew, and those that were kept elsewhere. What was written after
//! the last checkpoint of a chain and was cut off is not missed.

mod walk;

use super::archive::{self, Listing};
use super::checkpoint::Checkpoint;
use super::keys::{Public, Secret};
use super::prune::End;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use walk::Walk;

/// What a folder is judged with.
#[derive(Debug, Default)]
pub struct With<'a> {
    /// The key of encrypted segments.
    pub secret: Option<&'a Secret>,
    /// The key of the signatures; without it they are not checked, and whoever could write to the folder could forge it.
    pub key: Option<&'a Public>,
    /// Checkpoints that were kept elsewhere.
    pub against: &'a [Checkpoint],
}

/// The verdict.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Records that hold.
    pub records: u64,
    /// Segments that were read.
    pub segments: usize,
    /// Checkpoints that hold.
    pub checkpoints: u64,
    /// Whether signatures were checked.
    pub signatures: bool,
    /// The time of the earliest record.
    pub from: Option<String>,
    /// The time of the latest record.
    pub to: Option<String>,
    /// The chains.
    pub writers: Vec<Covered>,
    /// What does not hold, the first of each chain.
    pub faults: Vec<Fault>,
}

/// What is there of one chain.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Covered {
    /// The writer.
    pub writer: String,
    /// The number of its first record.
    pub first: u64,
    /// The number of its last record that holds.
    pub last: u64,
    /// The number of the last record that a checkpoint covers; 0 if none does.
    pub signed: u64,
    /// Whether its last word is that it ends; otherwise it still runs, or was killed.
    pub closed: bool,
    /// Whether it ends within a line, as a process that is killed leaves it.
    pub torn: bool,
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The writer of the chain.
    pub writer: String,
    /// The file, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The number of the first record that is bad or missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    fn new(writer: &str, record: Option<u64>, what: impl Into<String>) -> Self {
        Self { writer: writer.to_owned(), file: None, line: None, record, what: what.into() }
    }
}

/// What checkpoints outside the chains say: by writer and number, the hash.
type Claims = BTreeMap<String, BTreeMap<u64, String>>;

/// Judges a folder.
///
/// # Errors
/// The folder or a segment cannot be read; `PermissionDenied`: a segment is encrypted, and the key is not at hand.
pub fn verify(folder: &Path, with: &With<'_>) -> io::Result<Report> {
    let listing = archive::list(folder)?;
    let mut judge = Judge::new(with);
    judge.claims(&listing);
    for (writer, segments) in &listing.writers {
        let claims = judge.claims.get(writer).cloned().unwrap_or_default();
        let mut walk = Walk::new(writer, with, &claims);
        walk.segments(segments)?;
        judge.walks.insert(writer.clone(), walk.done());
    }
    judge.conclude(&listing);
    Ok(judge.report)
}

struct Judge<'a> {
    with: &'a With<'a>,
    report: Report,
    claims: Claims,
    /// How far the checkpoint file of each writer covers its own chain.
    filed: BTreeMap<String, u64>,
    walks: BTreeMap<String, walk::Walked>,
}

impl<'a> Judge<'a> {
    fn new(with: &'a With<'a>) -> Self {
        let empty = (Claims::new(), BTreeMap::new(), BTreeMap::new());
        let report = Report { signatures: with.key.is_some(), ..Report::default() };
        Self { with, report, claims: empty.0, filed: empty.1, walks: empty.2 }
    }

    /// Collects what checkpoints outside the chains say.
    fn claims(&mut self, listing: &Listing) {
        for (writer, path) in &listing.checkpoints {
            match archive::checkpoint(path) {
                Ok(checkpoint) if checkpoint.writer == *writer => {
                    let own = checkpoint
                        .heads
                        .iter()
                        .find(|head| head.writer == *writer)
                        .map_or(0, |head| head.seq);
                    if self.claim(&checkpoint) {
                        self.filed.insert(writer.clone(), own);
                    }
                }
                Ok(_) => {
                    self.fault(Fault::new(writer, None, "its checkpoint file is that of another writer"));
                }
                Err(error) => self.fault(Fault::new(
                    writer,
                    None,
                    format!("its checkpoint file does not read: {error}"),
                )),
            }
        }
        for checkpoint in self.with.against {
            self.claim(checkpoint);
        }
    }

    /// Believes a checkpoint if its signature holds; says whether it does.
    fn claim(&mut self, checkpoint: &Checkpoint) -> bool {
        if self.with.key.is_some_and(|key| !checkpoint.is_signed_by(key)) {
            let what = format!("a checkpoint of {} does not have the signature of this key", checkpoint.time);
            self.fault(Fault::new(&checkpoint.writer, None, what));
            return false;
        }
        self.report.checkpoints += 1;
        for head in checkpoint.heads.iter().filter(|head| head.seq > 0) {
            let known =
                self.claims.entry(head.writer.clone()).or_default().insert(head.seq, head.hash.clone());
            if known.is_some_and(|known| known != head.hash) {
                self.fault(Fault::new(&head.writer, Some(head.seq), "two checkpoints contradict each other"));
            }
        }
        true
    }

    fn fault(&mut self, fault: Fault) {
        self.report.faults.push(fault);
    }

    fn conclude(&mut self, listing: &Listing) {
        let ends = self.ends();
        for (writer, walked) in std::mem::take(&mut self.walks) {
            self.report.records += walked.records;
            self.report.checkpoints += walked.checkpoints;
            self.span(&walked);
            let whole = walked.fault.is_none();
            self.report.faults.extend(walked.fault.clone());
            if whole {
                self.beginning(&writer, &walked, ends.get(&writer));
                self.file_of_checkpoint(&writer, &walked);
                self.tail(&writer, walked.last, ends.get(&writer));
            }
            self.claims.remove(&writer);
            if walked.first.is_some() {
                self.report.writers.push(self.covered(writer, &walked));
            }
        }
        for writer in self.claims.keys().cloned().collect::<Vec<_>>() {
            self.tail(&writer, 0, ends.get(&writer));
        }
        self.report.segments = listing.writers.values().map(Vec::len).sum();
    }

    /// Finds how far retention deleted each chain: what records say that a checkpoint covers.
    fn ends(&self) -> BTreeMap<String, End> {
        let mut ends: BTreeMap<String, End> = BTreeMap::new();
        for (writer, walked) in &self.walks {
            let signed = self.signed(writer, walked);
            for (seq, said) in &walked.pruned {
                if self.with.key.is_some() && *seq > signed {
                    continue;
                }
                for end in said {
                    if ends.get(&end.writer).is_none_or(|known| known.seq < end.seq) {
                        ends.insert(end.writer.clone(), end.clone());
                    }
                }
            }
        }
        ends
    }

    fn signed(&self, writer: &str, walked: &walk::Walked) -> u64 {
        walked.signed.max(self.filed.get(writer).copied().unwrap_or(0))
    }

    /// The first record is number 1, or follows what retention deleted.
    fn beginning(&mut self, writer: &str, walked: &walk::Walked, end: Option<&End>) {
        let Some((first, prev)) = walked.first.as_ref().filter(|(first, _)| *first > 1) else { return };
        let follows = end.is_some_and(|end| end.seq >= *first || (end.seq == first - 1 && end.hash == *prev));
        if !follows {
            let what = format!(
                "records 1 to {} are missing, and no checkpoint covers that retention deleted them",
                first - 1
            );
            self.fault(Fault::new(writer, Some(1), what));
        }
    }

    /// What a checkpoint covers is there, or retention deleted it.
    fn tail(&mut self, writer: &str, last: u64, end: Option<&End>) {
        let claimed =
            self.claims.get(writer).and_then(|claims| claims.last_key_value()).map_or(0, |(seq, _)| *seq);
        if claimed <= last || end.is_some_and(|end| end.seq >= claimed) {
            return;
        }
        let what = if last == 0 {
            format!("the whole chain is missing, {claimed} records that a checkpoint covers")
        } else {
            format!("records {} to {claimed} are missing at the end, which a checkpoint covers", last + 1)
        };
        self.fault(Fault::new(writer, Some(last + 1), what));
    }

    /// The file is replaced with each checkpoint before anything else is written, so only the first can lack it.
    fn file_of_checkpoint(&mut self, writer: &str, walked: &walk::Walked) {
        if walked.checkpoints > 1 && !self.filed.contains_key(writer) {
            self.fault(Fault::new(writer, None, "its checkpoint file is missing"));
        }
    }

    fn span(&mut self, walked: &walk::Walked) {
        if let Some((from, to)) = &walked.span {
            let report = &mut self.report;
            report.from = report.from.take().into_iter().chain([from.clone()]).min();
            report.to = report.to.take().into_iter().chain([to.clone()]).max();
        }
    }

    fn covered(&self, writer: String, walked: &walk::Walked) -> Covered {
        let first = walked.first.as_ref().map_or(0, |(first, _)| *first);
        let signed = if self.with.key.is_some() { self.signed(&writer, walked).min(walked.last) } else { 0 };
        Covered { writer, first, last: walked.last, signed, closed: walked.closed, torn: walked.torn }
    }
}

#[cfg(test)]
mod tests;
