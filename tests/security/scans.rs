//! What scanners find of the API listener, held against its TLS profile.

use netweave_tests::harness::figures::{full, record};
use netweave_tests::harness::{Gateway, Setup, peers};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::process::Command;

const SCRIPT: &str = "scanners.sh";
/// Names of suites by their numbers. Source: IANA, TLS Cipher Suites.
const TLS13: [&str; 3] = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
/// In the spelling of OpenSSL; those that fit a server key of ECDSA.
const TLS12: [&str; 3] =
    ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"];

async fn output(program: &std::path::Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().await.expect("the scanner runs");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn gateway(profile: &str) -> Gateway {
    Setup::memory().set("/api/tls/profile", json!(profile)).start().await
}

/// Returns the values of an attribute of all elements that have these words.
fn values(xml: &str, words: &[&str], attribute: &str) -> BTreeSet<String> {
    let elements = xml.split('<').filter(|element| words.iter().all(|word| element.contains(word)));
    let start = format!(" {attribute}=\"");
    elements.filter_map(|element| Some(element.split_once(&start)?.1.split_once('"')?.0.to_owned())).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test]
async fn sslscan_finds_the_protocols_suites_and_groups_of_the_profile_and_no_others() {
    let Some(sslscan) = peers::program("sslscan", SCRIPT) else { return };
    for (profile, old) in [("modern", false), ("intermediate", true)] {
        let gateway = gateway(profile).await;
        let target = gateway.api_address().to_string();
        let xml = output(&sslscan, &["--no-colour", "--xml=-", &target]).await;
        let versions = values(&xml, &["protocol ", "enabled=\"1\""], "version");
        assert_eq!(versions, set(if old { &["1.2", "1.3"] } else { &["1.3"] }), "{profile}: {xml}");
        assert_eq!(
            values(&xml, &["protocol ", "enabled=\"0\""], "version").len(),
            if old { 4 } else { 5 },
            "{xml}"
        );
        assert_eq!(
            values(&xml, &["cipher ", "sslversion=\"TLSv1.3\""], "cipher"),
            set(&TLS13),
            "{profile}: {xml}"
        );
        let older = values(&xml, &["cipher ", "sslversion=\"TLSv1.2\""], "cipher");
        assert_eq!(older, if old { set(&TLS12) } else { set(&[]) }, "{profile}: {xml}");
        // Renegotiation exists in TLS 1.2 only; rustls has none that a client can begin.
        let insecure = values(&xml, &["renegotiation ", "supported=\"1\"", "secure=\"0\""], "supported");
        assert!(insecure.is_empty(), "{profile}: {xml}");
        assert!(
            values(&xml, &["compression ", "supported=\"1\""], "supported").is_empty(),
            "{profile}: {xml}"
        );
        assert!(
            values(&xml, &["heartbleed ", "vulnerable=\"1\""], "vulnerable").is_empty(),
            "{profile}: {xml}"
        );
        let groups = values(&xml, &["group ", "sslversion=\"TLSv1.3\""], "id");
        assert_eq!(groups, set(&["0x0017", "0x0018", "0x001d"]), "{profile}: {xml}");
    }
    record("checks=16");
}

/// Returns what testssl.sh found under a name.
fn finding<'a>(report: &'a [Value], id: &str) -> &'a str {
    let found = report.iter().find(|found| found["id"] == id);
    found.and_then(|found| found["finding"].as_str()).unwrap_or("nothing")
}

#[tokio::test]
async fn testssl_finds_forward_secrecy_alone_and_no_weakness() {
    let Some(testssl) = peers::program("testssl", SCRIPT) else { return };
    // It takes half a minute for each.
    let profiles: &[(&str, &str)] = &[("modern", "not offered"), ("intermediate", "offered")];
    let mut checks = 0;
    for (profile, old) in if full() { profiles } else { &profiles[..1] } {
        let gateway = gateway(profile).await;
        let report = gateway.folder().join("report.json");
        let (report, target) = (report.to_string_lossy().into_owned(), gateway.api_address().to_string());
        // Protocols, categories of ciphers, forward secrecy, renegotiation and compression.
        let asked =
            ["--nodns", "none", "--warnings", "off", "--quiet", "--color", "0", "-p", "-s", "-f", "-R", "-C"];
        let said = output(&testssl, &[&asked[..], &["--jsonfile", &report, &target]].concat()).await;
        let report: Vec<Value> =
            serde_json::from_str(&std::fs::read_to_string(report).expect("a report")).expect("JSON");
        let found = |id: &str| finding(&report, id);
        for id in [
            "SSLv2",
            "SSLv3",
            "TLS1",
            "TLS1_1",
            "cipherlist_NULL",
            "cipherlist_aNULL",
            "cipherlist_EXPORT",
            "cipherlist_LOW",
            "cipherlist_3DES_IDEA",
            "cipherlist_AVERAGE",
        ] {
            assert_eq!(found(id), "not offered", "{profile}, {id}: {said}");
        }
        assert_eq!(found("TLS1_2"), *old, "{profile}: {said}");
        assert_eq!(found("TLS1_3"), "offered with final", "{profile}: {said}");
        assert_eq!((found("cipherlist_STRONG"), found("PFS")), ("offered", "offered"), "{profile}: {said}");
        let allowed: BTreeSet<&str> = TLS13.into_iter().chain(TLS12).collect();
        let ciphers = found("PFS_ciphers");
        assert!(ciphers.split_whitespace().all(|cipher| allowed.contains(cipher)), "{profile}: {ciphers}");
        assert_eq!(found("PFS_ECDHE_curves"), "prime256v1 secp384r1 X25519", "{profile}: {said}");
        for id in ["secure_renego", "secure_client_renego", "CRIME_TLS"] {
            let entry = report.iter().find(|entry| entry["id"] == id).expect("an entry");
            assert_eq!(entry["severity"], "OK", "{profile}: {entry}");
        }
        checks += 18;
    }
    record(&format!("checks={checks}"));
}
