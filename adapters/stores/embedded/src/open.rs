//! Opening the file: its lock, its permissions, its content.

use crate::conf::Conf;
use crate::file::File;
use crate::load::{prepare, recover, schema_of, unreadable};
use crate::shared::Shared;
use netweave_memory::{Signals, State, Store};
use netweave_model::port::{Clock, Ids, Schema};
use netweave_model::{Error, ErrorKind, Result, Retry};
use redb::backends::FileBackend;
use redb::{Builder, DatabaseError, ReadOnlyDatabase, StorageBackend};
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

/// How many bytes of the file redb keeps in memory.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// The file is for its owner alone: it holds the secrets of subscriptions.
const MODE: u32 = 0o600;

/// A store in one file. When its last clone is dropped, everything is written and the file is let go.
pub type Embedded = Store<File>;

/// Opens or creates the file of the configuration; once per process and per machine.
///
/// # Errors
/// `Conflict`: another process holds the file. `Unsupported`: a newer version wrote it. `Unavailable`: it cannot be read
/// or written. `Internal`: it is damaged.
pub async fn open(conf: &Conf, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Embedded> {
    let path = conf.path.clone();
    let task = tokio::task::spawn_blocking(move || open_path(&path, clock, ids));
    task.await
        .map_err(|error| Error::internal("opening the state file was interrupted").with_source(error))?
}

/// Reads the version of the layout of the configuration's file, which stays as it is; `None` if there is no file yet.
///
/// # Errors
/// As `open`. A file that was not closed has to be opened by the gateway first.
pub async fn schema(conf: &Conf) -> Result<Option<Schema>> {
    let path = conf.path.clone();
    let task = tokio::task::spawn_blocking(move || {
        if !path.try_exists().map_err(|error| unreadable(error.into()))? {
            return Ok(None);
        }
        schema_of(&ReadOnlyDatabase::open(&path).map_err(refused)?).map_err(unreadable)
    });
    task.await
        .map_err(|error| Error::internal("reading the state file was interrupted").with_source(error))?
}

fn open_path(path: &Path, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Embedded> {
    let opened = file(path).map_err(|error| unreadable(error.into()));
    opened.and_then(|backend| open_with(backend, clock, ids)).map_err(|error| {
        Error::new(error.kind(), error.public().to_owned())
            .with_private(path.display().to_string())
            .with_retry(error.retry())
            .with_source(error)
    })
}

/// Opens the file, made if it is not there, for its owner alone.
fn file(path: &Path) -> io::Result<FileBackend> {
    let is_new = !path.try_exists()?;
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(MODE).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(MODE))?;
    }
    if is_new {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    FileBackend::new(file).map_err(io::Error::other)
}

/// Opens a store in anything that can be read, written and synced.
///
/// # Errors
/// As `open`.
pub fn open_with(backend: impl StorageBackend, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Embedded> {
    let database =
        Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend).map_err(refused)?;
    let is_new = prepare(&database)?;
    let recovered = if is_new { None } else { Some(recover(&database)?) };
    let signals = Arc::new(Signals::default());
    let shared = Arc::new(Shared::new(database, Arc::clone(&signals), Arc::clone(&clock)));
    let file = File::new(shared)?;
    let state = match recovered {
        Some(recovered) => State::restore(file, recovered, clock.now()),
        None => State::new(file, clock.now()),
    };
    Ok(Store::assemble(state, signals, clock, ids))
}

fn refused(error: DatabaseError) -> Error {
    if matches!(error, DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) {
        return Error::new(ErrorKind::Conflict, "another process holds the state file")
            .with_retry(Retry::Later)
            .with_source(error);
    }
    unreadable(error.into())
}
