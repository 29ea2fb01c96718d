//! Consumers of notifications: HTTPS servers that note how long each notification was under way since its commit.
//!
//! One address stands for one SMO and serves many callbacks, `/s/NUMBER` each. A notification was under way from the
//! store's stamp, which it tells as `updateTime` in whole milliseconds, until its answer was sent; so each latency is up to a
//! millisecond too long. Stamp and receipt are read from one machine's clock.

use crate::Result;
use crate::clock::now_us;
use crate::drive::{Counted, Tally};
use crate::server::free;
use hdrhistogram::Histogram;
use memchr::memmem;
use netweave_model::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Latencies up to ten minutes, in microseconds, three digits.
const LONGEST_US: u64 = 600_000_000;
/// Larger than any notification that is measured.
const BUFFER: usize = 64 << 10;
const ACCEPTED: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// How an SMO behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It answers 204 at once.
    Living,
    /// It answers 204 after so long.
    Slow(Duration),
    /// It takes connections and requests, and never answers.
    Hanging,
    /// It refuses connections.
    Refusing,
}

/// What all SMOs noted.
struct Ledger {
    /// Since it was taken last, and for who looks on.
    latency: Mutex<(Histogram<u64>, Tally)>,
    /// The last sequence number that came to each callback, and the last that was answered.
    last: Vec<AtomicU64>,
    answered: Vec<AtomicU64>,
    repeated: AtomicU64,
    skipped: AtomicU64,
}

/// SMOs with their callbacks; they end when this is dropped.
pub struct Consumers {
    ledger: Arc<Ledger>,
    smos: Vec<(SocketAddr, Manner)>,
    _servers: JoinSet<()>,
}

impl Consumers {
    /// Starts one SMO for each manner, with the certificate that [`crate::pki::set_up`] left in a folder; `callbacks` are
    /// dealt to them in turns.
    ///
    /// # Errors
    /// There is no certificate or no free port.
    pub async fn start(folder: &Path, manners: &[Manner], callbacks: usize) -> Result<Self> {
        let certificate = CertificateDer::from_pem_file(folder.join("tls.crt"))?;
        let key = PrivateKeyDer::from_pem_file(folder.join("tls.key"))?;
        let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
        let tls = TlsAcceptor::from(Arc::new(tls));
        let ledger = Arc::new(Ledger {
            latency: Mutex::new((Histogram::new_with_max(LONGEST_US, 3)?, Counted::new()?.tally()?)),
            last: (0..callbacks).map(|_| AtomicU64::new(0)).collect(),
            answered: (0..callbacks).map(|_| AtomicU64::new(0)).collect(),
            repeated: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        });
        let (mut smos, mut servers) = (Vec::new(), JoinSet::new());
        for manner in manners {
            let address = free()?;
            smos.push((address, *manner));
            if *manner != Manner::Refusing {
                let listener = TcpListener::bind(address).await?;
                servers.spawn(serve(listener, tls.clone(), *manner, Arc::clone(&ledger)));
            }
        }
        Ok(Self { ledger, smos, _servers: servers })
    }

    /// Returns all callbacks.
    pub fn urls(&self) -> Vec<String> {
        let turns = self.smos.iter().cycle().zip(0..self.ledger.last.len());
        turns.map(|((address, _), number)| format!("https://{address}/s/{number}")).collect()
    }

    /// Returns how many callbacks have an SMO that answers.
    pub fn living(&self) -> usize {
        self.living_numbers().count()
    }

    /// Waits until each living callback, by its number, has got `count` notifications in its life, all of them once and in order.
    ///
    /// # Errors
    /// That is not so in time, or never will be.
    pub async fn all_got(&self, count: impl Fn(usize) -> u64, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        loop {
            let (repeated, skipped) =
                (self.ledger.repeated.load(Ordering::Relaxed), self.ledger.skipped.load(Ordering::Relaxed));
            if repeated + skipped > 0 {
                return Err(
                    format!("notifications: {repeated} came again, {skipped} were passed over").into()
                );
            }
            let short =
                self.living_numbers().filter(|number| self.answered(*number) < count(*number)).count();
            let more = self.living_numbers().filter(|number| self.answered(*number) > count(*number)).count();
            if more > 0 {
                return Err(format!("{more} callbacks got notifications that they did not ask for").into());
            }
            if short == 0 {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("{short} callbacks did not get all their notifications").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Returns the latencies in microseconds that were noted since the last call.
    ///
    /// # Errors
    /// There is no memory for an empty histogram.
    pub fn take(&self) -> Result<Histogram<u64>> {
        let empty = Histogram::new_with_max(LONGEST_US, 3)?;
        let mut latency = self.ledger.latency.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::replace(&mut latency.0, empty))
    }

    fn living_numbers(&self) -> impl Iterator<Item = usize> {
        let turns = self.smos.iter().cycle().zip(0..self.ledger.last.len());
        let answers = |manner: Manner| matches!(manner, Manner::Living | Manner::Slow(_));
        turns.filter(move |((_, manner), _)| answers(*manner)).map(|(_, number)| number)
    }

    fn answered(&self, number: usize) -> u64 {
        self.ledger.answered.get(number).map_or(0, |answered| answered.load(Ordering::Relaxed))
    }
}

impl Ledger {
    /// Notes how long a notification was under way that has just been answered.
    fn answered(&self, told: &Told) {
        let taken = now_us().saturating_sub(told.at_us).min(LONGEST_US);
        let mut latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        latency.0.saturating_record(taken);
        latency.1.record(Duration::from_micros(taken));
        drop(latency);
        if let Some(answered) = self.answered.get(told.number) {
            answered.fetch_max(told.sequence, Ordering::Relaxed);
        }
    }

    /// Notes a notification that is about to be answered: when it is, the next one may come over another connection at once.
    fn came(&self, told: &Told) {
        let Some(last) = self.last.get(told.number) else { return };
        let before = last.swap(told.sequence, Ordering::Relaxed);
        if told.sequence <= before {
            self.repeated.fetch_add(1, Ordering::Relaxed);
        } else if told.sequence > before + 1 {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What counts of a notification.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    number: usize,
    sequence: u64,
    at_us: u64,
}

impl Told {
    /// Reads a whole request.
    fn read(request: &[u8]) -> Option<Self> {
        let number = after(request, b"/s/")?;
        let sequence = after(request, b"\"sequence\":")?;
        let text = rest(request, b"\"updateTime\":\"")?;
        let text = text.get(..memchr::memchr(b'"', text)?)?;
        let at = Timestamp::parse(std::str::from_utf8(text).ok()?)?;
        let at_us = u64::try_from(at.0).ok()?.checked_mul(1000)?;
        Some(Self { number: usize::try_from(number).ok()?, sequence, at_us })
    }
}

/// Returns what follows a text.
fn rest<'a>(bytes: &'a [u8], text: &[u8]) -> Option<&'a [u8]> {
    bytes.get(memmem::find(bytes, text)? + text.len()..)
}

/// Returns the number that follows a text.
fn after(bytes: &[u8], text: &[u8]) -> Option<u64> {
    let digits = rest(bytes, text)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, manner: Manner, ledger: Arc<Ledger>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let (tls, ledger) = (tls.clone(), Arc::clone(&ledger));
        connections.spawn(async move {
            // A connection that breaks is the sender's business: it will try again.
            converse(stream, tls, manner, &ledger).await.ok();
        });
    }
}

async fn converse(stream: TcpStream, tls: TlsAcceptor, manner: Manner, ledger: &Ledger) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = tls.accept(stream).await?;
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        receive(&mut stream, &mut buffer).await?;
        if manner == Manner::Hanging {
            // Until the sender has given up.
            while stream.read_buf(&mut buffer).await? > 0 {}
            return Ok(());
        }
        let told = Told::read(&buffer).ok_or("this is no notification")?;
        if let Manner::Slow(time) = manner {
            tokio::time::sleep(time).await;
        }
        ledger.came(&told);
        stream.write_all(ACCEPTED).await?;
        stream.flush().await?;
        ledger.answered(&told);
    }
}

/// Reads one request.
async fn receive(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    let mut end = usize::MAX;
    while buffer.len() < end {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the sender has gone".into());
        }
        if let Some(head) = memmem::find(buffer, b"\r\n\r\n").filter(|_| end == usize::MAX) {
            let length = after(buffer, b"content-length: ").ok_or("a request without content-length")?;
            end = head + 4 + usize::try_from(length)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_read() {
        let request = b"POST /s/17 HTTP/1.1\r\ncontent-length: 9\r\n\r\n\
            {\"sequence\":5,\"objectType\":\"Resource\",\"updateTime\":\"1970-01-01T00:00:01.002Z\"}";
        assert_eq!(Told::read(request), Some(Told { number: 17, sequence: 5, at_us: 1_002_000 }));
        assert_eq!(Told::read(b"POST /s/17 HTTP/1.1\r\n\r\n{}"), None);
    }
}
