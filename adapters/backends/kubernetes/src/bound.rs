//! Bounds on the answers of a server: its client reads whatever comes, however long it is.

use crate::asked::Asked;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, StreamBody};
use kube::client::{Body, DynBody};
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tower::{BoxError, Service};

/// Most bytes of a page: 500 nodes with their images have about ten million.
const MAX_PAGE: usize = 32 << 20;
/// Most bytes of one object or event; etcd takes objects of 1.5 MiB.
const MAX_OBJECT: usize = 8 << 20;
/// Most objects and lists in a page: 500 nodes have up to a thousand each. What is read takes up to a hundred times the
/// room that it has on the wire.
const MAX_NESTED: usize = 500_000;
/// Shortest time from the start of a watch to its end. The client begins the next one at once, so a server, or what
/// stands before it, that ends each at once would be asked all the time.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

/// An answer that exceeds its bound: how many there may be of what.
#[derive(Debug)]
pub(crate) struct TooLong(pub(crate) usize, pub(crate) &'static str);

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} {}", self.0, self.1)
    }
}

impl std::error::Error for TooLong {}

/// How much is read of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// So many bytes.
    Body(usize),
    /// So many bytes in each line: a watch never ends.
    Line(usize),
}

impl Bound {
    /// Tells by what is asked for.
    fn of(query: &str) -> Self {
        let asks = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
        if asks("watch") {
            Self::Line(MAX_OBJECT)
        } else if asks("limit") {
            Self::Body(MAX_PAGE)
        } else {
            Self::Body(MAX_OBJECT)
        }
    }

    /// Counts a part.
    fn count(self, so_far: Count, part: &[u8]) -> Result<Count, TooLong> {
        let (most, longest, bytes) = match self {
            Self::Body(most) => (most, so_far.bytes + part.len(), so_far.bytes + part.len()),
            Self::Line(most) => {
                let mut lines = part.split(|byte| *byte == b'\n').map(<[u8]>::len);
                let first = so_far.bytes + lines.next().unwrap_or_default();
                let (longest, last) =
                    lines.fold((first, first), |(longest, _), line| (longest.max(line), line));
                (most, longest, last)
            }
        };
        let inside = part.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
        let nested = so_far.nested + if matches!(self, Self::Body(_)) { inside } else { 0 };
        if longest > most {
            return Err(TooLong(most, "bytes"));
        }
        if nested > MAX_NESTED {
            return Err(TooLong(MAX_NESTED, "objects"));
        }
        Ok(Count { bytes, nested })
    }
}

/// What there was of an answer until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    /// Bytes, of a watch since the start of the line.
    bytes: usize,
    nested: usize,
}

/// A service whose answers are bounded.
pub(crate) struct Bounded<S>(pub(crate) S);

impl<S> Service<Request<Body>> for Bounded<S>
where
    S: Service<Request<Body>, Response = Response<Box<DynBody>>>,
    S::Future: Send + 'static,
{
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let bound = Bound::of(request.uri().query().unwrap_or_default());
        let asked = Asked::of(&request);
        let answer = self.0.call(request);
        // Whoever counts calls is known where the answer is waited for, not here.
        Box::pin(async move { Ok(asked.told(answer).await?.map(|body| bounded(body, bound))) })
    }
}

fn bounded(body: Box<DynBody>, bound: Bound) -> UnsyncBoxBody<Bytes, BoxError> {
    let (mut so_far, start) = (Count::default(), Instant::now());
    let parts = BodyStream::new(body).map(move |frame| {
        let frame = frame?;
        if let Some(part) = frame.data_ref() {
            so_far = bound.count(so_far, part)?;
        }
        Ok(frame)
    });
    let end = stream::once(async move {
        if matches!(bound, Bound::Line(_)) {
            tokio::time::sleep_until(start + SHORTEST_WATCH).await;
        }
    });
    StreamBody::new(parts.chain(end.filter_map(async |()| None))).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_decides() {
        let page = Bound::of("limit=500&continue=x");
        assert_eq!((page, Bound::of("")), (Bound::Body(MAX_PAGE), Bound::Body(MAX_OBJECT)));
        let watch = Bound::of("&watch=true&timeoutSeconds=290&allowWatchBookmarks=true");
        assert_eq!(
            (watch, Bound::of("limited=1&nowatch")),
            (Bound::Line(MAX_OBJECT), Bound::Body(MAX_OBJECT))
        );
    }

    fn bytes(bound: Bound, bytes: usize, part: &[u8]) -> Option<usize> {
        bound.count(Count { bytes, nested: 0 }, part).ok().map(|count| count.bytes)
    }

    #[test]
    fn a_body_counts_as_a_whole_and_a_watch_by_its_lines() {
        let body = Bound::Body(5);
        assert_eq!((bytes(body, 2, b"\n\n\n"), bytes(body, 5, b"x")), (Some(5), None));
        let line = Bound::Line(5);
        assert_eq!(bytes(line, 0, b"abc"), Some(3));
        assert_eq!(bytes(line, 3, b"de\nabcde\nab"), Some(2));
        assert_eq!(bytes(line, 5, b"\n"), Some(0));
        assert_eq!((bytes(line, 3, b"def\n"), bytes(line, 0, b"\nabcdef\n")), (None, None));
    }

    #[test]
    fn a_body_has_so_many_objects() {
        let almost = Count { bytes: 0, nested: MAX_NESTED - 2 };
        assert!(Bound::Body(100).count(almost, b"{[\"\"").is_ok());
        assert!(Bound::Body(100).count(almost, b"{[{").is_err());
        assert!(Bound::Line(100).count(almost, b"{[{").is_ok());
    }
}
