//! Writing a backup, page by page, while others change the store.

use super::form::{First, Totals, Writer};
use super::{AT_ONCE, failed};
use crate::cli::{Exit, Failure};
use crate::conf::tree::Conf;
use netweave_adapters::Stores;
use netweave_model::Id;
use netweave_model::port::{Backlog, Saved};
use netweave_model::{ErrorKind, Subscription};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that has its name only once it is whole and durable.
pub(in crate::cli) struct NewFile {
    target: PathBuf,
    /// Its name until then, in the same folder; removed when this is dropped.
    part: PathBuf,
    file: File,
}

/// Begins a file for its owner alone.
///
/// # Errors
/// One of that name is there: it stays. The folder cannot be written.
pub(in crate::cli) fn new_file(target: &Path) -> Result<NewFile, Failure> {
    let failure = |error: io::Error| unwritten(target, &error);
    if target.try_exists().map_err(failure)? {
        return Err(failure(io::ErrorKind::AlreadyExists.into()));
    }
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = target.with_file_name(name);
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&part).map_err(failure)?;
    Ok(NewFile { target: target.to_owned(), part, file })
}

impl NewFile {
    /// Writes all that a store has, and gives the file its name.
    pub(in crate::cli) async fn fill(self, stores: &Stores, conf: &Conf) -> Result<Totals, Failure> {
        let (_, totals) = create(stores, conf, BufWriter::new(&self.file)).await?;
        self.name().map_err(|error| unwritten(&self.target, &error))?;
        Ok(totals)
    }

    /// A link never takes the place of another file, as a renaming would.
    fn name(&self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::hard_link(&self.part, &self.target)?;
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        fs::remove_file(&self.part).ok();
    }
}

fn unwritten(file: &Path, error: &io::Error) -> Failure {
    let exists = error.kind() == io::ErrorKind::AlreadyExists;
    let exit = if exists { Exit::Conflict } else { Exit::Failed };
    Failure::new(exit, format!("{}: cannot be written: {error}", file.display()))
}

/// Writes all that a store has.
///
/// What others change meanwhile may be in it or not; each subscription is as it was at one moment.
pub(in crate::cli) async fn create<W: Write>(
    stores: &Stores,
    conf: &Conf,
    out: W,
) -> Result<(W, Totals), Failure> {
    let broken = |error: io::Error| Failure::from(error);
    let mut writer = Writer::new(out, &first(stores, conf).await?).map_err(broken)?;
    let mut after: Option<Id> = None;
    loop {
        let page = stores.subscriptions.page(None, after.as_ref(), AT_ONCE).await;
        let page = page.map_err(|error| failed(&error))?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        for subscription in page {
            if let Some(saved) = saved(stores, subscription).await? {
                writer.put(&saved).map_err(broken)?;
            }
        }
    }
    let (mut out, totals) = writer.finish().map_err(broken)?;
    out.flush().map_err(broken)?;
    Ok((out, totals))
}

async fn first(stores: &Stores, conf: &Conf) -> Result<First, Failure> {
    let schema = conf.state.own_schema().map(|schema| schema.to_string());
    let mut first = First::new(stores.clock.now(), conf.state.kind(), schema);
    first.log = stores.log.head().await.map_err(|error| failed(&error))?;
    first.told = stores.deliveries.cursor().await.map_err(|error| failed(&error))?;
    Ok(first)
}

async fn saved(stores: &Stores, subscription: Subscription) -> Result<Option<Saved>, Failure> {
    let backlog = backlog(stores, &subscription.id).await?;
    let with = |Backlog { last_sequence, queued, dead, .. }| Saved {
        subscription,
        last_sequence,
        waiting: queued,
        dead,
    };
    Ok(backlog.map(with))
}

/// Returns the state of a queue; `None` if its subscription has ended meanwhile.
pub(super) async fn backlog(stores: &Stores, id: &Id) -> Result<Option<Backlog>, Failure> {
    match stores.deliveries.backlog(id).await {
        Ok(backlog) => Ok(Some(backlog)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}
