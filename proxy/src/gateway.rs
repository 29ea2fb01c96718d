//! The only implementation of `ProxyHttp`: Pingora's session <-> plain HTTP types.
//!
//! Every request is answered in `request_filter`; nothing is ever proxied.

mod spans;

use crate::audit::{Audit, Call, Payload};
use crate::ctx::{Ctx, REQUEST_ID, RequestIds, Stage};
use crate::filters::{Admitted, Chain, Pending, Routes, Seen, body, changes, negotiate, takes_body};
use crate::listen::peer::Peer;
use crate::listen::{Stopping, peer_of};
use crate::ops::HealthView;
use crate::problem::{Problem, Refused};
use crate::reply::Reply;
use crate::routes::Call as RouteCall;
use crate::telemetry::requests::{Outcome, Requests, template};
use crate::telemetry::trace::Tracer;
use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use netweave_model::port::Clock;
use netweave_model::{Context, Timestamp, Trace};
use pingora::http::ResponseHeader;
use pingora::time::timeout;
use pingora_core::modules::http::HttpModules;
use pingora_core::protocols::http::ServerSession;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorType, Result};
use pingora_proxy::{FailToProxy, ProxyHttp, Session};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{debug, error, info};

/// Longest time a route may take; backends have shorter times of their own.
const SERVE_TIME: Duration = Duration::from_secs(30);
/// Size of the pieces in which bodies are written; each has the write time to itself.
const PIECE: usize = 64 << 10;
/// The request id's header, as answers carry it.
const REQUEST_ID_NAME: HeaderName = HeaderName::from_static(REQUEST_ID);

/// The gateway as Pingora's proxy sees it.
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
    async fn next(&mut self) -> std::result::Result<Option<Bytes>, Refused> {
        self.0
            .read_request_body()
            .await
            .map_err(|error| Problem::unreadable("the body is not framed as it says", &error))
    }

    async fn go_ahead(&mut self) -> std::result::Result<(), Refused> {
        let written = self.0.write_continue_response().await;
        written.map_err(|error| Problem::unreadable("the client is gone", &error))
    }
}

impl Gateway {
    /// Takes a request through filters and routes.
    async fn answer(&self, session: &mut Session, ctx: &mut Ctx) -> Reply {
        let Some(peer) = peer_of(session.digest()) else {
            return Self::refuse(ctx, &Problem::internal("a connection has no peer".to_owned()));
        };
        ctx.peer = Some(Arc::clone(&peer));
        let answered = if takes_body(&ctx.method) {
            // Reading the body needs the session, so the head is copied.
            let head = session.req_header().as_owned_parts();
            match self.admit(&head, &peer, (ctx.at, &mut ctx.seen)).await {
                Ok(Admitted::Call(pending)) => self.with_body(session, (&head, ctx), &pending).await,
                Ok(Admitted::Health(..)) => Err(Box::new(Problem::no_such_path())),
                Err(problem) => Err(problem),
            }
        } else {
            let head: &Parts = session.req_header();
            match self.admit(head, &peer, (ctx.at, &mut ctx.seen)).await {
                Ok(Admitted::Call(pending)) => {
                    ctx.stage = Stage::Allowed;
                    self.serve(&pending, Bytes::new(), ctx.spans.1).await
                }
                Ok(Admitted::Health(health, _)) => {
                    ctx.stage = Stage::Health;
                    Ok(self.health.reply(health, false, ctx.id()))
                }
                Err(problem) => Err(problem),
            }
        };
        answered.unwrap_or_else(|problem| Self::refuse(ctx, &problem))
    }

    /// Takes a head through the filters; a second time if its token names a key that is fetched meanwhile.
    async fn admit<'a>(
        &self,
        head: &'a Parts,
        peer: &'a Peer,
        (now, seen): (Timestamp, &mut Seen),
    ) -> std::result::Result<Admitted<'a>, Refused> {
        let first = self.chain.admit(head, peer, now, seen);
        let Some(issuer) = seen.missing.take() else { return first };
        issuer.answered().await;
        let second = self.chain.admit(head, peer, self.clock.now(), seen);
        seen.missing = None;
        second
    }

    async fn with_body(
        &self,
        session: &mut Session,
        (head, ctx): (&Parts, &mut Ctx),
        pending: &Pending<'_>,
    ) -> std::result::Result<Reply, Refused> {
        let mut source = Downstream(&mut session.downstream_session);
        let body = match body::read(&mut source, &head.headers, self.chain.body).await {
            Ok(body) => body,
            Err(problem) => {
                // Where the body ends is not known, so nothing after it may be taken for a request.
                session.downstream_session.set_keepalive(None);
                return Err(problem);
            }
        };
        ctx.sent = Payload { bytes: body.clone(), media_type: head.headers.get(CONTENT_TYPE).cloned() };
        negotiate::check_body(&head.headers, &body)?;
        ctx.stage = Stage::Allowed;
        self.serve(pending, body, ctx.spans.1).await
    }

    /// Asks the routes; a panic in them ends this request alone.
    async fn serve(
        &self,
        pending: &Pending<'_>,
        body: Bytes,
        trace: Option<Trace>,
    ) -> std::result::Result<Reply, Refused> {
        if changes(pending.method) {
            self.audit.may_change().map_err(|error| Box::new(Problem::from(&error)))?;
        }
        let call = pending.call(body);
        let panicked = |_| Box::new(Problem::internal("a route panicked".to_owned()));
        let hit = catch_unwind(AssertUnwindSafe(|| self.cached(&call, trace))).map_err(panicked)?;
        if let Some(reply) = hit {
            return Ok(reply);
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
        match self.audit.change(call).await {
            Ok(()) => {
                ctx.recorded = true;
                reply
            }
            Err(error) => Self::refuse(ctx, &Problem::from(&error)),
        }
    }

    async fn send(&self, session: &mut ServerSession, ctx: &mut Ctx, reply: Reply) -> Result<()> {
        ctx.status = Some(reply.status);
        ctx.bytes = reply.body.len();
        if self.stopping.is_draining() {
            session.set_keepalive(None);
        }
        let head_only = ctx.method == Method::HEAD;
        write_reply(session, reply, Some(ctx.id.to_value()), (head_only, self.write_time)).await
    }
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Ctx;

    fn new_ctx(&self) -> Ctx {
        Ctx::new(&self.requests.metrics().http_in_flight)
    }

    /// Leaves the compression module out: it would cost an allocation per request and never compress.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn upstream_peer(&self, _session: &mut Session, _ctx: &mut Ctx) -> Result<Box<HttpPeer>> {
        Error::e_explain(ErrorType::InternalError, "nothing is proxied")
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut Ctx) -> Result<bool> {
        let head = session.req_header_mut();
        ctx.method = head.method.clone();
        ctx.at = self.clock.now();
        ctx.id = self.ids.take(head.headers.get(REQUEST_ID));
        let parent = spans::parent(&head.headers);
        ctx.spans = (parent, self.tracer.begin(parent));
        // An offer to change protocols is not taken, so nothing below may think of it.
        head.remove_header(&UPGRADE);
        let reply = self.answer(session, ctx).await;
        let reply = self.recorded(session.req_header(), ctx, reply).await;
        self.send(&mut session.downstream_session, ctx, reply).await?;
        Ok(true)
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, ctx: &mut Ctx) -> FailToProxy {
        let mut code = 0;
        if session.response_written().is_none() {
            let asked = if let ErrorType::HTTPStatus(status) = error.etype() { *status } else { 400 };
            let status = StatusCode::from_u16(asked).unwrap_or(StatusCode::BAD_REQUEST);
            let reply = Self::refuse(ctx, &Problem::of_status(status));
            code = status.as_u16();
            // The client may be gone; there is nobody else to tell.
            self.send(&mut session.downstream_session, ctx, reply).await.ok();
        }
        FailToProxy { error_code: code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, ctx: &mut Ctx) {
        let status = ctx.status.unwrap_or(StatusCode::BAD_REQUEST);
        let own = ctx.spans.1.filter(|_| ctx.stage != Stage::Health);
        let trace = self.tracer.recorded(own);
        let outcome = Outcome { slot: ctx.seen.slot, method: &ctx.method, status, bytes: ctx.bytes, trace };
        let took = ctx.began.elapsed();
        self.requests.record(&outcome, took);
        if let Some(error) = error {
            ctx.failure = Some(error.to_string());
        }
        Context::of(ctx.spans.1).enter(|| access(ctx, status));
        self.tracer.end(own, |own| spans::of_request(ctx, own, status));
        if self.audit.is_on() && !ctx.recorded && ctx.stage != Stage::Health {
            self.audit.call(call(session.req_header(), ctx, took));
        }
    }

    /// The access log has the line already.
    fn suppress_error_log(&self, _session: &Session, _ctx: &Ctx, _error: &Error) -> bool {
        true
    }
}

/// Describes a request for the audit log.
fn call(head: &Parts, ctx: &Ctx, took: Duration) -> Call {
    Call {
        at: ctx.at.plus(took),
        peer: ctx.peer.clone(),
        method: Some(ctx.method.clone()),
        uri: Some(head.uri.clone()),
        slot: ctx.seen.slot,
        status: ctx.status.unwrap_or(StatusCode::BAD_REQUEST),
        bytes: ctx.bytes,
        took,
        id: Some(ctx.id.clone()),
        trace: ctx.spans.1.and_then(|trace| HeaderValue::from_str(&trace.to_string()).ok()),
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

/// Makes the head of an answer. The map is filled here, because Pingora's own way makes two copies of each name.
fn head(
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    length: usize,
    id: Option<HeaderValue>,
) -> ResponseHeader {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = status;
    // The length and the id are added here; the date and what becomes of the connection by Pingora.
    parts.headers = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        parts.headers.append(name, value);
    }
    if let Some(id) = id {
        parts.headers.insert(REQUEST_ID_NAME, id);
    }
    if !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    ResponseHeader::from(parts)
}

/// Writes an answer with its request id, without its body for HEAD; each piece of it has `time` to be taken by the
/// client.
pub(crate) async fn write_reply(
    session: &mut ServerSession,
    reply: Reply,
    id: Option<HeaderValue>,
    (head_only, time): (bool, Duration),
) -> Result<()> {
    let header = head(reply.status, reply.headers, reply.body.len(), id);
    let mut body = if head_only { Bytes::new() } else { reply.body };
    let first = body.split_to(body.len().min(PIECE));
    let last = body.is_empty();
    in_time(time, async {
        session.write_response_header(Box::new(header)).await?;
        session.write_response_body(first, last).await
    })
    .await?;
    while !body.is_empty() {
        let piece = body.split_to(body.len().min(PIECE));
        let last = body.is_empty();
        in_time(time, session.write_response_body(piece, last)).await?;
    }
    Ok(())
}

async fn in_time(time: Duration, writing: impl Future<Output = Result<()>> + Send) -> Result<()> {
    match timeout(time, writing).await {
        Ok(written) => written,
        Err(_) => Error::e_explain(ErrorType::WriteTimedout, "the client does not read its answer"),
    }
}
