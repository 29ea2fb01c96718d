//! How much is let through: all requests together, those in flight, and each identity's share.
//!
//! An identity's share is found once per connection; a request only touches atomics.

use crate::conf::tree::{self, Rate};
use crate::problem::{Problem, Refused};
use crate::telemetry::metrics::Metrics;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use netweave_model::Timestamp;
use prometheus::IntCounter;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Identities whose shares are remembered. When there are more, those that were idle for long enough to be new again
/// are forgotten.
const MOST_SHARES: usize = 10_000;

/// A rate limit; none where the configuration says zero.
struct Bucket(Option<DefaultDirectRateLimiter>);

impl Bucket {
    fn new(rate: u32, burst: u32) -> Self {
        let quota = NonZeroU32::new(rate).map(Quota::per_second);
        let quota = quota.map(|quota| NonZeroU32::new(burst).map_or(quota, |burst| quota.allow_burst(burst)));
        Self(quota.map(RateLimiter::direct))
    }

    /// Takes one request; otherwise returns the pause after which there is room again.
    fn take(&self) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check().map_err(|not_yet| not_yet.wait_time_from(DefaultClock::default().now()))
    }
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Bucket").field(&self.0.is_some()).finish()
    }
}

/// What one identity may use.
#[derive(Debug)]
pub struct Share {
    bucket: Bucket,
    /// When it was last used, in milliseconds since 1970.
    used: AtomicI64,
    /// The time after which the bucket is full again, unused.
    refilled: Duration,
}

impl Share {
    fn new(rate: &Rate, now: Timestamp) -> Self {
        Self {
            bucket: Bucket::new(rate.rate, rate.burst),
            used: AtomicI64::new(now.0),
            refilled: Duration::from_secs(u64::from(rate.burst / rate.rate.max(1)) + 1),
        }
    }
}

/// The shares of all identities that were seen lately.
#[derive(Debug, Default)]
pub struct Shares {
    known: Mutex<HashMap<String, Arc<Share>>>,
}

impl Shares {
    /// Finds or makes the share of an identity, which has this rate.
    pub fn of(&self, name: &str, rate: &Rate, now: Timestamp) -> Arc<Share> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = known.get(name) {
            return Arc::clone(share);
        }
        if known.len() >= MOST_SHARES {
            known.retain(|_, share| {
                let idle = now.since(Timestamp(share.used.load(Ordering::Relaxed)));
                Arc::strong_count(share) > 1 || idle < share.refilled
            });
        }
        let share = Arc::new(Share::new(rate, now));
        // Beyond the bound a share lives as long as its connection.
        if known.len() < MOST_SHARES {
            known.insert(name.to_owned(), Arc::clone(&share));
        }
        share
    }
}

/// The limits of the whole process.
pub struct Limits {
    all: Bucket,
    in_flight: Arc<AtomicUsize>,
    most_in_flight: usize,
    refused_all: IntCounter,
    refused_in_flight: IntCounter,
    refused_identity: IntCounter,
}

/// A place among the requests in flight.
#[derive(Debug)]
pub struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limits {
    /// Takes the limits from the configuration.
    pub fn new(conf: &tree::Limits, metrics: &Metrics) -> Self {
        let counter = |limit| metrics.limited.with_label_values(&[limit]);
        Self {
            all: Bucket::new(conf.requests_per_second, conf.requests_per_second),
            in_flight: Arc::new(AtomicUsize::new(0)),
            most_in_flight: conf.in_flight,
            refused_all: counter("global"),
            refused_in_flight: counter("in-flight"),
            refused_identity: counter("identity"),
        }
    }

    /// Takes a place in flight and one request of the identity's share and of all; the share first, so that a caller
    /// above its own cannot use up what is everybody's.
    ///
    /// # Errors
    /// 429, with the pause.
    pub fn enter(&self, share: &Share, now: Timestamp) -> Result<InFlight, Refused> {
        share.used.store(now.0, Ordering::Relaxed);
        let refused = |counter: &IntCounter, pause| {
            counter.inc();
            Box::new(Problem::rate_limited(pause))
        };
        share.bucket.take().map_err(|pause| refused(&self.refused_identity, pause))?;
        self.all.take().map_err(|pause| refused(&self.refused_all, pause))?;
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let place = InFlight(Arc::clone(&self.in_flight));
        if before >= self.most_in_flight {
            return Err(refused(&self.refused_in_flight, Duration::from_secs(1)));
        }
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn limits(change: impl FnOnce(&mut tree::Limits)) -> (Limits, impl Fn(&str) -> Arc<Share>) {
        let mut conf = tree::Limits::default();
        change(&mut conf);
        let (limits, shares) = (Limits::new(&conf, &Metrics::new().unwrap()), Shares::default());
        (limits, move |name| shares.of(name, &conf.per_identity, NOW))
    }

    #[test]
    fn one_identity_is_refused_above_its_burst_and_another_is_not() {
        let (limits, shares) = limits(|conf| conf.per_identity = Rate { rate: 1, burst: 2 });
        let enter = |name: &str| limits.enter(&shares(name), NOW).map(drop).map_err(|p| p.status().as_u16());
        assert_eq!([enter("a"), enter("a"), enter("a")], [Ok(()), Ok(()), Err(429)]);
        assert_eq!(enter("b"), Ok(()));
    }

    #[test]
    fn all_together_are_bounded() {
        let (limits, shares) = limits(|conf| conf.requests_per_second = 1);
        assert!(limits.enter(&shares("a"), NOW).is_ok());
        assert!(limits.enter(&shares("b"), NOW).is_err());
    }

    #[test]
    fn requests_in_flight_are_bounded_and_free_their_place() {
        let (limits, shares) = limits(|conf| conf.in_flight = 1);
        let share = shares("a");
        let first = limits.enter(&share, NOW).unwrap();
        assert!(limits.enter(&share, NOW).is_err());
        drop(first);
        assert!(limits.enter(&share, NOW).is_ok());
    }

    #[test]
    fn zero_switches_a_limit_off() {
        let (limits, shares) = limits(|conf| {
            conf.requests_per_second = 0;
            conf.per_identity = Rate { rate: 0, burst: 0 };
        });
        let share = shares("a");
        assert!((0..2000).all(|_| limits.enter(&share, NOW).is_ok()));
    }

    #[test]
    fn a_reconnect_finds_the_same_share_and_the_map_stays_bounded() {
        let (shares, rate) = (Shares::default(), Rate::default());
        assert!(Arc::ptr_eq(&shares.of("a", &rate, NOW), &shares.of("a", &rate, NOW)));
        for number in 0..MOST_SHARES + 10 {
            shares.of(&number.to_string(), &rate, NOW);
        }
        assert!(shares.known.lock().unwrap().len() <= MOST_SHARES);
        shares.of("late", &rate, NOW.plus(Duration::from_mins(1)));
        assert_eq!(shares.known.lock().unwrap().len(), 1);
    }
}
