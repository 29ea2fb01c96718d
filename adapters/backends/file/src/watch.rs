//! The stream of changes: what the file said last, against what it says now.
//!
//! The folder is watched, not the file, so that a rename over it, an editor's backup dance and the symlink swap of a
//! mounted `ConfigMap` are all seen. Where watching fails (some network file systems), a look every few seconds remains.

use crate::inventory::Outline;
use crate::load::{Depth, Loader, Said};
use futures::stream::{self, StreamExt};
use netweave_model::port::{Change, Changes};
use netweave_model::{Error, Kind, Result};
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::warn;

/// Pause between looks that nothing asked for.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Longest time without a sign of life, good or bad.
const BEAT_EVERY: Duration = Duration::from_secs(9);
/// The name that a mounted `ConfigMap` swaps.
const SWAPPED: &str = "..data";

/// One stream's state.
struct Follow {
    loader: Arc<Loader>,
    kinds: Vec<Kind>,
    /// What the stream has told, and the file's digest.
    told: Option<(u64, Outline)>,
    /// The failure that was told last, until it is mended.
    failing: Option<String>,
    ready: VecDeque<Result<Change>>,
    bell: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    beat: Instant,
    begun: bool,
}

/// Streams the changes of some kinds of the file's objects.
pub(crate) fn changes(loader: Arc<Loader>, kinds: Vec<Kind>) -> Changes {
    let follow = Follow {
        loader,
        kinds,
        told: None,
        failing: None,
        ready: VecDeque::new(),
        bell: Arc::new(Notify::new()),
        watcher: None,
        beat: Instant::now(),
        begun: false,
    };
    stream::unfold(follow, |mut follow| async move {
        let item = follow.next().await;
        Some((item, follow))
    })
    .boxed()
}

impl Follow {
    async fn next(&mut self) -> Result<Change> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return item;
            }
            let depth = self.wait().await;
            // Not kept: a large file's first list is told once.
            self.ready = VecDeque::new();
            match self.loader.since(depth, self.told.as_ref().map(|(digest, _)| *digest)).await {
                Ok(said) => self.tell(said),
                Err(error) => self.fail(error),
            }
        }
    }

    /// Waits for a reason to look; the first call returns at once, with the watch standing.
    async fn wait(&mut self) -> Depth {
        let watched = self.watcher.is_some() || self.watch();
        if !self.begun {
            self.begun = true;
            return Depth::Glance;
        }
        if !watched {
            tokio::time::sleep(LOOK_EVERY).await;
            return Depth::Glance;
        }
        match tokio::time::timeout(LOOK_EVERY, self.bell.notified()).await {
            Ok(()) => Depth::Read,
            Err(_) => Depth::Glance,
        }
    }

    fn tell(&mut self, said: Option<Said>) {
        if let Some(Said { digest, inventory }) = said {
            for kind in &self.kinds {
                match &self.told {
                    None => self.ready.extend(inventory.baseline(*kind).map(Ok)),
                    Some((_, told)) => self.ready.extend(inventory.since(told, *kind).map(Ok)),
                }
            }
            self.told = Some((digest, inventory.outline()));
        }
        let mended = self.failing.take().is_some() && self.ready.is_empty();
        if mended || self.beat.elapsed() >= BEAT_EVERY {
            self.ready.push_back(Ok(Change::Heartbeat));
            self.beat = Instant::now();
        }
    }

    fn fail(&mut self, error: Error) {
        let text = error.to_string();
        if self.failing.as_ref() != Some(&text) || self.beat.elapsed() >= BEAT_EVERY {
            self.failing = Some(text);
            self.beat = Instant::now();
            self.ready.push_back(Err(error));
        }
    }

    /// Sets up the watch; returns whether it stands. The folder may not exist yet, so it is tried again at each look.
    fn watch(&mut self) -> bool {
        match watcher(self.loader.path(), Arc::clone(&self.bell)) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                true
            }
            Err(error) => {
                if !self.begun {
                    warn!(%error, "cannot watch the folder of the inventory file, looking at it now and then instead");
                }
                false
            }
        }
    }
}

fn watcher(path: &Path, bell: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let name = path.file_name().map(OsStr::to_owned);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let concerns = move |path: &PathBuf| path.file_name() == name.as_deref() || path.ends_with(SWAPPED);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
        // Our own reading opens the file, which must not ring the bell.
        Ok(event) if is_read(event.kind) => {}
        Ok(event) if event.paths.iter().any(&concerns) || event.need_rescan() => bell.notify_one(),
        Ok(_) => {}
        Err(_) => bell.notify_one(),
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

fn is_read(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}
