//! One reading of what the objectives need, out of the metric families.

use crate::telemetry::metrics::{Metrics, SECONDS};
use prometheus::core::Collector;
use prometheus::proto::{Metric, MetricFamily};

/// The paths of probes, which are no requests of the API. Source: `deploy/prometheus/rules/slo.yaml`.
const PROBES: [&str; 3] = ["/livez", "/healthz", "/readyz"];

/// How requests ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub(super) all: u64,
    /// Those answered with 500 or above.
    pub(super) failed: u64,
}

/// A histogram: how many values are not above each edge of `SECONDS`, and how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    pub(super) upto: [u64; SECONDS.len()],
    pub(super) all: u64,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) outcomes: Outcomes,
    pub(super) latency: Buckets,
    pub(super) hits: u64,
    pub(super) misses: u64,
    /// Notifications that the first attempt delivered.
    pub(super) delivered: Buckets,
}

impl Sample {
    /// Reads the families.
    pub(super) fn of(metrics: &Metrics) -> Self {
        let mut sample = Self::default();
        let api = |metric: &&Metric| label(metric, "path").is_none_or(|path| !PROBES.contains(&path));
        let families = metrics.http_requests.collect();
        for metric in all(&families).filter(api) {
            let count = counted(metric);
            sample.outcomes.all += count;
            if label(metric, "status").is_some_and(|status| status.starts_with('5')) {
                sample.outcomes.failed += count;
            }
        }
        let families = metrics.http_duration.collect();
        all(&families).filter(api).for_each(|metric| sample.latency.add(metric));
        sample.hits = all(&metrics.cache_hits.collect()).map(counted).sum();
        sample.misses = all(&metrics.cache_misses.collect()).map(counted).sum();
        let families = metrics.webhook_latency.collect();
        let first = |metric: &&Metric| label(metric, "attempt") == Some("first");
        all(&families).filter(first).for_each(|metric| sample.delivered.add(metric));
        sample
    }
}

impl Outcomes {
    /// Returns what came after an earlier reading.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self { all: self.all.saturating_sub(earlier.all), failed: self.failed.saturating_sub(earlier.failed) }
    }
}

impl Buckets {
    fn add(&mut self, metric: &Metric) {
        let histogram = metric.get_histogram();
        for (upto, bucket) in self.upto.iter_mut().zip(histogram.get_bucket()) {
            *upto += bucket.cumulative_count();
        }
        self.all += histogram.get_sample_count();
    }

    /// Returns what came after an earlier reading.
    pub(super) fn since(mut self, earlier: &Self) -> Self {
        for (upto, before) in self.upto.iter_mut().zip(&earlier.upto) {
            *upto = upto.saturating_sub(*before);
        }
        self.all = self.all.saturating_sub(earlier.all);
        self
    }

    /// Returns how many values are above an edge.
    pub(super) fn above(&self, edge: f64) -> u64 {
        let place = SECONDS.iter().position(|known| (known - edge).abs() < f64::EPSILON);
        let upto = place.and_then(|place| self.upto.get(place)).copied();
        self.all.saturating_sub(upto.unwrap_or(self.all))
    }

    /// Returns a quantile as Prometheus's `histogram_quantile` does: linear within its bucket, the last edge beyond it; `None`
    /// if there are no values.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        if self.all == 0 {
            return None;
        }
        let rank = quantile * float(self.all);
        let (mut lower, mut before) = (0.0, 0);
        for (edge, upto) in SECONDS.iter().zip(self.upto) {
            if float(upto) >= rank {
                let inside = float(upto.saturating_sub(before)).max(1.0);
                return Some(lower + (edge - lower) * (rank - float(before)) / inside);
            }
            (lower, before) = (*edge, upto);
        }
        Some(lower)
    }
}

fn all(families: &[MetricFamily]) -> impl Iterator<Item = &Metric> {
    families.iter().flat_map(MetricFamily::get_metric)
}

fn label<'a>(metric: &'a Metric, name: &str) -> Option<&'a str> {
    metric.get_label().iter().find(|label| label.name() == name).map(prometheus::proto::LabelPair::value)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a counter is a whole number, not below 0"
)]
fn counted(metric: &Metric) -> u64 {
    metric.get_counter().get_value() as u64
}

/// Returns a count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_no_requests_and_only_first_attempts_are_deliveries() {
        let metrics = Metrics::new().unwrap();
        for (path, status, count) in
            [("/v1/x", "200", 7), ("/v1/x", "503", 2), ("/v1/x", "404", 1), ("/readyz", "503", 9)]
        {
            metrics.http_requests.with_label_values(&["GET", path, status]).inc_by(count);
        }
        metrics.http_duration.with_label_values(&["GET", "/v1/x"]).observe(0.03);
        metrics.http_duration.with_label_values(&["GET", "/livez"]).observe(7.0);
        metrics.webhook_latency.with_label_values(&["first"]).observe(0.7);
        metrics.webhook_latency.with_label_values(&["retry"]).observe(9.0);
        metrics.cache_hits.with_label_values(&["list"]).inc_by(3);
        let sample = Sample::of(&metrics);
        assert_eq!(sample.outcomes, Outcomes { all: 10, failed: 2 });
        assert_eq!((sample.latency.all, sample.latency.above(0.025), sample.latency.above(0.05)), (1, 1, 0));
        assert_eq!((sample.delivered.all, sample.delivered.above(1.0)), (1, 0));
        assert_eq!((sample.hits, sample.misses), (3, 0));
    }

    #[test]
    fn a_quantile_lies_within_its_bucket_as_prometheus_has_it() {
        let mut buckets = Buckets::default();
        assert_eq!(buckets.quantile(0.95), None);
        // 90 values up to 0.05 s, 10 more up to 0.1 s.
        for (upto, edge) in buckets.upto.iter_mut().zip(SECONDS) {
            *upto = if *edge >= 0.1 {
                100
            } else if *edge >= 0.05 {
                90
            } else {
                0
            };
        }
        buckets.all = 100;
        assert!((buckets.quantile(0.95).unwrap() - 0.075).abs() < 1e-9);
        assert!((buckets.quantile(0.45).unwrap() - 0.0375).abs() < 1e-9);
        // What lies beyond the last edge is told as the last edge.
        buckets.all = 200;
        assert!((buckets.quantile(0.95).unwrap() - 10.0).abs() < 1e-9);
    }
}
