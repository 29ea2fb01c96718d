//! The chain of one writer: every record carries the hash of the one before, and its own.

use super::record::{Record, Text};
use crate::digest;
use netweave_model::{Error, Result};

/// What the first record of a writer carries as the hash before it.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// What a line begins with; the hash follows, then [`AFTER_HASH`].
const BEFORE_HASH: &[u8] = b"{\"hash\":\"";
/// What follows the hash of a line.
const AFTER_HASH: &[u8] = b"\",";
/// Digits of a hash.
const DIGITS: usize = 64;

/// Where a chain has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    writer: String,
    seq: u64,
    head: String,
    /// Keeps its memory from record to record.
    scratch: Vec<u8>,
}

impl Chain {
    /// Begins the chain of a writer.
    pub fn new(writer: String) -> Self {
        Self { writer, seq: 0, head: GENESIS.to_owned(), scratch: Vec::new() }
    }

    /// Returns the writer's name.
    pub fn writer(&self) -> &str {
        &self.writer
    }

    /// Returns the number of the last record; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns the hash of the last record.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Gives a record its place and appends its line, with its end, to `out`.
    ///
    /// # Errors
    /// `Internal`: the record cannot be written as JSON; the chain stays where it was.
    pub fn append(&mut self, record: Record<'_>, out: &mut Vec<u8>) -> Result<()> {
        let (prev, seq, writer) = (Text::Borrowed(&*self.head), self.seq + 1, Text::Borrowed(&*self.writer));
        let placed = Record { prev, seq, writer, ..record };
        self.scratch.clear();
        serde_json::to_writer(&mut self.scratch, &placed).map_err(|error| {
            Error::internal("a record of the audit log cannot be written").with_source(error)
        })?;
        self.head = digest::sha256(&self.scratch);
        self.seq = seq;
        out.extend_from_slice(BEFORE_HASH);
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(AFTER_HASH);
        out.extend_from_slice(self.scratch.get(1..).unwrap_or_default());
        out.push(b'\n');
        Ok(())
    }
}

/// Reads a line without its end: the hash that it states, if its contents have that hash, and the record.
///
/// # Errors
/// Says what is wrong with the line.
pub fn read(line: &[u8]) -> std::result::Result<(String, Record<'static>), String> {
    let stated = line.strip_prefix(BEFORE_HASH).and_then(|rest| rest.split_at_checked(DIGITS));
    let (stated, rest) = stated.ok_or("the line is not one of the log")?;
    let rest = rest.strip_prefix(AFTER_HASH).ok_or("the line is not one of the log")?;
    let hash = digest::sha256_of(&[b"{", rest]);
    if hash.as_bytes() != stated {
        return Err("the contents do not have the hash that the line states".to_owned());
    }
    let record =
        serde_json::from_slice(line).map_err(|error| format!("the line is not a record: {error}"))?;
    Ok((hash, record))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<Vec<u8>> {
        let mut chain = Chain::new("pod.1".to_owned());
        let mut out = Vec::new();
        for _ in 0..count {
            chain.append(Record { event: Text::Borrowed("test"), ..Record::default() }, &mut out).unwrap();
        }
        out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn each_record_names_the_hash_of_the_one_before() {
        let mut before = GENESIS.to_owned();
        for (index, line) in lines(3).iter().enumerate() {
            let (hash, record) = read(line).unwrap();
            assert_eq!(
                (record.seq, record.prev.as_ref(), record.writer.as_ref()),
                (index as u64 + 1, &*before, "pod.1")
            );
            before = hash;
        }
    }

    #[test]
    fn the_hash_is_that_of_the_sorted_form_without_it() {
        let line = lines(1).remove(0);
        let mut value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let hash = value.as_object_mut().unwrap().remove("hash").unwrap();
        assert_eq!(hash, digest::sha256(value.to_string().as_bytes()));
    }

    #[test]
    fn no_bit_of_a_line_can_be_flipped_unseen() {
        let line = lines(1).remove(0);
        for at in 0..line.len() * 8 {
            let mut flipped = line.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(read(&flipped).is_err(), "bit {at} of {}", String::from_utf8_lossy(&flipped));
        }
    }
}
