//! Spellings of addresses, and names that lie.

use super::*;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::io;

/// Knows a few names.
struct Fixed(BTreeMap<&'static str, Vec<&'static str>>);

#[async_trait]
impl Resolver for Fixed {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = self.0.get(name).ok_or_else(|| io::Error::other("no such host"))?;
        Ok(found.iter().map(|text| text.parse().unwrap()).collect())
    }
}

fn guard(settings: &Settings) -> Guard {
    let names = BTreeMap::from([
        ("smo.example.net", vec!["93.184.216.34"]),
        ("smo.example.net.", vec!["93.184.216.34"]),
        ("lab.example.net", vec!["10.1.2.3"]),
        ("localhost", vec!["127.0.0.1", "::1"]),
        ("localhost.", vec!["127.0.0.1"]),
        ("mixed.example.net", vec!["93.184.216.34", "127.0.0.1"]),
        ("metadata.example.net", vec!["169.254.169.254"]),
        ("mapped.example.net", vec!["::ffff:10.0.0.1"]),
        ("none.example.net", vec![]),
        ("xn--bcher-kva.example", vec!["93.184.216.34"]),
    ]);
    Guard::new(settings, Arc::new(Fixed(names))).unwrap()
}

fn closed() -> Settings {
    Settings { schemes: vec!["https".to_owned(), "http".to_owned()], ..Settings::default() }
}

fn open(allow: &[&str]) -> Settings {
    Settings { allow: allow.iter().map(|entry| (*entry).to_owned()).collect(), ..closed() }
}

/// Every spelling of an address that must not be called, and the word that says why (or a part of the reason).
const REFUSED: &[(&str, &str)] = &[
    ("http://127.0.0.1/", "loopback"),
    ("http://127.0.0.1:8080/x", "loopback"),
    ("http://127.1/", "loopback"),
    ("http://127.0.1/", "loopback"),
    ("http://2130706433/", "loopback"),
    ("http://0x7f000001/", "loopback"),
    ("http://0x7F.0.0.1/", "loopback"),
    ("http://0177.0.0.1/", "loopback"),
    ("http://017700000001/", "loopback"),
    ("http://0x7f.1/", "loopback"),
    ("http://0177.0x0.0.1/", "loopback"),
    ("http://127.0.0.1./", "loopback"),
    ("http://127.255.255.254/", "loopback"),
    ("http://%31%32%37.0.0.1/", "loopback"),
    ("http://127%2e0%2e0%2e1/", "loopback"),
    ("http://１２７.0.0.1/", "loopback"),
    ("http://127。0。0。1/", "loopback"),
    ("http://localhost/", "loopback"),
    ("http://LOCALHOST/", "loopback"),
    ("http://localhost./", "loopback"),
    ("http://ⓛocalhost/", "loopback"),
    ("http://mixed.example.net/", "loopback"),
    ("http://[::1]/", "loopback"),
    ("http://[0:0:0:0:0:0:0:1]/", "loopback"),
    ("http://[0000:0000:0000:0000:0000:0000:0000:0001]:443/", "loopback"),
    ("http://[::ffff:127.0.0.1]/", "v4-mapped"),
    ("http://[::ffff:7f00:1]/", "v4-mapped"),
    ("http://[0:0:0:0:0:ffff:127.0.0.1]/", "v4-mapped"),
    ("http://[::ffff:93.184.216.34]/", "v4-mapped"),
    ("http://[::127.0.0.1]/", "v4-compatible"),
    ("http://[::7f00:1]/", "v4-compatible"),
    ("http://[::ffff:0:127.0.0.1]/", "v4-translated"),
    ("http://[64:ff9b::127.0.0.1]/", "nat64"),
    ("http://[64:ff9b:1::1]/", "nat64"),
    ("http://[2002:7f00:1::]/", "6to4"),
    ("http://[2002:a00:1::1]/", "6to4"),
    ("http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "teredo"),
    ("http://[2001:10::1]/", "reserved"),
    ("http://[fe80::1]/", "link-local"),
    ("http://[fe80::1%25eth0]/", "absolute URL"),
    ("http://[fe80::1%eth0]/", "absolute URL"),
    ("http://[fec0::1]/", "site-local"),
    ("http://[fc00::1]/", "private"),
    ("http://[fd12:3456::1]/", "private"),
    ("http://[fd00:ec2::254]/", "metadata"),
    ("http://[ff02::1]/", "multicast"),
    ("http://[::]/", "unspecified"),
    ("http://[2001:db8::1]/", "documentation"),
    ("http://[100::1]/", "discard"),
    ("http://[4000::1]/", "reserved"),
    ("http://0.0.0.0/", "unspecified"),
    ("http://0/", "unspecified"),
    ("http://0.1.2.3/", "unspecified"),
    ("http://10.0.0.1/", "private"),
    ("http://10.1/", "private"),
    ("http://0xa000001/", "private"),
    ("http://012.0.0.1/", "private"),
    ("http://172.16.0.1/", "private"),
    ("http://172.31.255.255/", "private"),
    ("http://192.168.1.1/", "private"),
    ("http://192.168.257/", "private"),
    ("http://3232235777/", "private"),
    ("http://100.64.0.1/", "shared"),
    ("http://100.100.100.200/", "metadata"),
    ("http://168.63.129.16/", "metadata"),
    ("http://169.254.169.254/latest/meta-data/", "metadata"),
    ("http://2852039166/", "metadata"),
    ("http://0xa9fea9fe/", "metadata"),
    ("http://0251.0376.0251.0376/", "metadata"),
    ("http://169.254.43518/", "metadata"),
    ("http://metadata.example.net/", "metadata"),
    ("http://169.254.1.1/", "link-local"),
    ("http://mapped.example.net/", "v4-mapped"),
    ("http://192.0.0.8/", "reserved"),
    ("http://192.0.2.1/", "documentation"),
    ("http://198.51.100.7/", "documentation"),
    ("http://203.0.113.7/", "documentation"),
    ("http://192.88.99.1/", "relay"),
    ("http://198.18.0.1/", "benchmark"),
    ("http://224.0.0.1/", "multicast"),
    ("http://239.255.255.250/", "multicast"),
    ("http://240.0.0.1/", "reserved"),
    ("http://255.255.255.255/", "broadcast"),
    ("http://lab.example.net/", "private"),
    ("http://256.0.0.1/", "absolute URL"),
    ("http://127.0.0.0x/", "loopback"),
    ("http://1.2.3.4.5/", "absolute URL"),
    ("http://none.example.net/", "cannot be resolved"),
    ("http://unknown.example.net/", "cannot be resolved"),
    ("http://user@93.184.216.34/", "user name"),
    ("http://user:secret@smo.example.net/", "user name"),
    ("http://@smo.example.net/", "user name"),
    ("http://:@smo.example.net/", "user name"),
    ("http://smo.example.net@127.0.0.1/", "user name"),
    ("http://smo.example.net/#part", "fragment"),
    ("http://smo.example.net/#", "fragment"),
    ("http:\\\\127.0.0.1\\", "backslash"),
    ("http://smo.example.net\\@127.0.0.1/", "backslash"),
    ("http://smo.example.net/a b", "white space"),
    ("http://smo.example.net/\r\nHost: x", "white space"),
    (" http://smo.example.net/", "white space"),
    ("http://smo.exa\tmple.net/", "white space"),
    ("ftp://smo.example.net/", "scheme"),
    ("file:///etc/passwd", "scheme"),
    ("gopher://127.0.0.1:6379/_x", "scheme"),
    ("javascript:alert(1)", "absolute URL"),
    ("http:smo.example.net", "absolute URL"),
    ("smo.example.net", "absolute URL"),
    ("//smo.example.net/", "absolute URL"),
    ("/callback", "absolute URL"),
    ("http://", "absolute URL"),
    ("http:///", "absolute URL"),
    ("http://./", "no host"),
    ("http://smo.example.net:0/", "port"),
    ("http://smo.example.net:99999/", "absolute URL"),
    ("", "absolute URL"),
];

#[tokio::test]
async fn every_spelling_of_a_forbidden_address_is_refused() {
    let guard = guard(&closed());
    let mut faults = Vec::new();
    for (url, word) in REFUSED {
        match guard.check(url).await {
            Err(error)
                if error.kind() == ErrorKind::Invalid
                    && error.params().first().is_some_and(|param| param.name == "/callback")
                    && error.public().contains(word) => {}
            other => faults.push(format!("{url} ({word}): {other:?}")),
        }
    }
    assert!(faults.is_empty(), "{}\n of {}", faults.join("\n"), REFUSED.len());
}

#[tokio::test]
async fn public_callbacks_pass() {
    let guard = guard(&closed());
    for url in [
        "https://smo.example.net/notify",
        "http://smo.example.net:9000/notify?tenant=a%20b",
        "https://SMO.example.net./x",
        "https://93.184.216.34/",
        "https://[2606:4700::1111]/",
        "https://bücher.example/x",
        "https://smo.example.net/a@b",
    ] {
        assert!(guard.check(url).await.is_ok(), "{url}: {:?}", guard.check(url).await);
    }
}

#[tokio::test]
async fn the_allow_list_opens_what_it_names_and_no_more() {
    let lab = guard(&open(&["lab.example.net", "localhost"]));
    assert!(lab.check("http://lab.example.net/").await.is_ok());
    assert!(lab.check("http://localhost/").await.is_err(), "a name does not open loopback");
    assert!(lab.check("http://10.1.2.3/").await.is_err(), "the name is allowed, not its address");
    let net = guard(&open(&["10.0.0.0/8", "127.0.0.0/8"]));
    for url in ["http://lab.example.net/", "http://10.1.2.3/", "http://127.0.0.1/", "http://0x7f.1/"] {
        assert!(net.check(url).await.is_ok(), "{url}");
    }
    for url in ["http://localhost/", "http://[::1]/", "http://192.168.0.1/", "http://169.254.169.254/"] {
        assert!(net.check(url).await.is_err(), "{url}");
    }
}

#[tokio::test]
async fn schemes_ports_and_length_are_bounded() {
    let strict = guard(&Settings { ports: vec![443, 8443], ..Settings::default() });
    assert!(strict.check("https://smo.example.net/").await.is_ok());
    assert!(strict.check("https://smo.example.net:8443/").await.is_ok());
    assert!(strict.check("https://smo.example.net:22/").await.is_err());
    assert!(strict.check("http://smo.example.net:8443/").await.is_err());
    let long = format!("https://smo.example.net/{}", "a".repeat(MAX_URL));
    assert!(strict.check(&long).await.is_err());
}

#[test]
fn faulty_settings_are_refused() {
    let faulty = |settings: Settings| Guard::new(&settings, Arc::new(Fixed(BTreeMap::new()))).is_err();
    assert!(faulty(Settings { schemes: vec!["ftp".to_owned()], ..Settings::default() }));
    assert!(faulty(Settings { allow: vec!["10.0.0.0/99".to_owned()], ..Settings::default() }));
}
