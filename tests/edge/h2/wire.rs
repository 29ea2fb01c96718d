//! HTTP/2 frames and header blocks, by hand.

use crate::client::{Connection, config};
use crate::target::Target;
use serde_json::Value;
use std::time::Duration;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const BOTH: u8 = END_STREAM | END_HEADERS;

/// Writes a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame's length").to_be_bytes();
    let mut out = length[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// Writes a string of HPACK: a 7-bit prefixed length, no Huffman code.
pub(crate) fn text(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if bytes.len() < 127 {
        out.push(u8::try_from(bytes.len()).expect("a short length"));
    } else {
        out.push(127);
        let mut rest = bytes.len() - 127;
        while rest >= 128 {
            out.push(u8::try_from(rest % 128).expect("seven bits") | 128);
            rest /= 128;
        }
        out.push(u8::try_from(rest).expect("seven bits"));
    }
    out.extend(bytes);
    out
}

/// Writes a header block of literal, never indexed fields.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|(name, value)| [vec![0x10], text(name.as_bytes()), text(value.as_bytes())].concat())
        .collect()
}

pub(crate) fn request<'a>(method: &'a str, path: &'a str, more: &[(&'a str, &'a str)]) -> Vec<u8> {
    let start = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)];
    block(&[&start[..], more].concat())
}

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

/// Takes a whole frame out of what was read.
fn take(read: &mut Vec<u8>) -> Option<(u8, u8, u32, Vec<u8>)> {
    let head = read.get(..9)?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let (kind, flags) = (head[3], head[4]);
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
    let payload = read.get(9..9 + length)?.to_vec();
    read.drain(..9 + length);
    Some((kind, flags, stream, payload))
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
