//! Which addresses are not simply public: one table, first match wins.
//!
//! Source: the IANA special-purpose address registries for IPv4 and IPv6, and the metadata services of the large clouds.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far a range is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Open to any allowed network or host name that covers it: where an SMO normally lives.
    Internal,
    /// Open only to an allowed network that lies inside the range, so that `0.0.0.0/0` does not open it by accident.
    Special,
    /// Never open: nothing can live there.
    Always,
}

/// A range that is not simply public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// What it is for, in a word.
    pub(crate) name: &'static str,
    /// How far it is closed.
    pub(crate) closed: Closed,
    /// The range itself.
    pub(crate) net: IpNet,
}

const fn v4(name: &'static str, closed: Closed, address: [u8; 4], prefix: u8) -> Range {
    let [a, b, c, d] = address;
    Range { name, closed, net: IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)) }
}

const fn v6(name: &'static str, closed: Closed, address: u128, prefix: u8) -> Range {
    Range { name, closed, net: IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::from_bits(address), prefix)) }
}

const RANGES: &[Range] = &[
    v4("metadata", Closed::Special, [169, 254, 169, 254], 32),
    v4("metadata", Closed::Special, [100, 100, 100, 200], 32),
    v4("metadata", Closed::Special, [168, 63, 129, 16], 32),
    v4("unspecified", Closed::Always, [0, 0, 0, 0], 8),
    v4("private", Closed::Internal, [10, 0, 0, 0], 8),
    v4("shared", Closed::Internal, [100, 64, 0, 0], 10),
    v4("loopback", Closed::Special, [127, 0, 0, 0], 8),
    v4("link-local", Closed::Special, [169, 254, 0, 0], 16),
    v4("private", Closed::Internal, [172, 16, 0, 0], 12),
    v4("reserved", Closed::Special, [192, 0, 0, 0], 24),
    v4("documentation", Closed::Special, [192, 0, 2, 0], 24),
    v4("relay", Closed::Special, [192, 52, 193, 0], 24),
    v4("relay", Closed::Special, [192, 88, 99, 0], 24),
    v4("private", Closed::Internal, [192, 168, 0, 0], 16),
    v4("benchmark", Closed::Special, [198, 18, 0, 0], 15),
    v4("documentation", Closed::Special, [198, 51, 100, 0], 24),
    v4("documentation", Closed::Special, [203, 0, 113, 0], 24),
    v4("multicast", Closed::Always, [224, 0, 0, 0], 4),
    v4("broadcast", Closed::Always, [255, 255, 255, 255], 32),
    v4("reserved", Closed::Always, [240, 0, 0, 0], 4),
    v6("metadata", Closed::Special, 0xfd00_0ec2_0000_0000_0000_0000_0000_0254, 128),
    v6("unspecified", Closed::Always, 0, 128),
    v6("loopback", Closed::Special, 1, 128),
    v6("v4-mapped", Closed::Special, 0xffff_0000_0000, 96),
    v6("v4-translated", Closed::Special, 0xffff_0000_0000_0000, 96),
    v6("v4-compatible", Closed::Special, 0, 96),
    v6("nat64", Closed::Special, 0x0064_ff9b << 96, 96),
    v6("nat64", Closed::Special, 0x0064_ff9b_0001 << 80, 48),
    v6("discard", Closed::Always, 0x0100 << 112, 64),
    v6("teredo", Closed::Special, 0x2001 << 112, 32),
    v6("reserved", Closed::Special, 0x2001 << 112, 23),
    v6("documentation", Closed::Special, 0x2001_0db8 << 96, 32),
    v6("documentation", Closed::Special, 0x3fff << 112, 20),
    v6("6to4", Closed::Special, 0x2002 << 112, 16),
    v6("private", Closed::Internal, 0xfc00 << 112, 7),
    v6("link-local", Closed::Special, 0xfe80 << 112, 10),
    v6("site-local", Closed::Special, 0xfec0 << 112, 10),
    v6("multicast", Closed::Always, 0xff00 << 112, 8),
];

/// The only block from which public IPv6 addresses are given out.
const GLOBAL_UNICAST: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::from_bits(0x2000 << 112), 3);

/// Returns the range that holds an address; `None` if it is public.
pub(crate) fn range_of(address: IpAddr) -> Option<Range> {
    let named = RANGES.iter().find(|range| range.net.contains(&address)).copied();
    if named.is_some() {
        return named;
    }
    match address {
        IpAddr::V6(inner) if !GLOBAL_UNICAST.contains(&inner) => {
            Some(Range { name: "reserved", closed: Closed::Special, net: IpNet::from(address) })
        }
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// Returns the IPv4 address that an IPv6 address stands for, in the forms that the kernel or a gateway translates.
pub(crate) fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let bits = address.to_bits();
    let low = u32::try_from(bits & 0xffff_ffff).ok()?;
    let name = range_of(IpAddr::V6(address))?.name;
    let v4 = match name {
        "v4-mapped" | "v4-translated" | "v4-compatible" | "nat64" => low,
        "6to4" => u32::try_from((bits >> 80) & 0xffff_ffff).ok()?,
        "teredo" => !low,
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(v4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_is_found_at_both_ends() {
        for range in RANGES {
            for address in [range.net.network(), range.net.broadcast()] {
                assert!(range_of(address).is_some(), "{} {address}", range.name);
            }
        }
    }

    #[test]
    fn addresses_just_outside_are_public() {
        for text in [
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2003::1",
            "2606:4700::1111",
            "3ffe::1",
        ] {
            assert_eq!(range_of(text.parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn embedded_addresses_are_found() {
        for (text, v4) in [
            ("::ffff:127.0.0.1", "127.0.0.1"),
            ("::127.0.0.1", "127.0.0.1"),
            ("64:ff9b::10.0.0.1", "10.0.0.1"),
            ("2002:7f00:0001::", "127.0.0.1"),
            ("2001:0:4136:e378:8000:63bf:80ff:fffe", "127.0.0.1"),
        ] {
            assert_eq!(embedded(text.parse().unwrap()), Some(v4.parse().unwrap()), "{text}");
        }
        assert_eq!(embedded("2606:4700::1111".parse().unwrap()), None);
    }
}
