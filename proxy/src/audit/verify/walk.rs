//! Walks along one chain, from its first record that is there to the first that does not hold.

use super::{Fault, With};
use crate::audit::archive::{Lines, Segment};
use crate::audit::chain::{self, GENESIS};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::prune::{End, said};
use crate::audit::record::Record;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};

/// What was found on the walk.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// The number of the first record, and the hash that it follows.
    pub(super) first: Option<(u64, String)>,
    /// The number of the last record that holds.
    pub(super) last: u64,
    /// Records that hold.
    pub(super) records: u64,
    /// Checkpoints in the chain that hold.
    pub(super) checkpoints: u64,
    /// The last record that one of them covers.
    pub(super) signed: u64,
    /// What records say that retention deleted, with their numbers.
    pub(super) pruned: Vec<(u64, Vec<End>)>,
    /// The times of the earliest and the latest record.
    pub(super) span: Option<(String, String)>,
    /// Whether the chain says that it ends.
    pub(super) closed: bool,
    /// Whether its last segment ends within a line.
    pub(super) torn: bool,
    /// The first thing that does not hold.
    pub(super) fault: Option<Fault>,
}

/// The walk.
pub(super) struct Walk<'a> {
    writer: &'a str,
    with: &'a With<'a>,
    claims: &'a BTreeMap<u64, String>,
    /// The hash of the record before.
    before: String,
    walked: Walked,
}

impl<'a> Walk<'a> {
    /// Begins the walk; `claims` are hashes that records of the chain must have.
    pub(super) fn new(writer: &'a str, with: &'a With<'a>, claims: &'a BTreeMap<u64, String>) -> Self {
        Self { writer, with, claims, before: GENESIS.to_owned(), walked: Walked::default() }
    }

    /// Ends the walk.
    pub(super) fn done(self) -> Walked {
        self.walked
    }

    /// Walks along the segments, which are in their order.
    pub(super) fn segments(&mut self, segments: &[Segment]) -> io::Result<()> {
        for (index, segment) in segments.iter().enumerate() {
            self.segment(segment, index + 1 == segments.len())?;
            if self.walked.fault.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn segment(&mut self, segment: &Segment, is_last: bool) -> io::Result<()> {
        let name = segment.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut lines = match Lines::open(segment, self.with.secret) {
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                self.walked.fault = Some(self.bad(&name, 1, error.to_string()));
                return Ok(());
            }
            other => other?,
        };
        for (index, line) in (1..).zip(lines.by_ref()) {
            let judged = match line {
                Ok(line) => self.line(&line),
                Err(error) if error.kind() == ErrorKind::InvalidData => Err(error.to_string()),
                Err(error) => return Err(error),
            };
            if let Err(what) = judged {
                self.walked.fault = Some(self.bad(&name, index, what));
                return Ok(());
            }
        }
        if lines.torn() && !is_last {
            self.walked.fault =
                Some(self.bad(&name, 0, "the segment ends within a line, and is not the last".to_owned()));
        }
        self.walked.torn = lines.torn();
        Ok(())
    }

    fn bad(&self, file: &str, line: u64, what: String) -> Fault {
        let record = Some(self.expected().unwrap_or(1));
        Fault {
            file: Some(file.to_owned()),
            line: (line > 0).then_some(line),
            ..Fault::new(self.writer, record, what)
        }
    }

    /// Returns the number that the next record must have; none before the first.
    fn expected(&self) -> Option<u64> {
        self.walked.first.is_some().then_some(self.walked.last.saturating_add(1))
    }

    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let (hash, record) = chain::read(line)?;
        if record.writer != self.writer {
            return Err(format!("the record is one of the writer {}", record.writer));
        }
        match self.expected() {
            _ if record.seq == 0 => return Err("there is no record 0".to_owned()),
            Some(expected) if record.seq > expected => {
                return Err(format!("records {expected} to {} are missing before this one", record.seq - 1));
            }
            Some(expected) if record.seq < expected => {
                return Err(format!("record {} stands here", record.seq));
            }
            Some(_) if record.prev != self.before => {
                return Err("it does not follow the record before".to_owned());
            }
            None if record.seq == 1 && record.prev != GENESIS => {
                return Err("the first record follows another".to_owned());
            }
            _ => {}
        }
        if self.claims.get(&record.seq).is_some_and(|claimed| *claimed != hash) {
            return Err("a checkpoint covers another record in this place".to_owned());
        }
        self.checkpoint(&record)?;
        self.note(hash, &record);
        Ok(())
    }

    /// A checkpoint in the chain speaks of the record before it, with a signature that holds.
    fn checkpoint(&mut self, record: &Record<'_>) -> Result<(), String> {
        let Some(value) = record.detail.get("checkpoint") else { return Ok(()) };
        let checkpoint = Checkpoint::deserialize(value)
            .map_err(|error| format!("its checkpoint does not read: {error}"))?;
        if self.with.key.is_some_and(|key| !checkpoint.is_signed_by(key)) {
            return Err("its checkpoint does not have the signature of this key".to_owned());
        }
        let own = checkpoint.heads.iter().find(|head| head.writer == self.writer);
        if !own.is_some_and(|own| own.seq == record.seq - 1 && own.hash == record.prev) {
            return Err("its checkpoint speaks of another record than the one before".to_owned());
        }
        self.walked.checkpoints += 1;
        self.walked.signed = record.seq - 1;
        Ok(())
    }

    fn note(&mut self, hash: String, record: &Record<'_>) {
        let walked = &mut self.walked;
        walked.first.get_or_insert_with(|| (record.seq, record.prev.to_string()));
        walked.last = record.seq;
        walked.records += 1;
        let said = said(record);
        if !said.is_empty() {
            walked.pruned.push((record.seq, said));
        }
        // What comes after the end is its checkpoint.
        walked.closed =
            record.event == "process.stop" || (walked.closed && record.event == "audit.checkpoint");
        let (from, to) =
            walked.span.get_or_insert_with(|| (record.time.to_string(), record.time.to_string()));
        if *record.time < **from {
            *from = record.time.to_string();
        }
        if *record.time > **to {
            *to = record.time.to_string();
        }
        self.before = hash;
    }
}
