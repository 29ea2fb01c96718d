//! Writes that go out together: a head waits for its body, so that both are one TLS record and one system call.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::iter::once;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// The most bytes that wait: a head and a body of 2 KiB. An idle connection holds none.
const HELD: usize = 4096;
/// Longest piece that is handed on. TLS copies piece by piece, and from about this length on glibc copies with
/// `rep movsb`, which is slow on AMD where both ends are not aligned alike: 46 against 32 us of CPU for a 50 KiB answer.
const PIECE: usize = 2048;
/// Pieces of one write: more than the 64 KiB that rustls takes at once.
const PIECES: usize = 40;

/// The most that waits of several streams: as much as rustls takes at once.
const STREAMS: usize = 64 << 10;

/// Bytes that wait for more, or for the flush.
#[derive(Debug)]
pub(super) struct Held {
    bytes: Vec<u8>,
    most: usize,
}

impl Default for Held {
    fn default() -> Self {
        Self { bytes: Vec::new(), most: HELD }
    }
}

impl Held {
    /// Lets the answers of several streams wait for each other.
    pub(super) fn widen(&mut self) {
        self.most = STREAMS;
    }

    /// Says whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes some bytes: keeps them while there is room, or writes them after those that wait. Returns how many it took.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let length = bytes.iter().map(|bytes| bytes.len()).sum::<usize>();
        if self.bytes.len() + length <= self.most {
            let all = self.bytes.len() + length;
            if all > self.bytes.capacity() {
                let most = if all > HELD { self.most } else { HELD };
                self.bytes.reserve_exact(most - self.bytes.len());
            }
            for bytes in bytes {
                self.bytes.extend_from_slice(bytes);
            }
            return Poll::Ready(Ok(length));
        }
        self.poll_through(stream, cx, bytes)
    }

    /// Writes some bytes after those that wait, without keeping any. Returns how many it took; they must not be empty.
    pub(super) fn poll_through<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        loop {
            let taken = ready!(self.poll_some(stream, cx, bytes))?;
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    /// Writes all that waits; the stream is still to be flushed.
    fn poll_empty<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        while !self.bytes.is_empty() {
            ready!(self.poll_some(stream, cx, &[]))?;
        }
        self.bytes = Vec::new();
        Poll::Ready(Ok(()))
    }

    /// Writes all that waits, and flushes the stream.
    pub(super) fn poll_flush<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        ready!(self.poll_empty(stream, cx))?;
        Pin::new(stream).poll_flush(cx)
    }

    /// Writes once, what waits first; returns how many of the other bytes were taken.
    fn poll_some<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let all = once(self.bytes.as_slice()).chain(bytes.iter().map(|bytes| &**bytes));
        let mut count = 0;
        for (place, piece) in pieces.iter_mut().zip(all.flat_map(|bytes| bytes.chunks(PIECE))) {
            *place = IoSlice::new(piece);
            count += 1;
        }
        let pieces = pieces.get(..count).unwrap_or_default();
        let written = ready!(Pin::new(stream).poll_write_vectored(cx, pieces))?;
        if written == 0 {
            return Poll::Ready(Err(Error::from(ErrorKind::WriteZero)));
        }
        let held = written.min(self.bytes.len());
        self.bytes.drain(..held);
        Poll::Ready(Ok(written - held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::task::Waker;

    /// Takes a few bytes at a time, and sometimes none; counts the writes.
    #[derive(Default)]
    struct Slow {
        got: Vec<u8>,
        takes: Vec<usize>,
        writes: usize,
    }

    impl AsyncWrite for Slow {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(buf)])
        }
        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[IoSlice<'_>],
        ) -> Poll<Result<usize>> {
            self.writes += 1;
            let most = self.takes.pop().unwrap_or(usize::MAX);
            if most == 0 {
                return Poll::Pending;
            }
            assert!(bytes.iter().all(|piece| (1..=PIECE).contains(&piece.len())));
            let all: Vec<u8> = bytes.iter().flat_map(|piece| piece.iter().copied()).take(most).collect();
            self.got.extend_from_slice(&all);
            Poll::Ready(Ok(all.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn write(held: &mut Held, stream: &mut Slow, mut bytes: &[u8]) {
        let mut cx = Context::from_waker(Waker::noop());
        while !bytes.is_empty() {
            if let Poll::Ready(taken) = held.poll_write(stream, &mut cx, &[IoSlice::new(bytes)]) {
                bytes = &bytes[taken.unwrap()..];
            }
        }
    }

    fn empty(held: &mut Held, stream: &mut Slow) {
        while held.poll_empty(stream, &mut Context::from_waker(Waker::noop())).is_pending() {}
    }

    #[test]
    fn answers_of_several_streams_go_out_in_one_write() {
        let (mut held, mut stream) = (Held::default(), Slow::default());
        held.widen();
        for _ in 0..4 {
            write(&mut held, &mut stream, &[b'h'; 40]);
            write(&mut held, &mut stream, &[b'b'; 2 << 10]);
        }
        empty(&mut held, &mut stream);
        assert_eq!((stream.writes, stream.got.len()), (1, 4 * (40 + (2 << 10))));
    }

    #[test]
    fn a_head_goes_out_with_its_body_in_one_write() {
        for body in [100, 2 << 10, 50 << 10] {
            let (mut held, mut stream) = (Held::default(), Slow::default());
            write(&mut held, &mut stream, &[b'h'; 300]);
            write(&mut held, &mut stream, &vec![b'b'; body]);
            empty(&mut held, &mut stream);
            assert_eq!((stream.writes, stream.got.len()), (1, 300 + body));
        }
    }

    proptest! {
        #[test]
        fn every_byte_arrives_once_and_in_order(
            sizes in prop::collection::vec(1..9000_usize, 1..8),
            takes in prop::collection::vec(0..5000_usize, 0..20),
        ) {
            let (mut held, mut stream) = (Held::default(), Slow { takes, ..Slow::default() });
            let all: Vec<u8> = (0..=250).cycle().take(sizes.iter().sum()).collect();
            let mut rest = all.as_slice();
            for size in sizes {
                let (now, later) = rest.split_at(size);
                write(&mut held, &mut stream, now);
                rest = later;
            }
            empty(&mut held, &mut stream);
            prop_assert_eq!(stream.got, all);
        }
    }
}
