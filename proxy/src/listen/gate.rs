//! Leads one connection through its requests, and holds what Pingora leaves open: a deadline and a size for heads, an
//! idle time-out, and answers of ours where its parser would give an empty 400.

use super::head::{Bounds, Scan};
use super::link::Link;
use super::peer::Peer;
use super::stop::Stopping;
use crate::audit::{Audit, Call};
use crate::conf::tree::Limits;
use crate::problem::{Problem, Refused};
use crate::reply::Reply;
use crate::telemetry::requests::{Outcome, Requests, UNREAD};
use bytes::{Bytes, BytesMut};
use http::Method;
use netweave_model::port::Clock;
use pingora::time::timeout;
use pingora_core::apps::{HttpPersistentSettings, HttpServerApp, ServerApp};
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;
use std::io::Write as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
    /// A head is there, and perhaps more.
    Head(BytesMut),
    /// The client left, was idle for too long, or the process ends.
    Nothing,
    /// The client is told why it is refused.
    Refused(Refused),
}

impl<A> Gate<A>
where
    A: HttpServerApp + Send + Sync + 'static,
{
    /// Serves a connection until it ends.
    pub(crate) async fn serve(&self, mut link: Link) {
        let drain = self.stopping.drain_watch();
        if link.is_h2() {
            if self.preface(&mut link).await {
                ServerApp::process_new(&self.app, Box::new(link), &drain).await;
            }
            return;
        }
        let mut silence = Silence::new(self.pace.idle);
        let mut drained = pin!(begun(drain.clone()));
        let peer = link.peer();
        let mut stream: Stream = Box::new(link);
        let mut settings: Option<HttpPersistentSettings> = None;
        loop {
            silence.begin();
            let head = match self.arrive(&mut stream, &mut silence, drained.as_mut()).await {
                Arrived::Head(head) => head,
                Arrived::Nothing => return,
                Arrived::Refused(problem) => return self.refuse(&mut stream, peer, &problem).await,
            };
            let mut session = ServerSession::new_http1(stream);
            match settings.take() {
                Some(settings) => settings.apply_to_session(&mut session),
                None => session.set_keepalive_reuses_remaining(Some(REQUESTS)),
            }
            session.set_pipelined_prefix(head);
            let Some(next) = self.app.process_new_http(session, &drain).await else {
                return;
            };
            (stream, settings) = next.consume();
        }
    }

    /// Waits for the client's preface, which Pingora would wait for without end.
    async fn preface(&self, link: &mut Link) -> bool {
        let mut preface = [0; PREFACE];
        let read = matches!(timeout(self.pace.head_time, link.read_exact(&mut preface)).await, Ok(Ok(_)));
        if read {
            link.put_back(Bytes::copy_from_slice(&preface));
            link.bound_frames(self.requests.metrics().connections_flooded.clone());
        }
        read
    }

    /// Waits for a head; the silence before it and the drain are those of the whole connection.
    async fn arrive(
        &self,
        stream: &mut Stream,
        silence: &mut Silence,
        drained: Pin<&mut impl Future<Output = ()>>,
    ) -> Arrived {
        let mut buffer = BytesMut::with_capacity(HEAD_GUESS);
        let first = tokio::select! {
            biased;
            read = stream.read_buf(&mut buffer) => read,
            () = silence.over() => return Arrived::Nothing,
            () = drained => return Arrived::Nothing,
        };
        if !first.is_ok_and(|count| count > 0) {
            return Arrived::Nothing;
        }
        let mut scan = Scan::default();
        match scan.next(&buffer, self.pace.head) {
            Ok(Some(_)) => return Arrived::Head(buffer),
            Ok(None) => {}
            Err(problem) => return Arrived::Refused(problem),
        }
        // Only a head that did not come in one piece needs a timer.
        let rest = async {
            loop {
                if stream.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
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
            Ok(None) => Arrived::Head(buffer),
            Ok(Some(other)) => other,
            Err(_) => Arrived::Refused(Box::new(Problem::too_slow("the request's head took too long"))),
        }
    }

    /// Answers, closes, and listens a little longer, for a client that is still writing would lose the answer.
    async fn refuse(&self, stream: &mut Stream, peer: Option<Arc<Peer>>, problem: &Problem) {
        let began = Instant::now();
        let reply = problem.reply("");
        self.record(peer, problem, &reply);
        let written = async {
            stream.write_all(&self.wire(&reply)).await?;
            stream.flush().await?;
            AsyncWriteExt::shutdown(stream).await
        };
        let written = timeout(self.pace.write_time, written).await;
        let outcome = Outcome {
            slot: UNREAD,
            method: &Method::GET,
            status: reply.status,
            bytes: reply.body.len(),
            trace: None,
        };
        self.requests.record(&outcome, began.elapsed());
        if matches!(written, Ok(Ok(()))) {
            let (time, bytes) = LINGER;
            let mut sink = [0; 1024];
            let listen = async {
                let mut left = bytes;
                while left > 0 {
                    match stream.read(&mut sink).await {
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
            uri: None,
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

    /// Writes an answer as HTTP/1.1.
    fn wire(&self, reply: &Reply) -> Vec<u8> {
        let mut out = Vec::with_capacity(512 + reply.body.len());
        let reason = reply.status.canonical_reason().unwrap_or("");
        // Writing to a vector cannot fail.
        write!(out, "HTTP/1.1 {} {reason}\r\n", reply.status.as_u16()).ok();
        if let Some(date) = http_date(self.clock.now()) {
            write!(out, "date: {date}\r\n").ok();
        }
        write!(out, "content-length: {}\r\nconnection: close\r\n", reply.body.len()).ok();
        for (name, value) in &reply.headers {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&reply.body);
        out
    }
}

/// Waits until draining has begun.
async fn begun(mut drain: ShutdownWatch) {
    // Without anybody to say so, the process is as good as gone.
    drain.wait_for(|begun| *begun).await.ok();
}

/// How long nothing was asked. One timer serves a connection for all its life: it is looked at when it rings, not set anew
/// for each request.
struct Silence {
    longest: Duration,
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Silence {
    fn new(longest: Duration) -> Self {
        Self { longest, since: Instant::now(), timer: Box::pin(sleep(longest)) }
    }

    /// Counts from now on.
    fn begin(&mut self) {
        self.since = Instant::now();
    }

    /// Waits until it has lasted for too long.
    async fn over(&mut self) {
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

fn http_date(now: netweave_model::Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(now.0).ok()?;
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::Timestamp;

    #[test]
    fn dates_are_written_as_http_wants_them() {
        assert_eq!(http_date(Timestamp(784_111_777_000)).as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    }
}
