//! The three ways in which requests come: HTTP/1 without a body from the gate, HTTP/2 without one from Pingora's session,
//! and all others, and those that Pingora refuses, through its proxy.
//!
//! Nearly all requests have no body. They need nothing of Pingora's proxy, whose way of a request, made for two
//! connections, costs more than all filters: `docs/adr/0013-requests-without-a-body.md`.

use super::Gateway;
use crate::ctx::{Ctx, REQUEST_ID};
use crate::filters::takes_body;
use crate::listen::{Direct, Link, PIECE, Written, in_time, peer_of};
use crate::problem::Problem;
use crate::reply::Reply;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use pingora::http::ResponseHeader;
use pingora_core::apps::{HttpServerApp, ReusedHttpStream};
use pingora_core::modules::http::HttpModules;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::H2Options;
use pingora_core::server::ShutdownWatch;
use pingora_core::server::configuration::ServerConf;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorType, Result};
use pingora_proxy::{FailToProxy, HttpProxy, ProxyHttp, Session};
use std::sync::Arc;
use std::time::Duration;

/// The request id's header, as answers carry it.
const REQUEST_ID_NAME: HeaderName = HeaderName::from_static(REQUEST_ID);

/// The gateway as connections see it.
pub(crate) struct Front {
    gateway: Arc<Gateway>,
    proxy: Arc<HttpProxy<Proxied>>,
}

/// The gateway as Pingora's proxy sees it.
struct Proxied(Arc<Gateway>);

impl Front {
    /// Puts the gateway behind a proxy of Pingora's.
    pub(crate) fn new(gateway: Gateway, conf: &Arc<ServerConf>, h2: H2Options) -> Self {
        let gateway = Arc::new(gateway);
        let mut proxy = HttpProxy::new(Proxied(Arc::clone(&gateway)), Arc::clone(conf));
        proxy.handle_init_modules();
        proxy.h2_options = Some(h2);
        Self { gateway, proxy: Arc::new(proxy) }
    }

    /// Answers a request of HTTP/2 that has no body.
    async fn stream(&self, mut session: ServerSession) {
        session.req_header_mut().remove_header(&UPGRADE);
        let mut ctx = self.gateway.begin();
        ctx.shares = true;
        let peer = peer_of(session.digest());
        let reply = self.gateway.reply((session.req_header(), None), peer, &mut ctx).await;
        let written = self.gateway.send(&mut session, &ctx, reply).await;
        // An answer that was cut off must not look complete: its stream is reset, as the session is dropped without an end.
        let failed = written.err().map(|error| error.to_string());
        self.gateway.finished(session.req_header(), failed, &mut ctx);
    }
}

impl Direct for Front {
    async fn direct(&self, head: Parts, link: &mut Link, last: bool) -> bool {
        let gateway = &self.gateway;
        let mut underway = Underway { gateway, head: &head, ctx: gateway.begin(), over: false };
        let ctx = &mut underway.ctx;
        let reply = gateway.reply((&head, None), link.peer(), ctx).await;
        let last = last || gateway.stopping.is_draining();
        let how = Written {
            id: Some(ctx.id.as_str()),
            head_only: ctx.method == Method::HEAD,
            last,
            time: gateway.write_time,
        };
        let written = link.answer(reply, &how).await;
        let kept = written.is_ok() && !last;
        underway.end(written.err().map(|error| error.to_string()));
        kept
    }
}

/// A request without a body over HTTP/1.1 that is being answered. It is counted and on record also where its connection is cut off
/// meanwhile: its certificate is not believed any more, the process ends, or answering panics.
struct Underway<'a> {
    gateway: &'a Gateway,
    head: &'a Parts,
    ctx: Ctx,
    over: bool,
}

impl Underway<'_> {
    fn end(&mut self, failed: Option<String>) {
        self.over = true;
        self.gateway.finished(self.head, failed, &mut self.ctx);
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if !self.over {
            let panics = std::thread::panicking();
            let status =
                if panics { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::SERVICE_UNAVAILABLE };
            self.ctx.status.get_or_insert(status);
            self.ctx.reason.get_or_insert("cut-off");
            self.end(Some("the connection was cut off".to_owned()));
        }
    }
}

#[async_trait]
impl HttpServerApp for Front {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        if session.is_http2() && !takes_body(&session.req_header().method) {
            self.stream(session).await;
            return None;
        }
        self.proxy.process_new_http(session, shutdown).await
    }

    fn h2_options(&self) -> Option<H2Options> {
        self.proxy.h2_options()
    }

    async fn http_cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}

#[async_trait]
impl ProxyHttp for Proxied {
    type CTX = Ctx;

    fn new_ctx(&self) -> Ctx {
        self.0.begin()
    }

    /// Leaves the compression module out: it would cost an allocation per request and never compress.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn upstream_peer(&self, _session: &mut Session, _ctx: &mut Ctx) -> Result<Box<HttpPeer>> {
        Error::e_explain(ErrorType::InternalError, "nothing is proxied")
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut Ctx) -> Result<bool> {
        // An offer to change protocols is not taken, so nothing below may think of it.
        session.req_header_mut().remove_header(&UPGRADE);
        let peer = peer_of(session.digest());
        let session = &mut session.downstream_session;
        ctx.shares = session.is_http2();
        let reply = if takes_body(&session.req_header().method) {
            // Reading the body needs the session, so the head is copied.
            let head = session.req_header().as_owned_parts();
            self.0.reply((&head, Some(session)), peer, ctx).await
        } else {
            self.0.reply((session.req_header(), None), peer, ctx).await
        };
        self.0.send(session, ctx, reply).await?;
        Ok(true)
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, ctx: &mut Ctx) -> FailToProxy {
        let mut code = 0;
        if session.response_written().is_none() {
            let asked = if let ErrorType::HTTPStatus(status) = error.etype() { *status } else { 400 };
            let status = StatusCode::from_u16(asked).unwrap_or(StatusCode::BAD_REQUEST);
            let reply = Gateway::refuse(ctx, &Problem::of_status(status));
            (ctx.status, ctx.bytes) = (Some(reply.status), reply.body.len());
            code = status.as_u16();
            // The client may be gone; there is nobody else to tell.
            self.0.send(&mut session.downstream_session, ctx, reply).await.ok();
        }
        FailToProxy { error_code: code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, ctx: &mut Ctx) {
        self.0.finished(session.req_header(), error.map(ToString::to_string), ctx);
    }

    /// The access log has the line already.
    fn suppress_error_log(&self, _session: &Session, _ctx: &Ctx, _error: &Error) -> bool {
        true
    }
}

impl Gateway {
    async fn send(&self, session: &mut ServerSession, ctx: &Ctx, reply: Reply) -> Result<()> {
        if self.stopping.is_draining() {
            session.set_keepalive(None);
        }
        let head_only = ctx.method == Method::HEAD;
        write_reply(session, reply, Some(ctx.id.to_value()), (head_only, self.write_time)).await
    }
}

/// Makes the head of an answer. The map is filled here, because Pingora's own way makes two copies of each name.
fn head(
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    length: Option<usize>,
    id: Option<HeaderValue>,
) -> ResponseHeader {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = status;
    // The length and the id are added here; the date and what becomes of the connection by Pingora.
    parts.headers = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        parts.headers.append(name, value);
    }
    if let Some(mut id) = id {
        // It comes once, so HTTP/2 must not keep it in place of headers that come again.
        id.set_sensitive(true);
        parts.headers.insert(REQUEST_ID_NAME, id);
    }
    if let Some(length) = length {
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
    let length = reply.length();
    let header = head(reply.status, reply.headers, length, id);
    let mut body = if head_only { Bytes::new() } else { reply.body };
    let first = body.split_to(body.len().min(PIECE));
    let last = body.is_empty();
    in_time(time, async {
        session.write_response_header(Box::new(header)).await?;
        session.write_response_body(first, last).await
    })
    .await
    .unwrap_or_else(too_slow)?;
    while !body.is_empty() {
        let piece = body.split_to(body.len().min(PIECE));
        let last = body.is_empty();
        in_time(time, session.write_response_body(piece, last)).await.unwrap_or_else(too_slow)?;
    }
    Ok(())
}

fn too_slow(text: &'static str) -> Result<()> {
    Error::e_explain(ErrorType::WriteTimedout, text)
}
