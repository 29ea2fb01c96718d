//! A connection on which frames are sent that no client library would send.

use crate::client::{Connection, config};
use crate::target::Target;
pub(crate) use netweave_tests::harness::h2::*;
use serde_json::Value;
use std::time::Duration;

/// What the other end said about a stream.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    /// A final status below 300, with the length of its body.
    Good(usize),
    /// A refusal with its problem document.
    Problem(Value),
    /// A refusal with nothing in it.
    Empty,
    /// The stream was reset.
    Reset,
    /// The connection is being given up.
    Goodbye,
    /// The connection was closed.
    Closed,
}

/// A connection on which frames are sent.
pub(crate) struct Wire {
    connection: Connection,
    status: Vec<u8>,
    /// The body of the answer so far.
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn bare(target: &Target) -> Self {
        let connection = Connection::with(target.api, &config(&target.certs, Some("smo"), "h2"));
        Self { connection: connection.expect("a connection"), status: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn open(target: &Target) -> Self {
        let mut wire = Self::bare(target);
        wire.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
        wire
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.connection.send(bytes);
    }

    /// Reads until something final was said of a stream; `None` if nothing was within the time.
    pub(crate) fn said(&mut self, stream: u32, time: Duration) -> Option<Said> {
        let (status, body) = (&mut self.status, &mut self.body);
        let said = self.connection.read_until(time, |read| {
            while let Some((kind, flags, of, payload)) = take(read) {
                match kind {
                    GOAWAY => return Some(Said::Goodbye),
                    RST_STREAM if of == stream => return Some(Said::Reset),
                    HEADERS if of == stream => status.clone_from(&payload),
                    DATA if of == stream => body.extend(payload),
                    _ => {}
                }
                if of == stream && flags & END_STREAM != 0 && matches!(kind, HEADERS | DATA) {
                    return Some(finished(status, body));
                }
            }
            None
        });
        said.or(self.connection.closed.then_some(Said::Closed))
    }
}

/// Reads the status out of the static table's entries, and the body.
fn finished(status: &[u8], body: &[u8]) -> Said {
    // The first answer of a connection may begin with a change of the dynamic table's size.
    let first = status.iter().find(|byte| **byte & 0xe0 != 0x20);
    match (first, serde_json::from_slice::<Value>(body)) {
        // 200 and 204 are in the static table; 201 is not, and its body is no problem document.
        (Some(0x88 | 0x89), _) => Said::Good(body.len()),
        (_, Ok(problem)) if problem["type"].is_string() => Said::Problem(problem),
        (_, Ok(_)) => Said::Good(body.len()),
        (_, Err(_)) => Said::Empty,
    }
}
