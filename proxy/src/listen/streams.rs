//! Leads one HTTP/2 connection through its streams.
//!
//! Pingora's own loop makes a task of each stream. Nearly all answers are at hand, so here a stream is answered where it is
//! accepted, and becomes a task once it has to wait: `docs/adr/0013-requests-without-a-body.md`.

use super::gate::{Silence, begun};
use super::link::Link;
use pingora_core::apps::HttpServerApp;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::{H2Accept, HttpSession, handshake};
use pingora_core::protocols::{Digest, GetProxyDigest, GetSocketDigest, GetTimingDigest, Ssl};
use pingora_core::server::ShutdownWatch;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;
use tracing::debug;

/// Streams with a head that is malformed, after which a connection ends.
const MALFORMED: usize = 32;
/// Streams that are taken before the first of them is answered, so that their answers go out together.
const TOGETHER: usize = 16;

/// The streams that have become tasks: one handle each, and a word when one ends.
#[derive(Clone, Default)]
struct Busy(Arc<Notify>);

impl Busy {
    fn is_busy(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Serves a connection until it ends, no stream was open for `idle`, or, once the process ends, its last stream has ended.
pub(super) async fn serve<A>(app: &Arc<A>, link: Link, drain: ShutdownWatch, idle: Duration)
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let digest = Arc::new(Digest {
        ssl_digest: link.get_ssl_digest(),
        timing_digest: link.get_timing_digest(),
        proxy_digest: link.get_proxy_digest(),
        socket_digest: link.get_socket_digest(),
    });
    let mut connection = match handshake(Box::new(link), app.h2_options()).await {
        Ok(connection) => connection,
        Err(error) => return debug!(%error, "a connection of HTTP/2 ended before it began"),
    };
    let busy = Busy::default();
    let mut silence = Silence::new(idle);
    let mut drained = pin!(begun(drain.clone()));
    let (mut draining, mut malformed) = (false, 0);
    loop {
        let mut accepted = tokio::select! {
            biased;
            () = &mut drained, if !draining => {
                connection.graceful_shutdown();
                draining = true;
                continue;
            }
            accepted = HttpSession::from_h2_conn(&mut connection, Arc::clone(&digest)) => accepted,
            () = busy.0.notified() => {
                silence.begin();
                continue;
            }
            () = silence.over() => {
                if busy.is_busy() {
                    silence.begin();
                    continue;
                }
                return;
            }
        };
        silence.begin();
        let mut together = Vec::new();
        let stays = loop {
            match accepted {
                Ok(Some(H2Accept::Session(session))) => together.push(session),
                Ok(Some(H2Accept::Rejected)) => malformed += 1,
                // Clients often leave without a word.
                Ok(None) | Err(_) => break false,
            }
            if malformed > MALFORMED || together.len() == TOGETHER {
                break malformed <= MALFORMED;
            }
            let next = pin!(HttpSession::from_h2_conn(&mut connection, Arc::clone(&digest)));
            match at_hand(next).await {
                Some(next) => accepted = next,
                None => break true,
            }
        };
        for session in together {
            stream((app, &drain), session, &busy).await;
        }
        if !stays {
            return;
        }
    }
}

/// Returns what is there without waiting.
async fn at_hand<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Answers a stream, or makes a task of it where it has to wait.
async fn stream<A>((app, drain): (&Arc<A>, &ShutdownWatch), session: HttpSession, busy: &Busy)
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let (app, drain) = (Arc::clone(app), drain.clone());
    let mut answering = Box::pin(async move {
        app.process_new_http(ServerSession::new_http2(session), &drain).await;
    });
    if at_hand(answering.as_mut()).await.is_none() {
        let busy = busy.clone();
        tokio::spawn(async move {
            answering.await;
            drop(busy);
        });
    }
}
