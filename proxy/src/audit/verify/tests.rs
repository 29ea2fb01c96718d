//! Tampering in every way that a file allows, and what is said about it.

use super::*;
use crate::audit::chain::{Chain, GENESIS};
use crate::audit::checkpoint::Head;
use crate::audit::keys::Signer;
use crate::audit::record::{Record, Text};
use crate::audit::sink::file::Files;
use crate::audit::sink::{Batch, Sink};
use crate::digest;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

/// A folder with one closed chain of two segments: records 1 to 5 and 6 to 11, checkpoints at 5 and 11.
struct Log {
    folder: tempfile::TempDir,
    signer: Signer,
}

impl Log {
    fn new() -> Self {
        let closed = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(closed).tempdir().unwrap();
        let log = Self { folder, signer: Signer::generate().unwrap() };
        log.write("pod.a", &[], "process.stop");
        log
    }

    fn write(&self, writer: &str, others: &[Head], last: &'static str) -> Head {
        let mut files = Files::open(self.folder.path(), writer, None).unwrap();
        let mut chain = Chain::new(writer.to_owned());
        for (first, rotate) in [(1, true), (6, false)] {
            let mut lines = Vec::new();
            for index in 0..5 - u64::from(rotate) {
                let event = if !rotate && index == 4 { last } else { "test" };
                append(&mut chain, event, &mut lines, None);
            }
            let heads = std::iter::once(head(&chain)).chain(others.iter().cloned()).collect();
            let checkpoint = Checkpoint::sign(&self.signer, writer, "t", heads);
            append(&mut chain, "audit.checkpoint", &mut lines, Some(checkpoint));
            let heads = std::iter::once(head(&chain)).chain(others.iter().cloned()).collect();
            let beside = Checkpoint::sign(&self.signer, writer, "t", heads);
            let checkpoint = Some(serde_json::to_string(&beside).unwrap());
            let batch = Batch { lines, first, last: chain.seq(), checkpoint, rotate, ..Batch::default() };
            files.take(&[Arc::new(batch)]).unwrap();
        }
        head(&chain)
    }

    fn path(&self, first: u64) -> PathBuf {
        archive::segment_path(self.folder.path(), "pod.a", first, false)
    }

    /// Changes the lines of a segment.
    fn edit(&self, first: u64, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let text = std::fs::read(self.path(first)).unwrap();
        let mut lines: Vec<Vec<u8>> =
            text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        change(&mut lines);
        std::fs::write(self.path(first), lines.concat()).unwrap();
    }

    fn verify(&self) -> Report {
        let key = self.signer.public();
        verify(self.folder.path(), &With { key: Some(&key), ..With::default() }).unwrap()
    }

    /// Expects exactly one fault; returns its record and what is said.
    #[track_caller]
    fn fault(&self) -> (Option<u64>, String) {
        let report = self.verify();
        assert_eq!(report.faults.len(), 1, "{report:?}");
        let fault = &report.faults[0];
        assert_eq!(fault.writer, "pod.a");
        (fault.record, fault.what.clone())
    }
}

fn append(chain: &mut Chain, event: &'static str, lines: &mut Vec<u8>, checkpoint: Option<Checkpoint>) {
    let detail =
        checkpoint.map(|checkpoint| (Text::Borrowed("checkpoint"), json!(checkpoint))).into_iter().collect();
    let time = Text::Owned(format!("2026-01-01T00:00:{:02}.000Z", chain.seq() + 1));
    chain.append(Record { event: Text::Borrowed(event), time, detail, ..Record::default() }, lines).unwrap();
}

fn head(chain: &Chain) -> Head {
    let (hash, writer) = (chain.head().to_owned(), chain.writer().to_owned());
    Head { hash, seq: chain.seq(), time: "t".to_owned(), writer }
}

#[test]
fn an_untouched_log_holds_and_says_what_it_covers() {
    let report = Log::new().verify();
    assert_eq!(report.faults, []);
    assert_eq!((report.records, report.segments, report.checkpoints), (11, 2, 3));
    assert_eq!(report.from.as_deref(), Some("2026-01-01T00:00:01.000Z"));
    assert_eq!(report.to.as_deref(), Some("2026-01-01T00:00:11.000Z"));
    let covered =
        Covered { writer: "pod.a".to_owned(), first: 1, last: 11, signed: 11, closed: true, torn: false };
    assert_eq!(report.writers, [covered]);
}

#[test]
fn a_flipped_byte_names_its_record() {
    for record in 1..=11_u64 {
        let log = Log::new();
        let (first, index) = if record <= 5 { (1, record - 1) } else { (6, record - 6) };
        log.edit(first, |lines| lines[usize::try_from(index).unwrap()][90] ^= 1);
        assert_eq!(log.fault().0, Some(record));
    }
}

#[test]
fn a_dropped_line_names_what_is_missing() {
    let log = Log::new();
    log.edit(6, |lines| drop(lines.remove(1)));
    assert_eq!(log.fault(), (Some(7), "records 7 to 7 are missing before this one".to_owned()));
}

#[test]
fn two_swapped_lines_name_the_first() {
    let log = Log::new();
    log.edit(1, |lines| lines.swap(1, 2));
    assert_eq!(log.fault().0, Some(2));
}

#[test]
fn a_cut_tail_is_missed_by_the_checkpoint_beside_it() {
    for cut in 1..=6 {
        let log = Log::new();
        log.edit(6, |lines| lines.truncate(6 - cut));
        let last = 11 - cut as u64;
        let what = format!("records {} to 11 are missing at the end, which a checkpoint covers", last + 1);
        assert_eq!(log.fault(), (Some(last + 1), what));
    }
}

#[test]
fn a_line_that_was_cut_in_two_is_torn_and_missed() {
    let log = Log::new();
    log.edit(6, |lines| lines[5].truncate(30));
    assert_eq!(log.fault().0, Some(11));
    assert!(log.verify().writers[0].torn);
}

#[test]
fn a_deleted_segment_is_missed() {
    let log = Log::new();
    std::fs::remove_file(log.path(6)).unwrap();
    assert_eq!(log.fault().0, Some(6));
    let log = Log::new();
    std::fs::remove_file(log.path(1)).unwrap();
    let (record, what) = log.fault();
    assert!(record == Some(1) && what.starts_with("records 1 to 5 are missing"), "{what}");
}

#[test]
fn a_deleted_checkpoint_file_is_missed() {
    let log = Log::new();
    std::fs::remove_file(archive::checkpoint_path(log.folder.path(), "pod.a")).unwrap();
    assert_eq!(log.fault().1, "its checkpoint file is missing");
}

#[test]
fn a_whole_writer_is_missed_by_the_next_one_and_by_a_checkpoint_kept_elsewhere() {
    let log = Log::new();
    let kept = archive::checkpoint(&archive::checkpoint_path(log.folder.path(), "pod.a")).unwrap();
    log.write("pod.b", &kept.heads, "test");
    assert_eq!(log.verify().faults, []);
    for first in [1, 6] {
        std::fs::remove_file(log.path(first)).unwrap();
    }
    std::fs::remove_file(archive::checkpoint_path(log.folder.path(), "pod.a")).unwrap();
    assert!(log.fault().1.starts_with("the whole chain is missing, 11 records"));
    let alone = tempfile::tempdir().unwrap();
    let key = log.signer.public();
    let with = With { key: Some(&key), against: &[kept], ..With::default() };
    assert_eq!(verify(alone.path(), &with).unwrap().faults.len(), 1);
}

#[test]
fn a_chain_that_was_forged_anew_lacks_the_signature() {
    let log = Log::new();
    let forged = Log::new();
    for entry in std::fs::read_dir(forged.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, log.folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let faults = log.verify().faults;
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults.iter().all(|fault| fault.what.contains("signature of this key")), "{faults:?}");
}

#[test]
fn what_another_writer_wrote_is_none_of_the_chain() {
    let log = Log::new();
    log.write("pod.b", &[], "test");
    let foreign = std::fs::read(archive::segment_path(log.folder.path(), "pod.b", 6, false)).unwrap();
    std::fs::write(log.path(6), foreign).unwrap();
    assert_eq!(log.fault(), (Some(6), "the record is one of the writer pod.b".to_owned()));
}

#[test]
fn numbers_at_either_end_are_judged() {
    for seq in [0, u64::MAX] {
        let log = Log::new();
        let (writer, prev) = (Text::Borrowed("pod.a"), Text::Borrowed(GENESIS));
        let text = serde_json::to_string(&Record { prev, seq, writer, ..Record::default() }).unwrap();
        let line =
            format!("{{\"hash\":\"{}\",{}\n", digest::sha256(text.as_bytes()), text.trim_start_matches('{'));
        log.edit(1, |lines| *lines = vec![line.clone().into_bytes(), line.into_bytes()]);
        assert!(!log.verify().faults.is_empty(), "{seq}");
    }
}
