//! Host name -> addresses, as the operating system says.

use async_trait::async_trait;
use std::io;
use std::net::IpAddr;

/// Most addresses of one name that are looked at.
pub(crate) const MAX_ADDRESSES: usize = 32;

/// Resolves host names; another one stands in for it in tests.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Returns the addresses of a name, in the order in which they should be tried.
    ///
    /// # Errors
    /// The name has no address, or nobody answers.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

#[async_trait]
impl Resolver for System {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        let mut addresses = Vec::new();
        for address in found.map(|socket| socket.ip()).take(MAX_ADDRESSES) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }
}
