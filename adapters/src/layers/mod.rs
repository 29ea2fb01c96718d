//! Decorators over the backend port: retry, limits, breaker, observation, time-out.
//!
//! Streams pass all of them (only observed): they recover by themselves, see [`netweave_model::port::Changes`].

mod breaker;
mod limit;
mod observe;
mod retry;
mod timeout;

pub use breaker::{Breaker, Trip};
pub use limit::{Limit, Rate};
pub use observe::{Observe, Observer, Traced};
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
/// From outside in: retry, so that each try passes the rest; limits, whose refusals say nothing about the backend; breaker;
/// observer, who thus sees real calls only; time-out.
pub fn guard(
    backend: Arc<dyn Backend>,
    source: &SourceName,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    settings: &Guard,
) -> Arc<dyn Backend> {
    let timed: Arc<dyn Backend> = Arc::new(Timeout::new(backend, settings.limits));
    let counted: Arc<dyn Backend> = Arc::new(Observe::new(timed, source.clone(), observer));
    let broken: Arc<dyn Backend> = Arc::new(Breaker::new(counted, clock, settings.trip));
    let limited: Arc<dyn Backend> = Arc::new(Limit::new(broken, settings.rate));
    Arc::new(Retrying::new(limited, settings.attempts))
}

#[cfg(test)]
mod fake;

#[cfg(test)]
mod tests {
    use super::fake::{Fake, Hands, Turn};
    use super::*;
    use netweave_model::{ErrorKind, Kind};

    struct Nobody;

    impl Observer for Nobody {
        fn operation(&self, _: &SourceName, _: &'static str, _: Result<(), ErrorKind>, _: Duration) {}
    }

    fn guarded(fake: Arc<Fake>, settings: &Guard) -> Arc<dyn Backend> {
        guard(fake, &SourceName::from("lab"), Arc::new(Nobody), Arc::new(Hands::default()), settings)
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_wait_in_vain_do_not_open_the_breaker() {
        let limits = Limits { list: Duration::from_hours(1), ..Limits::default() };
        let rate = Rate { at_once: 1, ..Rate::default() };
        let slow = guarded(Fake::new([Turn::Hang]), &Guard { limits, rate, ..Guard::default() });
        {
            let hanging = slow.list(Kind::Resource);
            tokio::pin!(hanging);
            assert!(futures::poll!(&mut hanging).is_pending());
            for _ in 0..9 {
                assert_eq!(slow.list(Kind::Resource).await.unwrap_err().kind(), ErrorKind::Unavailable);
            }
        }
        assert!(slow.list(Kind::Resource).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn every_try_counts_for_the_breaker() {
        let fake = Fake::failing([ErrorKind::Unavailable; 9]);
        let backend = guarded(Arc::clone(&fake), &Guard::default());
        assert!(backend.list(Kind::Resource).await.is_err());
        assert!(backend.list(Kind::Resource).await.is_err());
        assert_eq!(fake.calls(), 5, "two lists of three tries each, and the sixth was refused");
    }
}
