//! Leads one HTTP/2 connection through its streams.
//!
//! Pingora's own loop makes a task of each stream. Nearly all answers are at hand, so here a stream is answered where it is
//! accepted, and becomes a task once it has to wait: `docs/adr/0013-requests-without-a-body.md`.

use super::gate::{Silence, begun};
use super::link::{Due, Link};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::poll_immediate;
use pingora_core::Result;
use pingora_core::apps::HttpServerApp;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::{H2Accept, H2Options, HttpSession, handshake};
use pingora_core::protocols::{Digest, GetProxyDigest, GetSocketDigest, GetTimingDigest, Ssl, Stream};
use pingora_core::server::ShutdownWatch;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;
use tracing::debug;

/// Streams with a head that is malformed, after which a connection ends.
const MALFORMED: usize = 32;
/// Streams that are taken before the first of them is answered, so that their answers go out together.
const TOGETHER: usize = 16;

/// The streams that have become tasks, and a word when one ends.
#[derive(Default)]
struct Streams {
    open: AtomicUsize,
    ended: Notify,
}

/// One of them.
struct Open(Arc<Streams>);

impl Streams {
    fn begin(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    fn are_open(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Release);
        self.0.ended.notify_one();
    }
}

/// What an HTTP/2 connection came to.
enum Next {
    /// Streams that came together, and whether the connection goes on.
    Streams(Vec<HttpSession>, bool),
    /// Nothing has to be answered.
    Nothing,
    /// Nothing was asked for too long.
    Idle,
    /// The process ends.
    Drain,
}

/// A connection with what is counted of it.
struct Connection {
    h2: h2::server::Connection<Stream, Bytes>,
    digest: Arc<Digest>,
    malformed: usize,
    streams: Arc<Streams>,
    silence: Silence,
    due: Due,
}

/// Serves a connection until it ends, no stream was open for `idle`, or, once the process ends, its last stream has ended.
pub(super) async fn serve<A>(app: &Arc<A>, link: Link, drain: ShutdownWatch, idle: Duration)
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let Some(mut connection) = Connection::open(link, app.h2_options(), idle).await else { return };
    lead((app, drain), &mut connection).await;
    // What has begun is done, and on record, before the place of the connection is free.
    let Connection { h2, streams, .. } = connection;
    drop(h2);
    while streams.are_open() {
        streams.ended.notified().await;
    }
}

async fn lead<A>((app, drain): (&Arc<A>, ShutdownWatch), connection: &mut Connection)
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let mut drained = pin!(begun(drain.clone()));
    let mut draining = false;
    loop {
        let next = tokio::select! {
            biased;
            () = &mut drained, if !draining => Next::Drain,
            next = connection.next() => next,
        };
        match next {
            Next::Streams(together, stays) => {
                for session in together {
                    stream((app, &drain), session, &connection.streams).await;
                }
                if !stays {
                    // What was answered last still goes out.
                    poll_immediate(connection.next()).await;
                    return;
                }
            }
            Next::Nothing => {}
            Next::Idle => return,
            Next::Drain => {
                connection.h2.graceful_shutdown();
                draining = true;
            }
        }
    }
}

impl Connection {
    /// Speaks the first words of HTTP/2.
    async fn open(link: Link, options: Option<H2Options>, idle: Duration) -> Option<Self> {
        let digest = Arc::new(Digest {
            ssl_digest: link.get_ssl_digest(),
            timing_digest: link.get_timing_digest(),
            proxy_digest: link.get_proxy_digest(),
            socket_digest: link.get_socket_digest(),
        });
        let due = link.due();
        let h2 = handshake(Box::new(link), options)
            .await
            .inspect_err(|error| debug!(%error, "a connection of HTTP/2 ended before it began"))
            .ok()?;
        Some(Self { h2, digest, malformed: 0, streams: Arc::default(), silence: Silence::new(idle), due })
    }

    async fn next(&mut self) -> Next {
        let first = tokio::select! {
            biased;
            accepted = accept(&mut self.h2, &self.digest, &self.due) => accepted,
            () = self.streams.ended.notified() => {
                self.silence.begin();
                return Next::Nothing;
            }
            () = self.silence.over() => {
                if !self.streams.are_open() {
                    return Next::Idle;
                }
                self.silence.begin();
                return Next::Nothing;
            }
        };
        self.silence.begin();
        self.together(first)
    }

    /// Takes what has come together with the first.
    fn together(&mut self, first: Result<Option<H2Accept>>) -> Next {
        let (mut accepted, mut together) = (first, Vec::new());
        loop {
            match accepted {
                Ok(Some(H2Accept::Session(session))) => together.push(session),
                Ok(Some(H2Accept::Rejected)) => self.malformed += 1,
                // Clients often leave without a word.
                Ok(None) | Err(_) => return Next::Streams(together, false),
            }
            if self.malformed > MALFORMED || together.len() == TOGETHER {
                return Next::Streams(together, self.malformed <= MALFORMED);
            }
            // Nobody is to be woken by answers to these: the connection is polled again when they are given, and nothing is waited for
            // before.
            let mut asleep = Context::from_waker(Waker::noop());
            match pin!(accept(&mut self.h2, &self.digest, &self.due)).poll(&mut asleep) {
                Poll::Ready(next) => accepted = next,
                Poll::Pending => return Next::Streams(together, true),
            }
        }
    }
}

/// Waits for a stream; what is due to be written meanwhile is.
async fn accept(
    h2: &mut h2::server::Connection<Stream, Bytes>,
    digest: &Arc<Digest>,
    due: &Due,
) -> Result<Option<H2Accept>> {
    let mut accepting = pin!(HttpSession::from_h2_conn(h2, Arc::clone(digest)));
    poll_fn(|cx| {
        let first = accepting.as_mut().poll(cx);
        if first.is_ready() || !due.is_set() {
            return first;
        }
        let second = accepting.as_mut().poll(cx);
        if second.is_pending() && due.is_set() {
            cx.waker().wake_by_ref();
        }
        second
    })
    .await
}

/// Answers a stream, or makes a task of it where it has to wait. A panic ends this stream alone.
async fn stream<A>((app, drain): (&Arc<A>, &ShutdownWatch), session: HttpSession, streams: &Arc<Streams>)
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let (app, drain) = (Arc::clone(app), drain.clone());
    let answering = async move {
        app.process_new_http(ServerSession::new_http2(session), &drain).await;
    };
    let mut answering = Box::pin(AssertUnwindSafe(answering).catch_unwind());
    if poll_immediate(answering.as_mut()).await.is_none() {
        let open = streams.begin();
        tokio::spawn(async move {
            // The panic has told of itself.
            answering.await.ok();
            drop(open);
        });
    }
}
