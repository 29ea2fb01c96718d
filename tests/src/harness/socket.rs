//! A TLS connection to a gateway on which a test sends whatever it likes.

use super::client::tls;
use super::gateway::Gateway;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io::Result;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The longest that connecting may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens connections of one client.
#[derive(Clone)]
pub struct Dialer {
    config: Arc<ClientConfig>,
    address: SocketAddr,
    source: Option<IpAddr>,
    window: Option<u32>,
}

impl Dialer {
    /// Makes the connections of a client with a certificate of that name, which offers that protocol.
    pub fn new(gateway: &Gateway, name: &str, alpn: &str) -> Self {
        let mut config = tls(gateway.pki(), Some(&gateway.pki().client(name)));
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        Self { config: Arc::new(config), address: gateway.api_address(), source: None, window: None }
    }

    /// Connects to another address.
    #[must_use]
    pub fn to(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Connects from an address of this machine.
    #[must_use]
    pub fn from(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Lets the kernel keep only so many bytes that were not read, so that the other end notices soon.
    #[must_use]
    pub fn window(mut self, bytes: u32) -> Self {
        self.window = Some(bytes);
        self
    }

    /// Connects without TLS.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn bare(&self) -> Result<TcpStream> {
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(window) = self.window {
            socket.set_recv_buffer_size(window)?;
        }
        if let Some(source) = self.source {
            socket.bind((source, 0).into())?;
        }
        let stream =
            timeout(PATIENCE, socket.connect(self.address)).await.map_err(std::io::Error::other)??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Connects and shakes hands.
    ///
    /// # Errors
    /// There is no connection, or the handshake failed.
    pub async fn open(&self) -> Result<Socket> {
        let name = ServerName::from(IpAddr::from([127, 0, 0, 1]));
        let connected = TlsConnector::from(Arc::clone(&self.config)).connect(name, self.bare().await?);
        let stream = timeout(PATIENCE, connected).await.map_err(std::io::Error::other)??;
        Ok(Socket { stream, read: Vec::new(), closed: false })
    }
}

/// An answer as it was read.
#[derive(Clone, Debug)]
pub struct Said {
    /// The status.
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// An open connection.
pub struct Socket {
    /// The stream, for what the methods do not do.
    pub stream: TlsStream<TcpStream>,
    read: Vec<u8>,
    /// Whether the other end has closed.
    pub closed: bool,
}

impl Socket {
    /// Sends bytes; says whether the other end has taken them within its time.
    pub async fn send(&mut self, bytes: &[u8], time: Duration) -> bool {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        matches!(timeout(time, sent).await, Ok(Ok(())))
    }

    /// Reads until `done` finds what it looks for, the other end closes, or the time is over.
    pub async fn read_until<T>(
        &mut self,
        time: Duration,
        mut done: impl FnMut(&mut Vec<u8>) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + time;
        loop {
            if let Some(found) = done(&mut self.read) {
                return Some(found);
            }
            if self.closed {
                return None;
            }
            match timeout_at(end, self.stream.read_buf(&mut self.read)).await {
                Ok(Ok(count)) if count > 0 => {}
                Ok(_) => self.closed = true,
                Err(_) => return None,
            }
        }
    }

    /// Reads one answer that is framed by its length; interim answers but 101 are passed over.
    pub async fn answer(&mut self, time: Duration) -> Option<Said> {
        self.read_until(time, parse).await
    }

    /// Waits until the other end closes; says whether it did.
    pub async fn ends(&mut self, time: Duration) -> bool {
        self.read_until(time, |_| None::<()>).await;
        self.closed
    }
}

fn parse(read: &mut Vec<u8>) -> Option<Said> {
    loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
        let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
        if (102..200).contains(&status) || status == 100 {
            read.drain(..end);
            continue;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(Ok(0), str::parse).ok()?;
        let body = read.get(end..end + length)?.to_vec();
        read.drain(..end + length);
        return Some(Said { status, head, body });
    }
}
