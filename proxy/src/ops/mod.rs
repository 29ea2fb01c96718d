//! The plain listener for probes, Prometheus and people: health, metrics, status, the API browser, and no data of the API.

mod browser;
mod health;
mod host;
pub(crate) mod memory;
mod status;

pub use browser::Browser;
pub use health::{Check, HealthView, Readiness, SourceStatus};
pub use host::name as host_name;
pub use status::About;
pub(crate) use status::StatusView;
pub(crate) use status::escape;

use crate::gateway::write_reply;
use crate::listen::{Direct, Link, Stopping, Written};
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routes::{Health, table};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::openmetrics;
use async_trait::async_trait;
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use pingora_core::apps::{HttpPersistentSettings, HttpServerApp, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;
use std::sync::Arc;
use std::time::Duration;

/// The media type of the Prometheus text format.
const METRICS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
/// The media type of `OpenMetrics` text.
const METRICS_OPEN: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// The application behind the operations listener.
pub(crate) struct Ops {
    /// Answers health questions.
    pub(crate) health: HealthView,
    /// Shows the API's document.
    pub(crate) browser: Browser,
    /// What is served under `/status`.
    pub(crate) status: StatusView,
    /// What is served under `/metrics`.
    pub(crate) metrics: Arc<Metrics>,
    /// Whether the process ends.
    pub(crate) stopping: Arc<Stopping>,
    /// Time for each write of an answer.
    pub(crate) write_time: Duration,
}

/// What can be asked here.
enum Asked {
    Health(Health),
    Metrics,
    Status,
    Page(Reply),
}

impl Ops {
    fn reply(&self, head: &Parts) -> Reply {
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or(""));
        let asked = match (path, table::health(path)) {
            (_, Some(health)) => Asked::Health(health),
            ("/metrics" | "/metrics/", None) => Asked::Metrics,
            ("/status" | "/status/", None) => Asked::Status,
            _ => match self.browser.reply(path) {
                Some(page) => Asked::Page(page),
                None => return Problem::no_such_path().reply(""),
            },
        };
        if head.method != Method::GET && head.method != Method::HEAD {
            return Problem::method_not_allowed(&[Method::GET]).reply("");
        }
        let accept = head.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
        match asked {
            Asked::Health(health) => {
                let verbose = query.split('&').any(|part| part == "verbose" || part.starts_with("verbose="));
                self.health.reply(health, verbose, "")
            }
            Asked::Metrics => self.metrics(accept),
            Asked::Page(page) => page,
            Asked::Status => self.status.reply(accept),
        }
    }

    fn metrics(&self, accept: &str) -> Reply {
        if let Some(bytes) = memory::resident() {
            self.metrics.resident.set(bytes);
        }
        self.health.observe(&self.metrics);
        let rendered = if openmetrics::is_asked_for(accept) {
            Ok((METRICS_OPEN, self.metrics.render_open()))
        } else {
            self.metrics.render().map(|text| (METRICS_TEXT, text))
        };
        match rendered {
            Ok((media_type, text)) => Reply {
                status: StatusCode::OK,
                headers: vec![(CONTENT_TYPE, media_type), (VARY, HeaderValue::from_static("accept"))],
                body: text.into(),
            },
            Err(error) => Problem::from(&error).reply(""),
        }
    }
}

impl Direct for Ops {
    async fn direct(&self, head: Parts, link: &mut Link, last: bool) -> bool {
        let last = last || self.stopping.is_draining();
        let how = Written { id: None, head_only: head.method == Method::HEAD, last, time: self.write_time };
        link.answer(self.reply(&head), &how).await.is_ok() && !last
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
        let reply = self.reply(head);
        if self.stopping.is_draining() {
            session.set_keepalive(None);
        }
        write_reply(&mut session, reply, None, (head_only, self.write_time)).await.ok()?;
        let settings = HttpPersistentSettings::for_session(&session);
        let stream = session.finish().await.ok()??;
        Some(ReusedHttpStream::from_reusable_stream(stream, settings))
    }
}
