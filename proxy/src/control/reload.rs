//! Reads the configuration again: all of it is checked, then the live keys change together, or none.

use crate::audit::Audit;
use crate::conf::live;
use crate::conf::tree::Conf;
use crate::digest;
use crate::telemetry::metrics::Metrics;
use netweave_model::Result;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::{error, info, warn};

/// A configuration that was read and has no fault.
#[derive(Debug)]
pub struct Read {
    /// The configuration.
    pub conf: Conf,
    /// What should be looked at.
    pub warnings: Vec<String>,
}

/// Reads a configuration; its faults are lines for people.
type Reader = dyn Fn() -> std::result::Result<Read, Vec<String>> + Send + Sync;

/// Where the configuration comes from, each time it is read.
#[derive(Clone)]
pub struct Source {
    /// The file, if there is one whose changes can be seen.
    pub file: Option<PathBuf>,
    /// Reads and checks it, with environment and flags.
    pub read: Arc<Reader>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.file).finish()
    }
}

impl Default for Source {
    /// Has nothing that could be read again.
    fn default() -> Self {
        let read = || Err(vec!["there is no configuration that could be read again".to_owned()]);
        Self { file: None, read: Arc::new(read) }
    }
}

/// What takes the live keys over.
pub trait Target: Send + Sync {
    /// Checks all that is live, then puts it in force.
    ///
    /// # Errors
    /// `Invalid`: something cannot be used; then nothing was changed.
    fn swap(&self, conf: &Conf) -> Result<()>;
}

/// What came of a configuration that was taken over; paths as in faults, in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The keys that changed.
    pub live: Vec<String>,
    /// The keys that differ from those the process was started with, and count from the next start.
    pub restart: Vec<String>,
    /// What should be looked at.
    pub warnings: Vec<String>,
}

/// Why a configuration was not taken over; the one before stays in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// What is wrong, one fault a line.
    pub faults: Vec<String>,
}

/// Reads the configuration again.
pub struct Reloader {
    source: Source,
    target: Box<dyn Target>,
    metrics: Arc<Metrics>,
    audit: Arc<Audit>,
    state: Mutex<State>,
}

struct State {
    /// What the process was started with.
    started: Conf,
    /// What was taken over last.
    current: Conf,
    /// What the file held when it was looked at last.
    seen: Option<String>,
}

impl Reloader {
    /// Begins with the configuration that the process was started with.
    pub fn new(
        source: Source,
        conf: &Conf,
        target: Box<dyn Target>,
        (metrics, audit): (Arc<Metrics>, Arc<Audit>),
    ) -> Self {
        metrics.config_ok.set(1);
        // Both are there from the start, so that the first failure is a rise.
        for result in ["ok", "failed"] {
            metrics.config_reloads.with_label_values(&[result]).inc_by(0);
        }
        let state = State { started: conf.clone(), current: conf.clone(), seen: contents(&source) };
        Self { source, target, metrics, audit, state: Mutex::new(state) }
    }

    /// Reads the configuration again if its file holds something else than when it was looked at last; blocks for a moment.
    ///
    /// The contents are looked at, not the times: a mounted file is exchanged by a link, and may keep its time.
    pub fn look(&self) {
        let contents = contents(&self.source);
        if contents != self.state().seen {
            // It logs what comes of it.
            self.reload().ok();
        }
    }

    /// Reads the configuration again; blocks for a moment.
    ///
    /// # Errors
    /// What is wrong with it; the one before stays in force.
    pub fn reload(&self) -> std::result::Result<Report, Refused> {
        let mut state = self.state();
        state.seen = contents(&self.source);
        let outcome = self.take_over(&mut state);
        drop(state);
        let result = if outcome.is_ok() { "ok" } else { "failed" };
        self.metrics.config_ok.set(i64::from(outcome.is_ok()));
        self.metrics.config_reloads.with_label_values(&[result]).inc();
        self.audit.event(self.audit.now("process.reload").with("result", result));
        outcome.as_ref().map_or_else(refused, told);
        outcome
    }

    fn take_over(&self, state: &mut State) -> std::result::Result<Report, Refused> {
        let Read { conf, warnings } = (self.source.read)().map_err(|faults| Refused { faults })?;
        self.target.swap(&conf).map_err(|error| {
            let faults = error.params().iter().map(|one| format!("{}: {}", one.name, one.reason)).collect();
            Refused { faults: if error.params().is_empty() { vec![error.to_string()] } else { faults } }
        })?;
        let mut live = live::changed(&state.current, &conf);
        live.retain(|path| live::is_live(path));
        let mut restart = live::changed(&state.started, &conf);
        restart.retain(|path| !live::is_live(path));
        state.current = conf;
        Ok(Report { live, restart, warnings })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that cannot be read holds nothing.
fn contents(source: &Source) -> Option<String> {
    let bytes = std::fs::read(source.file.as_deref()?).ok()?;
    Some(digest::sha256(&bytes))
}

fn told(report: &Report) {
    let (live, restart) = (report.live.join(" "), report.restart.join(" "));
    info!(live, restart, "the configuration was read again; keys under `restart` count from the next start");
    report.warnings.iter().for_each(|warning| usable(warning));
}

fn usable(warning: &str) {
    warn!(warning, "the configuration is usable, but");
}

fn refused(refused: &Refused) {
    error!(error = refused.faults.join("; "), "the configuration has faults; the one before stays in force");
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::Error;

    #[derive(Default)]
    struct Taken(Arc<Mutex<Vec<u32>>>);

    impl Target for Taken {
        fn swap(&self, conf: &Conf) -> Result<()> {
            if conf.limits.requests_per_second == 13 {
                return Err(Error::invalid("limits.requestsPerSecond", "is unlucky"));
            }
            self.0.lock().unwrap().push(conf.limits.requests_per_second);
            Ok(())
        }
    }

    type Next = Arc<Mutex<std::result::Result<Conf, Vec<String>>>>;

    fn reloader() -> (Reloader, Next, Arc<Mutex<Vec<u32>>>) {
        let next: Next = Arc::new(Mutex::new(Ok(Conf::default())));
        let reads = Arc::clone(&next);
        let read = Arc::new(move || {
            let conf = reads.lock().unwrap().clone()?;
            Ok(Read { conf, warnings: Vec::new() })
        });
        let taken = Taken::default();
        let seen = Arc::clone(&taken.0);
        let parts = (Arc::new(Metrics::new().unwrap()), Arc::new(Audit::off()));
        let source = Source { file: None, read };
        (Reloader::new(source, &Conf::default(), Box::new(taken), parts), next, seen)
    }

    fn with(change: impl FnOnce(&mut Conf)) -> Conf {
        let mut conf = Conf::default();
        change(&mut conf);
        conf
    }

    #[test]
    fn live_keys_are_taken_over_and_others_are_named_until_they_are_as_at_the_start() {
        let (reloader, next, taken) = reloader();
        *next.lock().unwrap() = Ok(with(|conf| {
            conf.limits.requests_per_second = 7;
            conf.limits.h2_streams = 3;
        }));
        let report = reloader.reload().unwrap();
        assert_eq!(
            (report.live, report.restart),
            (vec!["limits.requestsPerSecond".to_owned()], vec!["limits.h2Streams".to_owned()])
        );
        let report = reloader.reload().unwrap();
        assert_eq!((report.live, report.restart.len()), (vec![], 1), "it still needs a restart");
        *next.lock().unwrap() = Ok(with(|_| ()));
        let report = reloader.reload().unwrap();
        assert_eq!((report.live.len(), report.restart), (1, vec![]));
        assert_eq!(*taken.lock().unwrap(), [7, 7, 1000]);
    }

    #[test]
    fn a_fault_leaves_everything_as_it_was_and_shows_in_the_metrics() {
        let (reloader, next, taken) = reloader();
        *next.lock().unwrap() = Err(vec!["3:1: limits: is wrong".to_owned()]);
        assert_eq!(reloader.reload().unwrap_err().faults, ["3:1: limits: is wrong"]);
        *next.lock().unwrap() = Ok(with(|conf| conf.limits.requests_per_second = 13));
        assert_eq!(reloader.reload().unwrap_err().faults, ["limits.requestsPerSecond: is unlucky"]);
        assert_eq!(reloader.metrics.config_ok.get(), 0);
        assert!(taken.lock().unwrap().is_empty());
        *next.lock().unwrap() = Ok(with(|_| ()));
        reloader.reload().unwrap();
        assert_eq!(reloader.metrics.config_ok.get(), 1);
        assert_eq!(reloader.metrics.config_reloads.with_label_values(&["failed"]).get(), 2);
    }
}
