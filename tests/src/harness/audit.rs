//! The records of an audit log, as its files have them.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// Returns the segments in a folder, in the order of their names.
pub fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder of an audit log");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "jsonl");
    let mut segments: Vec<_> = paths.filter(is_segment).collect();
    segments.sort();
    segments
}

/// Reads all records in a folder, as far as they are written, without adding to it.
pub fn records(folder: &Path) -> Vec<Value> {
    let texts = segments(folder).into_iter().map(|path| std::fs::read_to_string(path).expect("a segment"));
    texts.flat_map(|text| complete(&text)).collect()
}

fn complete(segment: &str) -> Vec<Value> {
    let lines = segment.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    lines.map(|line| serde_json::from_str(line).expect("a record")).collect()
}
