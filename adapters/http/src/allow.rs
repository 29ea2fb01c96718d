//! The operator's allow-list: networks and host names that may be called although they are not public.

use crate::address::{Closed, embedded, range_of};
use ipnet::IpNet;
use netweave_model::{Error, Result};
use std::net::IpAddr;

/// One entry that names hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// This host alone.
    Exact(String),
    /// Any host below the suffix, which starts with a dot.
    Below(String),
}

/// The parsed list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allow {
    networks: Vec<IpNet>,
    names: Vec<Name>,
    /// What is not listed may not be called, public or not.
    only: bool,
}

impl Allow {
    /// Reads entries: `10.0.0.0/8`, `10.1.2.3`, `smo.example.net`, `*.example.net`.
    ///
    /// # Errors
    /// `Invalid`: an entry is none of these.
    pub(crate) fn parse(entries: &[String]) -> Result<Self> {
        let mut allow = Self::default();
        for entry in entries {
            if let Ok(net) = entry.parse::<IpNet>() {
                allow.networks.push(net.trunc());
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                allow.networks.push(IpNet::from(address));
            } else {
                allow.names.push(name(entry)?);
            }
        }
        Ok(allow)
    }

    /// Closes all that is not on the list.
    #[must_use]
    pub(crate) fn only(self, only: bool) -> Self {
        Self { only, ..self }
    }

    /// Returns whether the host of a URL is on the list: as a name, or as an address in a network.
    pub(crate) fn lists(&self, host: &url::Host<&str>) -> bool {
        match host {
            url::Host::Domain(name) => {
                let lower = name.to_ascii_lowercase();
                self.names(lower.strip_suffix('.').unwrap_or(&lower))
            }
            url::Host::Ipv4(address) => self.contains(IpAddr::V4(*address)),
            url::Host::Ipv6(address) => self.contains(IpAddr::V6(*address)),
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|net| net.contains(&address))
    }

    /// Returns whether a host name, in lower case and without trailing dot, is on the list.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.names.iter().any(|name| match name {
            Name::Exact(exact) => exact == host,
            Name::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
        })
    }

    /// Returns why an address may not be called, in a word; `None` if it may. `named`: its host name is on the list.
    ///
    /// A host name opens internal ranges only; loopback and the like need their own network on the list. An address
    /// that stands for an IPv4 address is open if both are.
    pub(crate) fn refusal(&self, address: IpAddr, named: bool) -> Option<&'static str> {
        let Some(range) = range_of(address) else {
            let open = !self.only || named || self.contains(address);
            return (!open).then_some("unlisted");
        };
        let open = match range.closed {
            Closed::Internal => named || self.contains(address),
            Closed::Special => {
                self.networks.iter().any(|net| net.contains(&address) && range.net.contains(net))
            }
            Closed::Always => false,
        };
        if !open {
            return Some(range.name);
        }
        embedded(address).and_then(|v4| self.refusal(IpAddr::V4(v4), named))
    }
}

fn name(entry: &str) -> Result<Name> {
    let faulty = || {
        Error::invalid("subscriptions.callback.allow", "an entry is neither a network nor a host name")
            .with_private(entry.to_owned())
    };
    let (below, host) = entry.strip_prefix("*.").map_or((false, entry), |rest| (true, rest));
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.contains(['/', '*', ':', '@', '?', '#', ' ']) {
        return Err(faulty());
    }
    match url::Host::parse(host) {
        Ok(url::Host::Domain(host)) if below => Ok(Name::Below(format!(".{host}"))),
        Ok(url::Host::Domain(host)) => Ok(Name::Exact(host)),
        Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_)) | Err(_) => Err(faulty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(entries: &[&str]) -> Allow {
        Allow::parse(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn names_match_exactly_or_below_a_suffix() {
        let allow = allow(&["SMO.example.net", "*.lab.example.net", "bücher.example"]);
        for host in ["smo.example.net", "a.lab.example.net", "a.b.lab.example.net", "xn--bcher-kva.example"] {
            assert!(allow.names(host), "{host}");
        }
        for host in ["x.smo.example.net", "lab.example.net", "evillab.example.net", "smo.example.net.evil"] {
            assert!(!allow.names(host), "{host}");
        }
    }

    #[test]
    fn a_network_opens_loopback_only_if_it_lies_inside() {
        let address = "127.0.0.1".parse().unwrap();
        for entry in ["127.0.0.0/8", "127.0.0.1", "127.0.0.1/32"] {
            assert_eq!(allow(&[entry]).refusal(address, false), None, "{entry}");
        }
        for entry in ["0.0.0.0/0", "126.0.0.0/7", "10.0.0.0/8", "::/0"] {
            assert_eq!(allow(&[entry]).refusal(address, true), Some("loopback"), "{entry}");
        }
    }

    #[test]
    fn private_addresses_are_opened_by_network_or_name() {
        let address = "10.1.2.3".parse().unwrap();
        assert_eq!(allow(&[]).refusal(address, false), Some("private"));
        assert_eq!(allow(&[]).refusal(address, true), None);
        assert_eq!(allow(&["0.0.0.0/0"]).refusal(address, false), None);
        assert_eq!(allow(&["10.2.0.0/16"]).refusal(address, false), Some("private"));
    }

    #[test]
    fn an_address_that_stands_for_another_needs_both() {
        let address = "64:ff9b::7f00:1".parse().unwrap();
        assert_eq!(allow(&["64:ff9b::/96"]).refusal(address, false), Some("loopback"));
        assert_eq!(allow(&["64:ff9b::/96"]).refusal("64:ff9b::808:808".parse().unwrap(), false), None);
        assert_eq!(allow(&["127.0.0.0/8"]).refusal(address, false), Some("nat64"));
        assert_eq!(
            allow(&["0.0.0.0/0", "::/0"]).refusal("0.0.0.0".parse().unwrap(), true),
            Some("unspecified")
        );
    }

    #[test]
    fn a_closed_list_opens_what_it_names_and_nothing_else() {
        let allow = allow(&["93.184.216.0/24", "10.0.0.0/8"]).only(true);
        let refusal = |address: &str, named| allow.refusal(address.parse().unwrap(), named);
        assert_eq!((refusal("93.184.216.34", false), refusal("10.1.1.1", false)), (None, None));
        assert_eq!(refusal("1.1.1.1", false), Some("unlisted"));
        assert_eq!(refusal("2606:4700::1111", false), Some("unlisted"));
        assert_eq!(refusal("1.1.1.1", true), None, "its host is named");
        assert_eq!(refusal("127.0.0.1", true), Some("loopback"), "a name opens no more than before");
    }

    #[test]
    fn faulty_entries_are_refused() {
        for entry in ["", "*", "10.0.0.0/33", "http://x", "a b", "*.10.0.0.0/8", "host:80", "[::1"] {
            assert!(Allow::parse(&[entry.to_owned()]).is_err(), "{entry}");
        }
    }
}
