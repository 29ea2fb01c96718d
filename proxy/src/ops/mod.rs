//! The plain listener for probes, Prometheus and people: health, readiness, metrics, the API browser, and no data of the API.

mod browser;
mod health;
mod memory;

pub use browser::Browser;
pub use health::{Check, HealthView, Readiness};

use crate::gateway::write_reply;
use crate::listen::Stopping;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routes::table;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use pingora_core::apps::{HttpPersistentSettings, HttpServerApp, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;
use std::sync::Arc;
use std::time::Duration;

/// The media type of the Prometheus text format.
const METRICS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The application behind the operations listener.
pub(crate) struct Ops {
    /// Answers health questions.
    pub(crate) health: HealthView,
    /// Shows the API's document.
    pub(crate) browser: Browser,
    /// What is served under `/metrics`.
    pub(crate) metrics: Arc<Metrics>,
    /// Whether the process ends.
    pub(crate) stopping: Arc<Stopping>,
    /// Time for each write of an answer.
    pub(crate) write_time: Duration,
}

impl Ops {
    fn reply(&self, method: &Method, path: &str, query: &str) -> Reply {
        let metrics = matches!(path, "/metrics" | "/metrics/");
        let health = table::health(path);
        let page = self.browser.reply(path);
        if !metrics && health.is_none() && page.is_none() {
            return Problem::no_such_path().reply("");
        }
        if *method != Method::GET && *method != Method::HEAD {
            return Problem::method_not_allowed(&[Method::GET]).reply("");
        }
        if let Some(page) = page {
            return page;
        }
        match health {
            Some(health) => {
                let verbose = query.split('&').any(|part| part == "verbose" || part.starts_with("verbose="));
                self.health.reply(health, verbose, "")
            }
            None => self.metrics(),
        }
    }

    fn metrics(&self) -> Reply {
        if let Some(bytes) = memory::resident() {
            self.metrics.resident.set(bytes);
        }
        self.health.observe(&self.metrics);
        match self.metrics.render() {
            Ok(text) => Reply {
                status: StatusCode::OK,
                headers: vec![(CONTENT_TYPE, METRICS_TEXT)],
                body: text.into(),
            },
            Err(error) => Problem::from(&error).reply(""),
        }
    }
}

#[async_trait]
impl HttpServerApp for Ops {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        _shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        if !session.read_request().await.ok()? {
            return None;
        }
        let head = session.req_header();
        let head_only = head.method == Method::HEAD;
        let reply = self.reply(&head.method, head.uri.path(), head.uri.query().unwrap_or(""));
        if self.stopping.is_draining() {
            session.set_keepalive(None);
        }
        write_reply(&mut session, reply, None, (head_only, self.write_time)).await.ok()?;
        let settings = HttpPersistentSettings::for_session(&session);
        let stream = session.finish().await.ok()??;
        Some(ReusedHttpStream::from_reusable_stream(stream, settings))
    }
}
