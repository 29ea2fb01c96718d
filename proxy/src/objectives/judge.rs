//! The table of objectives: what each is called, over which time, what it must be, and what is left of it.
//!
//! Source: the operations documents, "SLO Targets".

use super::Rings;
use super::sample::{Buckets, Sample, float};
use serde::Serialize;
use std::time::Duration;

/// The windows.
const MONTH: Duration = super::MONTH;
const TEN_MINUTES: Duration = Duration::from_mins(10);
const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// What an objective is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// A part of one.
    Ratio,
    /// Seconds.
    Seconds,
}

/// One objective, and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// Its name.
    pub name: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// What must be reached, or stayed below.
    pub target: f64,
    /// Whether more is better.
    pub at_least: bool,
    /// The time that it is about.
    pub window_seconds: u64,
    /// How much of that time this process can speak for.
    pub covered_seconds: u64,
    /// What was counted in that time: requests, reads, notifications.
    pub events: u64,
    /// What was measured; `None` if nothing happened.
    pub measured: Option<f64>,
    /// Whether it is met.
    pub met: Option<bool>,
    /// What is left of what may go wrong: 1 is all, 0 nothing, less is too much.
    pub budget_left: Option<f64>,
}

/// An objective without what was measured.
struct Objective {
    name: &'static str,
    unit: Unit,
    target: f64,
    at_least: bool,
    window: Duration,
}

/// What a window holds for an objective.
struct Measured {
    covered: Duration,
    events: u64,
    value: Option<f64>,
    /// How much of what happened went wrong, and how much may.
    bad: u64,
    allowed: f64,
}

impl Objective {
    fn judged(&self, measured: &Measured) -> Judgement {
        let spent = |bad: u64| float(bad) / float(measured.events) / measured.allowed;
        let met = |value: f64| if self.at_least { value >= self.target } else { value < self.target };
        Judgement {
            name: self.name,
            unit: self.unit,
            target: self.target,
            at_least: self.at_least,
            window_seconds: self.window.as_secs(),
            covered_seconds: measured.covered.as_secs(),
            events: measured.events,
            measured: measured.value,
            met: measured.value.map(met),
            budget_left: (measured.events > 0).then(|| 1.0 - spent(measured.bad)),
        }
    }
}

/// Judges all objectives at a time, with what was counted until then.
pub(super) fn all(rings: &Rings, now: Duration, sample: &Sample) -> Vec<Judgement> {
    vec![
        availability(rings, now, sample),
        latency("latencyP95", (0.95, 0.1), rings, now, sample),
        latency("latencyP99", (0.99, 0.5), rings, now, sample),
        errors(rings, now, sample),
        cache(rings, now, sample),
        delivery(rings, now, sample),
    ]
}

fn availability(rings: &Rings, now: Duration, sample: &Sample) -> Judgement {
    let of =
        Objective { name: "availability", unit: Unit::Ratio, target: 0.999, at_least: true, window: MONTH };
    let (at, earlier) = rings.coarse.before(now.saturating_sub(MONTH)).copied().unwrap_or_default();
    let requests = sample.outcomes.since(earlier);
    let value = (requests.all > 0).then(|| 1.0 - float(requests.failed) / float(requests.all));
    let covered = now.saturating_sub(at).min(MONTH);
    of.judged(&Measured { covered, events: requests.all, value, bad: requests.failed, allowed: 0.001 })
}

fn latency(
    name: &'static str,
    (quantile, target): (f64, f64),
    rings: &Rings,
    now: Duration,
    sample: &Sample,
) -> Judgement {
    let (covered, earlier) = fine(rings, now, FIVE_MINUTES);
    quick(name, (quantile, target), covered, &sample.latency.since(&earlier.latency))
}

fn delivery(rings: &Rings, now: Duration, sample: &Sample) -> Judgement {
    let (covered, earlier) = fine(rings, now, FIVE_MINUTES);
    quick("webhookDeliveryP99", (0.99, 1.0), covered, &sample.delivered.since(&earlier.delivered))
}

/// Judges that a share of all values is below a time.
fn quick(
    name: &'static str,
    (quantile, target): (f64, f64),
    covered: Duration,
    buckets: &Buckets,
) -> Judgement {
    let of = Objective { name, unit: Unit::Seconds, target, at_least: false, window: FIVE_MINUTES };
    let (value, bad) = (buckets.quantile(quantile), buckets.above(target));
    of.judged(&Measured { covered, events: buckets.all, value, bad, allowed: 1.0 - quantile })
}

fn errors(rings: &Rings, now: Duration, sample: &Sample) -> Judgement {
    let of = Objective {
        name: "errorRate",
        unit: Unit::Ratio,
        target: 0.01,
        at_least: false,
        window: FIVE_MINUTES,
    };
    let (covered, earlier) = fine(rings, now, FIVE_MINUTES);
    let requests = sample.outcomes.since(earlier.outcomes);
    let value = (requests.all > 0).then(|| float(requests.failed) / float(requests.all));
    of.judged(&Measured { covered, events: requests.all, value, bad: requests.failed, allowed: 0.01 })
}

fn cache(rings: &Rings, now: Duration, sample: &Sample) -> Judgement {
    let of = Objective {
        name: "cacheHitRatio",
        unit: Unit::Ratio,
        target: 0.9,
        at_least: true,
        window: TEN_MINUTES,
    };
    let (covered, earlier) = fine(rings, now, TEN_MINUTES);
    let (hits, misses) =
        (sample.hits.saturating_sub(earlier.hits), sample.misses.saturating_sub(earlier.misses));
    let events = hits + misses;
    let value = (events > 0).then(|| float(hits) / float(events));
    of.judged(&Measured { covered, events, value, bad: misses, allowed: 0.1 })
}

/// Returns the reading at the begin of a window, and how much of the window is covered.
fn fine(rings: &Rings, now: Duration, window: Duration) -> (Duration, Sample) {
    let (at, earlier) = rings.fine.before(now.saturating_sub(window)).copied().unwrap_or_default();
    (now.saturating_sub(at).min(window), earlier)
}

#[cfg(test)]
mod tests {
    use super::super::sample::Outcomes;
    use super::super::{COARSE, TICK};
    use super::*;
    use crate::telemetry::metrics::SECONDS;

    fn buckets(quick: u64, slow: u64) -> Buckets {
        let mut buckets = Buckets { all: quick + slow, ..Buckets::default() };
        for (upto, edge) in buckets.upto.iter_mut().zip(SECONDS) {
            *upto = if *edge >= 2.5 {
                quick + slow
            } else if *edge >= 0.05 {
                quick
            } else {
                0
            };
        }
        buckets
    }

    fn sample(all: u64, failed: u64) -> Sample {
        let outcomes = Outcomes { all, failed };
        Sample {
            outcomes,
            latency: buckets(all - failed, failed),
            hits: all,
            misses: failed,
            delivered: buckets(all, failed),
        }
    }

    fn named<'a>(all: &'a [Judgement], name: &str) -> &'a Judgement {
        all.iter().find(|one| one.name == name).unwrap()
    }

    #[test]
    fn a_process_without_requests_has_nothing_to_say() {
        let mut rings = Rings::new();
        rings.push(Duration::ZERO, &Sample::default());
        for judgement in all(&rings, Duration::from_secs(40), &Sample::default()) {
            assert_eq!((judgement.measured, judgement.met, judgement.budget_left), (None, None, None));
            assert_eq!((judgement.covered_seconds, judgement.events), (40, 0));
        }
    }

    #[test]
    fn what_happened_before_a_window_no_longer_counts() {
        let mut rings = Rings::new();
        rings.push(Duration::ZERO, &Sample::default());
        // Ten minutes of failures, then six of good answers.
        let bad = sample(1000, 1000);
        let mut now = Duration::ZERO;
        for _ in 0..60 {
            now += TICK;
            rings.push(now, &bad);
        }
        let good = Sample { outcomes: Outcomes { all: 2000, failed: 1000 }, hits: 2000, ..bad };
        for _ in 0..36 {
            now += TICK;
            rings.push(now, &good);
        }
        let last = Sample { outcomes: Outcomes { all: 2004, failed: 1002 }, ..good };
        let judged = all(&rings, now, &last);
        let errors = named(&judged, "errorRate");
        assert_eq!((errors.events, errors.measured, errors.met), (4, Some(0.5), Some(false)));
        assert!((errors.budget_left.unwrap() + 49.0).abs() < 1e-9, "{errors:?}");
        let availability = named(&judged, "availability");
        assert_eq!((availability.events, availability.met), (2004, Some(false)));
        assert_eq!(availability.covered_seconds, now.as_secs());
        let latency = named(&judged, "latencyP95");
        assert_eq!((latency.events, latency.measured), (0, None));
    }

    #[test]
    fn budgets_count_what_went_wrong_against_what_may() {
        let mut rings = Rings::new();
        rings.push(Duration::ZERO, &Sample::default());
        let judged = all(&rings, FIVE_MINUTES, &sample(10_000, 5));
        let availability = named(&judged, "availability");
        assert!((availability.measured.unwrap() - 0.9995).abs() < 1e-9);
        assert!((availability.budget_left.unwrap() - 0.5).abs() < 1e-9);
        assert!(judged.iter().all(|one| one.met == Some(true)), "{judged:?}");
        let p99 = named(&judged, "latencyP99");
        assert!((p99.budget_left.unwrap() - 0.95).abs() < 1e-9, "{p99:?}");
    }

    #[test]
    fn the_rings_reach_as_far_as_their_windows_and_no_further() {
        let mut rings = Rings::new();
        let mut now = Duration::ZERO;
        while now < MONTH + Duration::from_hours(48) {
            rings.push(
                now,
                &Sample { outcomes: Outcomes { all: now.as_secs(), failed: 0 }, ..Sample::default() },
            );
            now += COARSE;
        }
        let last = Sample { outcomes: Outcomes { all: now.as_secs(), failed: 0 }, ..Sample::default() };
        let judged = all(&rings, now, &last);
        let availability = named(&judged, "availability");
        assert_eq!(availability.covered_seconds, MONTH.as_secs());
        assert!(availability.events - MONTH.as_secs() <= COARSE.as_secs(), "{availability:?}");
    }
}
