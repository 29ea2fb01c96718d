//! A wire to a peer that speaks HTTP/1.1, which can be made to fail: it sits before the peer on a port of its own.
//!
//! Whoever calls speaks plain HTTP, also when the peer wants TLS. Answers pass as they come, so that a stream stays one.
//! Faults are switched while it runs, for all calls, for some, or for the next few. Every call is counted, also those
//! that the peer never sees.

mod fault;
mod peer;
mod relay;

pub use fault::{Call, Fault};

use fault::{Faults, Rule};
use peer::Peer;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The wire; it ends with all its connections when this is dropped.
pub struct FaultProxy {
    address: SocketAddr,
    faults: Arc<Faults>,
    server: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts before a peer, which need not run yet; every call passes.
    pub async fn to(peer: SocketAddr) -> Self {
        Self::before(Peer::plain(peer)).await
    }

    /// Starts before a peer that wants TLS; `ca` is the PEM of its certificate's authority.
    pub async fn to_tls(peer: SocketAddr, ca: &[u8]) -> Self {
        Self::before(Peer::tls(peer, ca)).await
    }

    async fn before(peer: Peer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let faults = Arc::new(Faults::default());
        let server = tokio::spawn(relay::serve(listener, peer, Arc::clone(&faults)));
        Self { address, faults, server }
    }

    /// Returns the address that clients take for the peer's.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns that address as a URL without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets every call pass again; forgets all faults.
    pub fn pass(&self) {
        self.faults.replace(Vec::new());
    }

    /// Makes every call from now on meet this fault and no other, and those that wait for their answer, too.
    ///
    /// Answers that are coming break off, unless it is a delay: a wire that fails spares no stream.
    pub fn all(&self, fault: Fault) {
        self.faults.replace(vec![Rule { text: String::new(), left: None, fault }]);
    }

    /// Makes calls whose target, headers or body hold a text meet this fault, such as `Action=DescribeVolumes`; earlier
    /// faults stay and come first.
    pub fn calls_with(&self, text: &str, fault: Fault) {
        self.faults.add(Rule { text: text.to_owned(), left: None, fault });
    }

    /// Makes only the next calls whose target, headers or body hold a text meet this fault; an empty text is in every
    /// call. Earlier faults stay and come first.
    pub fn next_with(&self, count: usize, text: &str, fault: Fault) {
        self.faults.add(Rule { text: text.to_owned(), left: Some(count), fault });
    }

    /// Returns the calls since the start or since [`forget`](Self::forget), oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.faults.calls()
    }

    /// Counts the calls whose target, headers or body hold a text.
    pub fn count(&self, text: &str) -> usize {
        self.faults.count(text)
    }

    /// Forgets the calls; the faults stay.
    pub fn forget(&self) {
        self.faults.forget();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[cfg(test)]
mod tests;
