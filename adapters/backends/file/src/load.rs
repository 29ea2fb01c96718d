//! The file on disk -> the current inventory. Looks before it reads, and waits until a writer has finished.
//!
//! What was read is forgotten soon: the views hold the objects already, and the stream knows them by their digests.

use crate::conf::Conf;
use crate::fault::Faults;
use crate::inventory::Inventory;
use crate::map;
use netweave_model::{Error, ErrorKind, Id, Result, SourceName};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

/// Largest file that is read.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// A file that changed is read once it has stayed the same for this long.
const SETTLE: Duration = Duration::from_millis(40);
/// A file that never stays the same is read all the same after so many looks.
const MAX_LOOKS: usize = 25;
/// How long an inventory is kept for others who ask for it, as several do after a start.
const KEEP: Duration = Duration::from_secs(10);
/// Files from this size on are parsed one after another: a tree of values takes ten times the memory of its text.
const LARGE: usize = 1 << 20;

/// The right to parse a large file.
static LARGE_FILES: Semaphore = Semaphore::const_new(1);

/// How closely to look for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Read only if time, size or identity differ.
    Glance,
    /// Read in any case: somebody said that it changed.
    Read,
}

/// Holds what the file said last.
pub(crate) struct Loader {
    path: PathBuf,
    source: SourceName,
    o_cloud_id: Id,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    stamp: Option<Stamp>,
    digest: Option<u64>,
    faults: Option<Arc<Faults>>,
    recent: Option<(Instant, Arc<Inventory>)>,
}

/// One state of the file.
pub(crate) struct Said {
    /// Names this state.
    pub(crate) digest: u64,
    /// All that it says.
    pub(crate) inventory: Arc<Inventory>,
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    device: u64,
    inode: u64,
}

impl Loader {
    pub(crate) fn new(path: PathBuf, source: SourceName, o_cloud_id: Id) -> Self {
        Self { path, source, o_cloud_id, known: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the file says now; one caller reads, the others wait for it.
    ///
    /// # Errors
    /// `Unavailable` (retryable): the file is missing, too large or faulty; all faults are in the private text.
    pub(crate) async fn current(&self, depth: Depth) -> Result<Arc<Inventory>> {
        let said = self.since(depth, None).await?;
        said.map(|said| said.inventory).ok_or_else(|| Error::internal("the inventory file was not read"))
    }

    /// Returns what the file says now, unless that is what `told` names.
    ///
    /// # Errors
    /// As [`Self::current`].
    pub(crate) async fn since(&self, depth: Depth, told: Option<u64>) -> Result<Option<Said>> {
        let mut known = self.known.lock().await;
        let stamp = self.look(&mut known, depth).await?;
        if told.is_some() && known.digest == told {
            return Ok(None);
        }
        if known.recent.is_none() {
            self.load(&mut known, stamp, true).await;
            known.usable()?;
        }
        let said = known.digest.zip(known.recent.as_ref());
        Ok(said.map(|(digest, (_, inventory))| Said { digest, inventory: Arc::clone(inventory) }))
    }

    /// Says whether the file is there, and usable as far as it was read.
    ///
    /// # Errors
    /// As [`Self::current`].
    pub(crate) async fn check(&self) -> Result<()> {
        let stamp = self.stamp().await.map_err(|faults| unusable(&Arc::new(faults)))?;
        match self.known.try_lock() {
            Ok(known) if known.stamp == Some(stamp) => known.usable(),
            // It is being read, or will be at the next look.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Brings `known` up to date.
    async fn look(&self, known: &mut Known, depth: Depth) -> Result<Stamp> {
        known.recent.take_if(|(read, _)| read.elapsed() > KEEP);
        let stamp = match self.stamp().await {
            Ok(stamp) => stamp,
            Err(faults) => {
                *known = Known::default();
                return Err(unusable(&Arc::new(faults)));
            }
        };
        if depth == Depth::Read || known.stamp != Some(stamp) {
            self.load(known, stamp, false).await;
        }
        known.usable()?;
        Ok(stamp)
    }

    /// Reads the file into `known`, unless it holds the same bytes as before and need not be there again.
    async fn load(&self, known: &mut Known, stamp: Stamp, again: bool) {
        match self.read_settled(stamp).await {
            Ok((stamp, text)) => {
                let digest = digest(&text);
                if again || known.digest != Some(digest) {
                    (known.recent, known.faults) = match self.parse(text).await {
                        Ok(inventory) => (Some((Instant::now(), inventory)), None),
                        Err(faults) => (None, Some(faults)),
                    };
                }
                (known.stamp, known.digest) = (Some(stamp), Some(digest));
            }
            Err(faults) => *known = Known { faults: Some(Arc::new(faults)), ..Known::default() },
        }
    }

    /// Parses on a thread of its own: a large file takes a while.
    async fn parse(&self, text: Vec<u8>) -> std::result::Result<Arc<Inventory>, Arc<Faults>> {
        let (source, o_cloud_id) = (self.source.clone(), self.o_cloud_id.clone());
        let turn = if text.len() >= LARGE { LARGE_FILES.acquire().await.ok() } else { None };
        let parsed = tokio::task::spawn_blocking(move || {
            let text = String::from_utf8(text)
                .map_err(|error| Faults::of_file(format!("is not UTF-8 text: {error}")))?;
            let read = map::read(&text, &source, &o_cloud_id);
            drop(turn);
            read
        });
        match parsed.await {
            Ok(parsed) => parsed.map(Arc::new).map_err(Arc::new),
            Err(error) => Err(Arc::new(Faults::of_file(format!("reading it failed: {error}")))),
        }
    }

    /// Waits until the file has stopped changing, then reads it.
    async fn read_settled(&self, mut stamp: Stamp) -> std::result::Result<(Stamp, Vec<u8>), Faults> {
        for _ in 0..MAX_LOOKS {
            tokio::time::sleep(SETTLE).await;
            let text = self.read().await?;
            let after = self.stamp().await?;
            if after == stamp {
                return Ok((stamp, text));
            }
            stamp = after;
        }
        Ok((stamp, self.read().await?))
    }

    async fn read(&self) -> std::result::Result<Vec<u8>, Faults> {
        let file = tokio::fs::File::open(&self.path).await.map_err(|error| self.unreadable(&error))?;
        let mut text = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut text).await.map_err(|error| self.unreadable(&error))?;
        if text.len() as u64 > MAX_FILE {
            return Err(too_large());
        }
        Ok(text)
    }

    async fn stamp(&self) -> std::result::Result<Stamp, Faults> {
        let data = tokio::fs::metadata(&self.path).await.map_err(|error| self.unreadable(&error))?;
        if !data.is_file() {
            return Err(Faults::of_file(format!("{} is not a file", self.path.display())));
        }
        if data.len() > MAX_FILE {
            return Err(too_large());
        }
        Ok(Stamp { modified: data.modified().ok(), size: data.len(), device: data.dev(), inode: data.ino() })
    }

    fn unreadable(&self, error: &std::io::Error) -> Faults {
        Faults::of_file(format!("{} cannot be read: {error}", self.path.display()))
    }
}

impl Known {
    fn usable(&self) -> Result<()> {
        self.faults.as_ref().map_or(Ok(()), |faults| Err(unusable(faults)))
    }
}

/// Returns what makes a section's file unusable, each fault with its place; at most `most` and how many more there are.
///
/// Reads the file once and blocks meanwhile.
pub fn check(conf: &Conf, o_cloud_id: &Id, most: usize) -> Vec<String> {
    let faults = match text_of(&conf.path) {
        Err(reason) => Faults::of_file(reason),
        Ok(text) => match map::read(&text, &SourceName::from(conf.name.as_str()), o_cloud_id) {
            Ok(_) => return Vec::new(),
            Err(faults) => faults,
        },
    };
    let mut shown: Vec<_> = faults.list().iter().take(most).map(ToString::to_string).collect();
    if faults.len() > shown.len() {
        shown.push(format!("{} more faults", faults.len() - shown.len()));
    }
    shown
}

fn text_of(path: &Path) -> std::result::Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut text = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > MAX_FILE {
        return Err(format!("is larger than {MAX_FILE} bytes"));
    }
    String::from_utf8(text).map_err(|error| format!("is not UTF-8 text: {error}"))
}

fn too_large() -> Faults {
    Faults::of_file(format!("is larger than {MAX_FILE} bytes"))
}

fn digest(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn unusable(faults: &Arc<Faults>) -> Error {
    Error::new(ErrorKind::Unavailable, "this part of the inventory cannot be read now")
        .with_private("the inventory file is unusable")
        .with_source(Arc::clone(faults) as Arc<dyn std::error::Error + Send + Sync>)
}
