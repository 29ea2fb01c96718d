//! A set of destinations: host names, suffixes and networks, as the configuration names them.

use crate::allow::Allow;
use netweave_model::Result;
use url::Url;

/// Hosts that belong together: `smo.example.net`, `*.example.net`, `10.0.0.0/8`, `10.1.2.3`.
///
/// A network covers a URL whose host is an address in it; what a name resolves to does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destinations(Allow);

impl Destinations {
    /// Reads entries.
    ///
    /// # Errors
    /// `Invalid`: an entry is none of these forms.
    pub fn parse(entries: &[String]) -> Result<Self> {
        Allow::parse(entries).map(Self)
    }

    /// Says whether the host of a URL is one of them.
    pub fn cover(&self, url: &Url) -> bool {
        url.host().is_some_and(|host| self.0.lists(&host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_covered_by_its_host_name_its_suffix_or_the_network_of_its_address() {
        let entries = ["smo.example.net", "*.lab.example.net", "10.1.0.0/16", "fd00::/8"];
        let set = Destinations::parse(&entries.map(str::to_owned)).unwrap();
        let covers = |url: &str| set.cover(&Url::parse(url).unwrap());
        for url in [
            "https://smo.example.net/x",
            "https://SMO.example.net.:8443/",
            "https://a.b.lab.example.net",
            "https://10.1.2.3:1/",
            "https://[fd00::1]/",
        ] {
            assert!(covers(url), "{url}");
        }
        for url in [
            "https://x.smo.example.net/",
            "https://lab.example.net/",
            "https://smo.example.net.evil/",
            "https://10.2.0.1/",
            "https://[fe80::1]/",
        ] {
            assert!(!covers(url), "{url}");
        }
    }
}
