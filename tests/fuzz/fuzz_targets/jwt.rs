//! Any text as a bearer token: no panic, and what is read is within its bounds.
#![no_main]

#[path = "../../../proxy/src/token/jwt.rs"]
#[allow(dead_code, unreachable_pub, reason = "the gateway uses what is left")]
mod jwt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;

const MAX_TEXT: usize = 512;
const MAX_ITEMS: usize = 256;

fuzz_target!(|text: &str| {
    look(text);
    // The same text as what is inside of a token, where mutations of base64 seldom lead.
    if let Some((header, claims)) = text.split_once('\n') {
        look(&format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)));
    }
});

fn look(text: &str) {
    let Ok(token) = jwt::Jwt::parse(text) else { return };
    assert!(text.as_bytes().starts_with(token.signed) && text.as_bytes()[token.signed.len()] == b'.');
    let texts = [Some(token.header.alg.as_str()), token.header.kid.as_deref(), token.claims.client()];
    assert!(texts.into_iter().flatten().all(|text| (1..=MAX_TEXT).contains(&text.len())));
    assert!(token.claims.audience().count() <= MAX_ITEMS);
    for path in ["scope", "scp", "realm_access.roles", ""] {
        assert!(token.words(path).map_or(true, |words| words.len() <= MAX_ITEMS));
    }
    let _ = (token.claims.ends(), token.claims.begins(), token.claims.made(), token.claims.bound_to());
}
