//! What each knob of the configuration costs, or brings: the same load on gateways that differ in one key, in turns.

mod collector;
mod contest;
mod creations;
mod handshakes;
mod notifications;
mod pages;
mod reads;

use crate::Bench;
use contest::Table;
use netweave_benches::Result;
use std::path::{Path, PathBuf};

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path) -> Result<()> {
    let disk = Disk::new(bench.out.join("knobs.disk"))?;
    let mut table = Table::new();
    reads::run(bench, redis, &mut table).await?;
    pages::run(bench, redis, &mut table).await?;
    handshakes::run(bench, &mut table).await?;
    creations::run(bench, (redis, &disk), &mut table).await?;
    notifications::run(bench, (redis, &disk), &mut table).await?;
    table.finish(&bench.out)
}

/// A folder on a disk, as what is synced to memory costs nothing; it goes when this is dropped.
struct Disk(PathBuf);

impl Disk {
    fn new(path: PathBuf) -> Result<Self> {
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Makes a folder in it.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.0.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
