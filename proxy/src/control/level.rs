//! What is logged: by the configuration, and for a while by what somebody asked for.

use crate::telemetry::log::Dial;
use netweave_model::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{error, info};

/// What is logged.
pub struct Level {
    dial: Dial,
    state: Mutex<State>,
}

struct State {
    /// The directives of the configuration.
    configured: String,
    /// The directives that somebody asked for, while they count.
    asked: Option<String>,
    /// Counts what was asked for, so that only the latest ends.
    number: u64,
}

impl Level {
    /// Begins with what the configuration says, which is set already.
    pub fn new(dial: Dial, configured: &str) -> Self {
        let state = State { configured: configured.to_owned(), asked: None, number: 0 };
        Self { dial, state: Mutex::new(state) }
    }

    /// Takes over what another configuration says; it is set at once, or when what was asked for has ended.
    ///
    /// # Errors
    /// `Invalid`: it is neither a level nor directives.
    pub fn configure(&self, directives: &str) -> Result<()> {
        let mut state = self.state();
        if state.asked.is_none() {
            self.dial.set(directives)?;
        }
        directives.clone_into(&mut state.configured);
        Ok(())
    }

    /// Logs by other directives for a while, and by the configuration again after that; needs a runtime.
    ///
    /// # Errors
    /// As [`Level::configure`].
    pub fn ask(self: &Arc<Self>, directives: &str, lasts: Duration) -> Result<()> {
        let mut state = self.state();
        self.dial.set(directives)?;
        info!(level = directives, lasts_s = lasts.as_secs(), "the log level is another one for a while");
        state.asked = Some(directives.to_owned());
        state.number += 1;
        let (level, number) = (Arc::clone(self), state.number);
        drop(state);
        tokio::spawn(async move {
            tokio::time::sleep(lasts).await;
            level.end(number);
        });
        Ok(())
    }

    /// Returns the directives in force.
    pub fn now(&self) -> String {
        let state = self.state();
        state.asked.clone().unwrap_or_else(|| state.configured.clone())
    }

    fn end(&self, number: u64) {
        let mut state = self.state();
        if state.number != number {
            return;
        }
        state.asked = None;
        self.dial.set(&state.configured).map_or_else(|error| stuck(&error), |()| set_back(&state.configured));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set_back(level: &str) {
    info!(level, "the log level is that of the configuration again");
}

fn stuck(error: &Error) {
    error!(%error, "the log level cannot be set back");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level() -> (Arc<Level>, Arc<Mutex<Vec<String>>>) {
        let set = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&set);
        let dial = Dial::of(move |filter| {
            seen.lock().unwrap().push(filter.to_string());
            Ok(())
        });
        (Arc::new(Level::new(dial, "info")), set)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_for_ends_by_itself_and_only_the_latest_does() {
        let (level, set) = level();
        level.ask("debug", Duration::from_secs(10)).unwrap();
        level.ask("trace", Duration::from_secs(20)).unwrap();
        tokio::time::sleep(Duration::from_secs(15)).await;
        assert_eq!(level.now(), "trace");
        level.configure("warn").unwrap();
        assert_eq!(level.now(), "trace", "it counts until it ends");
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(level.now(), "warn");
        let set = set.lock().unwrap();
        assert_eq!(set.len(), 3, "{set:?}");
        assert!(set.last().unwrap().contains("warn"), "{set:?}");
    }

    #[tokio::test]
    async fn what_is_no_level_changes_nothing() {
        let (level, set) = level();
        assert!(level.ask("a=b=c", Duration::from_secs(1)).is_err());
        assert!(level.configure("a=b=c").is_err());
        assert_eq!(level.now(), "info");
        assert!(set.lock().unwrap().is_empty());
    }
}
