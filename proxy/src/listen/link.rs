//! One accepted connection as Pingora wants to see it: bytes, and the peer beside them.
//!
//! Pingora's own TLS stream keeps its extension slot to itself, so the peer travels in the slot for CONNECT proxies,
//! which reaches every request of a connection, HTTP/1 and HTTP/2 alike. `peer` is the only reader.

use super::flood::Frames;
use super::held::Held;
use super::peer::Peer;
use async_trait::async_trait;
use bytes::{Buf, Bytes};
use pingora::http::ResponseHeader;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::tls::SslDigest;
use pingora_core::protocols::{
    ALPN, Digest, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID, UniqueIDType,
};
use prometheus::IntCounter;
use std::any::Any;
use std::future::poll_fn;
use std::io::{Error, IoSlice, Result};
use std::os::fd::AsRawFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio_rustls::server::TlsStream;

#[derive(Debug)]
enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Hands a call to whichever stream there is.
macro_rules! through {
    ($io:expr, $stream:ident => $call:expr) => {
        match $io {
            Io::Plain($stream) => $call,
            Io::Tls($stream) => $call,
        }
    };
}

/// One accepted connection.
#[derive(Debug)]
pub(crate) struct Link {
    io: Io,
    held: Held,
    /// Bytes that were read ahead and come first.
    ahead: Bytes,
    /// What HTTP/2 has beside.
    streams: Option<Streams>,
    id: UniqueIDType,
    digest: Arc<ProxyDigest>,
}

/// What a link knows of HTTP/2.
#[derive(Debug)]
struct Streams {
    frames: Frames,
    floods: IntCounter,
    due: Due,
    /// The client does not take what is held; its task is woken when it does.
    blocked: bool,
}

impl Streams {
    /// Notes that the socket was asked to take what is held; where it is full, it wakes the task when it is not, and nothing is due
    /// until then.
    fn asked(&mut self, full: bool) {
        self.blocked = full;
        self.due.set(false);
    }
}

/// Whether a link of HTTP/2 holds what was flushed and waits for a poll to be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Due(Arc<AtomicBool>);

impl Due {
    /// Says whether the connection has to be polled once more.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, due: bool) {
        self.0.store(due, Ordering::Relaxed);
    }
}

/// Finds the peer of a request's connection.
pub(crate) fn peer(digest: Option<&Digest>) -> Option<Arc<Peer>> {
    let data = digest?.proxy_digest.as_ref()?.user_data.as_ref()?;
    data.downcast_ref::<Arc<Peer>>().cloned()
}

impl Link {
    /// Wraps a connection without TLS.
    pub(crate) fn plain(stream: TcpStream, peer: Arc<Peer>) -> Option<Self> {
        let id = stream.as_raw_fd();
        Self::new(Io::Plain(stream), id, peer)
    }

    /// Wraps a connection whose handshake is done.
    pub(crate) fn tls(stream: TlsStream<TcpStream>, peer: Arc<Peer>) -> Option<Self> {
        let id = stream.get_ref().0.as_raw_fd();
        Self::new(Io::Tls(Box::new(stream)), id, peer)
    }

    fn new(io: Io, id: UniqueIDType, peer: Arc<Peer>) -> Option<Self> {
        let unused = Box::new(ResponseHeader::build(200, Some(0)).ok()?);
        let data: Box<dyn Any + Send + Sync> = Box::new(peer);
        let digest = Arc::new(ProxyDigest::new(unused, Some(data)));
        Some(Self { io, held: Held::default(), ahead: Bytes::new(), streams: None, id, digest })
    }

    /// Returns the other end.
    pub(crate) fn peer(&self) -> Option<Arc<Peer>> {
        self.digest.user_data.as_ref()?.downcast_ref::<Arc<Peer>>().cloned()
    }

    /// Puts bytes back that were read to look at them.
    pub(crate) fn put_back(&mut self, bytes: Bytes) {
        self.ahead = bytes;
    }

    /// Takes it for one of HTTP/2: it ends once its frames are a flood, which is counted (what was put back is not looked at), and answers of
    /// several streams go out together. `h2` flushes after each of their frames, so what is flushed is written by a read that finds nothing
    /// more: whoever polls the connection polls it again while that is due.
    pub(crate) fn multiplex(&mut self, floods: IntCounter) {
        let frames = Frames::new(Instant::now());
        self.streams = Some(Streams { frames, floods, due: Due::default(), blocked: false });
        self.held.widen();
    }

    /// Returns what says whether something is due to be written.
    pub(super) fn due(&self) -> Due {
        self.streams.as_ref().map_or_else(Due::default, |streams| streams.due.clone())
    }

    /// Writes some bytes, without waiting for more of them; the stream is still to be flushed. Returns how many it took.
    pub(super) async fn write_through(&mut self, bytes: &[IoSlice<'_>]) -> Result<usize> {
        poll_fn(|cx| {
            let Self { io, held, .. } = &mut *self;
            through!(io, stream => held.poll_through(stream, cx, bytes))
        })
        .await
    }

    /// Writes all that is held, and flushes it.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { io, held, streams, .. } = self;
        let written = through!(io, stream => held.poll_flush(stream, cx));
        if let Some(streams) = streams {
            streams.asked(written.is_pending());
        }
        written
    }

    /// Says whether something that was flushed is not written yet.
    fn owes(&self) -> bool {
        self.streams.as_ref().is_some_and(|streams| streams.blocked || streams.due.is_set())
    }

    /// Says whether the client chose HTTP/2.
    pub(crate) fn is_h2(&self) -> bool {
        self.selected_alpn_proto().is_some_and(|chosen| matches!(chosen, ALPN::H2))
    }
}

impl Drop for Link {
    /// Writes what was flushed, as far as the client takes it at once.
    fn drop(&mut self) {
        if self.owes() {
            // Nobody is left to wait for the rest, or to be told.
            let mut writing = pin!(unconstrained(poll_fn(|cx| self.poll_out(cx))));
            drop(writing.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        }
    }
}

impl AsyncRead for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if self.ahead.has_remaining() {
            let count = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(count));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = through!(&mut self.io, stream => Pin::new(stream).poll_read(cx, buf));
        if read.is_pending() && self.owes() {
            ready!(self.poll_out(cx))?;
        }
        ready!(read)?;
        if let Some(Streams { frames, floods, .. }) = &mut self.streams
            && !frames.read(buf.filled().get(before..).unwrap_or_default())
        {
            floods.inc();
            return Poll::Ready(Err(Error::other("a flood of frames")));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &self.streams {
            Some(streams) if !streams.blocked && !self.held.is_empty() => {
                streams.due.set(true);
                Poll::Ready(Ok(()))
            }
            Some(_) | None => self.poll_out(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_out(cx))?;
        through!(&mut self.io, stream => Pin::new(stream).poll_shutdown(cx))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let Self { io, held, streams, .. } = &mut *self;
        let written = through!(io, stream => held.poll_write(stream, cx, bufs));
        if let Some(streams) = streams {
            match &written {
                Poll::Ready(Ok(count)) => streams.frames.wrote(*count),
                Poll::Ready(Err(_)) => {}
                Poll::Pending => streams.asked(true),
            }
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[async_trait]
impl Shutdown for Link {
    async fn shutdown(&mut self) {
        // The other end may be gone already; there is nobody to tell.
        AsyncWriteExt::shutdown(self).await.ok();
    }
}

impl UniqueID for Link {
    fn id(&self) -> UniqueIDType {
        self.id
    }
}

impl Ssl for Link {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        None
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        match &self.io {
            Io::Plain(_) => None,
            Io::Tls(stream) => match stream.get_ref().1.alpn_protocol()? {
                b"h2" => Some(ALPN::H2),
                _ => Some(ALPN::H1),
            },
        }
    }
}

impl GetTimingDigest for Link {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetProxyDigest for Link {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        Some(Arc::clone(&self.digest))
    }
}

impl GetSocketDigest for Link {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}

impl Peek for Link {}

#[cfg(test)]
mod tests;
