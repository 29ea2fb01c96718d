//! Speaks to a Redis server or a Sentinel: one command over a connection of its own.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take for one step of a conversation; a paused one takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How to reach a server, and as whom.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where it listens.
    pub address: SocketAddr,
    /// Name and password of an ACL user; the default user without them.
    pub user: Option<(String, String)>,
    /// Whom to trust, and the own certificate; plain TCP without it.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Access {
    /// A server without users or TLS.
    pub fn open(address: SocketAddr) -> Self {
        Self { address, user: None, tls: None }
    }

    /// Sends a command; returns all texts of the answer in their order, an empty one for what is not there.
    ///
    /// # Errors
    /// The server cannot be reached, is paused, or refuses: its error reply is then the text.
    pub fn ask(&self, words: &[&str]) -> io::Result<Vec<String>> {
        let tcp = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        let Some(config) = &self.tls else { return self.converse(tcp, words) };
        let name = ServerName::from(self.address.ip());
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        self.converse(StreamOwned::new(session, tcp), words)
    }

    fn converse(&self, mut stream: impl Read + Write, words: &[&str]) -> io::Result<Vec<String>> {
        let mut texts = Vec::new();
        let mut sent = Vec::new();
        if let Some((name, password)) = &self.user {
            sent.extend(command(&["AUTH", name, password]));
        }
        sent.extend(command(words));
        stream.write_all(&sent)?;
        stream.flush()?;
        let mut reader = BufReader::new(stream);
        if self.user.is_some() {
            read(&mut reader, &mut texts)?;
            texts.clear();
        }
        read(&mut reader, &mut texts)?;
        Ok(texts)
    }
}

/// Writes a command as the protocol spells it.
fn command(words: &[&str]) -> Vec<u8> {
    let count = format!("*{}\r\n", words.len());
    let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    std::iter::once(count).chain(words).collect::<String>().into_bytes()
}

/// Reads one answer with all that is in it.
fn read(reader: &mut impl BufRead, texts: &mut Vec<String>) -> io::Result<()> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (mark, rest) = line.trim_end().split_at_checked(1).ok_or(io::ErrorKind::UnexpectedEof)?;
    let count = || rest.parse::<i64>().map_err(io::Error::other);
    match mark {
        "+" | ":" => texts.push(rest.to_owned()),
        "-" => return Err(io::Error::other(rest)),
        "*" => {
            for _ in 0..count()? {
                read(reader, texts)?;
            }
        }
        "$" => match usize::try_from(count()?) {
            Ok(length) => texts.push(bulk(reader, length)?),
            Err(_) => texts.push(String::new()),
        },
        _ => return Err(io::Error::other(format!("not an answer of a Redis: {line:?}"))),
    }
    Ok(())
}

fn bulk(reader: &mut impl Read, length: usize) -> io::Result<String> {
    let mut bytes = vec![0; length + 2];
    reader.read_exact(&mut bytes)?;
    bytes.truncate(length);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
