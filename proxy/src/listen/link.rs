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
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
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
    /// What is held of HTTP/2 is still to be written, and the task of the connection was woken for it.
    due: bool,
    /// Bytes that were read ahead and come first.
    ahead: Bytes,
    /// What is counted of HTTP/2, and where a flood is.
    frames: Option<(Frames, IntCounter)>,
    id: UniqueIDType,
    digest: Arc<ProxyDigest>,
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
        Some(Self { io, held: Held::default(), due: false, ahead: Bytes::new(), frames: None, id, digest })
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
    /// several streams go out together: `h2` flushes after each of their frames, so they are written when nothing more is there to be
    /// read.
    pub(crate) fn multiplex(&mut self, floods: IntCounter) {
        self.frames = Some((Frames::new(Instant::now()), floods));
        self.held.widen();
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
        let Self { io, held, .. } = self;
        through!(io, stream => {
            ready!(held.poll_empty(stream, cx))?;
            ready!(Pin::new(stream).poll_flush(cx))?;
        });
        self.due = false;
        Poll::Ready(Ok(()))
    }

    /// Says whether the client chose HTTP/2.
    pub(crate) fn is_h2(&self) -> bool {
        self.selected_alpn_proto().is_some_and(|chosen| matches!(chosen, ALPN::H2))
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
        if read.is_pending() && self.due {
            ready!(self.poll_out(cx))?;
        }
        ready!(read)?;
        if let Some((frames, floods)) = &mut self.frames
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
        if self.frames.is_none() || self.held.is_empty() {
            return self.poll_out(cx);
        }
        if !self.due {
            self.due = true;
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { io, held, .. } = &mut *self;
        through!(io, stream => {
            ready!(held.poll_empty(stream, cx))?;
            Pin::new(stream).poll_shutdown(cx)
        })
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let Self { io, held, frames, .. } = &mut *self;
        let written = ready!(through!(io, stream => held.poll_write(stream, cx, bufs)))?;
        if let Some((frames, _)) = frames {
            frames.wrote(written);
        }
        Poll::Ready(Ok(written))
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
mod tests {
    use super::*;
    use futures::future::poll_immediate;
    use std::io::{ErrorKind, Read};
    use std::net::{Ipv4Addr, TcpListener as Bound, TcpStream as Client};
    use tokio::io::AsyncReadExt;

    fn pair() -> (Link, Client) {
        let bound = Bound::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = Client::connect(bound.local_addr().unwrap()).unwrap();
        let (stream, address) = bound.accept().unwrap();
        for end in [&stream, &client] {
            end.set_nonblocking(true).unwrap();
        }
        let stream = TcpStream::from_std(stream).unwrap();
        (Link::plain(stream, Arc::new(Peer::anonymous(address.ip()))).unwrap(), client)
    }

    async fn answer(link: &mut Link, text: &[u8]) {
        link.write_all(text).await.unwrap();
        link.flush().await.unwrap();
    }

    fn arrived(client: &mut Client) -> Vec<u8> {
        let mut text = vec![0; 64];
        match client.read(&mut text) {
            Ok(count) => text.truncate(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => text.clear(),
            Err(error) => panic!("{error}"),
        }
        text
    }

    #[tokio::test]
    async fn answers_of_streams_go_out_when_nothing_more_is_there_to_be_read() {
        let (mut link, mut client) = pair();
        link.multiplex(IntCounter::new("floods", "Floods").unwrap());
        answer(&mut link, b"one ").await;
        answer(&mut link, b"two ").await;
        assert_eq!(arrived(&mut client), b"");
        std::io::Write::write_all(&mut client, b"three").unwrap();
        let mut asked = [0; 5];
        link.read_exact(&mut asked).await.unwrap();
        answer(&mut link, &asked).await;
        assert!(poll_immediate(link.read(&mut asked)).await.is_none());
        assert_eq!(arrived(&mut client), b"one two three");
        answer(&mut link, b"four").await;
        assert!(poll_immediate(link.read(&mut asked)).await.is_none());
        assert_eq!(arrived(&mut client), b"four");
    }

    #[tokio::test]
    async fn who_held_something_back_is_woken_for_it() {
        let (mut link, mut client) = pair();
        link.multiplex(IntCounter::new("floods", "Floods").unwrap());
        let mut begun = false;
        // Polled once for each time that it is woken, and no more.
        let polled = poll_fn(move |cx| {
            if !begun {
                begun = true;
                assert!(Pin::new(&mut link).poll_write(cx, b"one").is_ready());
                assert!(Pin::new(&mut link).poll_flush(cx).is_ready());
                return Poll::Pending;
            }
            let mut asked = [0; 5];
            assert!(Pin::new(&mut link).poll_read(cx, &mut ReadBuf::new(&mut asked)).is_pending());
            Poll::Ready(arrived(&mut client))
        });
        assert_eq!(polled.await, b"one");
    }

    #[tokio::test]
    async fn an_answer_of_http1_goes_out_at_once() {
        let (mut link, mut client) = pair();
        answer(&mut link, b"one").await;
        assert_eq!(arrived(&mut client), b"one");
    }
}
