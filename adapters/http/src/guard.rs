//! The guard against server-side request forgery: which URLs may be called, and which addresses they may lead to.
//!
//! It is asked twice: when a callback is registered, and again for the addresses of each new connection, which then goes
//! to exactly those (so a name that changes its mind in between gains nothing).

use crate::allow::Allow;
use crate::resolve::{MAX_ADDRESSES, Resolver};
use crate::settings::Settings;
use arc_swap::ArcSwap;
use netweave_model::{Error, ErrorKind, Result};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

#[cfg(test)]
mod tests;

/// Longest callback, in bytes. Source: what servers and proxies commonly take for a request target.
pub const MAX_URL: usize = 2048;

/// A callback that passed every check at the time of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    url: Url,
}

impl Checked {
    /// Returns the URL in its normal spelling.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }
}

/// Decides which URLs and addresses may be called.
pub struct Guard {
    policy: ArcSwap<Policy>,
    resolver: Arc<dyn Resolver>,
    timeout: Duration,
}

/// What the operator allows; another one may take its place while callbacks are called.
struct Policy {
    schemes: Vec<String>,
    ports: Vec<u16>,
    allow: Allow,
}

impl Policy {
    fn new(settings: &Settings) -> Result<Self> {
        if settings.schemes.iter().any(|scheme| scheme != "https" && scheme != "http") {
            return Err(Error::invalid(
                "subscriptions.callback.schemes",
                "only https and http can be called",
            ));
        }
        Ok(Self {
            schemes: settings.schemes.clone(),
            ports: settings.ports.clone(),
            allow: Allow::parse(&settings.allow)?.only(settings.only_allowed),
        })
    }
}

/// A policy that was checked and is not in force yet.
pub struct NewPolicy(Arc<Policy>);

impl Guard {
    /// Builds the guard from the operator's settings.
    ///
    /// # Errors
    /// `Invalid`: a scheme other than `http` and `https`, or a faulty entry of the allow-list.
    pub fn new(settings: &Settings, resolver: Arc<dyn Resolver>) -> Result<Self> {
        let policy = ArcSwap::from_pointee(Policy::new(settings)?);
        Ok(Self { policy, resolver, timeout: settings.timeout })
    }

    /// Checks other schemes, ports and allowed addresses, for [`Guard::replace`].
    ///
    /// # Errors
    /// As [`Guard::new`].
    pub fn prepare(settings: &Settings) -> Result<NewPolicy> {
        Policy::new(settings).map(|policy| NewPolicy(Arc::new(policy)))
    }

    /// Puts another policy in force, for every check from here on. Connections that stand are not looked at again.
    pub fn replace(&self, policy: NewPolicy) {
        self.policy.store(policy.0);
    }

    /// Checks a callback that is to be registered: its form, and every address that its host has now.
    ///
    /// # Errors
    /// `Invalid`, naming `/callback`: it is not an allowed URL, its host is unknown, or one of its addresses is not allowed.
    pub async fn check(&self, text: &str) -> Result<Checked> {
        let url = self.parse(text)?;
        if let Some(Host::Domain(name)) = url.host() {
            self.addresses(name).await.map_err(|error| {
                if error.kind() == ErrorKind::Forbidden {
                    refused_address(error.public())
                } else {
                    Error::invalid("/callback", "the host of the callback cannot be resolved")
                        .with_source(error)
                }
            })?;
        }
        Ok(Checked { url })
    }

    /// Checks everything of a URL that can be checked without asking the network; an address in it is checked too.
    ///
    /// # Errors
    /// `Invalid`, naming `/callback`.
    pub fn parse(&self, text: &str) -> Result<Url> {
        let policy = self.policy.load();
        let refuse = |reason: &'static str| Err(Error::invalid("/callback", reason));
        if text.len() > MAX_URL {
            return refuse("the callback is longer than 2048 bytes");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return refuse("the callback holds white space, a control character or a backslash");
        }
        let url = match Url::parse(text) {
            Ok(url) if text.contains("://") => url,
            Ok(_) | Err(_) => return refuse("the callback is not an absolute URL"),
        };
        if !policy.schemes.iter().any(|scheme| scheme == url.scheme()) {
            return refuse("the scheme of the callback is not allowed");
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return refuse("the callback may not hold a user name or password");
        }
        if url.fragment().is_some() {
            return refuse("the callback may not hold a fragment");
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if port == 0 || (!policy.ports.is_empty() && !policy.ports.contains(&port)) {
            return refuse("the port of the callback is not allowed");
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(name)) if !name.trim_matches('.').is_empty() => return Ok(url),
            Some(Host::Domain(_)) | None => return refuse("the callback names no host"),
        };
        match policy.allow.refusal(address, false) {
            Some(range) => Err(refused_address(range)),
            None => Ok(url),
        }
    }

    /// Resolves a host name and checks every address; only what is returned here may be connected to.
    ///
    /// # Errors
    /// `Forbidden`: at least one address may not be called; the public text is the word for its range.
    /// `Unavailable`: the name has no address. `Timeout`: nobody answered.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>> {
        let unknown = || Error::new(ErrorKind::Unavailable, "dns");
        let addresses = tokio::time::timeout(self.timeout, self.resolver.resolve(name))
            .await
            .map_err(|error| Error::new(ErrorKind::Timeout, "dns").with_source(error))?
            .map_err(|error| unknown().with_source(error))?;
        if addresses.is_empty() || addresses.len() > MAX_ADDRESSES {
            return Err(unknown().with_private(format!("{} addresses", addresses.len())));
        }
        let lower = name.to_ascii_lowercase();
        let policy = self.policy.load();
        let named = policy.allow.names(lower.strip_suffix('.').unwrap_or(&lower));
        for address in &addresses {
            if let Some(range) = policy.allow.refusal(*address, named) {
                return Err(
                    Error::new(ErrorKind::Forbidden, range).with_private(format!("{name} is {address}"))
                );
            }
        }
        Ok(addresses)
    }
}

/// Returns the part of a URL between the scheme and the path, as it is written.
fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn refused_address(range: &str) -> Error {
    let reason = format!("the address of the callback is not allowed: {range}");
    Error::invalid("/callback", reason)
}
