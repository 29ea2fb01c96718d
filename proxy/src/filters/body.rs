//! Reads a body within its bounds, and lets a client that sends too much see the refusal.

use crate::problem::{Problem, Refused};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use std::time::Duration;

/// How much of a refused body is read and thrown away: a client that is still writing would lose the answer.
const DRAIN: usize = 256 << 10;
/// How long that may take.
const DRAIN_TIME: Duration = Duration::from_secs(1);
/// The space that is set aside before a body's first byte is there, whatever it announces.
const GUESS: usize = 16 << 10;

/// The bounds of a body.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Its size.
    pub size: usize,
    /// The time from the head to its last byte.
    pub time: Duration,
}

/// Where a body comes from.
#[async_trait]
pub trait Source: Send {
    /// Returns the next piece; `None` at the end.
    ///
    /// # Errors
    /// The answer to a body that is not framed as it should be.
    async fn next(&mut self) -> Result<Option<Bytes>, Refused>;

    /// Tells the client that it may send the body.
    ///
    /// # Errors
    /// The client is gone.
    async fn go_ahead(&mut self) -> Result<(), Refused>;
}

/// Reads the whole body.
///
/// # Errors
/// 413 above the size, 408 above the time, 400 if it is not framed as it should be.
///
/// # Cancel safety
/// Not cancel safe: what was read is lost.
pub async fn read(source: &mut dyn Source, headers: &HeaderMap, bounds: Bounds) -> Result<Bytes, Refused> {
    let announced = announced(headers);
    if announced.is_some_and(|length| length > bounds.size) {
        if !expects(headers) {
            drain(source).await;
        }
        return Err(Box::new(Problem::body_too_large(bounds.size)));
    }
    let whole = async {
        if expects(headers) {
            source.go_ahead().await?;
        }
        collect(source, announced.unwrap_or(GUESS).min(GUESS), bounds.size).await
    };
    match tokio::time::timeout(bounds.time, whole).await {
        Err(_) => Err(Box::new(Problem::too_slow("the request's body took too long"))),
        Ok(Err(problem)) => Err(problem),
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => {
            drain(source).await;
            Err(Box::new(Problem::body_too_large(bounds.size)))
        }
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn expects(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Collects pieces; `None` if there are more than `most` bytes.
async fn collect(source: &mut dyn Source, guess: usize, most: usize) -> Result<Option<Bytes>, Refused> {
    let mut whole = BytesMut::with_capacity(guess);
    while let Some(piece) = source.next().await? {
        if whole.len() + piece.len() > most {
            return Ok(None);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Some(whole.freeze()))
}

async fn drain(source: &mut dyn Source) {
    let some = async {
        let mut left = DRAIN;
        while let Ok(Some(piece)) = source.next().await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                return;
            }
        }
    };
    // Whether all of it came makes no difference to the answer.
    tokio::time::timeout(DRAIN_TIME, some).await.ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const BOUNDS: Bounds = Bounds { size: 10, time: Duration::from_millis(20) };

    /// Gives its pieces, then ends or stays silent.
    struct Pieces {
        left: Vec<&'static [u8]>,
        ends: bool,
        went_ahead: bool,
    }

    #[async_trait]
    impl Source for Pieces {
        async fn next(&mut self) -> Result<Option<Bytes>, Refused> {
            if self.left.is_empty() {
                if !self.ends {
                    std::future::pending::<()>().await;
                }
                return Ok(None);
            }
            Ok(Some(Bytes::from_static(self.left.remove(0))))
        }

        async fn go_ahead(&mut self) -> Result<(), Refused> {
            self.went_ahead = true;
            Ok(())
        }
    }

    fn pieces(pieces: &[&'static [u8]]) -> Pieces {
        Pieces { left: pieces.to_vec(), ends: true, went_ahead: false }
    }

    fn headers(name: http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    async fn status(source: &mut Pieces, headers: &HeaderMap) -> Result<Bytes, u16> {
        read(source, headers, BOUNDS).await.map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn a_body_within_its_bounds_is_read_whole() {
        let read = status(&mut pieces(&[b"12345", b"67890"]), &HeaderMap::new()).await;
        assert_eq!(read, Ok(Bytes::from_static(b"1234567890")));
    }

    #[tokio::test]
    async fn a_larger_body_is_413_whether_or_not_it_says_so() {
        assert_eq!(status(&mut pieces(&[b"12345", b"678901"]), &HeaderMap::new()).await, Err(413));
        assert_eq!(status(&mut pieces(&[b"12345678901"]), &headers(CONTENT_LENGTH, "11")).await, Err(413));
    }

    #[tokio::test]
    async fn a_slow_body_is_408() {
        let mut source = Pieces { left: vec![b"1"], ends: false, went_ahead: false };
        assert_eq!(status(&mut source, &HeaderMap::new()).await, Err(408));
    }

    #[tokio::test]
    async fn an_expectation_is_answered_unless_the_body_is_refused() {
        let mut source = pieces(&[b"1"]);
        let read = read(&mut source, &headers(EXPECT, "100-Continue"), BOUNDS).await;
        assert!(read.is_ok() && source.went_ahead);
        let mut source = pieces(&[]);
        let mut both = headers(EXPECT, "100-continue");
        both.insert(CONTENT_LENGTH, HeaderValue::from_static("11"));
        assert_eq!(status(&mut source, &both).await, Err(413));
        assert!(!source.went_ahead);
    }
}
