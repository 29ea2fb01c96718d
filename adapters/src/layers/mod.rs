//! Decorators over the backend port: retry, breaker, limits, observation, time-out.
//!
//! Streams pass all of them (only observed): they recover by themselves, see [`netweave_model::port::Changes`].

mod breaker;
mod limit;
mod observe;
mod retry;
mod timeout;

pub use breaker::{Breaker, Trip};
pub use limit::{Limit, Rate};
pub use observe::{Observe, Observer};
pub use retry::{Attempts, Retrying};
pub use timeout::{Limits, Timeout};

use netweave_model::SourceName;
use netweave_model::port::{Backend, Clock};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// The settings of all layers; the defaults suit every backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// How long a call may take.
    pub limits: Limits,
    /// How many calls there may be.
    pub rate: Rate,
    /// When calls are refused without asking the backend.
    pub trip: Trip,
    /// How often a call is tried.
    pub attempts: Attempts,
}

impl Guard {
    /// Returns settings for something in this machine: no need to spare it, and it may be back at any moment.
    #[must_use]
    pub fn local() -> Self {
        let many = NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN);
        Self {
            rate: Rate { per_second: many, burst: many, ..Rate::default() },
            trip: Trip { pause: Duration::from_secs(1), longest: Duration::from_secs(5), ..Trip::default() },
            ..Self::default()
        }
    }
}

/// Puts all layers around a backend.
///
/// From outside in: retry, so that each try passes the rest; breaker; limits; observer, who thus sees real calls only;
/// time-out.
pub fn guard(
    backend: Arc<dyn Backend>,
    source: &SourceName,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    settings: &Guard,
) -> Arc<dyn Backend> {
    let timed: Arc<dyn Backend> = Arc::new(Timeout::new(backend, settings.limits));
    let counted: Arc<dyn Backend> = Arc::new(Observe::new(timed, source.clone(), observer));
    let limited: Arc<dyn Backend> = Arc::new(Limit::new(counted, settings.rate));
    let broken: Arc<dyn Backend> = Arc::new(Breaker::new(limited, clock, settings.trip));
    Arc::new(Retrying::new(broken, settings.attempts))
}

#[cfg(test)]
mod fake;
