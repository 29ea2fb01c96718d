//! The inputs that fuzzing kept, and some mutations of each, through the bodies of the fuzz targets: `tests/fuzz`.

use netweave_tests::harness::figures::record;
use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use targets::{Body, TARGETS};

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a library elsewhere")]
mod targets;

/// Largest file of a corpus, and most files of one.
const MAX_FILE: usize = 4096;
const MAX_FILES: usize = 80;
/// Mutated inputs per target; those of targets that take long are fewer.
const MUTATIONS: usize = 3000;
const FEWER: &[(&str, usize)] =
    &[("aws", 1000), ("conf", 300), ("gcp", 2000), ("kubernetes", 1000), ("vmware", 1500)];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

/// Reads the files of a target's corpus, sorted by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder().join(target)).expect("a folder for each target");
    let mut files: Vec<(String, Vec<u8>)> = files
        .map(|entry| {
            let path = entry.expect("an entry").path();
            (path.display().to_string(), std::fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

/// Runs one input, and says which it was if it is a finding.
fn tried(body: Body, name: &str, bytes: &[u8]) {
    let outcome = catch_unwind(|| body(bytes));
    assert!(outcome.is_ok(), "a finding, made of {name}: \"{}\"", bytes.escape_ascii());
}

/// Runs a corpus and its mutations, the same in every run.
fn run(target: &str) {
    let (_, body) = *TARGETS.iter().find(|(name, _)| *name == target).expect("a target");
    let files = corpus(target);
    assert!((1..=MAX_FILES).contains(&files.len()), "{} files", files.len());
    for (name, bytes) in &files {
        assert!(bytes.len() <= MAX_FILE, "{name} has {} bytes", bytes.len());
        tried(body, name, bytes);
    }
    let most = FEWER.iter().find(|(name, _)| *name == target).map_or(MUTATIONS, |(_, most)| *most);
    let mut dice = Dice(0x6e65_7477_6561_7665);
    for round in 0..most {
        let (name, bytes) = &files[round % files.len()];
        let (_, other) = &files[dice.below(files.len())];
        tried(body, name, &mutated(bytes, other, &mut dice));
    }
    record(&format!("checks={} mutations={most}", files.len()));
}

/// Numbers that are the same in every run (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    /// Returns a range of an input, of 64 bytes at most.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        from..from + self.below((length - from).min(64) + 1)
    }
}

/// Changes an input in one to four places; what is put in comes from the input itself or from another one.
fn mutated(bytes: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    const WORDS: [&[u8]; 8] =
        [b"\0", b"\xff", b"-1", b"18446744073709551616", b"\"", b"<", b"\n", "\u{202e}".as_bytes()];
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.range(bytes.len());
        let instead = match dice.below(5) {
            0 => Vec::new(),
            1 => WORDS[dice.below(WORDS.len())].to_vec(),
            2 => other[dice.range(other.len())].to_vec(),
            3 => bytes[dice.range(bytes.len())].to_vec(),
            _ => {
                let mut same = bytes[at.clone()].to_vec();
                if let Some(byte) = same.first_mut() {
                    *byte ^= 1 << dice.below(8);
                }
                same
            }
        };
        bytes.splice(at, instead);
    }
    bytes.truncate(MAX_FILE);
    bytes
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let folders = std::fs::read_dir(folder()).expect("the corpora");
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(folders, targets);
}

/// A test for each target.
macro_rules! corpora {
    ($($test:ident: $target:literal,)*) => {
        $(#[test]
        fn $test() {
            run($target);
        })*

        #[test]
        fn every_target_has_a_test() {
            let tested = BTreeSet::from([$($target),*]);
            assert_eq!(tested, TARGETS.iter().map(|(name, _)| *name).collect());
        }
    };
}

corpora! {
    corpus_audit: "audit",
    corpus_aws: "aws",
    corpus_conf: "conf",
    corpus_exclusion: "exclusion",
    corpus_filter: "filter",
    corpus_gcp: "gcp",
    corpus_head: "head",
    corpus_identity: "identity",
    corpus_inventory: "inventory",
    corpus_jwt: "jwt",
    corpus_kubernetes: "kubernetes",
    corpus_object: "object",
    corpus_vmware: "vmware",
    corpus_webhook: "webhook",
}
