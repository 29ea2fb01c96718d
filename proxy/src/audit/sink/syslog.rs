//! The sink of syslog over TLS: RFC 5424 messages in the frames of RFC 5425.
//!
//! The receiver confirms nothing, so what was sent is not taken for safe; after a connection has broken, what was sent last may be
//! lost, or sent twice.

use super::{Batch, Sink};
use crate::audit::record::Record;
use crate::conf::tree::AuditSyslog;
use netweave_model::{Error, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Facility "log audit" (13), severity "informational" (6). Source: RFC 5424, section 6.2.1.
const PRIORITY: u8 = 13 * 8 + 6;
/// Time for a connection to one address, and for each read and write.
const TIME: Duration = Duration::from_secs(5);
/// Longest HOSTNAME and PROCID. Source: RFC 5424, section 6.
const LONGEST: (usize, usize) = (255, 128);

/// The sink.
pub struct Syslog {
    address: String,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
    connection: Option<StreamOwned<ClientConnection, TcpStream>>,
}

impl Syslog {
    /// Reads the certificates; the receiver is connected to when there is something to send.
    ///
    /// # Errors
    /// `Invalid`: a certificate or key cannot be used, or the address is none.
    pub fn open(conf: &AuditSyslog) -> Result<Self> {
        let host =
            conf.address.rsplit_once(':').map(|(host, _)| host.trim_start_matches('[').trim_end_matches(']'));
        let name = host.and_then(|host| ServerName::try_from(host.to_owned()).ok());
        let name = name.ok_or_else(|| Error::invalid("audit.syslog.address", "must be HOST:PORT"))?;
        let tls = Arc::new(client(conf)?);
        Ok(Self { address: conf.address.clone(), name, tls, connection: None })
    }

    fn connect(&self) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the receiver has no address");
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TIME) {
                Err(error) => last = error,
                Ok(tcp) => {
                    tcp.set_read_timeout(Some(TIME))?;
                    tcp.set_write_timeout(Some(TIME))?;
                    let mut tls = ClientConnection::new(Arc::clone(&self.tls), self.name.clone())
                        .map_err(io::Error::other)?;
                    let mut tcp = tcp;
                    while tls.is_handshaking() {
                        tls.complete_io(&mut tcp)?;
                    }
                    return Ok(StreamOwned::new(tls, tcp));
                }
            }
        }
        Err(last)
    }
}

/// Fails if the receiver has closed the connection; it has nothing else to say.
fn is_open(connection: &mut StreamOwned<ClientConnection, TcpStream>) -> io::Result<()> {
    connection.sock.set_nonblocking(true)?;
    let heard = connection.read(&mut [0; 64]);
    connection.sock.set_nonblocking(false)?;
    match heard {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Ok(0) => Err(io::Error::new(ErrorKind::ConnectionAborted, "the receiver has closed the connection")),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Sink for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn is_safe(&self) -> bool {
        false
    }

    fn take(&mut self, batches: &[Arc<Batch>]) -> io::Result<()> {
        let mut frames = Vec::new();
        for batch in batches {
            for line in batch.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                frame(line, &mut frames)?;
            }
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        is_open(&mut connection)?;
        connection.write_all(&frames)?;
        connection.flush()?;
        self.connection = Some(connection);
        Ok(())
    }
}

/// Writes a line as a message in a frame.
fn frame(line: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let record: Record<'_> = serde_json::from_slice(line)?;
    let (host, start) = record.writer.rsplit_once('.').unwrap_or((&record.writer, "-"));
    let host = host.get(..LONGEST.0.min(host.len())).unwrap_or("-");
    let start = start.get(..LONGEST.1.min(start.len())).unwrap_or("-");
    let head = format!("<{PRIORITY}>1 {} {host} netweave {start} {} - ", record.time, record.event);
    out.extend_from_slice(format!("{} ", head.len() + line.len()).as_bytes());
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(line);
    Ok(())
}

fn client(conf: &AuditSyslog) -> Result<ClientConfig> {
    const KEY: &str = "audit.syslog";
    let unusable = |what: &str| Error::invalid(KEY, what.to_owned());
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&conf.ca)? {
        roots.add(certificate).map_err(|error| unusable("an authority is not usable").with_source(error))?;
    }
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| Error::internal("the TLS provider lacks its own versions").with_source(error))?
            .with_root_certificates(roots);
    match (&conf.certificate, &conf.key) {
        (Some(certificate), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| unusable("the key cannot be read").with_source(error))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, key)
                .map_err(|error| unusable("the key is not that of the certificate").with_source(error))
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(unusable("certificate and key are given together or not at all")),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unusable = |reason: &str| Error::invalid("audit.syslog", format!("{} {reason}", path.display()));
    let all =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let all = all.map_err(|error| unusable("cannot be read").with_source(error))?;
    if all.is_empty() { Err(unusable("holds no certificate")) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::chain::Chain;
    use rcgen::{CertificateParams, KeyPair};
    use rustls::{ServerConfig, ServerConnection};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};

    fn lines(count: usize) -> Vec<u8> {
        let mut chain = Chain::new("edge-1.ab12".to_owned());
        let mut out = Vec::new();
        for _ in 0..count {
            let (event, time) = ("api.call".into(), "2026-01-01T00:00:00.000Z".into());
            chain.append(Record { event, time, ..Record::default() }, &mut out).unwrap();
        }
        out
    }

    fn batch(lines: &[u8]) -> Arc<Batch> {
        Arc::new(Batch { lines: lines.to_vec(), first: 1, last: 1, ..Batch::default() })
    }

    #[test]
    fn a_frame_has_its_length_and_a_message_its_parts() {
        let line = lines(1);
        let line = line.trim_ascii_end();
        let mut out = Vec::new();
        frame(line, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let (length, message) = out.split_once(' ').unwrap();
        assert_eq!(length.parse(), Ok(message.len()));
        let head = "<110>1 2026-01-01T00:00:00.000Z edge-1 netweave ab12 api.call - {\"hash\":";
        assert!(message.starts_with(head) && message.ends_with('}'), "{message}");
    }

    /// Takes one TLS connection, reads so many bytes, closes, and does it again.
    fn receiver(files: &Path, sizes: Vec<usize>) -> (u16, Receiver<Vec<u8>>) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        std::fs::write(files.join("ca.pem"), certificate.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config =
            config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let port = listener.local_addr().unwrap().port();
        let (sender, received) = channel();
        std::thread::spawn(move || {
            for size in sizes {
                let (tcp, _) = listener.accept().unwrap();
                let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), tcp);
                let mut bytes = vec![0; size];
                stream.read_exact(&mut bytes).unwrap();
                stream.conn.send_close_notify();
                // The sender may be gone already.
                stream.flush().ok();
                drop(stream);
                sender.send(bytes).unwrap();
            }
        });
        (port, received)
    }

    #[test]
    fn lines_arrive_in_their_order_also_after_the_receiver_was_away() {
        let files = tempfile::tempdir().unwrap();
        let (one, two) = (lines(1), lines(2));
        let framed = |lines: &[u8]| {
            let mut out = Vec::new();
            lines
                .split_inclusive(|byte| *byte == b'\n')
                .for_each(|line| frame(line.trim_ascii_end(), &mut out).unwrap());
            out
        };
        let (port, received) = receiver(files.path(), vec![framed(&one).len(), framed(&two).len()]);
        let address = format!("localhost:{port}");
        let conf = AuditSyslog { address, ca: files.path().join("ca.pem"), ..AuditSyslog::default() };
        let mut sink = Syslog::open(&conf).unwrap();
        let next = || received.recv_timeout(Duration::from_secs(30)).unwrap();
        sink.take(&[batch(&one)]).unwrap();
        assert_eq!(next(), framed(&one));
        // The receiver has closed the connection, which the sink notices before it sends; then it connects anew.
        assert!(sink.take(&[batch(&two)]).is_err());
        sink.take(&[batch(&two)]).unwrap();
        assert_eq!(next(), framed(&two));
    }

    #[test]
    fn what_cannot_be_used_ends_the_start() {
        let none = AuditSyslog { ca: "/none/ca.pem".into(), ..AuditSyslog::default() };
        assert!(Syslog::open(&none).is_err());
        let nowhere = AuditSyslog { address: "nowhere".to_owned(), ..AuditSyslog::default() };
        assert!(Syslog::open(&nowhere).is_err());
    }
}
