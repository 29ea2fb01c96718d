//! From the head of a request to its answer, in plain HTTP types, and what is kept of it.
//!
//! `front` brings requests here, as the protocol has them. Nothing is ever proxied.

mod front;
mod spans;

pub(crate) use front::{Front, write_reply};

use crate::audit::{Audit, Call, Payload};
use crate::ctx::{Ctx, REQUEST_ID, RequestIds, Stage};
use crate::filters::{Admitted, Chain, Pending, Routes, Seen, body, changes, negotiate, takes_body};
use crate::listen::Stopping;
use crate::listen::peer::Peer;
use crate::ops::HealthView;
use crate::problem::{Problem, Refused};
use crate::reply::Reply;
use crate::routes::Call as RouteCall;
use crate::telemetry::requests::{Outcome, Requests, template};
use crate::telemetry::trace::Tracer;
use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, StatusCode};
use netweave_model::port::Clock;
use netweave_model::{Context, Timestamp, Trace};
use pingora::time::timeout;
use pingora_core::protocols::http::ServerSession;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::yield_now;
use tracing::{debug, error, info};

/// Longest time a route may take; backends have shorter times of their own.
const SERVE_TIME: Duration = Duration::from_secs(30);

/// What answers requests.
pub(crate) struct Gateway {
    /// The filters.
    pub(crate) chain: Chain,
    /// What lies behind them.
    pub(crate) routes: Arc<dyn Routes>,
    /// Answers health questions.
    pub(crate) health: HealthView,
    /// Counts requests.
    pub(crate) requests: Arc<Requests>,
    /// Records requests.
    pub(crate) audit: Arc<Audit>,
    /// Whether the process ends.
    pub(crate) stopping: Arc<Stopping>,
    /// The time of day.
    pub(crate) clock: Arc<dyn Clock>,
    /// Makes request ids.
    pub(crate) ids: RequestIds,
    /// Time for each write of an answer.
    pub(crate) write_time: Duration,
    /// Takes the spans of requests.
    pub(crate) tracer: Arc<Tracer>,
}

/// A request's body as the filters read it.
struct Downstream<'a>(&'a mut ServerSession);

#[async_trait]
impl body::Source for Downstream<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, Refused> {
        self.0
            .read_request_body()
            .await
            .map_err(|error| Problem::unreadable("the body is not framed as it says", &error))
    }

    async fn go_ahead(&mut self) -> Result<(), Refused> {
        let written = self.0.write_continue_response().await;
        written.map_err(|error| Problem::unreadable("the client is gone", &error))
    }
}

impl Gateway {
    /// Starts the state of a request.
    fn begin(&self) -> Ctx {
        Ctx::new(&self.requests.metrics().http_in_flight)
    }

    /// Takes a request from its head to its answer, through filters and routes; a change is recorded then. The session is
    /// there where the method takes a body.
    async fn reply(
        &self,
        (head, session): (&Parts, Option<&mut ServerSession>),
        peer: Option<Arc<Peer>>,
        ctx: &mut Ctx,
    ) -> Reply {
        ctx.method = head.method.clone();
        ctx.at = self.clock.now();
        ctx.id = self.ids.take(head.headers.get(REQUEST_ID));
        let parent = spans::parent(&head.headers);
        ctx.spans = (parent, self.tracer.begin(parent));
        ctx.peer = peer;
        let reply = match ctx.peer.clone() {
            Some(peer) => self.answer((head, session), &peer, ctx).await,
            None => Self::refuse(ctx, &Problem::internal("a connection has no peer".to_owned())),
        };
        let reply = self.recorded(head, ctx, reply).await;
        ctx.status = Some(reply.status);
        ctx.bytes = reply.body.len();
        reply
    }

    async fn answer(
        &self,
        (head, session): (&Parts, Option<&mut ServerSession>),
        peer: &Peer,
        ctx: &mut Ctx,
    ) -> Reply {
        let answered = match self.admit(head, peer, (ctx.at, &mut ctx.seen)).await {
            Ok(Admitted::Call(pending)) => {
                if let Some(session) = session {
                    self.with_body((session, peer), (head, ctx), &pending).await
                } else {
                    ctx.stage = Stage::Allowed;
                    self.serve(&pending, Bytes::new(), ctx).await
                }
            }
            Ok(Admitted::Health(health, _)) => {
                ctx.stage = Stage::Health;
                Ok(self.health.reply(health, false, ctx.id()))
            }
            Err(problem) => Err(problem),
        };
        answered.unwrap_or_else(|problem| Self::refuse(ctx, &problem))
    }

    /// Takes a head through the filters; a second time if its token names a key that is fetched meanwhile.
    async fn admit<'a>(
        &self,
        head: &'a Parts,
        peer: &'a Peer,
        (now, seen): (Timestamp, &mut Seen),
    ) -> Result<Admitted<'a>, Refused> {
        let first = self.chain.admit(head, peer, now, seen);
        let Some(issuer) = seen.missing.take() else { return first };
        issuer.answered().await;
        let second = self.chain.admit(head, peer, self.clock.now(), seen);
        seen.missing = None;
        second
    }

    async fn with_body(
        &self,
        (session, peer): (&mut ServerSession, &Peer),
        (head, ctx): (&Parts, &mut Ctx),
        pending: &Pending<'_>,
    ) -> Result<Reply, Refused> {
        let mut source = Downstream(session);
        let body = match body::read(&mut source, &head.headers, self.chain.body).await {
            Ok(body) => body,
            Err(problem) => {
                // Where the body ends is not known, so nothing after it may be taken for a request.
                session.set_keepalive(None);
                return Err(problem);
            }
        };
        ctx.sent = Payload { bytes: body.clone(), media_type: head.headers.get(CONTENT_TYPE).cloned() };
        self.chain.remains(peer, self.clock.now())?;
        negotiate::check_body(&head.headers, &body)?;
        ctx.stage = Stage::Allowed;
        self.serve(pending, body, ctx).await
    }

    /// Asks the routes; a panic in them ends this request alone.
    async fn serve(&self, pending: &Pending<'_>, body: Bytes, ctx: &Ctx) -> Result<Reply, Refused> {
        let trace = ctx.spans.1;
        if changes(pending.method) {
            self.audit.may_change().map_err(|error| Box::new(Problem::from(&error)))?;
        }
        let call = pending.call(body);
        let panicked = |_| Box::new(Problem::internal("a route panicked".to_owned()));
        let hit = catch_unwind(AssertUnwindSafe(|| self.cached(&call, trace))).map_err(panicked)?;
        if let Some(reply) = hit {
            return Ok(reply);
        }
        if ctx.shares {
            yield_now().await;
        }
        let served = AssertUnwindSafe(Context::of(trace).within(self.routes.serve(&call))).catch_unwind();
        match timeout(SERVE_TIME, served).await {
            Ok(Ok(Ok(reply))) => Ok(reply),
            Ok(Ok(Err(error))) => Err(Box::new(Problem::from(&error))),
            Ok(Err(panic)) => Err(panicked(panic)),
            Err(_) => Err(Box::new(Problem::from(&netweave_model::Error::new(
                netweave_model::ErrorKind::Timeout,
                "the answer took too long",
            )))),
        }
    }

    /// Looks into the response cache.
    fn cached(&self, call: &RouteCall<'_>, trace: Option<Trace>) -> Option<Reply> {
        let Some(parent) = trace else { return self.routes.cached(call) };
        let began = Instant::now();
        let hit = Context::of(trace).enter(|| self.routes.cached(call));
        if parent.sampled && call.route.operation.is_cacheable() {
            self.tracer
                .end(self.tracer.begin(trace), |own| spans::of_cache(parent, own, hit.is_some(), began));
        }
        hit
    }

    fn refuse(ctx: &mut Ctx, problem: &Problem) -> Reply {
        ctx.failure = problem.private().map(str::to_owned);
        ctx.reason = Some(problem.kind());
        problem.reply_in(ctx.id(), ctx.spans.1)
    }

    /// Records a change before it is answered; in strict mode the answer waits until the record is safe.
    async fn recorded(&self, head: &Parts, ctx: &mut Ctx, reply: Reply) -> Reply {
        if !self.audit.is_on() || !changes(&ctx.method) {
            return reply;
        }
        ctx.status = Some(reply.status);
        ctx.bytes = reply.body.len();
        let media_type = reply.headers.iter().find(|(name, _)| *name == CONTENT_TYPE);
        let media_type = media_type.map(|(_, value)| value.clone());
        let answered = Payload { bytes: reply.body.clone(), media_type };
        let sent = std::mem::take(&mut ctx.sent);
        let call = Call { bodies: Some((sent, answered)), ..call(head, ctx, ctx.began.elapsed()) };
        // It is handed over at once; whoever is cut off while it waits is not to be recorded again.
        ctx.recorded = true;
        match self.audit.change(call).await {
            Ok(()) => reply,
            Err(error) => {
                ctx.recorded = false;
                Self::refuse(ctx, &Problem::from(&error))
            }
        }
    }

    /// Counts a request that is over, and writes it into the logs; `failed` says why its answer was not written.
    fn finished(&self, head: &Parts, failed: Option<String>, ctx: &mut Ctx) {
        let status = ctx.status.unwrap_or(StatusCode::BAD_REQUEST);
        let own = ctx.spans.1.filter(|_| ctx.stage != Stage::Health);
        let trace = self.tracer.recorded(own);
        let outcome = Outcome { slot: ctx.seen.slot, method: &ctx.method, status, bytes: ctx.bytes, trace };
        let took = ctx.began.elapsed();
        self.requests.record(&outcome, took);
        if failed.is_some() {
            ctx.failure = failed;
        }
        Context::of(ctx.spans.1).enter(|| access(ctx, status));
        self.tracer.end(own, |own| spans::of_request(ctx, own, status));
        if self.audit.is_on() && !ctx.recorded && ctx.stage != Stage::Health {
            self.audit.call(call(head, ctx, took));
        }
    }
}

/// Describes a request for the audit log.
fn call(head: &Parts, ctx: &Ctx, took: Duration) -> Call {
    Call {
        at: ctx.at.plus(took),
        peer: ctx.peer.clone(),
        method: Some(ctx.method.clone()),
        path: Some(head.uri.path().into()),
        slot: ctx.seen.slot,
        status: ctx.status.unwrap_or(StatusCode::BAD_REQUEST),
        bytes: ctx.bytes,
        took,
        id: Some(ctx.id().into()),
        trace: ctx.spans.1,
        allowed: ctx.stage == Stage::Allowed,
        reason: ctx.reason,
        token: ctx.seen.token.clone(),
        bodies: None,
    }
}

/// Writes the access log: errors and writes at `info` and above, reads at `debug`.
fn access(ctx: &Ctx, status: StatusCode) {
    let written = takes_body(&ctx.method) || ctx.method == Method::DELETE;
    if status.is_server_error() {
        failed(ctx, status);
    } else if status.is_client_error() || written {
        answered(ctx, status);
    } else {
        read(ctx, status);
    }
}

/// One line of the access log; the level of an event must be known where it is written.
macro_rules! line {
    ($name:ident, $level:ident, $message:literal) => {
        fn $name(ctx: &Ctx, status: StatusCode) {
            $level!(
                request.id = ctx.id(),
                identity = ctx.peer.as_ref().map_or("-", |peer| peer.name()),
                method = ctx.method.as_str(),
                route = template(ctx.seen.slot),
                status = status.as_u16(),
                duration_us = u64::try_from(ctx.began.elapsed().as_micros()).unwrap_or(u64::MAX),
                bytes = ctx.bytes,
                error = ctx.failure.as_deref(),
                $message
            );
        }
    };
}

line!(failed, error, "request failed");
line!(answered, info, "request answered");
line!(read, debug, "request answered");
