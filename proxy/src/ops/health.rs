//! Health and readiness: the same answers on both listeners.

use crate::listen::Stopping;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routes::Health;
use crate::telemetry::metrics::Metrics;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Tells whether requests should be sent here.
pub trait Readiness: Send + Sync {
    /// Returns the state of everything that readiness depends on, in a fixed order, without waiting for any of it.
    fn check(&self) -> Vec<Check>;

    /// Writes what only a look can tell, such as ages, to its metric families; called before they are rendered.
    fn observe(&self, _metrics: &Metrics) {}
}

/// The state of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it is; shown to whoever asks.
    pub name: String,
    /// Whether requests can be answered as far as it is concerned.
    pub ok: bool,
    /// Whether they are answered worse than usual, such as from what was known before.
    pub degraded: bool,
    /// More about it; shown on the operations listener only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Answers health questions.
#[derive(Clone)]
pub struct HealthView {
    readiness: Arc<dyn Readiness>,
    stopping: Arc<Stopping>,
}

#[derive(Serialize)]
struct Body<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
}

impl HealthView {
    /// Makes a view of the process's state.
    pub fn new(readiness: Arc<dyn Readiness>, stopping: Arc<Stopping>) -> Self {
        Self { readiness, stopping }
    }

    /// Brings the families up to date that are only written when somebody looks.
    pub fn observe(&self, metrics: &Metrics) {
        self.readiness.observe(metrics);
    }

    /// Answers a question; `verbose` shows every check with its detail.
    pub fn reply(&self, health: Health, verbose: bool, request_id: &str) -> Reply {
        let reply = match health {
            Health::Live | Health::Healthy => good("ok", None),
            Health::Ready => self.ready(verbose, request_id),
        };
        reply.with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }

    fn ready(&self, verbose: bool, request_id: &str) -> Reply {
        if self.stopping.is_unready() {
            return Problem::not_ready("the process is ending".to_owned()).reply(request_id);
        }
        let checks = self.readiness.check();
        let failing: Vec<String> = checks
            .iter()
            .filter(|check| !check.ok)
            .map(
                |check| {
                    if verbose { format!("{} ({})", check.name, check.detail) } else { check.name.clone() }
                },
            )
            .collect();
        if !failing.is_empty() {
            return Problem::not_ready(format!("not ready: {}", failing.join(", "))).reply(request_id);
        }
        let degraded = checks.iter().any(|check| check.degraded);
        good(if degraded { "degraded" } else { "ready" }, verbose.then_some(checks))
    }
}

fn good(status: &str, checks: Option<Vec<Check>>) -> Reply {
    let body = serde_json::to_vec(&Body { status, checks }).unwrap_or_else(|_| b"{}".to_vec());
    Reply::json(StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    struct Fixed(Vec<Check>);

    impl Readiness for Fixed {
        fn check(&self) -> Vec<Check> {
            self.0.clone()
        }
    }

    fn ready(verbose: bool, ok: bool, degraded: bool) -> (u16, Value) {
        let check = Check { name: "source lab".to_owned(), ok, degraded, detail: "refused".to_owned() };
        let view = HealthView::new(Arc::new(Fixed(vec![check])), Arc::default());
        let reply = view.reply(Health::Ready, verbose, "");
        (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap())
    }

    #[test]
    fn readiness_names_what_fails_and_tells_details_only_when_asked() {
        assert_eq!(ready(false, true, false), (200, json!({"status": "ready"})));
        assert_eq!(ready(false, true, true), (200, json!({"status": "degraded"})));
        let (status, body) = ready(false, false, false);
        assert_eq!((status, &body["detail"]), (503, &json!("not ready: source lab")));
        assert_eq!(ready(true, false, false).1["detail"], "not ready: source lab (refused)");
        assert_eq!(ready(true, true, false).1["checks"][0]["detail"], "refused");
    }

    #[test]
    fn a_failing_check_leaves_the_process_alive_and_healthy() {
        let check = Check { name: "x".to_owned(), ok: false, degraded: false, detail: String::new() };
        let view = HealthView::new(Arc::new(Fixed(vec![check])), Arc::default());
        assert_eq!(view.reply(Health::Live, false, "").status, StatusCode::OK);
        assert_eq!(view.reply(Health::Healthy, false, "").status, StatusCode::OK);
    }
}
