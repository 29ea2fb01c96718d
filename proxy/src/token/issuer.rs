//! One issuer: its keys, how long they are believed, and when they are asked for.
//!
//! Requests read the keys and never fetch them; `services/token_keys.rs` does, in its time or because a token names a key
//! that is not there. That may happen once in ten seconds, so that tokens made up by anybody do not hammer the issuer.

use super::key::{KeySet, MAX_SET};
use crate::conf::tree;
use crate::digest;
use crate::telemetry::metrics::Metrics;
use arc_swap::ArcSwapOption;
use netweave_model::{Error, ErrorKind, Result};
use prometheus::{Gauge, IntCounter, IntGauge};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tracing::info;

/// Least time between two fetches that tokens ask for.
const PAUSE: Duration = Duration::from_secs(10);
/// Longest time that a request waits for a fetch.
const PATIENCE: Duration = Duration::from_secs(2);

/// An issuer with its keys.
pub struct Issuer {
    /// What the configuration says of it.
    pub conf: tree::Issuer,
    held: ArcSwapOption<Held>,
    asked: Mutex<Asked>,
    wake: Notify,
    /// Tells of each fetch that is over.
    rounds: watch::Sender<()>,
    counts: Counts,
}

/// Keys, as they were fetched last.
struct Held {
    keys: Arc<KeySet>,
    digest: String,
    confirmed: Instant,
}

/// What tokens have asked for.
#[derive(Default)]
struct Asked {
    /// When a token asked last.
    at: Option<Instant>,
    /// Whether that fetch is not over yet.
    open: bool,
}

struct Counts {
    good: IntCounter,
    bad: IntCounter,
    keys: IntGauge,
    fetched: Gauge,
}

/// Reads a file of keys.
///
/// # Errors
/// `Invalid`: it cannot be read, or is no set of keys.
pub fn read_keys(path: &Path) -> Result<KeySet> {
    KeySet::parse(&read_file(path)?)
}

/// Reads a file up to the bound of a set, and one byte more.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |error| Error::new(ErrorKind::Invalid, "cannot be read").with_source(error);
    let mut json = Vec::new();
    let most = u64::try_from(MAX_SET).unwrap_or(u64::MAX) + 1;
    File::open(path).map_err(unreadable)?.take(most).read_to_end(&mut json).map_err(unreadable)?;
    Ok(json)
}

impl Issuer {
    /// Makes an issuer without keys.
    pub fn new(conf: tree::Issuer, metrics: &Metrics) -> Self {
        let name = conf.name.as_str();
        let counts = Counts {
            good: metrics.token_fetches.with_label_values(&[name, "ok"]),
            bad: metrics.token_fetches.with_label_values(&[name, "failed"]),
            keys: metrics.token_keys.with_label_values(&[name]),
            fetched: metrics.token_keys_fetched.with_label_values(&[name]),
        };
        Self {
            conf,
            held: ArcSwapOption::empty(),
            asked: Mutex::default(),
            wake: Notify::new(),
            rounds: watch::Sender::new(()),
            counts,
        }
    }

    /// Returns the keys, if they are still believed.
    pub fn keys(&self, now: Instant) -> Option<Arc<KeySet>> {
        let held = self.held.load();
        let held = held.as_ref()?;
        let age = now.saturating_duration_since(held.confirmed);
        (age <= self.conf.grace.0).then(|| Arc::clone(&held.keys))
    }

    /// Takes what a fetch has brought; keys that are the same stay the same, so that what they have verified counts on.
    ///
    /// # Errors
    /// As [`KeySet::parse`]; what was there before stays.
    pub fn take(&self, json: &[u8], now: Instant) -> Result<()> {
        let digest = digest::sha256(json);
        let before = self.held.load();
        let same = before.as_ref().filter(|held| held.digest == digest).map(|held| Arc::clone(&held.keys));
        let keys = match same {
            Some(keys) => keys,
            None => self.read(json)?,
        };
        self.held.store(Some(Arc::new(Held { keys, digest, confirmed: now })));
        Ok(())
    }

    fn read(&self, json: &[u8]) -> Result<Arc<KeySet>> {
        let keys = KeySet::parse(json)?;
        info!(issuer = self.conf.name, keys = keys.len(), "the keys of a token issuer have changed");
        self.counts.keys.set(i64::try_from(keys.len()).unwrap_or(i64::MAX));
        Ok(Arc::new(keys))
    }

    /// Counts a fetch that is over, and tells those who wait for it.
    pub fn fetched(&self, good: bool, at: netweave_model::Timestamp) {
        if good {
            self.counts.good.inc();
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
            self.counts.fetched.set(at.0 as f64 / 1000.0);
        } else {
            self.counts.bad.inc();
        }
        self.asked().open = false;
        self.rounds.send_replace(());
    }

    /// Asks for the keys to be fetched; returns whether it is worth waiting for that.
    pub fn ask(&self, now: Instant) -> bool {
        let mut asked = self.asked();
        if asked.at.is_some_and(|at| now.saturating_duration_since(at) < PAUSE) {
            return asked.open;
        }
        *asked = Asked { at: Some(now), open: true };
        self.wake.notify_one();
        true
    }

    /// Waits until a fetch is over that began after it was asked for, or for two seconds.
    pub async fn answered(&self) {
        let mut rounds = self.rounds.subscribe();
        if !self.asked().open {
            return;
        }
        // Whether it came in time shows when the keys are looked at again.
        tokio::time::timeout(PATIENCE, rounds.changed()).await.ok();
    }

    /// Waits until somebody asks.
    pub async fn wanted(&self) {
        self.wake.notified().await;
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Issuer").field(&self.conf.name).finish()
    }
}
