//! The folder of the audit log: which files there are, and their lines.
//!
//! A segment is `WRITER.FIRST.jsonl`, or `.sealed` if it is encrypted, where FIRST is the number of its first record in twelve
//! digits. Beside them, `WRITER.checkpoint` holds the latest checkpoint of a writer, about all chains that it knows.

use super::chain;
use super::checkpoint::{Checkpoint, Head};
use super::keys::Secret;
use super::record::Record;
use super::seal::{Frame, Seal};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Longest line; the writer's are far below.
const MAX_LINE: u64 = 1 << 20;
/// Largest checkpoint.
const MAX_CHECKPOINT: u64 = 16 << 20;
/// Digits of a segment's first number, so that names sort as numbers do.
const DIGITS: usize = 12;

/// A segment of a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The number of its first record.
    pub first: u64,
    /// The writer.
    pub writer: String,
    /// Whether it is encrypted.
    pub sealed: bool,
    /// The file.
    pub path: PathBuf,
}

/// What a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The segments of each writer, in the order of their records.
    pub writers: BTreeMap<String, Vec<Segment>>,
    /// The files of the latest checkpoints, by writer.
    pub checkpoints: BTreeMap<String, PathBuf>,
}

/// Returns the name of a segment without what follows the last dot; encryption is bound to it.
pub fn stem(writer: &str, first: u64) -> String {
    format!("{writer}.{first:0DIGITS$}")
}

/// Returns the file of a segment.
pub fn segment_path(folder: &Path, writer: &str, first: u64, sealed: bool) -> PathBuf {
    folder.join(format!("{}.{}", stem(writer, first), if sealed { "sealed" } else { "jsonl" }))
}

/// Returns the file of a writer's latest checkpoint.
pub fn checkpoint_path(folder: &Path, writer: &str) -> PathBuf {
    folder.join(format!("{writer}.checkpoint"))
}

/// Lists a folder; files that are none of the log are left out.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let Some((stem, extension)) = name.rsplit_once('.') else { continue };
        if extension == "checkpoint" {
            listing.checkpoints.insert(stem.to_owned(), path);
            continue;
        }
        let numbered = stem.rsplit_once('.').filter(|(_, first)| first.len() == DIGITS);
        let Some((writer, first)) = numbered else { continue };
        if let (Ok(first), "jsonl" | "sealed") = (first.parse(), extension) {
            let segment = Segment {
                first,
                writer: writer.to_owned(),
                sealed: extension == "sealed",
                path: path.clone(),
            };
            listing.writers.entry(segment.writer.clone()).or_default().push(segment);
        }
    }
    listing.writers.values_mut().for_each(|segments| segments.sort());
    Ok(listing)
}

/// Reads a checkpoint of a folder.
///
/// # Errors
/// `InvalidData`: it is none.
pub fn checkpoint(path: &Path) -> io::Result<Checkpoint> {
    let file = BufReader::new(File::open(path)?.take(MAX_CHECKPOINT));
    serde_json::from_reader(file).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

/// The lines of a segment, without their ends.
pub struct Lines {
    input: BufReader<File>,
    seal: Option<Seal>,
    /// Lines of a frame that were not given yet.
    opened: io::Cursor<Vec<u8>>,
    torn: bool,
}

impl Lines {
    /// Opens a segment.
    ///
    /// # Errors
    /// It cannot be read; `PermissionDenied`: it is encrypted, and the key is not at hand.
    pub fn open(segment: &Segment, secret: Option<&Secret>) -> io::Result<Self> {
        let mut input = BufReader::new(File::open(&segment.path)?);
        let seal = match (segment.sealed, secret) {
            (false, _) => None,
            (true, Some(_)) if input.fill_buf()?.is_empty() => None,
            (true, Some(secret)) => {
                Some(Seal::open(secret, &stem(&segment.writer, segment.first), &mut input)?)
            }
            (true, None) => {
                return Err(Error::new(ErrorKind::PermissionDenied, "it is encrypted, and no key is given"));
            }
        };
        Ok(Self { input, seal, opened: io::Cursor::default(), torn: false })
    }

    /// Says whether the segment ended within a line or a frame, as a process that is killed leaves it.
    pub fn torn(&self) -> bool {
        self.torn
    }

    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(seal) = &mut self.seal else { return line(&mut self.input, &mut self.torn) };
        loop {
            if let Some(line) = line(&mut self.opened, &mut self.torn)? {
                return Ok(Some(line));
            }
            match seal.next(&mut self.input)? {
                Frame::Lines(lines) => self.opened = io::Cursor::new(lines),
                Frame::End => return Ok(None),
                Frame::Torn => {
                    self.torn = true;
                    return Ok(None);
                }
            }
        }
    }
}

impl Iterator for Lines {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Reads one line; what has no end is torn.
fn line(input: &mut impl BufRead, torn: &mut bool) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Some(line));
    }
    *torn |= !line.is_empty();
    Ok(None)
}

/// Reads the records of a segment; a line that is none is an error.
///
/// # Errors
/// As [`Lines::open`].
pub fn records(
    segment: &Segment,
    secret: Option<&Secret>,
) -> io::Result<impl Iterator<Item = io::Result<(String, Record<'static>)>>> {
    let lines = Lines::open(segment, secret)?;
    let damaged = |what: String| Error::new(ErrorKind::InvalidData, what);
    Ok(lines.map(move |line| chain::read(&line?).map_err(damaged)))
}

/// Finds how far a chain has come: the last record that can be read of its last segment that holds one.
pub fn head(segments: &[Segment], secret: Option<&Secret>) -> Option<Head> {
    segments.iter().rev().find_map(|segment| {
        let (hash, record) = records(segment, secret).ok()?.map_while(Result::ok).last()?;
        let (seq, time) = (record.seq, record.time.into_owned());
        Some(Head { hash, seq, time, writer: segment.writer.clone() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_log_are_found_and_sorted_and_others_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "pod-1.ab.000000000012.jsonl",
            "pod-1.ab.000000000001.sealed",
            "pod-1.ab.checkpoint",
            "pod-1.ab.1.jsonl",
            "notes.txt",
            "x",
            "pod-1.ab.00000000000x.jsonl",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let listing = list(folder.path()).unwrap();
        let firsts: Vec<u64> = listing.writers["pod-1.ab"].iter().map(|segment| segment.first).collect();
        assert_eq!((listing.writers.len(), firsts), (1, vec![1, 12]));
        assert_eq!(listing.checkpoints.keys().collect::<Vec<_>>(), ["pod-1.ab"]);
        assert_eq!(segment_path(folder.path(), "pod-1.ab", 12, false), listing.writers["pod-1.ab"][1].path);
    }

    #[test]
    fn a_line_without_end_is_torn_and_not_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = segment_path(folder.path(), "w", 1, false);
        std::fs::write(&path, "one\ntwo\nthr").unwrap();
        let segment = list(folder.path()).unwrap().writers.remove("w").unwrap().remove(0);
        let mut lines = Lines::open(&segment, None).unwrap();
        assert_eq!(lines.by_ref().map(Result::unwrap).collect::<Vec<_>>(), [b"one", b"two"]);
        assert!(lines.torn());
    }
}
