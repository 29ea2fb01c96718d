//! Tokens: those of another implementation, those that are made up, and a whole corpus of broken ones.

use super::jwt::Jwt;
use super::*;
use crate::conf::tree::{self, Algorithm};
use crate::conf::unit::Span;
use crate::telemetry::metrics::Metrics;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use netweave_model::Timestamp;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Keys and tokens of another implementation; the file says which.
const VECTORS: &str = include_str!("vectors.json");
/// A time at which those tokens hold.
const NOW: Timestamp = Timestamp(1_790_000_100_000);
const ISSUER: &str = "https://idp.example";
const ALL: [Algorithm; 5] =
    [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];

fn vectors() -> Value {
    serde_json::from_str(VECTORS).unwrap()
}

fn conf(change: impl FnOnce(&mut tree::Tokens)) -> tree::Tokens {
    let issuer = tree::Issuer {
        name: "idp".to_owned(),
        issuer: ISSUER.to_owned(),
        audience: vec!["o2ims".to_owned()],
        ..tree::Issuer::default()
    };
    let mut conf = tree::Tokens { issuers: vec![issuer], ..tree::Tokens::default() };
    change(&mut conf);
    conf
}

/// Issuers with a first one that has these keys.
fn tokens(jwks: &Value, change: impl FnOnce(&mut tree::Tokens)) -> Tokens {
    let tokens = Tokens::new(&conf(change), &Metrics::new().unwrap());
    tokens.issuers()[0].take(jwks.to_string().as_bytes(), Instant::now()).unwrap();
    tokens
}

fn verify(tokens: &Tokens, text: &str, certificate: Option<&str>) -> Result<Verified, Fault> {
    tokens.verify(text, certificate, (NOW, Instant::now())).map_err(|(fault, _)| fault)
}

/// An issuer's key of a test, and tokens that it signs.
struct Signer(Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    fn jwks(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key());
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": x }] })
    }

    fn tokens(&self, change: impl FnOnce(&mut tree::Tokens)) -> Tokens {
        tokens(&self.jwks(), change)
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// Signs good claims with some changes; null takes one out.
    fn with(&self, changes: &Value) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": "o2ims", "sub": "smo", "iat": NOW.0 / 1000, "exp": NOW.0 / 1000 + 60,
        });
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        self.sign(r#"{"alg":"EdDSA","kid":"ed"}"#, &claims.to_string())
    }

    fn fault(&self, changes: &Value) -> Option<Fault> {
        verify(&self.tokens(|_| {}), &self.with(changes), None).err()
    }
}

#[test]
fn tokens_of_another_implementation_are_read_in_every_algorithm() {
    let vectors = vectors();
    let tokens = tokens(&vectors["jwks"], |_| {});
    let certificate = vectors["certificate"].as_str();
    for (name, text) in vectors["tokens"].as_object().unwrap() {
        let text = text.as_str().unwrap();
        let token =
            verify(&tokens, text, certificate).unwrap_or_else(|fault| panic!("{name}: {fault:?}")).token;
        assert_eq!((token.subject.as_deref(), token.client.as_deref()), (Some("smo-1"), Some("client-1")));
        assert_eq!((token.id.as_deref(), token.issuer_name.as_str()), (Some("id-1"), "idp"));
        assert_eq!(token.scopes.into_iter().collect::<Vec<_>>(), ["o2ims:admin", "o2ims:read"]);
        assert_eq!((token.expires, token.bound), (Timestamp(1_790_003_600_000), true));
        assert_eq!(verify(&tokens, text, None).unwrap_err(), Fault::OtherCertificate, "{name}");
        assert_eq!(verify(&tokens, text, Some("00")).unwrap_err(), Fault::OtherCertificate, "{name}");
    }
}

#[test]
fn each_byte_of_a_token_is_under_its_signature() {
    let vectors = vectors();
    let tokens = tokens(&vectors["jwks"], |_| {});
    let text = vectors["tokens"]["ES256"].as_str().unwrap();
    for place in 0..text.len() {
        let other = if text.as_bytes()[place] == b'A' { "B" } else { "A" };
        let mut changed = text.to_owned();
        changed.replace_range(place..=place, other);
        assert!(verify(&tokens, &changed, vectors["certificate"].as_str()).is_err(), "byte {place}");
    }
}

#[test]
fn an_algorithm_counts_only_with_its_own_keys_and_where_the_issuer_has_it() {
    let vectors = vectors();
    let algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
    for allowed in ALL {
        let tokens = tokens(&vectors["jwks"], |conf| conf.issuers[0].algorithms = vec![allowed]);
        for name in algorithms {
            let text = vectors["tokens"][name].as_str().unwrap();
            let verified = verify(&tokens, text, vectors["certificate"].as_str());
            let expected = if Algorithm::read(name) == Some(allowed) { None } else { Some(Fault::Algorithm) };
            assert_eq!(verified.err(), expected, "{name} where {allowed:?} is allowed");
        }
    }
    // The header of each is put before the rest of the others: no key of that name has the other algorithm.
    let tokens = tokens(&vectors["jwks"], |_| {});
    for name in algorithms {
        let (_, rest) = vectors["tokens"][name].as_str().unwrap().split_once('.').unwrap();
        for other in algorithms.iter().chain(&["none", "None", "HS256", "HS512", "RS1", ""]) {
            for kid in ["rsa", "p256", "p384", "ed"] {
                let header = URL_SAFE_NO_PAD.encode(json!({ "alg": other, "kid": kid }).to_string());
                let verified = verify(&tokens, &format!("{header}.{rest}"), vectors["certificate"].as_str());
                assert!(verified.is_err(), "{name} as {other} of {kid}");
            }
        }
    }
}

#[test]
fn a_set_of_keys_is_bounded_and_what_is_of_no_use_is_left_out() {
    let good = || vectors()["jwks"]["keys"][0].clone();
    let count =
        |keys: Vec<Value>| KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).map(|set| set.len());
    let with = |name: &str, value: Value| {
        let mut key = good();
        key[name] = value;
        key
    };
    assert_eq!(count(vec![good()]).unwrap(), 1);
    for useless in [
        json!({ "kty": "oct", "k": "AAAA", "kid": "rsa" }),
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("HS256")),
        with("alg", json!("RS512")),
        with("n", json!("AQAB")),
        with("n", json!("!")),
        with("kty", json!("XYZ")),
        json!({ "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA" }),
        json!({ "kty": "EC", "crv": "P-521", "x": "AAAA", "y": "AAAA" }),
        json!({ "kty": "OKP", "crv": "X25519", "x": "AAAA" }),
    ] {
        assert_eq!(count(vec![useless.clone(), good()]).unwrap(), 1, "{useless}");
        assert!(count(vec![useless.clone()]).is_err(), "{useless}");
    }
    assert!(count(vec![good(); 64]).is_ok());
    assert!(count(vec![good(); 65]).is_err());
    assert!(KeySet::parse(b"{}").is_err() && KeySet::parse(b"[]").is_err() && KeySet::parse(b"").is_err());
    assert!(KeySet::parse(&vec![b' '; (256 << 10) + 1]).is_err());
}

#[test]
fn without_a_name_a_key_counts_if_it_is_the_only_one_that_fits() {
    let (one, two) = (Signer::new(), Signer::new());
    let mut both = one.jwks();
    let text = one.sign(r#"{"alg":"EdDSA"}"#, &claims(&one.with(&json!({}))));
    assert!(verify(&tokens(&both, |_| {}), &text, None).is_ok());
    both["keys"].as_array_mut().unwrap().push(two.jwks()["keys"][0].clone());
    assert_eq!(verify(&tokens(&both, |_| {}), &text, None).unwrap_err(), Fault::Key);
}

/// Returns the claims of a token as text.
fn claims(token: &str) -> String {
    let part = token.split('.').nth(1).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn times_audience_and_issuer_are_held_to_their_edges() {
    let signer = Signer::new();
    let now = NOW.0 / 1000;
    for (changes, fault) in [
        (json!({}), None),
        (json!({ "exp": now - 30 }), None),
        (json!({ "exp": now - 31 }), Some(Fault::Expired)),
        (json!({ "exp": 0 }), Some(Fault::Expired)),
        (json!({ "exp": -1e300 }), Some(Fault::Expired)),
        (json!({ "nbf": now + 30 }), None),
        (json!({ "nbf": now + 31 }), Some(Fault::NotYet)),
        (json!({ "iat": now + 31 }), Some(Fault::NotYet)),
        (json!({ "exp": now + 86_400 }), None),
        (json!({ "exp": now + 86_401 }), Some(Fault::Lifetime)),
        (json!({ "exp": now + 60, "iat": now + 60 - 86_401 }), Some(Fault::Lifetime)),
        (json!({ "iat": null, "exp": now + 86_401 }), Some(Fault::Lifetime)),
        (json!({ "exp": 1e300 }), Some(Fault::Lifetime)),
        (json!({ "exp": 1_790_000_100.5 }), None),
        (json!({ "aud": ["x", "o2ims"] }), None),
        (json!({ "aud": "O2IMS" }), Some(Fault::Audience)),
        (json!({ "aud": [] }), Some(Fault::Audience)),
        (json!({ "aud": null }), Some(Fault::Audience)),
        (json!({ "iss": "https://idp.example/" }), Some(Fault::Issuer)),
        (json!({ "iss": "https://IDP.example" }), Some(Fault::Issuer)),
    ] {
        assert_eq!(signer.fault(&changes), fault, "{changes}");
    }
}

#[test]
fn what_has_not_the_right_form_is_malformed() {
    let signer = Signer::new();
    let long = "x".repeat(513);
    for changes in [
        json!({ "exp": null }),
        json!({ "exp": "1790000160" }),
        json!({ "iss": null }),
        json!({ "iss": 1 }),
        json!({ "sub": "" }),
        json!({ "sub": "two\nlines" }),
        json!({ "sub": long }),
        json!({ "jti": 7 }),
        json!({ "client_id": ["a"] }),
        json!({ "aud": 7 }),
        json!({ "aud": [7] }),
        json!({ "aud": vec!["x"; 257] }),
        json!({ "nbf": "soon" }),
        json!({ "cnf": {} }),
        json!({ "cnf": { "jkt": "AAAA" } }),
        json!({ "cnf": { "x5t#S256": "AAAA" } }),
        json!({ "cnf": "AAAA" }),
        json!({ "scope": vec!["x"; 257].join(" ") }),
    ] {
        assert!(matches!(signer.fault(&changes), Some(Fault::Malformed(_))), "{changes}");
    }
    let tokens = signer.tokens(|_| {});
    let good = claims(&signer.with(&json!({})));
    let twice = good.replacen('{', r#"{"sub":"admin","#, 1);
    for (header, body) in [
        (r#"{"alg":"EdDSA","kid":"ed"}"#, twice.as_str()),
        (r#"{"alg":"EdDSA","alg":"none","kid":"ed"}"#, &good),
        (r#"{"alg":"EdDSA","kid":"ed","crit":["exp"]}"#, &good),
        (r#"{"alg":"EdDSA","kid":"ed","crit":null}"#, &good),
        (r#"{"alg":"EdDSA","kid":"ed","typ":"dpop+jwt"}"#, &good),
        (r#"{"alg":"EdDSA","kid":""}"#, &good),
        (r#"{"kid":"ed"}"#, &good),
        ("[]", &good),
        ("", &good),
        (r#"{"alg":"EdDSA","kid":"ed"}"#, "[]"),
    ] {
        let verified = verify(&tokens, &signer.sign(header, body), None);
        assert!(matches!(verified, Err(Fault::Malformed(_))), "{header} {body}: {verified:?}");
    }
    for header in [
        r#"{"alg":"EdDSA","kid":"ed","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":"application/at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"ed","jku":"http://127.0.0.1/","jwk":{"kty":"oct"},"x5u":"http://127.0.0.1/"}"#,
    ] {
        assert!(verify(&tokens, &signer.sign(header, &good), None).is_ok(), "{header}");
    }
}

#[test]
fn a_key_that_a_token_brings_along_is_not_looked_at() {
    let (ours, theirs) = (Signer::new(), Signer::new());
    let body = claims(&theirs.with(&json!({})));
    let jwk = theirs.jwks()["keys"][0].clone();
    let header = json!({ "alg": "EdDSA", "kid": "ed", "jwk": jwk }).to_string();
    assert_eq!(
        verify(&ours.tokens(|_| {}), &theirs.sign(&header, &body), None).unwrap_err(),
        Fault::Signature
    );
}

#[test]
fn a_name_of_a_key_counts_with_its_own_issuer_only() {
    let (one, two) = (Signer::new(), Signer::new());
    let tokens = one.tokens(|conf| {
        let other = tree::Issuer {
            name: "two".to_owned(),
            issuer: "https://two".to_owned(),
            ..conf.issuers[0].clone()
        };
        conf.issuers.push(other);
    });
    tokens.issuers()[1].take(two.jwks().to_string().as_bytes(), Instant::now()).unwrap();
    assert_eq!(verify(&tokens, &two.with(&json!({})), None).unwrap_err(), Fault::Signature);
    let theirs = json!({ "iss": "https://two" });
    assert_eq!(verify(&tokens, &two.with(&theirs), None).unwrap().token.issuer_name, "two");
    assert_eq!(verify(&tokens, &one.with(&theirs), None).unwrap_err(), Fault::Signature);
}

#[test]
fn scopes_are_read_from_the_claims_that_are_named() {
    let signer = Signer::new();
    let read = |claims: &[&str], changes: Value| {
        let tokens = signer.tokens(|conf| {
            conf.issuers[0].scope_claims = claims.iter().map(|&claim| claim.to_owned()).collect();
        });
        verify(&tokens, &signer.with(&changes), None).unwrap().token.scopes.into_iter().collect::<Vec<_>>()
    };
    let changes = json!({ "scope": "a  b", "scp": ["c d", "e", 7], "realm_access": { "roles": ["f"] } });
    assert_eq!(read(&["scope"], changes.clone()), ["a", "b"]);
    assert_eq!(read(&["scp", "scope"], changes.clone()), ["a", "b", "c d", "e"]);
    assert_eq!(read(&["realm_access.roles"], changes.clone()), ["f"]);
    assert!(read(&["realm_access", "none", "scope.x"], changes).is_empty());
}

#[test]
fn binding_can_be_required() {
    let signer = Signer::new();
    let tokens = signer.tokens(|conf| conf.require_binding = true);
    assert_eq!(verify(&tokens, &signer.with(&json!({})), Some("00")).unwrap_err(), Fault::Unbound);
    let bound = signer.with(&json!({ "cnf": { "x5t#S256": URL_SAFE_NO_PAD.encode([0xab; 32]) } }));
    assert!(verify(&tokens, &bound, Some(&"ab".repeat(32))).unwrap().token.bound);
}

#[test]
fn a_token_above_its_size_is_not_read() {
    let signer = Signer::new();
    let text = signer.with(&json!({}));
    let sized = |size| signer.tokens(|conf| conf.max_size = netweave_model::unit::Size(size));
    let length = u64::try_from(text.len()).unwrap();
    assert!(verify(&sized(length), &text, None).is_ok());
    assert_eq!(verify(&sized(length - 1), &text, None).unwrap_err(), Fault::TooLong);
}

#[test]
fn keys_are_believed_for_their_grace_and_what_they_have_verified_no_longer() {
    let signer = Signer::new();
    let tokens = signer.tokens(|conf| conf.issuers[0].grace = Span::seconds(60));
    let start = Instant::now();
    let issuer = &tokens.issuers()[0];
    issuer.take(signer.jwks().to_string().as_bytes(), start).unwrap();
    let text = signer.with(&json!({}));
    let at = |seconds| (NOW, start + Duration::from_secs(seconds));
    let verified = tokens.verify(&text, None, at(60)).unwrap();
    let (fault, missing) = tokens.verify(&text, None, at(61)).unwrap_err();
    assert_eq!((fault, missing.is_some()), (Fault::Unavailable, true));
    assert!(tokens.holds(&verified, NOW, start + Duration::from_mins(1)));
    assert!(!tokens.holds(&verified, NOW, start + Duration::from_secs(61)));
    // The same keys again: what they have verified counts on. Other keys: it does not.
    issuer.take(signer.jwks().to_string().as_bytes(), start + Duration::from_secs(50)).unwrap();
    assert!(tokens.holds(&verified, NOW, start + Duration::from_secs(61)));
    assert!(!tokens.holds(&verified, NOW.plus(Duration::from_secs(91)), start), "it has ended");
    assert!(issuer.take(b"no keys", start).is_err());
    assert!(tokens.holds(&verified, NOW, start), "what cannot be read changes nothing");
    issuer.take(Signer::new().jwks().to_string().as_bytes(), start).unwrap();
    assert!(!tokens.holds(&verified, NOW, start));
}

#[tokio::test]
async fn tokens_ask_for_keys_once_in_ten_seconds() {
    let issuer = Issuer::new(conf(|_| {}).issuers.remove(0), &Metrics::new().unwrap());
    let start = Instant::now();
    assert!(issuer.ask(start));
    issuer.wanted().await;
    assert!(issuer.ask(start), "whoever asks before the fetch is over waits for it");
    issuer.fetched(false, NOW);
    issuer.answered().await;
    assert!(!issuer.ask(start + Duration::from_millis(9_999)));
    assert!(issuer.ask(start + Duration::from_secs(10)));
    issuer.wanted().await;
}

/// What a text is made of that is nearly a token.
fn piece() -> impl Strategy<Value = String> {
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    prop_oneof![
        Just(".".to_owned()),
        Just(encoded(r#"{"alg":"EdDSA","kid":"ed"}"#)),
        Just(encoded(r#"{"alg":"none"}"#)),
        Just(encoded(r#"{"iss":"https://idp.example","exp":1790000160}"#)),
        Just(encoded(&"[".repeat(2000))),
        Just("=".to_owned()),
        "[A-Za-z0-9_-]{0,40}",
        ".{0,8}",
        vec(any::<u8>(), 0..64).prop_map(|bytes| URL_SAFE_NO_PAD.encode(bytes)),
    ]
}

/// The same texts in each run; the fuzz target `jwt` tries others.
#[test]
fn no_text_is_taken_for_a_token_and_none_ends_the_process() {
    let signer = Signer::new();
    let tokens = signer.tokens(|_| {});
    let good = signer.with(&json!({ "scope": "a" }));
    let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, random);
    let changed = (0..good.len(), any::<char>(), 0..3_u8);
    let texts = (vec(piece(), 0..8), changed);
    runner
        .run(&texts, |(pieces, (place, letter, how))| {
            let mut text = good.clone();
            match how {
                0 => text.replace_range(place..=place, letter.encode_utf8(&mut [0; 4])),
                1 => text.insert(place, letter),
                _ => text.truncate(place),
            }
            for text in [pieces.concat(), text] {
                assert!(text == good || verify(&tokens, &text, None).is_err(), "{text}");
                if let Ok(jwt) = Jwt::parse(&text) {
                    // What is read is bounded, whoever signed it.
                    assert!(
                        jwt.claims.iss.len() <= 512
                            && jwt.words("scope").is_ok_and(|words| words.len() <= 256)
                    );
                    assert!(text.as_bytes().starts_with(jwt.signed));
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_size_of_a_set_that_is_fetched_is_that_which_is_read() {
    let signer = Arc::new(Signer::new());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), signer.jwks().to_string()).unwrap();
    assert_eq!(read_keys(file.path()).unwrap().len(), 1);
    std::fs::write(file.path(), vec![b' '; 300 << 10]).unwrap();
    assert!(read_keys(file.path()).is_err());
    assert!(read_keys(std::path::Path::new("/none")).is_err());
}
