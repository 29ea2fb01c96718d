//! Leads one connection through its requests, and holds what Pingora leaves open: a deadline and a size for heads, an
//! idle time-out, and answers of ours where its parser would give an empty 400.

use super::answer::Written;
use super::direct::{self, Direct};
use super::head::{Bounds, Scan};
use super::link::Link;
use super::peer::Peer;
use super::stop::Stopping;
use super::streams;
use crate::audit::{Audit, Call};
use crate::conf::tree::Limits;
use crate::filters::takes_body;
use crate::problem::{Problem, Refused};
use crate::reply::Reply;
use crate::telemetry::requests::{Outcome, Requests, UNREAD};
use bytes::{Bytes, BytesMut};
use http::Method;
use netweave_model::port::Clock;
use pingora::time::timeout;
use pingora_core::apps::{HttpPersistentSettings, HttpServerApp};
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::time::{Sleep, sleep};

/// What an HTTP/2 client sends first. Source: RFC 9113, section 3.4.
const PREFACE: usize = 24;
/// First guess for a head's size; most heads of clients of the field have 200 to 800 bytes.
const HEAD_GUESS: usize = 2048;
/// How long, and for how many bytes, a refused client is listened to, so that it can read the refusal.
const LINGER: (Duration, usize) = (Duration::from_millis(500), 64 << 10);
/// Requests after which an HTTP/1 connection is closed, so that what it grew is given back.
const REQUESTS: u32 = 10_000;

/// The times and sizes of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    head: Bounds,
    head_time: Duration,
    idle: Duration,
    write_time: Duration,
}

impl Pace {
    /// Takes its values from the configuration.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            head: Bounds { head: limits.header.bytes(), target: limits.url.bytes() },
            head_time: limits.header_time.0,
            idle: limits.idle.0,
            write_time: limits.write_time.0,
        }
    }

    /// Closes connections on which nothing is asked after this time, if that is sooner.
    pub(crate) fn idle_at_most(self, most: Duration) -> Self {
        Self { idle: self.idle.min(most), ..self }
    }

    /// Returns the time in which a head, and so a TLS handshake, must be done.
    pub(crate) fn head_time(&self) -> Duration {
        self.head_time
    }
}

/// The way from a connection to an application of Pingora's.
pub(crate) struct Gate<A> {
    /// Who answers the requests.
    pub(crate) app: Arc<A>,
    /// How fast and how large.
    pub(crate) pace: Pace,
    /// Counts what is refused here.
    pub(crate) requests: Arc<Requests>,
    /// Whether the process ends.
    pub(crate) stopping: Arc<Stopping>,
    /// Dates refusals.
    pub(crate) clock: Arc<dyn Clock>,
    /// Records refusals.
    pub(crate) audit: Arc<Audit>,
}

/// How waiting for a head ended.
enum Arrived {
    /// A head is there, and perhaps more, with how it was read.
    Head(BytesMut, Scan),
    /// The client left, was idle for too long or has to go, or the process ends.
    Nothing,
    /// The client is told why it is refused.
    Refused(Refused),
}

impl<A> Gate<A>
where
    A: HttpServerApp + Direct + Send + Sync + 'static,
{
    /// Serves a connection until it ends, or until it is polled after `leave` was set: what is being answered then still is.
    pub(crate) async fn serve(&self, link: Link, leave: &AtomicBool) {
        if link.is_h2() {
            tokio::select! {
                biased;
                // Streams that have to wait are tasks of their own, and go on.
                () = left(leave) => {}
                () = self.http2(link) => {}
            }
        } else {
            self.http1(link, leave).await;
        }
    }

    /// Serves a connection of HTTP/2.
    async fn http2(&self, mut link: Link) {
        if self.preface(&mut link).await {
            // As long as two idle times of HTTP/1, because a client may have nothing to ask between two notifications.
            streams::serve(&self.app, link, self.stopping.drain_watch(), self.pace.idle * 2).await;
        }
    }

    /// Serves a connection of HTTP/1.
    async fn http1(&self, link: Link, leave: &AtomicBool) {
        let drain = self.stopping.drain_watch();
        let mut silence = Silence::new(self.pace.idle);
        let mut drained = pin!(begun(drain.clone()));
        let mut link = Box::new(link);
        let mut settings: Option<HttpPersistentSettings> = None;
        for left in (0..=REQUESTS).rev() {
            silence.begin();
            let (head, scan) = match self.arrive(&mut link, &mut silence, (drained.as_mut(), leave)).await {
                Arrived::Head(head, scan) => (head.freeze(), scan),
                Arrived::Nothing => return,
                Arrived::Refused(problem) => return self.refuse(&mut link, &problem).await,
            };
            let head = match scan.bare(&head).map(|bare| (bare, direct::parse(&head))) {
                Some((bare, Some(head))) if !takes_body(&head.method) => {
                    if self.app.direct(head, &mut link, bare.last || left == 0).await {
                        continue;
                    }
                    return;
                }
                _ => BytesMut::from(head),
            };
            let mut session = ServerSession::new_http1(link);
            if let Some(settings) = settings.take() {
                settings.apply_to_session(&mut session);
            }
            session.set_keepalive_reuses_remaining(Some(left));
            session.set_pipelined_prefix(head);
            let Some(next) = self.app.process_new_http(session, &drain).await else {
                return;
            };
            let (stream, kept) = next.consume();
            let Ok(same) = stream.into_any().downcast() else { return };
            (link, settings) = (same, kept);
        }
    }

    /// Waits for the client's preface, which Pingora would wait for without end.
    async fn preface(&self, link: &mut Link) -> bool {
        let mut preface = [0; PREFACE];
        let read = matches!(timeout(self.pace.head_time, link.read_exact(&mut preface)).await, Ok(Ok(_)));
        if read {
            link.put_back(Bytes::copy_from_slice(&preface));
            link.multiplex(self.requests.metrics().connections_flooded.clone());
        }
        read
    }

    /// Waits for a head; the silence before it and the drain are those of the whole connection.
    async fn arrive(
        &self,
        link: &mut Link,
        silence: &mut Silence,
        (drained, leave): (Pin<&mut impl Future<Output = ()>>, &AtomicBool),
    ) -> Arrived {
        let mut buffer = BytesMut::with_capacity(HEAD_GUESS);
        let first = tokio::select! {
            biased;
            () = left(leave) => return Arrived::Nothing,
            read = link.read_buf(&mut buffer) => read,
            () = silence.over() => return Arrived::Nothing,
            () = drained => return Arrived::Nothing,
        };
        if !first.is_ok_and(|count| count > 0) {
            return Arrived::Nothing;
        }
        let mut scan = Scan::default();
        match scan.next(&buffer, self.pace.head) {
            Ok(Some(_)) => return Arrived::Head(buffer, scan),
            Ok(None) => {}
            Err(problem) => return Arrived::Refused(problem),
        }
        // Only a head that did not come in one piece needs a timer.
        let rest = async {
            loop {
                if link.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
                    match scan.next(&buffer, self.pace.head) {
                        Ok(None) => {}
                        Ok(Some(_)) => return None,
                        Err(problem) => return Some(Arrived::Refused(problem)),
                    }
                } else {
                    return Some(Arrived::Nothing);
                }
            }
        };
        match timeout(self.pace.head_time, rest).await {
            Ok(None) => Arrived::Head(buffer, scan),
            Ok(Some(other)) => other,
            Err(_) => Arrived::Refused(Box::new(Problem::too_slow("the request's head took too long"))),
        }
    }

    /// Answers, closes, and listens a little longer, for a client that is still writing would lose the answer.
    async fn refuse(&self, link: &mut Link, problem: &Problem) {
        let began = Instant::now();
        let reply = problem.reply("");
        self.record(link.peer(), problem, &reply);
        let (status, bytes) = (reply.status, reply.body.len());
        let how = Written { id: None, head_only: false, last: true, time: self.pace.write_time };
        let written = link.answer(reply, &how).await;
        let outcome = Outcome { slot: UNREAD, method: &Method::GET, status, bytes, trace: None };
        self.requests.record(&outcome, began.elapsed());
        if written.is_ok() {
            let (time, bytes) = LINGER;
            let mut sink = [0; 1024];
            let listen = async {
                let mut left = bytes;
                while left > 0 {
                    match link.read(&mut sink).await {
                        Ok(count) if count > 0 => left = left.saturating_sub(count),
                        _ => return,
                    }
                }
            };
            // Whether it ended by itself or was cut off makes no difference.
            timeout(time, listen).await.ok();
        }
    }

    /// Records a request of which nothing is known but that it was refused.
    fn record(&self, peer: Option<Arc<Peer>>, problem: &Problem, reply: &Reply) {
        self.audit.call(Call {
            at: self.clock.now(),
            peer,
            method: None,
            path: None,
            slot: UNREAD,
            status: reply.status,
            bytes: reply.body.len(),
            took: Duration::ZERO,
            id: None,
            trace: None,
            allowed: false,
            reason: Some(problem.kind()),
            token: None,
            bodies: None,
        });
    }
}

/// Is over when it is polled after `leave` was set: whoever sets it polls what waits.
async fn left(leave: &AtomicBool) {
    poll_fn(|_| if leave.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Waits until draining has begun.
pub(super) async fn begun(mut drain: ShutdownWatch) {
    // Without anybody to say so, the process is as good as gone.
    drain.wait_for(|begun| *begun).await.ok();
}

/// How long nothing was asked. One timer serves a connection for all its life: it is looked at when it rings, not set anew
/// for each request.
pub(super) struct Silence {
    longest: Duration,
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Silence {
    /// Begins one that may last for `longest`.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, since: Instant::now(), timer: Box::pin(sleep(longest)) }
    }

    /// Counts from now on.
    pub(super) fn begin(&mut self) {
        self.since = Instant::now();
    }

    /// Waits until it has lasted for too long.
    pub(super) async fn over(&mut self) {
        loop {
            self.timer.as_mut().await;
            let end = self.since + self.longest;
            if end <= Instant::now() {
                return;
            }
            self.timer.as_mut().reset(end.into());
        }
    }
}
