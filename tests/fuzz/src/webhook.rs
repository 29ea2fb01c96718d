//! Any bytes as a delivery that a consumer receives, headers, an empty line and a body: its signature is judged, and holds
//! for nothing but what was signed; the body also as what a client subscribes with, and as a state that is told.

use http::{HeaderMap, HeaderName, HeaderValue};
use netweave::routes::subscriptions::request::Wanted;
use netweave::webhook::signature::{
    SIGNATURE, Secret, TIMESTAMP, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP,
};
use netweave_http::{Guard, Settings, System};
use netweave_model::{ErrorKind, Timestamp};
use std::sync::Arc;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SECONDS: i64 = 1_800_000_000;
const NOW: Timestamp = Timestamp(SECONDS * 1000);
const ID: &str = "00000000-0000-0000-0000-000000000009";

/// Runs one input.
///
/// # Panics
/// A signature holds for something else, or a refusal is no fault of the client.
pub fn run(bytes: &[u8]) {
    let (headers, body) = split(bytes);
    let secret = Secret::parse(SECRET).expect("a secret");
    let believed = secret.verify(&headers, body, NOW).is_ok();
    assert!(!believed, "nobody can sign without the secret");
    signed(&secret, body);
    wanted(body);
    if let Ok(text) = std::str::from_utf8(body)
        && let Ok(other) = Secret::parse(text)
    {
        assert_eq!(other.as_str(), text);
    }
}

fn split(bytes: &[u8]) -> (HeaderMap, &[u8]) {
    let end = bytes.windows(2).position(|two| two == b"\n\n");
    let (head, body) = bytes.split_at(end.unwrap_or(0));
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    (headers, body.strip_prefix(b"\n\n").unwrap_or(body))
}

fn signed(secret: &Secret, body: &[u8]) {
    let signature = secret.sign(ID, SECONDS, body);
    let value = |text: &str| HeaderValue::from_str(text).expect("a header's value");
    let standard = [(WEBHOOK_ID, ID), (WEBHOOK_SIGNATURE, &signature.standard)];
    let hex = [(SIGNATURE, signature.hex.as_str())];
    for (pairs, time) in [(&standard[..], WEBHOOK_TIMESTAMP), (&hex[..], TIMESTAMP)] {
        let mut headers: HeaderMap = pairs.iter().map(|(name, text)| (name.clone(), value(text))).collect();
        headers.insert(time.clone(), SECONDS.into());
        assert_eq!(secret.verify(&headers, body, NOW), Ok(()));
        assert!(secret.verify(&headers, &[body, b"x"].concat(), NOW).is_err(), "another body");
        headers.insert(time, (SECONDS + 1).into());
        assert!(secret.verify(&headers, body, NOW).is_err(), "another time");
    }
}

/// What a client subscribes with, and where its callback may lead.
fn wanted(body: &[u8]) {
    let wanted = match Wanted::parse(body) {
        Ok(wanted) => wanted,
        Err(error) => {
            return assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::TooLarge), "{error:?}");
        }
    };
    let guard = Guard::new(&Settings::default(), Arc::new(System)).expect("the defaults are usable");
    match guard.parse(&wanted.callback) {
        Ok(url) => assert!(url.has_host() && matches!(url.scheme(), "https" | "http"), "{url}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}"),
    }
}
