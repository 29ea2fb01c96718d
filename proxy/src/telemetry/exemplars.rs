//! Exemplars: of each bucket of a histogram, the latest value whose trace is recorded.
//!
//! Nothing is kept, locked or allocated for a value without a recorded trace.

use netweave_model::Trace;
use prometheus::HistogramVec;
use prometheus::core::Collector;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A value, and the trace in which it was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// The trace.
    pub trace: Trace,
    /// The value.
    pub value: f64,
    /// When it was measured, in seconds since 1970.
    pub at: f64,
}

impl Exemplar {
    /// Takes a value that was measured now.
    pub fn now(trace: Trace, value: f64) -> Self {
        let at = std::time::Duration::try_from(jiff::Timestamp::now().as_duration()).unwrap_or_default();
        Self { trace, value, at: at.as_secs_f64() }
    }
}

/// The exemplars of one series of a histogram.
#[derive(Debug)]
pub struct Series {
    /// The upper edges of the buckets, ascending; what is beyond the last belongs to one more.
    edges: &'static [f64],
    /// The latest exemplar of each bucket.
    latest: Box<[Mutex<Option<Exemplar>>]>,
}

impl Series {
    fn new(edges: &'static [f64]) -> Self {
        let latest = (0..=edges.len()).map(|_| Mutex::new(None)).collect();
        Self { edges, latest }
    }

    /// Keeps an exemplar, in place of the one before it in its bucket.
    pub fn keep(&self, exemplar: Exemplar) {
        let place = self.edges.partition_point(|edge| *edge < exemplar.value);
        if let Some(latest) = self.latest.get(place) {
            *locked(latest) = Some(exemplar);
        }
    }

    /// Returns the exemplar of a bucket, counted from the lowest.
    pub fn of(&self, bucket: usize) -> Option<Exemplar> {
        self.latest.get(bucket).and_then(|latest| *locked(latest))
    }
}

/// The name of a family, and the values of a series' labels in the order of their names.
type Key = (String, Vec<String>);

/// The exemplars of all histograms; as many series as there are series of these, each from its first exemplar on.
#[derive(Debug, Default)]
pub struct Exemplars(Mutex<BTreeMap<Key, Arc<Series>>>);

impl Exemplars {
    /// Returns a series of a family, making it if it is not there; `labels` are values, in the order of the labels' names.
    pub fn series(&self, family: &HistogramVec, labels: &[&str], edges: &'static [f64]) -> Arc<Series> {
        let name = family.desc().first().map(|desc| desc.fq_name.clone()).unwrap_or_default();
        let key = (name, labels.iter().map(|&label| label.to_owned()).collect());
        Arc::clone(locked(&self.0).entry(key).or_insert_with(|| Arc::new(Series::new(edges))))
    }

    /// Finds a series that has had an exemplar.
    pub fn find(&self, family: &str, labels: impl Iterator<Item = String>) -> Option<Arc<Series>> {
        locked(&self.0).get(&(family.to_owned(), labels.collect())).cloned()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_keeps_its_latest_and_an_edge_belongs_to_the_bucket_below() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let series = Series::new(&[0.1, 1.0]);
        for value in [0.05, 0.1, 0.5, 7.0, 6.0] {
            series.keep(Exemplar { trace, value, at: 0.0 });
        }
        let values: Vec<_> = (0..4).map(|bucket| series.of(bucket).map(|one| one.value)).collect();
        assert_eq!(values, [Some(0.1), Some(0.5), Some(6.0), None]);
    }
}
