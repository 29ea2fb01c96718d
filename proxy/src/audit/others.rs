//! The other chains of a folder: those of earlier starts, of other processes and of the command line.
//!
//! What was once known of a chain stays known until retention takes it, so that a chain that vanishes is missed.

use super::archive::{self, Segment};
use super::checkpoint::Head;
use super::keys::{Public, Secret};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// What is known of the other chains.
#[derive(Debug)]
pub(super) struct Others {
    folder: PathBuf,
    secret: Option<Secret>,
    own: String,
    known: BTreeMap<String, Head>,
    /// The last segment of each chain, and its size, when it was read.
    read: BTreeMap<String, (u64, u64)>,
    changed: BTreeSet<String>,
}

impl Others {
    /// Looks at a folder as the writer `own`; checkpoints there are believed if they have this key's signature.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn open(
        folder: &Path,
        own: &str,
        secret: Option<Secret>,
        key: Option<&Public>,
    ) -> io::Result<Self> {
        let (folder, own) = (folder.to_owned(), own.to_owned());
        let empty = (BTreeMap::new(), BTreeMap::new());
        let mut others =
            Self { folder, secret, own, known: empty.0, read: empty.1, changed: BTreeSet::new() };
        if let Some(key) = key {
            for path in archive::list(&others.folder)?.checkpoints.values() {
                let checkpoint =
                    archive::checkpoint(path).ok().filter(|checkpoint| checkpoint.is_signed_by(key));
                for head in checkpoint.into_iter().flat_map(|checkpoint| checkpoint.heads) {
                    others.learn(head);
                }
            }
        }
        others.look()?;
        Ok(others)
    }

    /// Looks again; only chains that have grown are read.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn look(&mut self) -> io::Result<()> {
        for (writer, segments) in archive::list(&self.folder)?.writers {
            let size = size(&segments);
            if writer == self.own || size == self.read.get(&writer).copied() {
                continue;
            }
            if let Some(head) = archive::head(&segments, self.secret.as_ref()) {
                self.learn(head);
            }
            self.read.extend(size.map(|size| (writer, size)));
        }
        Ok(())
    }

    fn learn(&mut self, head: Head) {
        if head.writer != self.own && self.known.get(&head.writer).is_none_or(|known| known.seq < head.seq) {
            self.changed.insert(head.writer.clone());
            self.known.insert(head.writer.clone(), head);
        }
    }

    /// Returns the chains that have grown since this was last asked.
    pub(super) fn changed(&mut self) -> Vec<Head> {
        let changed = std::mem::take(&mut self.changed);
        changed.iter().filter_map(|writer| self.known.get(writer)).cloned().collect()
    }

    /// Returns all chains.
    pub(super) fn all(&self) -> impl Iterator<Item = &Head> {
        self.known.values()
    }

    /// Forgets a chain that retention has taken.
    pub(super) fn forget(&mut self, writer: &str) {
        self.known.remove(writer);
        self.read.remove(writer);
        self.changed.remove(writer);
    }
}

fn size(segments: &[Segment]) -> Option<(u64, u64)> {
    let last = segments.last()?;
    Some((last.first, std::fs::metadata(&last.path).ok()?.len()))
}
