//! A TLS client that sends whatever it is told, and reads what comes back until it makes sense or ends.

use crate::target::Target;
use rustls::client::ClientSessionMemoryCache;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a single read waits before the deadline is looked at again.
const TICK: Duration = Duration::from_millis(20);

/// Makes a client's configuration; `name` is the file of its certificate, none for an anonymous client.
pub(crate) fn config(certs: &Path, name: Option<&str>, alpn: &str) -> Arc<ClientConfig> {
    config_of(certs, name, alpn, rustls::DEFAULT_VERSIONS)
}

/// Makes a client's configuration for some versions of TLS.
pub(crate) fn config_of(
    certs: &Path,
    name: Option<&str>,
    alpn: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(certs.join("ca.crt")).expect("an authority") {
        roots.add(root.expect("a certificate")).expect("a usable root");
    }
    let builder = ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots);
    let mut config = match name {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = CertificateDer::pem_file_iter(certs.join(format!("{name}.crt"))).expect("a client");
            let chain = chain.map(|certificate| certificate.expect("a certificate")).collect();
            let key = PrivateKeyDer::from_pem_file(certs.join(format!("{name}.key"))).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("certificate and key fit")
        }
    };
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    config.resumption = rustls::client::Resumption::store(Arc::new(ClientSessionMemoryCache::new(8)));
    Arc::new(config)
}

/// An open connection.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    read: Vec<u8>,
    /// Whether the other end has closed.
    pub(crate) closed: bool,
}

/// An answer as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns a header's value, empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Says what is wrong with a refusal, if something is.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.status >= 500 {
            return Some(format!("{} {}", self.status, String::from_utf8_lossy(&self.body)));
        }
        if (200..300).contains(&self.status) || self.status == 304 {
            return None;
        }
        let media = self.header("content-type");
        if media != "application/problem+json" {
            return Some(format!("{} with a body of type {media:?}", self.status));
        }
        let body = self.json();
        let complete = ["type", "title", "detail"].iter().all(|member| body[member].is_string())
            && body["status"] == self.status
            && body.get("instance").is_none();
        (!complete).then(|| format!("an incomplete problem: {body}"))
    }
}

impl Connection {
    /// Connects as the client `smo` with HTTP/1.1.
    pub(crate) fn open(target: &Target) -> Self {
        Self::with(target.api, &config(&target.certs, Some("smo"), "http/1.1")).expect("a connection")
    }

    /// Connects and shakes hands.
    pub(crate) fn with(address: SocketAddr, config: &Arc<ClientConfig>) -> std::io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let name = ServerName::from(address.ip());
        let session = ClientConnection::new(Arc::clone(config), name).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(session, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        stream.sock.set_read_timeout(Some(TICK))?;
        stream.sock.set_write_timeout(Some(Duration::from_secs(2)))?;
        Ok(Self { stream, read: Vec::new(), closed: false })
    }

    /// Sends bytes; a closed connection is noticed when reading.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let sent = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        if sent.is_err() {
            // What the other end said before it closed may still be read.
            self.stream.sock.shutdown(std::net::Shutdown::Write).ok();
        }
    }

    /// Says whether the handshake resumed an earlier session.
    pub(crate) fn resumed(&self) -> bool {
        self.stream.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }

    /// Reads until `done` finds what it looks for, the other end closes, or the time is over.
    pub(crate) fn read_until<T>(
        &mut self,
        time: Duration,
        mut done: impl FnMut(&mut Vec<u8>) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + time;
        let mut piece = vec![0; 64 << 10];
        loop {
            if let Some(found) = done(&mut self.read) {
                return Some(found);
            }
            if self.closed || Instant::now() >= end {
                return None;
            }
            match self.stream.read(&mut piece) {
                Ok(0) => self.closed = true,
                Ok(count) => self.read.extend_from_slice(&piece[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => self.closed = true,
            }
        }
    }

    /// Reads one answer.
    pub(crate) fn answer(&mut self, time: Duration) -> Option<Answer> {
        self.read_until(time, |read| parse(read, true))
    }

    /// Reads the head of one answer that has no body, as for HEAD.
    pub(crate) fn head(&mut self, time: Duration) -> Option<Answer> {
        self.read_until(time, |read| parse(read, false))
    }

    /// Waits for the other end to close; says whether it did.
    pub(crate) fn ends(&mut self, time: Duration) -> bool {
        self.read_until(time, |_| None::<()>);
        self.closed
    }

    /// Sends a GET and reads its answer.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
        self.answer(Duration::from_secs(5)).unwrap_or_else(|| panic!("no answer to {path}"))
    }
}

/// Takes a whole final answer out of what was read.
fn parse(read: &mut Vec<u8>, with_body: bool) -> Option<Answer> {
    loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let mut lines = head.lines();
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        if (100..200).contains(&status) {
            read.drain(..end);
            continue;
        }
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.filter(|_| with_body).map_or(Ok(0), |(_, value)| value.parse()).ok()?;
        let body = read.get(end..end + length)?.to_vec();
        read.drain(..end + length);
        return Some(Answer { status, headers, body });
    }
}

/// Asks the operations listener over plain HTTP.
pub(crate) fn ops(target: &Target, path: &str) -> Answer {
    let mut socket = TcpStream::connect(target.ops).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("a request can be sent");
    let mut read = Vec::new();
    socket.read_to_end(&mut read).expect("an answer");
    parse(&mut read, true).expect("a whole answer")
}

/// Returns the value of a metric without labels.
pub(crate) fn metric(target: &Target, name: &str) -> f64 {
    let text = String::from_utf8(ops(target, "/metrics").body).expect("text");
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    line.and_then(|line| line.split(' ').nth(1)).and_then(|value| value.parse().ok()).unwrap_or(f64::NAN)
}

/// Waits until something holds, and says whether it ever did.
pub(crate) fn becomes(mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if holds() {
            return true;
        }
        std::thread::sleep(TICK);
    }
    false
}

/// Waits until a metric has a value.
pub(crate) fn settles(target: &Target, name: &str, value: f64) -> bool {
    becomes(|| (metric(target, name) - value).abs() < f64::EPSILON)
}
