//! Addresses of APIs, as configurations name them.

use url::{Host, Url};

/// Reads `https://HOST[:PORT]`, or `http` to an address of this machine: what is sent there, secrets too, goes over TLS or
/// stays here. `None` if it is something else.
pub fn origin(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let here = match url.host()? {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(_) => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && here);
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    (scheme && plain && nobody).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_goes_over_tls_or_stays_in_this_machine() {
        for good in
            ["https://api.example.net", "https://10.0.0.1:8443", "http://127.0.0.1:8080", "http://[::1]:80/"]
        {
            assert!(origin(good).is_some(), "{good}");
        }
        for bad in [
            "http://api.example.net",
            "http://localhost:1",
            "ftp://127.0.0.1",
            "x",
            "",
            "https://h/p",
            "https://u@h",
            "https://u:p@h",
            "https://h?q",
        ] {
            assert!(origin(bad).is_none(), "{bad}");
        }
    }
}
