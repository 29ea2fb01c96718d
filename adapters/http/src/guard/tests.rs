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

/// Every spelling of an address that must not be called, and the word that says why (or a part of the reason). The tests of
/// security send the same to a gateway.
fn refused() -> Vec<(String, String)> {
    serde_json::from_str(include_str!("refused.json")).unwrap()
}

#[tokio::test]
async fn every_spelling_of_a_forbidden_address_is_refused() {
    let guard = guard(&closed());
    let mut faults = Vec::new();
    let refused = refused();
    for (url, word) in &refused {
        match guard.check(url).await {
            Err(error)
                if error.kind() == ErrorKind::Invalid
                    && error.params().first().is_some_and(|param| param.name == "/callback")
                    && error.public().contains(word.as_str()) => {}
            other => faults.push(format!("{url} ({word}): {other:?}")),
        }
    }
    assert!(faults.is_empty(), "{}\n of {}", faults.join("\n"), refused.len());
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
