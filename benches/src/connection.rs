//! One keep-alive HTTP/1.1 connection, spoken by hand so that the client costs as little as possible.

use crate::Result;
use memchr::memmem;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Larger than the largest answer that is measured, so that a buffer never grows in a run.
const BUFFER: usize = 128 << 10;

/// Where a server listens, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address.
    pub address: SocketAddr,
    /// Mutual TLS; `None` for plain HTTP.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Both kinds of stream.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One connection; requests follow each other. When the server ends it after an answer, as it may after so many requests, the next
/// request goes over another one.
pub struct Connection {
    target: Target,
    ended: bool,
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    resumed: bool,
    server: Option<CertificateDer<'static>>,
}

/// What came back. The body stays in the connection until the next request.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The server closes the connection after this answer.
    pub last: bool,
    head: usize,
}

impl Connection {
    /// Connects, with the TLS handshake.
    ///
    /// # Errors
    /// The server is not there or refuses the handshake.
    pub async fn open(target: &Target) -> Result<Self> {
        let tcp = TcpStream::connect(target.address).await?;
        tcp.set_nodelay(true)?;
        let (mut resumed, mut server) = (false, None);
        let stream: Box<dyn Stream> = match &target.tls {
            Some(tls) => {
                let name = ServerName::from(target.address.ip());
                let stream = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await?;
                let session = stream.get_ref().1;
                resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
                server = session.peer_certificates().and_then(|chain| chain.first()).cloned();
                Box::new(stream)
            }
            None => Box::new(tcp),
        };
        Ok(Self {
            target: target.clone(),
            ended: false,
            stream,
            buffer: Vec::with_capacity(BUFFER),
            resumed,
            server,
        })
    }

    /// Returns the certificate that the server showed, of a connection over TLS.
    pub fn server(&self) -> Option<&CertificateDer<'static>> {
        self.server.as_ref()
    }

    /// Whether the handshake took up a session of a former connection.
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// Sends a whole request and reads the whole answer. The body of one in chunks is left as it comes.
    ///
    /// # Errors
    /// The connection broke, or the answer has neither `Content-Length` nor chunks.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer> {
        if self.ended {
            *self = Self::open(&self.target).await?;
        }
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let head = loop {
            self.more().await?;
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = std::str::from_utf8(self.buffer.get(..head).unwrap_or_default())?.to_ascii_lowercase();
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let status = text.split(' ').nth(1).ok_or("no status")?.parse()?;
        let last = header("connection:") == Some("close");
        self.ended = last;
        if header("transfer-encoding:") == Some("chunked") {
            // JSON has no line of its own that is a 0.
            while !self.buffer.ends_with(b"\r\n0\r\n\r\n") {
                self.more().await?;
            }
            return Ok(Answer { status, last, head });
        }
        let length: usize = match (status, header("content-length:")) {
            (204 | 304, _) => 0,
            (_, length) => length.ok_or("an answer without Content-Length")?.parse()?,
        };
        while self.buffer.len() < head + length {
            self.more().await?;
        }
        Ok(Answer { status, last, head })
    }

    /// Returns the body of the latest answer.
    pub fn body(&self, answer: Answer) -> &[u8] {
        self.buffer.get(answer.head..).unwrap_or_default()
    }

    /// Returns status line and headers of the latest answer.
    pub fn head(&self, answer: Answer) -> String {
        let head = self.buffer.get(..answer.head).unwrap_or_default();
        String::from_utf8_lossy(head).into_owned()
    }

    /// Whether the latest answer came from the gateway's cache.
    pub fn from_cache(&self, answer: Answer) -> bool {
        self.cache(answer).starts_with("hit")
    }

    /// Returns the `X-Cache` of the latest answer in lower case, empty without one.
    pub fn cache(&self, answer: Answer) -> String {
        let head = self.head(answer).to_ascii_lowercase();
        let word = head.lines().find_map(|line| line.strip_prefix("x-cache:"));
        word.unwrap_or_default().trim().to_owned()
    }

    /// Gives back what answers were read into, for a connection that lies idle.
    pub fn shrink(&mut self) {
        self.buffer = Vec::new();
    }

    async fn more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed the connection within an answer".into()),
            _ => Ok(()),
        }
    }
}

/// Writes a GET for a path.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n").into_bytes()
}

/// Writes a POST of a JSON body to a path.
pub fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Writes a DELETE for a path.
pub fn delete(path: &str) -> Vec<u8> {
    format!("DELETE {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes()
}

/// Fetches one path over a connection of its own; returns status and body.
///
/// # Errors
/// As [`Connection::open`] and [`Connection::send`].
pub async fn fetch(target: &Target, path: &str) -> Result<(u16, Vec<u8>)> {
    let mut connection = Connection::open(target).await?;
    let answer = connection.send(&get(path)).await?;
    Ok((answer.status, connection.body(answer).to_vec()))
}
