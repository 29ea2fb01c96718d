//! Reading a backend anew because somebody asks: whoever watches it has to begin again, with a complete list.

use super::NetweaveRoutes;
use crate::inventory::lease::name_of;
use crate::reply::Reply;
use http::StatusCode;
use netweave_model::error::Retry;
use netweave_model::{Error, ErrorKind, Result, SourceName, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A backend is read anew once in this time, however often it is asked for: a complete list costs it much.
const PAUSE: Duration = Duration::from_secs(10);

/// When each source was read anew last, by a request to this process.
#[derive(Debug, Default)]
pub(super) struct Refreshed(Mutex<BTreeMap<SourceName, Timestamp>>);

impl Refreshed {
    /// Returns how long a source is not to be read anew; zero if it may be.
    fn left(&self, source: &SourceName, now: Timestamp) -> Duration {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(source).map_or(Duration::ZERO, |last| PAUSE.saturating_sub(now.since(*last)))
    }

    /// Notes that a source is read anew.
    fn note(&self, source: SourceName, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(source, now);
    }
}

impl NetweaveRoutes {
    /// Has the pod that watches a source begin again.
    ///
    /// # Errors
    /// `NotFound`: there is no such source. `RateLimited`: it was done just now. `Conflict`: nobody watches it at present.
    pub(super) async fn refresh(&self, source: &str) -> Result<Reply> {
        let source = SourceName::from(source);
        if !self.parts.sources.all().iter().any(|(name, _)| *name == source) {
            return Err(Error::new(ErrorKind::NotFound, "there is no such source"));
        }
        let now = self.parts.desk.parts().clock.now();
        let left = self.refreshed.left(&source, now);
        if !left.is_zero() {
            let error = Error::new(ErrorKind::RateLimited, "the source was read anew just now");
            return Err(error.with_retry(Retry::After(left)));
        }
        if let Some(causes) = self.parts.sources.causes(&source) {
            causes.ask();
        }
        if !self.parts.leases.revoke(&name_of(&source)).await? {
            let reason = "nobody watches the source at present; it is read as soon as somebody does";
            return Err(Error::new(ErrorKind::Conflict, reason));
        }
        self.refreshed.note(source, now);
        Ok(Reply::empty(StatusCode::ACCEPTED))
    }
}
