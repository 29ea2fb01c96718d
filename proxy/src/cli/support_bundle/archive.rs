//! A new file that only its owner may read: a tar archive, compressed.
//!
//! The form is that of POSIX.1-1988 (ustar): a header of 512 bytes, then the content, filled up to a multiple of 512.

use super::super::{Exit, Failure};
use flate2::Compression;
use flate2::write::GzEncoder;
use netweave_model::Timestamp;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a member may hold; of what is longer the rest is left out, and the end says so.
const MAX_MEMBER: usize = 4 << 20;
/// What all of them may hold, before they are compressed.
const MAX_ALL: usize = 32 << 20;
/// The unit of the form.
const BLOCK: usize = 512;
/// The folder of all members.
const FOLDER: &str = "netweave-bundle";

/// An archive that is being written.
pub(super) struct Archive {
    path: PathBuf,
    file: GzEncoder<File>,
    made: Timestamp,
    left: usize,
    members: Vec<String>,
}

impl Archive {
    /// Begins a new file.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    pub(super) fn create(path: &Path, made: Timestamp) -> Result<Self, Failure> {
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
                let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
                Failure::new(
                    if exists { Exit::Conflict } else { Exit::Failed },
                    format!("{}: {error}", path.display()),
                )
            })?;
        let file = GzEncoder::new(file, Compression::default());
        Ok(Self { path: path.to_owned(), file, made, left: MAX_ALL, members: Vec::new() })
    }

    /// Adds a value as JSON.
    pub(super) fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(std::io::Error::from)?;
        self.add(name, &format!("{text}\n"))
    }

    /// Adds a text under a name of at most 80 ASCII characters.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        let text = bounded(text, MAX_MEMBER.min(self.left));
        self.left = self.left.saturating_sub(text.len());
        let header = header(&format!("{FOLDER}/{name}"), text.len(), self.made)
            .ok_or_else(|| Failure::new(Exit::Failed, format!("`{name}` fits no archive")))?;
        let fill = vec![0; text.len().next_multiple_of(BLOCK) - text.len()];
        for part in [header.as_slice(), text.as_bytes(), &fill] {
            self.file.write_all(part)?;
        }
        self.members.push(name.to_owned());
        Ok(())
    }

    /// Ends the file, and returns what is in it.
    pub(super) fn finish(mut self) -> Result<Vec<String>, Failure> {
        let failed = |error| Failure::new(Exit::Failed, format!("{}: {error}", self.path.display()));
        self.file.write_all(&[0; 2 * BLOCK])?;
        self.file.finish().and_then(|file| file.sync_all()).map_err(failed)?;
        Ok(self.members)
    }
}

/// Cuts a text to so many bytes at most, and says so at its end.
fn bounded(text: &str, limit: usize) -> String {
    const CUT: &str = "\n--- the rest is left out\n";
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit.saturating_sub(CUT.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{CUT}", text.get(..end).unwrap_or_default())
}

/// Makes the header of a file; `None` if a field is too long for it.
fn header(name: &str, size: usize, made: Timestamp) -> Option<[u8; BLOCK]> {
    let mut header = [0; BLOCK];
    let seconds = made.0.max(0) / 1000;
    let (size, seconds) = (format!("{size:011o}\0"), format!("{seconds:011o}\0"));
    let fields = [
        (0, 100, name),
        (100, 8, "0000600\0"),
        (108, 8, "0000000\0"),
        (116, 8, "0000000\0"),
        (124, 12, &size),
        (136, 12, &seconds),
        (148, 8, "        "),
        (156, 1, "0"),
        (257, 8, "ustar\x0000"),
    ];
    for (start, room, text) in fields {
        let field = header.get_mut(start..start + room)?;
        field.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    }
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header.get_mut(148..156)?.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    #[test]
    fn tar_reads_what_was_written_and_others_may_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.tar.gz");
        let mut archive = Archive::create(&path, Timestamp(1_800_000_000_000)).unwrap();
        archive.add("a.txt", "one\n").unwrap();
        archive.json("b/c.json", &serde_json::json!({ "two": 2 })).unwrap();
        assert_eq!(archive.finish().unwrap(), ["a.txt", "b/c.json"]);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let done = Command::new("tar").arg("-xzf").arg(&path).arg("-C").arg(folder.path()).status().unwrap();
        assert!(done.success());
        let read = |name: &str| std::fs::read_to_string(folder.path().join(FOLDER).join(name)).unwrap();
        assert_eq!(read("a.txt"), "one\n");
        assert_eq!(read("b/c.json"), "{\n  \"two\": 2\n}\n");
        let again = Archive::create(&path, Timestamp(0)).err().unwrap();
        assert_eq!(again.exit, Exit::Conflict);
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let text = "ä".repeat(100);
        let cut = bounded(&text, 101);
        assert!(cut.len() <= 101 && cut.ends_with("left out\n"), "{cut}");
        assert_eq!(bounded(&text, 200), text);
        assert!(header(&"x".repeat(101), 0, Timestamp(0)).is_none());
    }
}
