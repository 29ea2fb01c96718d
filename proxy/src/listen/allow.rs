//! From which addresses clients may connect, before anything is read of them.

use ipnet::{IpNet, Ipv4Net};
use netweave_model::{Error, Result};
use std::net::IpAddr;

/// The leading bits of an IPv6 address that stands for an IPv4 address.
const MAPPED: u8 = 96;

/// The networks of one listener; an empty list is open to all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow(Vec<IpNet>);

impl Allow {
    /// Reads the entries of a listener, `api` or `ops`.
    ///
    /// # Errors
    /// `Invalid`: an entry is no network; a list with a fault opens nothing.
    pub fn parse(listener: &str, entries: &[String]) -> Result<Self> {
        let networks = entries.iter().map(|entry| network(entry));
        let networks: std::result::Result<_, String> = networks.collect();
        Ok(Self(networks.map_err(|reason| Error::invalid(format!("{listener}.allow"), reason))?))
    }

    /// Says whether clients may connect from an address.
    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&address))
    }
}

/// Reads one entry: `10.0.0.0/8`, `2001:db8::/32`, or one address. A network of mapped addresses is that of IPv4.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub fn network(entry: &str) -> std::result::Result<IpNet, String> {
    let Some(network) = parse(entry) else {
        return Err("must be a network such as `10.0.0.0/8`, or an address".to_owned());
    };
    if network != network.trunc() {
        return Err(format!("must be the network itself, `{}`", network.trunc()));
    }
    Ok(mapped(network).unwrap_or(network))
}

/// Reads the address by the standard library, which takes no leading zeros: some would read them as octal.
fn parse(entry: &str) -> Option<IpNet> {
    let Some((address, prefix)) = entry.split_once('/') else {
        return entry.parse::<IpAddr>().ok().map(IpNet::from);
    };
    let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
    IpNet::new(address.parse().ok()?, prefix.parse().ok().filter(|_| digits)?).ok()
}

fn mapped(network: IpNet) -> Option<IpNet> {
    let IpNet::V6(v6) = network else { return None };
    let v4 = v6.network().to_ipv4_mapped()?;
    let prefix = v6.prefix_len().checked_sub(MAPPED)?;
    Ipv4Net::new(v4, prefix).ok().map(IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(entries: &[&str]) -> Result<Allow> {
        Allow::parse("api", &entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn only_addresses_of_the_networks_may_connect_in_each_of_their_forms() {
        for (entries, inside, outside) in [
            (
                &["127.0.0.2"][..],
                &["127.0.0.2", "::ffff:127.0.0.2"][..],
                &["127.0.0.3", "::ffff:127.0.0.3", "::1"][..],
            ),
            (
                &["10.0.0.0/8", "::1"],
                &["10.255.255.255", "::1"],
                &["11.0.0.0", "9.255.255.255", "::2", "::a00:1"],
            ),
            (&["::ffff:10.0.0.0/104"], &["10.1.2.3", "::ffff:10.1.2.3"], &["11.1.2.3", "::ffff:11.1.2.3"]),
            (&["2001:db8::/32"], &["2001:db8:ffff::1"], &["2001:db9::1", "127.0.0.1"]),
            (&["0.0.0.0/0"], &["192.0.2.1", "::ffff:192.0.2.1"], &["::1"]),
            (&["::/0"], &["::1"], &["192.0.2.1", "::ffff:192.0.2.1"]),
            (&[], &["192.0.2.1", "2001:db8::1"], &[]),
        ] {
            let allow = allow(entries).unwrap();
            for address in inside {
                assert!(allow.has(address.parse().unwrap()), "{entries:?} {address}");
            }
            for address in outside {
                assert!(!allow.has(address.parse().unwrap()), "{entries:?} {address}");
            }
        }
    }

    #[test]
    fn a_list_with_a_fault_is_no_list() {
        for entry in [
            "",
            "*",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "10.1.0.0/8",
            "localhost",
            "010.0.0.0/8",
            "10.0.0.0/+8",
            "::/129",
            "fe80::1%1",
        ] {
            assert!(allow(&["127.0.0.1", entry]).is_err(), "{entry}");
        }
    }
}
