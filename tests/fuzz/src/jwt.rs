//! Any bytes as a bearer token, which nobody can sign; as a header and, after a line's end, claims that an issuer signed,
//! which count for what was signed alone; and as an issuer's set of keys.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use netweave::conf::tree;
use netweave::telemetry::metrics::Metrics;
use netweave::token::jwt::Jwt;
use netweave::token::{Fault, KeySet, Tokens, Verified};
use netweave_model::{ErrorKind, Timestamp};
use std::sync::OnceLock;
use std::time::Instant;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const ISSUER: &str = "https://idp";
const MAX_TEXT: usize = 512;
const MAX_ITEMS: usize = 256;

/// An issuer that is believed, and its key.
struct Ground {
    tokens: Tokens,
    pair: Ed25519KeyPair,
    at: Instant,
}

/// Runs one input.
///
/// # Panics
/// A token counts that nobody signed, or for something else than what was signed.
pub fn run(bytes: &[u8]) {
    let ground = ground();
    if let Ok(text) = std::str::from_utf8(bytes) {
        bounded(text);
        refused(ground, text);
    }
    let (header, claims) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default()),
        None => (&br#"{"alg":"EdDSA"}"#[..], bytes),
    };
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    bounded(&format!("{signed}."));
    let signature = URL_SAFE_NO_PAD.encode(ground.pair.sign(signed.as_bytes()));
    if let Ok(verified) = verify(ground, &format!("{signed}.{signature}")) {
        good(&verified);
        refused(ground, &format!("{signed}."));
        let other =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode([claims, b" "].concat()));
        refused(ground, &format!("{other}.{signature}"));
    }
    if let Err(error) = KeySet::parse(bytes) {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    }
}

/// What is read of a token before it is believed is within its bounds.
fn bounded(text: &str) {
    let Ok(token) = Jwt::parse(text) else { return };
    assert!(text.as_bytes().starts_with(token.signed), "another text is signed");
    assert!(token.claims.audience().count() <= MAX_ITEMS, "too many audiences");
    for path in ["scope", "realm_access.roles", ""] {
        assert!(token.words(path).map_or(true, |words| words.len() <= MAX_ITEMS), "too many words");
    }
}

fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
        let issuer = tree::Issuer {
            name: "smo".to_owned(),
            issuer: ISSUER.to_owned(),
            audience: vec!["o2ims".to_owned()],
            ..tree::Issuer::default()
        };
        let conf = tree::Tokens { issuers: vec![issuer], ..tree::Tokens::default() };
        let (tokens, at) = (Tokens::new(&conf, &Metrics::new().expect("metrics")), Instant::now());
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let keys = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#);
        for issuer in tokens.issuers() {
            issuer.take(keys.as_bytes(), at).expect("a set of keys");
        }
        Ground { tokens, pair, at }
    })
}

fn verify(ground: &Ground, text: &str) -> Result<Verified, Fault> {
    ground.tokens.verify(text, None, (NOW, ground.at)).map_err(|(fault, _)| fault)
}

/// A refusal has words that a header takes.
fn refused(ground: &Ground, text: &str) {
    let fault = verify(ground, text).expect_err("nobody can sign without the key");
    for words in [fault.word(), fault.advice(), fault.detail()] {
        assert!(words.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b'"'), "{words}");
    }
}

fn good(verified: &Verified) {
    let token = &verified.token;
    assert_eq!(token.issuer, ISSUER);
    assert!(!token.bound, "it came without a certificate");
    assert!(token.expires >= Timestamp(NOW.0 - 300_000), "{:?}", token.expires);
    let texts = [&token.subject, &token.client, &token.id].into_iter().flatten();
    for text in texts.chain(&token.scopes) {
        assert!(
            !text.is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control),
            "{text:?}"
        );
    }
}
