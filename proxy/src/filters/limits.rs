//! How much is let through: all requests together, those in flight, and the shares of each identity and tenant.
//!
//! Requests in flight are bounded so that those which were let in are answered in time; what is too much is refused at
//! once. Shares are found once per connection; a request only touches atomics.

use crate::access::{Grant, Tenant};
use crate::conf::tree::{self, Rate};
use crate::problem::{Problem, Refused};
use crate::telemetry::metrics::Metrics;
use arc_swap::ArcSwap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use netweave_model::Timestamp;
use prometheus::IntCounter;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Identities whose shares are remembered. When there are more, those that were idle for long enough to be new again
/// are forgotten.
const MOST_SHARES: usize = 10_000;

/// No total is as large.
const NEVER_ASKED: u64 = u64::MAX;
/// Shares that nobody used for longer are not told to other processes.
const TOLD: Duration = Duration::from_mins(1);

/// A rate limit; none where the configuration says zero.
struct Bucket {
    limiter: Option<DefaultDirectRateLimiter>,
    /// What other processes let through and is still to be taken from here.
    owed: AtomicU64,
    /// More is not held against it: what it holds when full.
    most_owed: u64,
}

impl Bucket {
    fn new(rate: u32, burst: u32) -> Self {
        let quota = NonZeroU32::new(rate).map(Quota::per_second);
        let quota = quota.map(|quota| NonZeroU32::new(burst).map_or(quota, |burst| quota.allow_burst(burst)));
        Self {
            limiter: quota.map(RateLimiter::direct),
            owed: AtomicU64::new(0),
            most_owed: u64::from(burst.max(rate)),
        }
    }

    /// Takes one request, after what is owed; otherwise returns the pause after which there is room again.
    fn take(&self) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        loop {
            limiter.check().map_err(|not_yet| not_yet.wait_time_from(DefaultClock::default().now()))?;
            let pay =
                self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |owed| owed.checked_sub(1));
            if pay.is_err() {
                return Ok(());
            }
        }
    }

    /// Notes what other processes have let through.
    fn owe(&self, requests: u64) {
        let add = |owed: u64| Some(owed.saturating_add(requests).min(self.most_owed));
        self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok();
    }
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Bucket").field(&self.limiter.is_some()).finish()
    }
}

/// What one identity, or all of a tenant together, may use.
#[derive(Debug)]
pub struct Share {
    bucket: Bucket,
    /// Its new subscriptions.
    subscribing: Bucket,
    in_flight: AtomicUsize,
    most_in_flight: usize,
    /// That of its tenant, if the tenant has bounds.
    tenant: Option<Arc<Share>>,
    /// Requests that were let through here.
    passed: AtomicU64,
    /// What other processes had let through when they were asked last.
    passed_elsewhere: AtomicU64,
    /// When it was last used, in milliseconds since 1970.
    used: AtomicI64,
    /// The time after which the buckets are full again, unused.
    refilled: Duration,
    /// The rates that it was made of: its own, and that of new subscriptions.
    rates: (Rate, Rate),
}

impl Share {
    fn new(
        (rate, subscribing): (&Rate, &Rate),
        most_in_flight: usize,
        tenant: Option<Arc<Self>>,
        now: Timestamp,
    ) -> Self {
        let refilled = |rate: &Rate| Duration::from_secs(u64::from(rate.burst / rate.rate.max(1)) + 1);
        Self {
            bucket: Bucket::new(rate.rate, rate.burst),
            subscribing: Bucket::new(subscribing.rate, subscribing.burst),
            in_flight: AtomicUsize::new(0),
            most_in_flight,
            tenant,
            passed: AtomicU64::new(0),
            passed_elsewhere: AtomicU64::new(NEVER_ASKED),
            used: AtomicI64::new(now.0),
            refilled: refilled(rate).max(refilled(subscribing)),
            rates: (rate.clone(), subscribing.clone()),
        }
    }

    /// Says whether it is what these bounds would make.
    fn is_of(
        &self,
        (rate, subscribing): (&Rate, &Rate),
        most_in_flight: usize,
        tenant: Option<&Arc<Self>>,
    ) -> bool {
        let same_tenant = match (&self.tenant, tenant) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (None, None) => true,
            _ => false,
        };
        same_tenant
            && self.most_in_flight == most_in_flight
            && (&self.rates.0, &self.rates.1) == (rate, subscribing)
    }

    fn take(&self) -> Result<(), Duration> {
        self.bucket.take()?;
        self.passed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// How many requests were let through here.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Takes from it what other processes have let through since they were asked last.
    pub fn others_passed(&self, total: u64) {
        let before = self.passed_elsewhere.swap(total, Ordering::Relaxed);
        // They began before this one asked, or their totals are lost: what they let through then is not known.
        if before != NEVER_ASKED {
            self.bucket.owe(total.saturating_sub(before));
        }
    }
}

/// The shares of all identities that were seen lately, and of their tenants.
#[derive(Debug)]
pub struct Shares {
    known: Mutex<HashMap<String, Arc<Share>>>,
    /// Few: the configuration names them.
    tenants: Mutex<HashMap<String, Arc<Share>>>,
    own: ArcSwap<Own>,
}

/// What each identity has beside its own rate.
#[derive(Debug)]
struct Own {
    most_in_flight: usize,
    subscribing: Rate,
}

impl Own {
    fn new(conf: &tree::Limits) -> Self {
        Self { most_in_flight: conf.in_flight_per_identity, subscribing: conf.new_subscriptions.clone() }
    }
}

impl Shares {
    /// Begins without any; what each identity has beside its own rate is in the configuration.
    pub fn new(conf: &tree::Limits) -> Self {
        Self {
            known: Mutex::default(),
            tenants: Mutex::default(),
            own: ArcSwap::from_pointee(Own::new(conf)),
        }
    }

    /// Puts other bounds in force, for shares that are asked for from here on.
    pub fn replace(&self, conf: &tree::Limits) {
        self.own.store(Arc::new(Own::new(conf)));
    }

    /// Finds or makes the share of an identity; one that was made of other bounds gives way to a full one.
    pub fn of(&self, name: &str, grant: &Grant, now: Timestamp) -> Arc<Share> {
        let tenant = grant.tenant.as_ref().and_then(|tenant| self.of_tenant(tenant, now));
        let own = self.own.load();
        let (rates, most) = ((&grant.rate, &own.subscribing), own.most_in_flight);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = known.get_mut(name) {
            if !share.is_of(rates, most, tenant.as_ref()) {
                *share = Arc::new(Share::new(rates, most, tenant, now));
            }
            return Arc::clone(share);
        }
        if known.len() >= MOST_SHARES {
            known.retain(|_, share| {
                let idle = now.since(Timestamp(share.used.load(Ordering::Relaxed)));
                Arc::strong_count(share) > 1 || idle < share.refilled
            });
        }
        let share = Arc::new(Share::new(rates, most, tenant, now));
        // Beyond the bound a share lives as long as its connection.
        if known.len() < MOST_SHARES {
            known.insert(name.to_owned(), Arc::clone(&share));
        }
        share
    }

    /// Returns the shares that were used lately, under names that no two have.
    pub fn used(&self, now: Timestamp) -> Vec<(String, Arc<Share>)> {
        let mut used = Vec::new();
        for (prefix, shares) in [("identity:", &self.known), ("tenant:", &self.tenants)] {
            let shares = shares.lock().unwrap_or_else(PoisonError::into_inner);
            let lately = shares
                .iter()
                .filter(|(_, share)| now.since(Timestamp(share.used.load(Ordering::Relaxed))) < TOLD);
            used.extend(lately.map(|(name, share)| (format!("{prefix}{name}"), Arc::clone(share))));
        }
        used
    }

    fn of_tenant(&self, tenant: &Tenant, now: Timestamp) -> Option<Arc<Share>> {
        if tenant.rate.is_none() && tenant.in_flight.is_none() {
            return None;
        }
        let unbounded = Rate { rate: 0, burst: 0 };
        let rate = tenant.rate.as_ref().unwrap_or(&unbounded);
        let most = tenant.in_flight.unwrap_or(usize::MAX);
        let make = || Arc::new(Share::new((rate, &unbounded), most, None, now));
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let share = tenants.entry(tenant.name.clone()).or_insert_with(make);
        if !share.is_of((rate, &unbounded), most, None) {
            *share = make();
        }
        Some(Arc::clone(share))
    }
}

/// The limits of the whole process.
pub struct Limits {
    all: ArcSwap<Bucket>,
    in_flight: Arc<AtomicUsize>,
    most_in_flight: AtomicUsize,
    refused_all: IntCounter,
    refused_in_flight: IntCounter,
    refused_identity: IntCounter,
    refused_tenant: IntCounter,
    refused_subscribing: IntCounter,
}

/// A place among the requests in flight, also of its identity and tenant.
#[derive(Debug)]
pub struct InFlight {
    all: Arc<AtomicUsize>,
    share: Arc<Share>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        self.share.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(tenant) = &self.share.tenant {
            tenant.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Limits {
    /// Takes the limits from the configuration.
    pub fn new(conf: &tree::Limits, metrics: &Metrics) -> Self {
        let counter = |limit| metrics.limited.with_label_values(&[limit]);
        Self {
            all: ArcSwap::from_pointee(Bucket::new(conf.requests_per_second, conf.requests_per_second)),
            in_flight: Arc::new(AtomicUsize::new(0)),
            most_in_flight: AtomicUsize::new(conf.in_flight),
            refused_all: counter("global"),
            refused_in_flight: counter("in-flight"),
            refused_identity: counter("identity"),
            refused_tenant: counter("tenant"),
            refused_subscribing: counter("new-subscriptions"),
        }
    }

    /// Puts other limits in force. Requests in flight keep their places; the rate of all begins with a full bucket.
    pub fn replace(&self, conf: &tree::Limits) {
        self.all.store(Arc::new(Bucket::new(conf.requests_per_second, conf.requests_per_second)));
        self.most_in_flight.store(conf.in_flight, Ordering::Relaxed);
    }

    /// Takes a place in flight and one request of the identity's share, its tenant's and of all; the own share first, so
    /// that a caller above it cannot use up what is everybody's.
    ///
    /// # Errors
    /// 429 above what the identity or its tenant may have, or above the rate of all; 503 above all places; with the pause.
    pub fn enter(&self, share: &Arc<Share>, now: Timestamp) -> Result<InFlight, Refused> {
        share.used.store(now.0, Ordering::Relaxed);
        if let Some(tenant) = &share.tenant {
            tenant.used.store(now.0, Ordering::Relaxed);
        }
        let refused = |counter: &IntCounter, pause| {
            counter.inc();
            Box::new(Problem::rate_limited(pause))
        };
        share.take().map_err(|pause| refused(&self.refused_identity, pause))?;
        if let Some(tenant) = &share.tenant {
            tenant.take().map_err(|pause| refused(&self.refused_tenant, pause))?;
        }
        self.all.load().take().map_err(|pause| refused(&self.refused_all, pause))?;
        let full = |in_flight: &AtomicUsize, most| in_flight.fetch_add(1, Ordering::Relaxed) >= most;
        // All are counted before one refuses, because the place gives all back.
        let all = full(&self.in_flight, self.most_in_flight.load(Ordering::Relaxed));
        let own = full(&share.in_flight, share.most_in_flight);
        let tenants = share.tenant.as_ref().is_some_and(|it| full(&it.in_flight, it.most_in_flight));
        let place = InFlight { all: Arc::clone(&self.in_flight), share: Arc::clone(share) };
        for (is_full, counter) in [(own, &self.refused_identity), (tenants, &self.refused_tenant)] {
            if is_full {
                return Err(refused(counter, Duration::from_secs(1)));
            }
        }
        if all {
            self.refused_in_flight.inc();
            return Err(Box::new(Problem::overloaded()));
        }
        Ok(place)
    }

    /// Takes one new subscription of the identity's share.
    ///
    /// # Errors
    /// 429, with the pause.
    pub fn subscribe(&self, share: &Share) -> Result<(), Refused> {
        share.subscribing.take().map_err(|pause| {
            self.refused_subscribing.inc();
            Box::new(Problem::rate_limited(pause))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{self, Access};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn limits(change: impl FnOnce(&mut tree::Limits)) -> (Limits, impl Fn(&str) -> Arc<Share>) {
        let mut conf = tree::Limits::default();
        change(&mut conf);
        let limits = Limits::new(&conf, &Metrics::new().unwrap());
        let shares = Shares::new(&conf);
        let tenants = vec![tree::TenantConf {
            name: "t".to_owned(),
            rate: Some(Rate { rate: 1, burst: 3 }),
            in_flight: Some(2),
            ..Default::default()
        }];
        let rule = tree::Rule {
            r#match: "t-*".to_owned(),
            tenant: Some("t".to_owned()),
            rate: Some(Rate { rate: 1, burst: 2 }),
            ..Default::default()
        };
        let access = tree::Access { tenants, rules: vec![rule], ..Default::default() };
        let access = Access::new(&access, &conf.per_identity, 1);
        (limits, move |name| shares.of(name, &access.of(name).unwrap(), NOW))
    }

    #[test]
    fn identities_of_a_tenant_share_its_rate_and_places() {
        let (limits, shares) = limits(|_| ());
        let (one, other) = (shares("t-1"), shares("t-2"));
        let first = limits.enter(&one, NOW).unwrap();
        let _second = limits.enter(&other, NOW).unwrap();
        assert!(limits.enter(&one, NOW).is_err(), "two are in flight");
        drop(first);
        assert!(limits.enter(&other, NOW).is_err(), "three came at once");
        assert!(limits.enter(&shares("somebody"), NOW).is_ok());
        assert_eq!(one.tenant.as_ref().unwrap().in_flight.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_others_let_through_is_taken_from_here_and_no_more_than_a_burst_of_it() {
        let (limits, shares) = limits(|conf| conf.per_identity = Rate { rate: 1, burst: 10 });
        let share = shares("a");
        let passes = || (0..20).filter(|_| limits.enter(&share, NOW).is_ok()).count();
        share.others_passed(1000);
        share.others_passed(1004);
        assert_eq!(passes(), 6, "what they let through before is not held against it");
        assert_eq!(share.passed(), 6);
        share.others_passed(2000);
        assert_eq!(share.bucket.owed.load(Ordering::Relaxed), 10);
        share.others_passed(5);
        assert_eq!(share.bucket.owed.load(Ordering::Relaxed), 10, "their totals were lost");
    }

    #[test]
    fn one_identity_cannot_take_every_place() {
        let (limits, shares) = limits(|conf| (conf.in_flight, conf.in_flight_per_identity) = (2, 1));
        let (greedy, other) = (shares("a"), shares("b"));
        let _first = limits.enter(&greedy, NOW).unwrap();
        assert_eq!(limits.enter(&greedy, NOW).unwrap_err().status(), 429);
        assert!(limits.enter(&other, NOW).is_ok());
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
        assert_eq!(limits.enter(&share, NOW).unwrap_err().status(), 503);
        drop(first);
        assert!(limits.enter(&share, NOW).is_ok());
    }

    #[test]
    fn new_subscriptions_have_a_rate_of_their_own() {
        let (limits, shares) = limits(|conf| conf.new_subscriptions = Rate { rate: 1, burst: 2 });
        let subscribe = |name: &str| limits.subscribe(&shares(name)).is_ok();
        assert_eq!(
            [subscribe("a"), subscribe("a"), subscribe("a"), subscribe("b")],
            [true, true, false, true]
        );
        assert!(limits.enter(&shares("a"), NOW).is_ok());
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
        let shares = Shares::new(&tree::Limits::default());
        let grant = access::admins().of("a").unwrap();
        assert!(Arc::ptr_eq(&shares.of("a", &grant, NOW), &shares.of("a", &grant, NOW)));
        for number in 0..MOST_SHARES + 10 {
            shares.of(&number.to_string(), &grant, NOW);
        }
        assert!(shares.known.lock().unwrap().len() <= MOST_SHARES);
        shares.of("late", &grant, NOW.plus(Duration::from_mins(1)));
        assert_eq!(shares.known.lock().unwrap().len(), 1);
    }
}
