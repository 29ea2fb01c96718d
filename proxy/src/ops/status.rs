//! `/status`: what this process is, what it depends on, and how well it does what it is for; for people and for programs.
//!
//! It tells no more than `/metrics` and `/readyz?verbose` do together. The page has no script, no style and no form.

mod page;

use super::health::{Check, HealthView, SourceStatus};
use crate::listen::Renewal;
use crate::objectives::{Judgement, Objectives};
use crate::reply::Reply;
use crate::telemetry::metrics::Metrics;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use netweave_model::Timestamp;
use netweave_model::port::Clock;
pub(crate) use page::escape;
use prometheus::core::Collector;
use serde::Serialize;
use std::sync::Arc;

/// Nothing may be loaded, run, sent or framed.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
);
/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// What the process is.
#[derive(Clone, Debug)]
pub struct About {
    /// The name of its pod, or of its machine.
    pub pod: String,
    /// The topology, as the configuration has it.
    pub environment: String,
    /// The O-Cloud that it describes.
    pub o_cloud: String,
    /// When it was started.
    pub started: Timestamp,
}

/// Tells the status.
pub(crate) struct StatusView {
    pub(crate) about: About,
    pub(crate) health: HealthView,
    pub(crate) renewal: Arc<Renewal>,
    pub(crate) objectives: Arc<Objectives>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The whole answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(rename = "status")]
    word: &'static str,
    pod: Pod,
    sources: Vec<SourceStatus>,
    servers: Vec<Check>,
    certificates: Vec<Certificate>,
    last_reload: Option<Reload>,
    objectives: Vec<Judgement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pod {
    name: String,
    version: &'static str,
    environment: String,
    o_cloud_id: String,
    started_at: String,
    uptime_seconds: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    role: String,
    ends_at: String,
    days_left: f64,
}

/// The latest time that certificates were loaded again.
#[derive(Serialize)]
struct Reload {
    at: String,
    result: &'static str,
}

impl StatusView {
    /// Answers with JSON, or with a page for who asks for HTML.
    pub(crate) fn reply(&self, accept: &str) -> Reply {
        let status = self.status();
        let reply = if accept.contains("text/html") {
            Reply {
                status: StatusCode::OK,
                headers: vec![
                    (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                    (CONTENT_SECURITY_POLICY, POLICY),
                    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
                ],
                body: page::of(&status).into(),
            }
        } else {
            Reply::json(StatusCode::OK, serde_json::to_vec(&status).unwrap_or_else(|_| b"{}".to_vec()))
        };
        reply
            .with(VARY, HeaderValue::from_static("accept"))
            .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
    }

    fn status(&self) -> Status {
        let (now, about) = (self.clock.now(), &self.about);
        Status {
            word: self.health.word(),
            pod: Pod {
                name: about.pod.clone(),
                version: env!("CARGO_PKG_VERSION"),
                environment: about.environment.clone(),
                o_cloud_id: about.o_cloud.clone(),
                started_at: about.started.to_string(),
                uptime_seconds: now.since(about.started).as_secs(),
            },
            sources: self.health.sources(),
            servers: self.health.servers(),
            certificates: self.certificates(now),
            last_reload: self.renewal.last().map(|(at, result)| Reload { at: at.to_string(), result }),
            objectives: self.objectives.judge(),
        }
    }

    /// Returns when certificates end, by role, the first to end first.
    fn certificates(&self, now: Timestamp) -> Vec<Certificate> {
        let families = self.metrics.certificate_expiry.collect();
        let all = families.iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        let mut ends: Vec<(f64, String)> = all
            .filter_map(|metric| {
                Some((metric.get_gauge().get_value(), metric.get_label().first()?.value().to_owned()))
            })
            .collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0));
        let seconds = seconds(now);
        let tell = |(ends, role): (f64, String)| Certificate {
            role,
            ends_at: at(ends).to_string(),
            days_left: ((ends - seconds) / DAY * 100.0).floor() / 100.0,
        };
        ends.into_iter().map(tell).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
fn seconds(now: Timestamp) -> f64 {
    now.0 as f64 / 1000.0
}

#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970, as a certificate has them")]
fn at(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1000.0) as i64)
}
