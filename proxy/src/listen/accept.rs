//! Takes connections: how many at all, how many of one address, and their TLS handshakes.
//!
//! This is a service of Pingora's server with an accept loop of its own, because Pingora's loop bounds neither
//! connections nor handshakes, logs an error for each failed one, and cannot say which port it got.

use super::allow::Allow;
use super::direct::Direct;
use super::gate::Gate;
use super::identity::Identity;
use super::link::Link;
use super::peer::{Peer, Register};
use super::renewal::Clients;
use super::trust::Trust;
use crate::audit::{Audit, Event};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::throttle::Throttle;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use netweave_model::port::Clock;
use pingora::time::timeout;
use pingora_core::apps::HttpServerApp;
use pingora_core::server::{ListenFds, ShutdownWatch};
use pingora_core::services::Service;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener as Bound};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, info, warn};

/// Pause after a failed accept: when descriptors run out, accepting again at once only burns the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long an answer that was begun may take once its client is not believed any more: as long as a route and its record may.
const LAST_ANSWER: Duration = Duration::from_secs(35);

/// Open connections per address.
#[derive(Debug)]
struct Crowd {
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One place of an address in the crowd.
#[derive(Debug)]
struct Place {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Crowd {
    fn enter(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<Place> {
        let address = household(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        if *count >= most {
            if *count == 0 {
                open.remove(&address);
            }
            return None;
        }
        *count += 1;
        Some(Place { crowd: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.crowd.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Takes a whole /64 for one address: that much everybody has.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// What the handshakes of the API listener need.
pub(crate) struct Tls {
    /// Does the handshakes.
    pub(crate) acceptor: TlsAcceptor,
    /// Verifies resumed clients again.
    pub(crate) trust: Arc<Trust>,
    /// Looks identities up.
    pub(crate) register: Register,
    /// When the certificates of clients end.
    pub(crate) clients: Arc<Clients>,
    /// The time of day, for certificates.
    pub(crate) clock: Arc<dyn Clock>,
    /// Records handshakes that fail.
    pub(crate) audit: Arc<Audit>,
}

/// From where connections may come, and how many of one address; others may be put in force while the door is open.
#[derive(Debug)]
pub struct Visitors {
    allow: ArcSwap<Allow>,
    per_address: AtomicUsize,
}

impl Visitors {
    /// Takes the networks, and the most connections of one address.
    pub(crate) fn new(allow: Allow, per_address: usize) -> Self {
        Self { allow: ArcSwap::from_pointee(allow), per_address: AtomicUsize::new(per_address) }
    }

    /// Puts other networks in force, for connections from here on.
    pub fn allow(&self, allow: Allow) {
        self.allow.store(Arc::new(allow));
    }

    /// Puts another bound in force, for connections from here on.
    pub fn bound(&self, per_address: usize) {
        self.per_address.store(per_address, Ordering::Relaxed);
    }
}

/// Who may come in, and when.
pub(crate) struct Room {
    /// From where, and how many of one address.
    pub(crate) visitors: Arc<Visitors>,
    /// A permit per connection.
    pub(crate) permits: Arc<Semaphore>,
    /// Turns true when connections may be accepted.
    pub(crate) open: watch::Receiver<bool>,
}

/// The listeners of one service.
pub(crate) struct Door<A> {
    name: &'static str,
    threads: usize,
    bound: Vec<Bound>,
    desk: Arc<Desk<A>>,
}

/// What all connections of a door share.
struct Desk<A> {
    gate: Gate<A>,
    tls: Option<Tls>,
    name: &'static str,
    visitors: Arc<Visitors>,
    permits: Arc<Semaphore>,
    open: watch::Receiver<bool>,
    crowd: Arc<Crowd>,
    metrics: Arc<Metrics>,
    audit: Arc<Audit>,
    failures: Throttle,
    strangers: Throttle,
}

impl<A> Door<A>
where
    A: HttpServerApp + Direct + Send + Sync + 'static,
{
    /// Makes a service of listeners that are bound already.
    pub(crate) fn new(
        (name, threads): (&'static str, usize),
        bound: Vec<Bound>,
        gate: Gate<A>,
        tls: Option<Tls>,
        (room, metrics, audit): (Room, Arc<Metrics>, Arc<Audit>),
    ) -> Self {
        let crowd = Arc::new(Crowd { open: Mutex::new(HashMap::new()) });
        let Room { visitors, permits, open } = room;
        let (failures, strangers) = (Throttle::default(), Throttle::default());
        let desk =
            Desk { gate, tls, name, visitors, permits, open, crowd, metrics, audit, failures, strangers };
        Self { name, threads, bound, desk: Arc::new(desk) }
    }
}

#[async_trait]
impl<A> Service for Door<A>
where
    A: HttpServerApp + Direct + Send + Sync + 'static,
{
    async fn start_service(&mut self, _fds: Option<ListenFds>, _shutdown: ShutdownWatch, _per_fd: usize) {
        let mut loops = Vec::new();
        for bound in self.bound.drain(..) {
            match TcpListener::from_std(bound) {
                Ok(listener) => loops.push(tokio::spawn(Arc::clone(&self.desk).listen(listener))),
                Err(error) => warn!(%error, service = self.name, "a bound socket cannot be listened on"),
            }
        }
        futures::future::join_all(loops).await;
    }

    fn name(&self) -> &str {
        self.name
    }

    fn threads(&self) -> Option<usize> {
        Some(self.threads)
    }
}

impl<A> Desk<A>
where
    A: HttpServerApp + Direct + Send + Sync + 'static,
{
    /// Accepts from when the door opens until it closes or draining begins; then the socket closes.
    async fn listen(self: Arc<Self>, listener: TcpListener) {
        let stopping = Arc::clone(&self.gate.stopping);
        let drained = stopping.drained();
        tokio::pin!(drained);
        let mut open = self.open.clone();
        tokio::select! {
            opened = open.wait_for(|open| *open) => if opened.is_err() { return },
            () = &mut drained => return,
        }
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut drained => return,
                _ = open.wait_for(|open| !*open) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => self.admit(stream, address),
                Err(error) => {
                    self.failures.warn("a connection could not be accepted", &error);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Gives a connection a task of its own, if it may come and there is room; otherwise drops it.
    fn admit(self: &Arc<Self>, stream: TcpStream, address: SocketAddr) {
        if !self.visitors.allow.load().has(address.ip()) {
            self.refused("network");
            self.strangers
                .warn("a connection was closed: no network of `allow` has its address", &address.ip());
            return self.audit.stranger(address.ip().to_canonical(), self.name);
        }
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return self.refused("connections");
        };
        let Some(place) = self.crowd.enter(address.ip(), self.visitors.per_address.load(Ordering::Relaxed))
        else {
            return self.refused("address");
        };
        tokio::spawn(Arc::clone(self).converse(stream, address.ip(), (permit, place)));
    }

    fn refused(&self, reason: &str) {
        self.metrics.connections_refused.with_label_values(&[reason]).inc();
    }

    async fn converse(
        self: Arc<Self>,
        stream: TcpStream,
        address: IpAddr,
        _room: (OwnedSemaphorePermit, Place),
    ) {
        // Without it, small answers would wait for the client's acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "a connection ended before it began");
            return;
        }
        let Some(tls) = &self.tls else {
            if let Some(link) = Link::plain(stream, Arc::new(Peer::anonymous(address))) {
                self.gate.serve(link, &AtomicBool::new(false)).await;
            }
            return;
        };
        let Some((link, peer)) = self.handshake(tls, stream, address).await else { return };
        let _open = Open::new(&self.metrics);
        let leave = AtomicBool::new(false);
        let mut serving = pin!(self.gate.serve(link, &leave));
        tokio::select! {
            biased;
            () = &mut serving => return,
            () = tls.distrusted(&peer) => leave.store(true, Ordering::Relaxed),
        }
        // A change that was let in may be half made: it is answered, so that its record says how it ended.
        timeout(LAST_ANSWER, serving).await.ok();
        self.cut_off(tls, &peer);
    }

    fn cut_off(&self, tls: &Tls, peer: &Peer) {
        let event = tls.audit.now("tls.cut-off").with("client", peer.name());
        tls.audit.event(Event { source: Some(peer.address), ..event });
        self.metrics.connections_distrusted.inc();
        info!(identity = peer.name(), "a connection was closed: its certificate is not believed any more");
    }

    async fn handshake(&self, tls: &Tls, stream: TcpStream, address: IpAddr) -> Option<(Link, Arc<Peer>)> {
        match timeout(self.gate.pace.head_time(), tls.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let peer = Arc::new(tls.peer(&stream, address));
                Some((Link::tls(stream, Arc::clone(&peer))?, peer))
            }
            Ok(Err(error)) => {
                self.refused("handshake");
                self.failures.warn("a TLS handshake failed", &error);
                tls.audit.handshake(address, reason(&error), Some(error.to_string()));
                None
            }
            Err(_) => {
                self.refused("handshake-time");
                tls.audit.handshake(address, "timeout", None);
                None
            }
        }
    }
}

impl Tls {
    /// Waits until the certificate of a connection is no longer believed.
    async fn distrusted(&self, peer: &Peer) {
        let mut exchanges = self.trust.exchanges();
        let mut confirmed = peer.generation();
        loop {
            let generation = self.trust.generation();
            if generation != confirmed && !peer.is_believed(&self.trust, self.clock.now()) {
                return;
            }
            confirmed = generation;
            if exchanges.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Reads who the client is. rustls does not verify again on resumption, and the authorities may have been exchanged while a full
    /// handshake went on, so that is done here.
    fn peer(&self, stream: &TlsStream<TcpStream>, address: IpAddr) -> Peer {
        let session = stream.get_ref().1;
        let Some(chain) = session.peer_certificates() else {
            return Peer::anonymous(address);
        };
        let generation = self.trust.generation();
        if !self.trust.confirm(chain, self.clock.now()) {
            return Peer::unusable(address);
        }
        let Some(identity) = chain.first().and_then(|leaf| Identity::read(leaf).ok()) else {
            return Peer::unusable(address);
        };
        let rules = self.register.access.generation();
        let Some(caller) = self.register.find(&identity, self.clock.now()) else {
            return Peer::stranger(address, identity);
        };
        self.clients.note(&identity.name, identity.not_after, self.clock.now());
        let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        Peer::known(address, caller, chain, (generation, rules))
    }
}

/// Says for the audit log why a handshake failed.
fn reason(error: &std::io::Error) -> &'static str {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::InvalidCertRevocationList(_)) => {
            "certificate-refused"
        }
        Some(rustls::Error::NoCertificatesPresented) => "certificate-missing",
        Some(_) => "protocol",
        None => "connection-lost",
    }
}

/// Counts an open connection of the API listener.
struct Open<'a>(&'a Metrics);

impl<'a> Open<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.connections.inc();
        Self(metrics)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_as_many_places_as_configured_and_gets_them_back() {
        let crowd = Arc::new(Crowd { open: Mutex::new(HashMap::new()) });
        let address = "192.0.2.1".parse().unwrap();
        let first = crowd.enter(address, 2).unwrap();
        let _second = crowd.enter(address, 2).unwrap();
        assert!(crowd.enter(address, 2).is_none());
        assert!(crowd.enter("192.0.2.2".parse().unwrap(), 2).is_some());
        drop(first);
        assert!(crowd.enter(address, 2).is_some());
    }

    #[test]
    fn a_household_is_a_64_and_a_mapped_address_is_the_one_it_maps() {
        let household = |text: &str| household(text.parse().unwrap()).to_string();
        assert_eq!(household("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(household("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
