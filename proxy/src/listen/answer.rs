//! Writes answers as HTTP/1.1, without a session of Pingora's.

use super::link::Link;
use crate::ctx::REQUEST_ID;
use crate::reply::Reply;
use pingora::time::timeout;
use pingora_core::protocols::http::date::get_cached_date;
use std::io::{Error, ErrorKind, IoSlice, Result, Write as _};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Size of the pieces in which answers are written; each has the write time to itself, and is what TLS takes at once.
pub(crate) const PIECE: usize = 64 << 10;
/// What a head takes beside the headers of its answer: the status, length, date, request id.
const FRAME: usize = 256;

/// How an answer is written.
pub(crate) struct Written<'a> {
    /// The request's id.
    pub(crate) id: Option<&'a str>,
    /// The client asked for the head alone.
    pub(crate) head_only: bool,
    /// The connection ends with it.
    pub(crate) last: bool,
    /// Time in which the client must take each piece.
    pub(crate) time: Duration,
}

/// Waits for a piece to be written.
///
/// # Errors
/// What to tell the log, if the client does not take it in time.
pub(crate) async fn in_time<T>(
    time: Duration,
    writing: impl Future<Output = T> + Send,
) -> std::result::Result<T, &'static str> {
    timeout(time, writing).await.map_err(|_elapsed| "the client does not read its answer")
}

impl Link {
    /// Writes an answer; head and body go out together.
    pub(crate) async fn answer(&mut self, reply: Reply, how: &Written<'_>) -> Result<()> {
        let head = head(&reply, how);
        let body = if how.head_only { &[] } else { &*reply.body };
        let (first, rest) = body.split_at(body.len().min(PIECE.saturating_sub(head.len())));
        self.write_piece(&mut [IoSlice::new(&head), IoSlice::new(first)], how.time).await?;
        for piece in rest.chunks(PIECE) {
            self.write_piece(&mut [IoSlice::new(piece)], how.time).await?;
        }
        if how.last {
            // The answer has arrived; how the connection ends makes no difference.
            in_time(how.time, self.shutdown()).await.ok();
        }
        Ok(())
    }

    async fn write_piece(&mut self, mut bytes: &mut [IoSlice<'_>], time: Duration) -> Result<()> {
        let writing = async {
            while bytes.iter().any(|bytes| !bytes.is_empty()) {
                let written = self.write_through(bytes).await?;
                IoSlice::advance_slices(&mut bytes, written);
            }
            self.flush().await
        };
        in_time(time, writing).await.map_err(too_slow)?
    }
}

fn too_slow(text: &'static str) -> Error {
    Error::new(ErrorKind::TimedOut, text)
}

fn head(reply: &Reply, how: &Written<'_>) -> Vec<u8> {
    let length =
        |(name, value): &(http::HeaderName, http::HeaderValue)| name.as_str().len() + value.len() + 4;
    let mut out = Vec::with_capacity(FRAME + reply.headers.iter().map(length).sum::<usize>());
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(reply.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reply.status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in &reply.headers {
        field(&mut out, name.as_str(), value.as_bytes());
    }
    if let Some(id) = how.id {
        field(&mut out, REQUEST_ID, id.as_bytes());
    }
    if let Some(length) = reply.length() {
        // Writing to a vector cannot fail.
        write!(out, "content-length: {length}\r\n").ok();
    }
    field(&mut out, "date", get_cached_date().as_bytes());
    if how.last {
        field(&mut out, "connection", b"close");
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::ETAG;
    use http::{HeaderValue, StatusCode};

    fn text(reply: &Reply, id: Option<&str>, last: bool) -> String {
        let how = Written { id, head_only: false, last, time: Duration::ZERO };
        let head = String::from_utf8(head(reply, &how)).unwrap();
        // The date is the only line that differs from second to second.
        head.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
    }

    #[test]
    fn a_head_has_the_status_the_headers_the_id_and_the_length() {
        let reply = Reply::json(StatusCode::OK, "{}").with(ETAG, HeaderValue::from_static("\"1\""));
        let wanted = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\netag: \"1\"\r\nx-request-id: a-1\r\n\
                      content-length: 2\r\n\r\n";
        assert_eq!(text(&reply, Some("a-1"), false), wanted);
    }

    #[test]
    fn an_answer_that_has_no_body_has_no_length() {
        for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
            assert!(!text(&Reply::empty(status), None, false).contains("content-length"));
        }
    }

    #[test]
    fn the_last_answer_says_so_and_every_one_has_its_date() {
        let reply = Reply::empty(StatusCode::NO_CONTENT);
        assert_eq!(text(&reply, None, true), "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        let how = Written { id: None, head_only: false, last: false, time: Duration::ZERO };
        let head = String::from_utf8(head(&reply, &how)).unwrap();
        let date = head.lines().find_map(|line| line.strip_prefix("date: ")).unwrap();
        assert!(httpdate(date), "{date}");
    }

    fn httpdate(text: &str) -> bool {
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).is_ok() && text.ends_with(" GMT")
    }
}
