//! What the gateway knows of one request, from its head to its last byte.

use crate::audit::Payload;
use crate::filters::Seen;
use crate::listen::peer::Peer;
use http::{HeaderValue, Method, StatusCode};
use netweave_model::{Timestamp, Trace};
use prometheus::IntGauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use uuid::Uuid;

/// The header that names a request, in both directions.
pub const REQUEST_ID: &str = "x-request-id";
/// Longest request id that is taken from a client.
const MAX_ID: usize = 64;
/// Length of those that are made.
const MADE: usize = 25;

/// The state of one request.
#[derive(Debug)]
pub struct Ctx {
    /// When its head was complete.
    pub began: Instant,
    /// When its head went through the filters.
    pub at: Timestamp,
    /// Its id, as it is answered and logged.
    pub id: RequestId,
    /// What the filters found out: its route, its token.
    pub seen: Seen,
    /// Its method.
    pub method: Method,
    /// The status of its answer, once there is one.
    pub status: Option<StatusCode>,
    /// Size of the answer's body.
    pub bytes: usize,
    /// The other end.
    pub peer: Option<Arc<Peer>>,
    /// What went wrong, for the log.
    pub failure: Option<String>,
    /// The kind of the problem it is answered with, for the audit log.
    pub reason: Option<&'static str>,
    /// How far it has come, for the audit log.
    pub stage: Stage,
    /// Whether the audit log has it already.
    pub recorded: bool,
    /// The body that was read.
    pub sent: Payload,
    /// The span that its client says it is part of, and its own.
    pub spans: (Option<Trace>, Option<Trace>),
    /// Others on its connection wait while it is answered, so it steps aside before what may take long.
    pub shares: bool,
    /// Counts it as being answered.
    _answering: Answering,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No filter has let it pass, or one has refused it.
    Asked,
    /// All filters have let it pass.
    Allowed,
    /// It is a health question, which is not recorded for audit.
    Health,
}

/// Counts a request as being answered, also if answering panics.
#[derive(Debug)]
struct Answering(IntGauge);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Ctx {
    /// Starts the state of a request; `gauge` counts those being answered.
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self {
            began: Instant::now(),
            at: Timestamp::default(),
            id: RequestId::Asked(HeaderValue::from_static("-")),
            seen: Seen::default(),
            method: Method::GET,
            status: None,
            bytes: 0,
            peer: None,
            failure: None,
            reason: None,
            stage: Stage::Asked,
            recorded: false,
            sent: Payload::default(),
            spans: (None, None),
            shares: false,
            _answering: Answering(gauge.clone()),
        }
    }

    /// Returns the id as text.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }
}

/// Names a request.
#[derive(Clone, Debug)]
pub enum RequestId {
    /// The gateway has made it: text of a fixed length, so that it is kept and copied without memory of its own.
    Made([u8; MADE]),
    /// The client has.
    Asked(HeaderValue),
}

impl RequestId {
    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Made(text) => str::from_utf8(text).unwrap_or("-"),
            Self::Asked(value) => value.to_str().unwrap_or("-"),
        }
    }

    /// Returns it as it is answered.
    pub fn to_value(&self) -> HeaderValue {
        match self {
            Self::Made(text) => HeaderValue::from_bytes(text).unwrap_or(HeaderValue::from_static("-")),
            Self::Asked(value) => value.clone(),
        }
    }
}

/// Makes request ids: a random part per process and a count.
#[derive(Debug)]
pub struct RequestIds {
    start: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// Takes the random part from a UUID.
    pub fn new(seed: Uuid) -> Self {
        Self { start: seed.as_u64_pair().1, next: AtomicU64::new(1) }
    }

    /// Takes the client's id if it is short and visible, else makes one.
    pub fn take(&self, asked: Option<&HeaderValue>) -> RequestId {
        match asked {
            Some(id)
                if id.len() <= MAX_ID && !id.is_empty() && id.as_bytes().iter().all(u8::is_ascii_graphic) =>
            {
                RequestId::Asked(id.clone())
            }
            _ => self.make(),
        }
    }

    fn make(&self) -> RequestId {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = [b'-'; MADE];
        hex(self.start >> 16, text.get_mut(..12).unwrap_or_default());
        hex(count, text.get_mut(13..).unwrap_or_default());
        RequestId::Made(text)
    }
}

/// Writes the low digits of a number.
fn hex(mut number: u64, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef".get(usize::try_from(number & 15).unwrap_or(0)).copied().unwrap_or(b'0');
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_differ_and_a_clients_id_is_taken_if_it_can_be_shown() {
        let ids = RequestIds::new(Uuid::from_u128(0xabcd_ef01_2345_6789));
        let (first, second) = (ids.take(None), ids.take(None));
        assert_eq!(first.as_str(), "abcdef012345-000000000001");
        assert_eq!(first.to_value(), "abcdef012345-000000000001");
        assert_ne!(first.as_str(), second.as_str());
        assert_eq!(ids.take(Some(&HeaderValue::from_static("mine-1"))).as_str(), "mine-1");
        for refused in ["", "two words", &"x".repeat(65)] {
            let refused = HeaderValue::from_str(refused).unwrap();
            assert_ne!(ids.take(Some(&refused)).to_value(), refused);
        }
    }
}
