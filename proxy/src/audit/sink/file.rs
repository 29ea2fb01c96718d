//! The sink of files: segments in a folder of their own, closed to others, encrypted if there is a key.

use super::{Batch, Sink};
use crate::audit::archive::{checkpoint_path, segment_path, stem};
use crate::audit::keys::Secret;
use crate::audit::seal::Seal;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who may do what with the folder, and with its files: their owner alone.
const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;
/// The rights of anybody else.
const OTHERS: u32 = 0o077;

/// The sink.
pub struct Files {
    folder: PathBuf,
    writer: String,
    secret: Option<Secret>,
    segment: Option<Open>,
    /// The last record that was written, so that a batch that is given again is not written again.
    last: u64,
    /// The last record of the batch after which a segment ended, or files were deleted.
    concluded: u64,
}

/// The segment that is being written.
struct Open {
    file: File,
    length: u64,
    seal: Option<Seal>,
}

impl Files {
    /// Prepares the folder for a writer.
    ///
    /// # Errors
    /// The folder cannot be made or written to; `PermissionDenied`: it is open to others.
    pub fn open(folder: &Path, writer: &str, secret: Option<Secret>) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(FOLDER).create(folder)?;
        let mode = std::fs::metadata(folder)?.permissions().mode();
        if mode & OTHERS != 0 {
            let reason = format!("the folder is open to others (mode {:o}, must be 700)", mode & 0o777);
            return Err(Error::new(ErrorKind::PermissionDenied, reason));
        }
        let (folder, writer) = (folder.to_owned(), writer.to_owned());
        let mut files = Self { folder, writer, secret, segment: None, last: 0, concluded: 0 };
        // The first segment is made now, so that a folder that cannot be written to ends the start.
        files.segment = Some(files.begin(1)?);
        Ok(files)
    }

    fn begin(&self, first: u64) -> io::Result<Open> {
        let name = stem(&self.writer, first);
        let seal = self.secret.as_ref().map(|secret| Seal::begin(secret, &name)).transpose()?;
        let path = segment_path(&self.folder, &self.writer, first, seal.is_some());
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE).open(path)?;
        let header = seal.as_ref().map(Seal::header).unwrap_or_default();
        file.write_all_at(header, 0)?;
        self.sync_folder()?;
        Ok(Open { file, length: u64::try_from(header.len()).map_err(Error::other)?, seal })
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    /// Writes the lines of a batch behind what is there; a failed try is written over by the next.
    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        let mut segment = match self.segment.take() {
            Some(segment) => segment,
            None => self.begin(batch.first)?,
        };
        let written = segment.write(&batch.lines);
        self.segment = Some(segment);
        written?;
        self.last = batch.last;
        Ok(())
    }

    /// Does what comes after the lines of a batch: the checkpoint, the end of the segment, deletions.
    fn conclude(&mut self, batch: &Batch) -> io::Result<()> {
        if let Some(checkpoint) = &batch.checkpoint {
            replace(&checkpoint_path(&self.folder, &self.writer), checkpoint.as_bytes())?;
            self.sync_folder()?;
        }
        if batch.rotate {
            self.segment = None;
        }
        for path in &batch.remove {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Open {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let sealed = self.seal.as_ref().map(|seal| seal.seal(lines)).transpose()?;
        let bytes = sealed.as_deref().unwrap_or(lines);
        if let Err(error) = self.file.write_all_at(bytes, self.length) {
            // What was written of it is no record; if it cannot be taken back now, the next try writes over it.
            self.file.set_len(self.length).ok();
            return Err(error);
        }
        self.length += u64::try_from(bytes.len()).map_err(Error::other)?;
        if let Some(seal) = &mut self.seal {
            seal.written();
        }
        Ok(())
    }
}

impl Sink for Files {
    fn name(&self) -> &'static str {
        "file"
    }

    fn is_safe(&self) -> bool {
        true
    }

    fn take(&mut self, batches: &[Arc<Batch>]) -> io::Result<()> {
        let mut unsynced = false;
        for batch in batches {
            if batch.last > self.last && !batch.lines.is_empty() {
                self.write(batch)?;
            }
            unsynced |= batch.sync;
            let concludes = batch.checkpoint.is_some() || batch.rotate || !batch.remove.is_empty();
            if concludes && batch.last > self.concluded {
                self.sync()?;
                self.conclude(batch)?;
                self.concluded = batch.last;
                unsynced = false;
            }
        }
        if unsynced { self.sync() } else { Ok(()) }
    }
}

impl Files {
    fn sync(&self) -> io::Result<()> {
        self.segment.as_ref().map_or(Ok(()), |segment| segment.file.sync_data())
    }
}

/// Replaces a file as a whole, or not at all.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let new = path.with_extension("checkpoint-new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE).open(&new)?;
    file.write_all(contents)?;
    file.sync_all()?;
    std::fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::archive::{self, Lines};

    fn batch(first: u64, last: u64) -> Arc<Batch> {
        let lines: Vec<u8> =
            (first..=last).flat_map(|number| format!("line {number}\n").into_bytes()).collect();
        Arc::new(Batch { lines, first, last, sync: true, ..Batch::default() })
    }

    /// A folder that is closed to others.
    fn closed() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(FOLDER)).tempdir().unwrap()
    }

    fn lines(folder: &Path, secret: Option<&Secret>) -> Vec<String> {
        let segments = archive::list(folder).unwrap().writers.into_values().flatten();
        let lines = segments.flat_map(|segment| Lines::open(&segment, secret).unwrap());
        lines.map(|line| String::from_utf8(line.unwrap()).unwrap()).collect()
    }

    #[test]
    fn files_and_folder_are_closed_to_others() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/audit");
        let mut files = Files::open(&folder, "w", None).unwrap();
        let checkpoint = Batch { checkpoint: Some("{}".to_owned()), ..Arc::into_inner(batch(3, 3)).unwrap() };
        files.take(&[batch(1, 2), Arc::new(checkpoint)]).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), FOLDER);
        let all: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(all.len() == 2 && all.iter().all(|path| mode(path) == FILE), "{all:?}");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(Files::open(&folder, "v", None).err().unwrap().kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_rotation_ends_the_segment_and_the_next_is_named_by_its_first_record() {
        let folder = closed();
        let mut files = Files::open(folder.path(), "w", None).unwrap();
        let rotating = Batch { rotate: true, ..Arc::into_inner(batch(1, 3)).unwrap() };
        files.take(&[Arc::new(rotating), batch(4, 5)]).unwrap();
        let segments = archive::list(folder.path()).unwrap().writers.remove("w").unwrap();
        assert_eq!(segments.iter().map(|segment| segment.first).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(lines(folder.path(), None), ["line 1", "line 2", "line 3", "line 4", "line 5"]);
    }

    #[test]
    fn batches_that_are_given_again_are_written_once() {
        for secret in [None, Some(Secret::new([3; 32]))] {
            let folder = closed();
            let mut files = Files::open(folder.path(), "w", secret.clone()).unwrap();
            files.take(&[batch(1, 2)]).unwrap();
            files.take(&[batch(1, 2), batch(3, 3)]).unwrap();
            assert_eq!(lines(folder.path(), secret.as_ref()), ["line 1", "line 2", "line 3"]);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_refused_at_the_start() {
        let folder = closed();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(Files::open(&file.join("audit"), "w", None).is_err());
    }
}
