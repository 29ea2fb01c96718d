//! Answers what comes through the control socket: HTTP/1.1, one small JSON object each way.
//!
//! `GET /` tells what runs, `POST /drain`, `POST /reload` and `POST /hand-over` ask for that, `PUT /log-level` takes `{level,
//! forSeconds}`. `POST /profile` takes `{seconds, frequency}` and is answered with lines of text, and so is
//! `POST /heap-profile`. `GET /end` is never answered: its connection ends with the process.

use super::{Level, Profiler, Reloader, socket};
use crate::conf::tree::Shutdown;
use crate::listen::{Ask, StopHandle, Stopping};
use crate::problem::Problem;
use crate::reply::Reply;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use netweave_model::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::convert::Infallible;
use std::os::unix::net::UnixListener as Bound;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tracing::{debug, info, warn};

/// Open connections.
const CONNECTIONS: usize = 16;
/// Largest body that is read.
const MAX_BODY: usize = 4 << 10;
/// Longest time for which another log level may be asked for.
const LONGEST: Duration = Duration::from_hours(24);
/// The media type of stacks.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// Pause after a failed accept.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers.
pub struct Desk {
    /// Asks the process to end, or to hand over.
    pub handle: StopHandle,
    /// How far the end has come.
    pub stopping: Arc<Stopping>,
    /// Reads the configuration again.
    pub reloader: Arc<Reloader>,
    /// Reads the certificates again.
    pub certificates: Box<dyn Fn() + Send + Sync>,
    /// What is logged.
    pub level: Arc<Level>,
    /// How the process ends.
    pub shutdown: Shutdown,
    /// Takes profiles.
    pub profiler: Profiler,
}

/// What is asked for with `PUT /log-level`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AskedLevel {
    level: String,
    for_seconds: u64,
}

impl Desk {
    /// Answers until the future is dropped, which ends all connections.
    pub async fn serve(self: Arc<Self>, bound: Bound) {
        let listener = match UnixListener::from_std(bound) {
            Ok(listener) => listener,
            Err(error) => return unaccepted(&error),
        };
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let desk = Arc::clone(&self);
                    tokio::spawn(async move {
                        desk.converse(stream).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    unaccepted(&error);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn converse(self: Arc<Self>, stream: UnixStream) {
        // The mode of the file says so already; this holds for the moment before it has it.
        if !stream.peer_cred().is_ok_and(|peer| socket::may_ask(peer.uid())) {
            return stranger();
        }
        let service = service_fn(move |request| {
            let desk = Arc::clone(&self);
            async move { Ok::<_, Infallible>(response(desk.answer(request).await)) }
        });
        let server =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        server.await.unwrap_or_else(|error| debug!(%error, "a connection to the control socket broke"));
    }

    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        match (&head.method, head.uri.path()) {
            (&Method::GET, "/") => self.state(),
            (&Method::GET, "/end") => std::future::pending().await,
            (&Method::POST, "/drain") => self.drain(),
            (&Method::POST, "/reload") => self.reload().await,
            (&Method::POST, "/hand-over") => {
                self.handle.ask(Ask::HandOver);
                self.state()
            }
            (&Method::PUT, "/log-level") => match self.log_level(body).await {
                Ok(reply) => reply,
                Err(error) => Problem::from(&error).reply(""),
            },
            (&Method::POST, "/profile") => match self.profile(body).await {
                Ok(reply) => reply,
                Err(error) => Problem::from(&error).reply(""),
            },
            (&Method::POST, "/heap-profile") => match self.profiler.heap().await {
                Ok(stacks) => text(stacks),
                Err(error) => Problem::from(&error).reply(""),
            },
            _ => Problem::no_such_path().reply(""),
        }
    }

    fn state(&self) -> Reply {
        let state = match (self.stopping.is_unready(), self.stopping.is_draining()) {
            (_, true) => "draining",
            (true, false) => "unready",
            (false, false) => "serving",
        };
        reply(
            StatusCode::OK,
            &json!({
                "pid": std::process::id(),
                "version": env!("CARGO_PKG_VERSION"),
                "state": state,
                "logLevel": self.level.now(),
            }),
        )
    }

    fn drain(&self) -> Reply {
        info!("draining was asked for through the control socket");
        self.handle.ask(Ask::Drain);
        let seconds = |time: Duration| time.as_secs_f64();
        reply(
            StatusCode::ACCEPTED,
            &json!({
                "pid": std::process::id(),
                "delaySeconds": seconds(self.shutdown.delay.0),
                "graceSeconds": seconds(self.shutdown.grace.0),
            }),
        )
    }

    async fn reload(&self) -> Reply {
        let reloader = Arc::clone(&self.reloader);
        (self.certificates)();
        match tokio::task::spawn_blocking(move || reloader.reload()).await {
            Ok(Ok(report)) => reply(StatusCode::OK, &report),
            Ok(Err(refused)) => reply(StatusCode::UNPROCESSABLE_ENTITY, &refused),
            Err(error) => Problem::internal(error.to_string()).reply(""),
        }
    }

    async fn profile(&self, body: Incoming) -> Result<Reply> {
        let asked = read(body, "must be {\"seconds\": n, \"frequency\": n}").await?;
        Ok(text(self.profiler.stacks(asked).await?))
    }

    async fn log_level(&self, body: Incoming) -> Result<Reply> {
        let asked: AskedLevel = read(body, "must be {\"level\": \"...\", \"forSeconds\": n}").await?;
        let lasts = Duration::from_secs(asked.for_seconds);
        if lasts.is_zero() || lasts > LONGEST {
            return Err(Error::invalid("/forSeconds", "must be 1 to 86400"));
        }
        let before = self.level.now();
        self.level.ask(&asked.level, lasts)?;
        Ok(reply(
            StatusCode::OK,
            &json!({ "level": asked.level, "before": before, "forSeconds": asked.for_seconds }),
        ))
    }
}

/// Reads a small body; `form` says what it must be.
async fn read<T: DeserializeOwned>(body: Incoming, form: &'static str) -> Result<T> {
    let wrong = |reason: &'static str| Error::invalid("/", reason);
    let bytes = Limited::new(body, MAX_BODY).collect().await;
    let bytes =
        bytes.map_err(|error| wrong("the body is too large or broke off").with_source(error))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| wrong(form).with_source(error))
}

fn unaccepted(error: &std::io::Error) {
    warn!(%error, "the control socket takes no connection");
}

fn stranger() {
    warn!("somebody else's connection to the control socket was closed");
}

fn reply(status: StatusCode, body: &impl Serialize) -> Reply {
    match serde_json::to_vec(body) {
        Ok(body) => Reply::json(status, body),
        Err(error) => Problem::internal(error.to_string()).reply(""),
    }
}

fn text(stacks: String) -> Reply {
    Reply { status: StatusCode::OK, headers: vec![(CONTENT_TYPE, TEXT)], body: stacks.into() }
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value);
    }
    response
}
