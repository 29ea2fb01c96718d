//! Any bytes as a folder of the audit log, a segment and, after a line `--`, a checkpoint: a verdict, never a panic. What the
//! bytes hold of records is also chained as the gateway does it, which must hold, and no more with one byte changed.

use netweave::audit::archive::{checkpoint_path, segment_path};
use netweave::audit::chain::{self, Chain};
use netweave::audit::record::Record;
use netweave::audit::verify::{Report, With, verify};
use std::path::Path;

const WRITER: &str = "pod.a";
/// What separates the segment from the checkpoint.
const BETWEEN: &[u8] = b"\n--\n";

/// Runs one input.
///
/// # Panics
/// A chain that holds is not believed, or one that was changed is.
pub fn run(bytes: &[u8]) {
    FOLDER.with(|folder| {
        let at = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        let segment = bytes.get(..at.map_or(bytes.len(), |at| at + 1)).unwrap_or_default();
        let checkpoint = at.and_then(|at| bytes.get(at + BETWEEN.len()..));
        judged(folder.path(), segment, checkpoint);
        chained(folder.path(), segment);
    });
}

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a folder of one's own");
}

fn judged(folder: &Path, segment: &[u8], checkpoint: Option<&[u8]>) -> Report {
    std::fs::write(segment_path(folder, WRITER, 1, false), segment).expect("the folder takes files");
    let beside = checkpoint_path(folder, WRITER);
    match checkpoint {
        Some(checkpoint) => std::fs::write(beside, checkpoint).expect("the folder takes files"),
        None => std::fs::remove_file(beside).unwrap_or_default(),
    }
    let report = verify(folder, &With::default()).expect("a folder that can be read is judged");
    let ends = segment.split(|byte| *byte == b'\n').count() - 1;
    assert!(report.records <= ends as u64, "{} records in {ends} lines", report.records);
    report
}

/// Chains the lines that are records, and changes one byte of them.
fn chained(folder: &Path, lines: &[u8]) {
    let (mut chain, mut log) = (Chain::new(WRITER.to_owned()), Vec::new());
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(record) = serde_json::from_slice::<Record<'static>>(line) else { continue };
        // Those speak of other records, which are not there.
        if !record.detail.contains_key("checkpoint") {
            chain.append(record, &mut log).expect("a record can be written");
        }
    }
    if chain.seq() == 0 {
        return;
    }
    for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        chain::read(line).expect("what was written is read");
    }
    let report = judged(folder, &log, None);
    assert_eq!((report.records, report.faults.len()), (chain.seq(), 0), "{report:?}");
    let at = lines.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    let at = at % log.len();
    if let Some(byte) = log.get_mut(at) {
        *byte ^= 1;
    }
    let report = judged(folder, &log, None);
    assert!(report.records < chain.seq(), "byte {at} was changed: {report:?}");
}
