//! Whether a load was what it was meant to be: the generator had time of its cores left, and kept the rate that was asked for.

use super::LONGEST_NS;
use crate::process::own_cpu;
use crate::session::{self, Measured};
use crate::{Result, machine};
use hdrhistogram::Histogram;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// Share of its cores from which on the generator is taken for the bottleneck.
const BUSY: f64 = 0.9;
/// A request left late if its connection was free and it still took so long.
const LATE: Duration = Duration::from_millis(10);
/// Share of late requests, or of ones that were never sent, that says that the rate was not kept.
const TOLERATED: f64 = 0.01;

/// What a load is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Saturates a server. A busy generator marks the report, but does not fail it.
    Closed,
    /// Keeps a rate. A generator that does not marks the report and fails the bench.
    Open,
}

/// How the requests of a connection, or of several, left in an open loop.
#[derive(Clone, Debug)]
pub struct Sends {
    /// Requests that were due.
    pub(super) intended: u64,
    /// Requests that were never sent.
    pub(super) unsent: u64,
    /// Until when this process kept a request back; what was due before waits for the same reason.
    held: Option<Instant>,
    /// From when a request was due on a free connection until it left, in nanoseconds: what the generator itself took.
    late: Histogram<u64>,
}

impl Sends {
    /// Begins to count.
    ///
    /// # Errors
    /// There is no memory for a histogram.
    pub fn new() -> Result<Self> {
        let late = Histogram::new_with_max(LONGEST_NS, 2)?;
        Ok(Self { intended: 0, unsent: 0, held: None, late })
    }

    /// Counts a request that leaves now, was due then, and whose connection has been free since some time.
    pub fn leaves(&mut self, due: Instant, free: Instant) {
        let now = Instant::now();
        self.intended += 1;
        if free <= due {
            self.left(now - due);
            self.held = Some(now);
        } else if self.held.is_some_and(|held| due <= held) {
            self.left(now - due);
        }
    }

    /// Counts a request that will not be sent.
    pub(super) fn never(&mut self) {
        self.intended += 1;
        self.unsent += 1;
    }

    fn left(&mut self, late: Duration) {
        self.late.saturating_record(u64::try_from(late.as_nanos()).unwrap_or(LONGEST_NS));
    }

    /// Adds those of another connection.
    ///
    /// # Errors
    /// The histograms have other bounds, which is excluded.
    pub fn add(&mut self, other: &Self) -> Result<()> {
        self.intended += other.intended;
        self.unsent += other.unsent;
        Ok(self.late.add(&other.late)?)
    }

    fn late(&self) -> u64 {
        let bound = u64::try_from(LATE.as_nanos()).unwrap_or(LONGEST_NS);
        self.late.len() - self.late.count_between(0, bound)
    }

    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn faults(&self) -> Vec<String> {
        let tolerated = (self.intended as f64 * TOLERATED).max(1.0); // Of few, one proves nothing.
        let mut faults = Vec::new();
        if self.unsent as f64 > tolerated {
            faults
                .push(format!("{} of {} requests that were due were never sent", self.unsent, self.intended));
        }
        if self.late() as f64 > tolerated {
            let (late, intended) = (self.late(), self.intended);
            faults
                .push(format!("{late} of {intended} requests left over {LATE:?} late on a free connection"));
        }
        faults
    }
}

/// Looks at the generator during a run.
#[derive(Debug)]
pub struct Watch {
    kind: Kind,
    own: Duration,
    began: Instant,
}

impl Watch {
    /// Begins to look.
    ///
    /// # Errors
    /// The kernel does not tell what this process uses.
    pub fn start(kind: Kind) -> Result<Self> {
        session::loaded();
        Ok(Self { kind, own: own_cpu()?, began: Instant::now() })
    }

    /// Hands the run to the report's next row: its latencies in nanoseconds, if it has any, and what is wrong with it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn end(self, latency: Option<&Histogram<u64>>, sends: Option<&Sends>) -> Result<()> {
        let own = own_cpu()?.saturating_sub(self.own);
        let mut faults: Vec<String> = busy(own, self.began.elapsed(), share()).into_iter().collect();
        faults.extend(sends.map(Sends::faults).unwrap_or_default());
        session::measured(Measured { kind: self.kind, latency: latency.cloned(), faults });
        Ok(())
    }
}

/// Returns how many cores the generator can use at most: one for each of its threads, if there are so many.
fn share() -> usize {
    Handle::current().metrics().num_workers().min(machine::cores())
}

#[expect(clippy::cast_precision_loss, reason = "a share of a few cores")]
fn busy(own: Duration, took: Duration, cores: usize) -> Option<String> {
    let used = own.as_secs_f64() / took.as_secs_f64();
    let busy = used >= cores as f64 * BUSY;
    busy.then(|| format!("the load generator used {used:.2} of its {cores} cores: it was the bottleneck"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_near_its_share_of_cores_is_the_bottleneck() {
        let second = Duration::from_secs(1);
        assert_eq!(busy(Duration::from_millis(1700), second, 2), None);
        let fault = busy(Duration::from_millis(1850), second, 2).unwrap();
        assert!(fault.contains("1.85 of its 2 cores"), "{fault}");
    }

    #[test]
    fn a_rate_is_kept_unless_more_than_one_in_a_hundred_is_late_or_missing() {
        let of = |late: u64, unsent: u64| {
            let mut sends = Sends { intended: 1000, unsent, ..Sends::new().unwrap() };
            for _ in 0..late {
                sends.left(LATE * 2);
            }
            for _ in late..1000 {
                sends.left(LATE / 100);
            }
            sends.faults()
        };
        assert!(of(10, 10).is_empty());
        let [fault] = &of(11, 0)[..] else { panic!("one fault") };
        assert!(fault.starts_with("11 of 1000 requests left over 10ms late"), "{fault}");
        let [fault] = &of(0, 11)[..] else { panic!("one fault") };
        assert!(fault.starts_with("11 of 1000 requests that were due were never sent"), "{fault}");
    }
}
