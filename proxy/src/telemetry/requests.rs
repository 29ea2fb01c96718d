//! Counts requests: the metric children of every route, resolved once, so that counting hashes no labels.

use super::exemplars::{Exemplar, Series};
use super::metrics::{Metrics, SECONDS};
use crate::routes::Route;
use crate::routes::table::{self, SLOTS};
use http::{Method, StatusCode};
use netweave_model::Trace;
use prometheus::{Histogram, IntCounter};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The slot of requests whose path does not exist.
pub const UNMATCHED: usize = SLOTS;
/// The slot of requests whose head could not be read.
pub const UNREAD: usize = SLOTS + 1;

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"];
/// The statuses that the gateway answers with; any other is counted under its number without a place of its own.
const STATUSES: [u16; 24] = [
    200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409, 412, 413, 414, 415, 422, 429, 431, 500,
    503, 504, 0,
];

/// The request metrics, ready to be raised.
pub struct Requests {
    metrics: Arc<Metrics>,
    /// One row per slot and method, made when it is first needed.
    rows: Vec<OnceLock<Box<Row>>>,
}

struct Row {
    path: &'static str,
    duration: Histogram,
    /// Its exemplars, from the first one on.
    exemplars: OnceLock<Arc<Series>>,
    size: Histogram,
    counts: [OnceLock<IntCounter>; STATUSES.len()],
}

/// What is known of a request when it is over.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// Its route's slot.
    pub slot: usize,
    /// Its method, as it was sent.
    pub method: &'a Method,
    /// The status of its answer.
    pub status: StatusCode,
    /// Size of the answer's body.
    pub bytes: usize,
    /// Its trace, if that is recorded.
    pub trace: Option<Trace>,
}

impl Requests {
    /// Makes the table, still empty.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let rows = (0..(SLOTS + 2) * METHODS.len()).map(|_| OnceLock::new()).collect();
        Self { metrics, rows }
    }

    /// Counts a request that is over.
    pub fn record(&self, outcome: &Outcome<'_>, took: Duration) {
        let column =
            METHODS.iter().position(|name| *name == outcome.method.as_str()).unwrap_or(METHODS.len() - 1);
        let Some(cell) = self.rows.get(outcome.slot * METHODS.len() + column) else {
            return;
        };
        let method = METHODS.get(column).copied().unwrap_or("other");
        let row = cell.get_or_init(|| Box::new(self.row(outcome.slot, method)));
        let took = took.as_secs_f64();
        row.duration.observe(took);
        if let Some(trace) = outcome.trace {
            let metrics = &self.metrics;
            let series = || metrics.exemplars.series(&metrics.http_duration, &[method, row.path], SECONDS);
            row.exemplars.get_or_init(series).keep(Exemplar::now(trace, took));
        }
        #[expect(clippy::cast_precision_loss, reason = "a body's size is far below 2^52")]
        row.size.observe(outcome.bytes as f64);
        let status = outcome.status.as_u16();
        let place =
            STATUSES.iter().position(|known| *known == status).and_then(|place| row.counts.get(place));
        let count =
            || self.metrics.http_requests.with_label_values(&[method, row.path, outcome.status.as_str()]);
        match place {
            Some(place) => place.get_or_init(count).inc(),
            None => count().inc(),
        }
    }

    fn row(&self, slot: usize, method: &str) -> Row {
        let path = template(slot);
        Row {
            path,
            duration: self.metrics.http_duration.with_label_values(&[method, path]),
            exemplars: OnceLock::new(),
            size: self.metrics.http_response_size.with_label_values(&[path]),
            counts: [const { OnceLock::new() }; STATUSES.len()],
        }
    }

    /// Returns all families.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

/// Returns the slot of a request, whether or not its path exists.
pub fn slot(route: Option<&Route<'_>>) -> usize {
    route.map_or(UNMATCHED, table::slot)
}

/// Returns the path under which a slot is counted and logged.
pub fn template(slot: usize) -> &'static str {
    match slot {
        UNMATCHED => "unmatched",
        UNREAD => "unread",
        slot => table::template_of(slot),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_under_method_template_and_status() {
        let metrics = Arc::new(Metrics::new().unwrap());
        let requests = Requests::new(Arc::clone(&metrics));
        let route = table::resolve("/readyz", &[]).unwrap();
        for (status, method) in [(200, Method::GET), (418, Method::GET), (405, Method::TRACE)] {
            let status = StatusCode::from_u16(status).unwrap();
            let outcome =
                Outcome { slot: slot(Some(&route)), method: &method, status, bytes: 10, trace: None };
            requests.record(&outcome, Duration::from_millis(3));
        }
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        for line in [
            r#"o2ims_http_requests_total{method="GET",path="/readyz",status="200"} 1"#,
            r#"o2ims_http_requests_total{method="GET",path="/readyz",status="418"} 1"#,
            r#"o2ims_http_requests_total{method="other",path="/readyz",status="405"} 1"#,
            r#"o2ims_http_request_duration_seconds_count{method="GET",path="/readyz"} 2"#,
            r#"o2ims_http_response_size_bytes_count{path="/readyz"} 3"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
