//! Certificates: who gets in, as whom, and for how long.

use crate::client::{Connection, becomes, config, config_of, ops};
use crate::target::{POOLS, Setup, Target, authority};
use netweave::conf::tree::{ClientAuth, TlsProfile};
use netweave::conf::unit::Span;
use netweave::listen::Ask;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;

const SELF: &str = "/netweave/v1/self";

/// Puts the authority of another directory into the place of the target's client authority, and waits until it counts.
fn exchange_authority(target: &Target) {
    let other = tempfile::tempdir().expect("a directory");
    authority(other.path());
    std::fs::copy(other.path().join("ca.crt"), target.certs.join("ca.crt")).expect("a copy");
    target.ask(Ask::Reload);
}

#[test]
fn a_client_is_known_by_its_certificate_over_both_protocols_of_its_name() {
    let target = Target::start(Setup::default());
    for (file, name) in [("smo", "smo"), ("dms", "spiffe://o2/dms")] {
        let mut connection = Connection::with(target.api, &config(&target.certs, Some(file), "http/1.1"))
            .expect("a connection");
        assert_eq!(connection.get(SELF).json()["name"], name);
    }
}

#[test]
fn without_a_certificate_health_is_answered_and_the_api_says_401() {
    let target = Target::start(Setup::default());
    let anonymous = config(&target.certs, None, "http/1.1");
    let mut connection = Connection::with(target.api, &anonymous).expect("a connection");
    for path in ["/healthz", "/livez", "/readyz", "/health", "/ready", "/readyz?verbose"] {
        let answer = connection.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.json().get("checks").is_none(), "details are for the operations listener");
    }
    let answer = connection.get(POOLS);
    assert_eq!((answer.status, answer.fault()), (401, None));
    assert!(answer.header("www-authenticate").contains("Certificate"));
    assert_eq!(answer.json()["requestId"], answer.header("x-request-id"));
}

#[test]
fn where_certificates_are_required_the_handshake_fails_without_one() {
    let target = Target::start(Setup { client_auth: ClientAuth::Require, ..Setup::default() });
    let anonymous = config(&target.certs, None, "http/1.1");
    // In TLS 1.3 the client hears of it with its first read.
    let refused = Connection::with(target.api, &anonymous).map(|mut connection| {
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        connection.answer(Duration::from_secs(2)).is_none() && connection.closed
    });
    assert!(refused.unwrap_or(true));
    assert_eq!(Connection::open(&target).get("/healthz").status, 200);
}

#[test]
fn a_certificate_of_another_authority_is_refused_and_counted() {
    let target = Target::start(Setup::default());
    let other = tempfile::tempdir().expect("a directory");
    authority(other.path());
    std::fs::copy(target.certs.join("ca.crt"), other.path().join("ca.crt")).expect("a copy");
    let foreign = config(other.path(), Some("smo"), "http/1.1");
    let refused = Connection::with(target.api, &foreign).map(|mut connection| {
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        connection.answer(Duration::from_secs(2)).is_none() && connection.closed
    });
    assert!(refused.unwrap_or(true));
    let counted = r#"netweave_connections_refused_total{reason="handshake"} 1"#;
    assert!(becomes(|| String::from_utf8_lossy(&ops(&target, "/metrics").body).contains(counted)));
}

#[test]
fn the_modern_profile_refuses_tls_1_2() {
    let target = Target::start(Setup::default());
    let old = ClientConfig::builder_with_protocol_versions(&[&TLS12])
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    assert!(Connection::with(target.api, &Arc::new(old)).is_err());
}

#[test]
fn the_intermediate_profile_speaks_tls_1_2_too() {
    let target = Target::start(Setup { profile: TlsProfile::Intermediate, ..Setup::default() });
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let client = config_of(&target.certs, Some("smo"), "http/1.1", versions);
        let mut connection = Connection::with(target.api, &client).expect("a connection");
        assert_eq!(connection.get(SELF).json()["name"], "smo");
    }
}

#[test]
fn an_exchanged_authority_counts_for_open_and_for_resumed_connections() {
    let mut setup = Setup::default();
    setup.limits.idle = Span(Duration::from_secs(20));
    let target = Target::start(setup);
    let client = config(&target.certs, Some("smo"), "http/1.1");
    let mut open = Connection::with(target.api, &client).expect("a connection");
    assert_eq!(open.get(SELF).status, 200);
    let mut resumed = Connection::with(target.api, &client).expect("a connection");
    assert_eq!((resumed.resumed(), resumed.get(SELF).status), (true, 200));

    exchange_authority(&target);
    assert!(open.ends(Duration::from_secs(5)), "the connection is closed");
    let mut later =
        Connection::with(target.api, &client).expect("a resumed handshake verifies nothing by itself");
    assert_eq!((later.resumed(), later.get(SELF).status), (true, 401));
}

#[test]
fn a_faulty_file_at_reload_leaves_everything_as_it_was() {
    let target = Target::start(Setup::default());
    std::fs::write(target.certs.join("tls.crt"), "nothing").expect("a file");
    target.ask(Ask::Reload);
    let mut connection = Connection::open(&target);
    assert_eq!(connection.get(SELF).status, 200);
}
