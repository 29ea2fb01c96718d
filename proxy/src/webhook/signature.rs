//! Signs notifications and verifies them.
//!
//! Two signatures go with each delivery. `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over
//! `id.timestamp.body`, keyed with the bytes that the secret's base64 stands for. `X-O2IMS-Signature` is the lower-case hex of
//! HMAC-SHA256 over `timestamp.body`, keyed with the text of the secret as it was handed out (`whsec_...`), so that a consumer
//! that knows the secret as a string can check it without decoding. The timestamp is the attempt's, in seconds.
//!
//! While a secret is being replaced, both headers hold one signature for each secret, separated by spaces; any that fits counts.
//!
//! Source: Standard Webhooks 1.0, "Signature scheme" (unverified).

use crate::digest;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use netweave_model::port::Ids;
use netweave_model::{Error, Result, Secret as SecretText, Timestamp};
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// The stable id of the notification.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// When this attempt was made, in seconds since 1970.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The signatures, separated by spaces.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// As `webhook-timestamp`.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("x-o2ims-timestamp");
/// The hex signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-o2ims-signature");

/// How far the timestamp of a delivery may be from now.
pub const WINDOW: Duration = Duration::from_mins(5);

const PREFIX: &str = "whsec_";
/// Fewest and most bytes of a key. Source: Standard Webhooks 1.0, "Secrets" (unverified).
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A signing secret; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: SecretText,
    key: Zeroizing<Vec<u8>>,
}

/// The two signatures of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The value of `webhook-signature`.
    pub standard: String,
    /// The value of `X-O2IMS-Signature`.
    pub hex: String,
}

/// Why a delivery is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has no signature, or none that can be read.
    Missing,
    /// Its timestamp is too far from now.
    Stale,
    /// No signature fits.
    Mismatch,
}

impl Secret {
    /// Makes a fresh secret.
    pub fn generate(ids: &dyn Ids) -> Self {
        let key = Zeroizing::new(ids.secret().to_vec());
        Self { text: format!("{PREFIX}{}", STANDARD.encode(&*key)).into(), key }
    }

    /// Reads a secret as it was handed out: `whsec_` and the base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// `Invalid`: it is not of that form.
    pub fn parse(text: &str) -> Result<Self> {
        let key = text.strip_prefix(PREFIX).and_then(|rest| STANDARD.decode(rest).ok()).map(Zeroizing::new);
        match key {
            Some(key) if KEY_BYTES.contains(&key.len()) => Ok(Self { text: text.into(), key }),
            Some(_) | None => {
                Err(Error::invalid("secret", "a secret is whsec_ and the base64 of 24 to 64 bytes"))
            }
        }
    }

    /// Returns the secret as it is handed out.
    pub fn as_str(&self) -> &str {
        self.text.expose()
    }

    /// Returns the secret as it is handed out, for who keeps it.
    pub fn text(&self) -> &SecretText {
        &self.text
    }

    /// Signs the delivery of a body; `seconds` since 1970.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> Signature {
        let standard = mac(&self.key, &[id.as_bytes(), seconds.to_string().as_bytes(), body]);
        let hex = mac(self.as_str().as_bytes(), &[seconds.to_string().as_bytes(), body]);
        Signature { standard: format!("v1,{}", STANDARD.encode(standard)), hex: digest::hex(hex.as_ref()) }
    }

    /// Verifies a received delivery, by whichever of the two sets of headers it has; the Standard Webhooks ones first.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> std::result::Result<(), Fault> {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(given) = text(&WEBHOOK_SIGNATURE) {
            let id = text(&WEBHOOK_ID).ok_or(Fault::Missing)?;
            let seconds = recent(text(&WEBHOOK_TIMESTAMP), now)?;
            let expected = self.sign(id, seconds, body).standard;
            return judge(given.split(' ').any(|one| equal(one, &expected)));
        }
        let given = text(&SIGNATURE).ok_or(Fault::Missing)?;
        let seconds = recent(text(&TIMESTAMP), now)?;
        let expected = self.sign("", seconds, body).hex;
        judge(given.split(' ').any(|one| equal(one, &expected)))
    }
}

impl Signature {
    /// Signs with all secrets, in their order; the values hold one signature for each, separated by spaces.
    pub fn of(secrets: &[Secret], id: &str, seconds: i64, body: &[u8]) -> Self {
        let all: Vec<Self> = secrets.iter().map(|secret| secret.sign(id, seconds, body)).collect();
        let join = |part: fn(&Self) -> &str| all.iter().map(part).collect::<Vec<_>>().join(" ");
        Self { standard: join(|one| &one.standard), hex: join(|one| &one.hex) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            context.update(b".");
        }
        context.update(part);
    }
    context.sign()
}

fn recent(text: Option<&str>, now: Timestamp) -> std::result::Result<i64, Fault> {
    let seconds: i64 = text.and_then(|text| text.parse().ok()).ok_or(Fault::Missing)?;
    let at = Timestamp(seconds.saturating_mul(1000));
    if now.since(at) > WINDOW || at.since(now) > WINDOW { Err(Fault::Stale) } else { Ok(seconds) }
}

/// Compares in a time that does not depend on where the texts differ.
fn equal(given: &str, expected: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), expected.as_bytes()).is_ok()
}

fn judge(fits: bool) -> std::result::Result<(), Fault> {
    if fits { Ok(()) } else { Err(Fault::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";
    const BODY: &[u8] = br#"{"sequence":1}"#;
    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    // The expected values were computed independently, in Python:
    //   key = bytes(range(32)); secret = "whsec_" + base64.b64encode(key).decode()
    //   signed = b"%s.1700000000.%s" % (id, body)
    //   base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    //   hmac.new(secret.encode(), b"1700000000." + body, hashlib.sha256).hexdigest()
    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const STANDARD_SIGNATURE: &str = "v1,tHkDfpqm4w7lfvk2SR6uEn9qzYSYVYqgPGxysGDJqlM=";
    const HEX_SIGNATURE: &str = "409f1eb3da784dd0beeef9cec15b657ad04d8e2d16fc928346cbde4444f89232";

    fn delivery() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(WEBHOOK_ID, ID.parse().unwrap());
        headers.insert(WEBHOOK_TIMESTAMP, "1700000000".parse().unwrap());
        headers.insert(WEBHOOK_SIGNATURE, STANDARD_SIGNATURE.parse().unwrap());
        headers
    }

    #[test]
    fn signatures_equal_an_independent_computation() {
        let signature = Secret::parse(SECRET).unwrap().sign(ID, 1_700_000_000, BODY);
        assert_eq!(signature.standard, STANDARD_SIGNATURE);
        assert_eq!(signature.hex, HEX_SIGNATURE);
    }

    #[test]
    fn a_delivery_is_believed_within_five_minutes() {
        let secret = Secret::parse(SECRET).unwrap();
        for seconds in [-300, -1, 0, 300] {
            let now = Timestamp(NOW.0 + seconds * 1000);
            assert_eq!(secret.verify(&delivery(), BODY, now), Ok(()), "{seconds}");
        }
        for seconds in [-301, 301, 86_400] {
            let now = Timestamp(NOW.0 + seconds * 1000);
            assert_eq!(secret.verify(&delivery(), BODY, now), Err(Fault::Stale), "{seconds}");
        }
    }

    #[test]
    fn any_change_of_id_time_body_or_secret_is_noticed() {
        let secret = Secret::parse(SECRET).unwrap();
        assert_eq!(secret.verify(&delivery(), b"{}", NOW), Err(Fault::Mismatch));
        for (name, value) in [(WEBHOOK_ID, "other"), (WEBHOOK_TIMESTAMP, "1700000001")] {
            let mut headers = delivery();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(secret.verify(&headers, BODY, NOW), Err(Fault::Mismatch));
        }
        let other = Secret::parse(&format!("whsec_{}", STANDARD.encode([7; 32]))).unwrap();
        assert_eq!(other.verify(&delivery(), BODY, NOW), Err(Fault::Mismatch));
        assert_eq!(secret.verify(&HeaderMap::new(), BODY, NOW), Err(Fault::Missing));
    }

    #[test]
    fn one_fitting_signature_of_several_is_enough() {
        let secret = Secret::parse(SECRET).unwrap();
        let mut headers = delivery();
        headers.insert(WEBHOOK_SIGNATURE, format!("v1,AAAA {STANDARD_SIGNATURE}").parse().unwrap());
        assert_eq!(secret.verify(&headers, BODY, NOW), Ok(()));
        let mut headers = HeaderMap::new();
        headers.insert(TIMESTAMP, "1700000000".parse().unwrap());
        headers.insert(SIGNATURE, HEX_SIGNATURE.parse().unwrap());
        assert_eq!(secret.verify(&headers, BODY, NOW), Ok(()));
    }

    #[test]
    fn with_two_secrets_a_receiver_of_either_is_content_with_either_header() {
        let other = Secret::parse(&format!("whsec_{}", STANDARD.encode([7; 32]))).unwrap();
        let third = Secret::parse(&format!("whsec_{}", STANDARD.encode([8; 32]))).unwrap();
        let secrets = [other.clone(), Secret::parse(SECRET).unwrap()];
        let signature = Signature::of(&secrets, ID, 1_700_000_000, BODY);
        assert!(signature.standard.ends_with(&format!(" {STANDARD_SIGNATURE}")), "{signature:?}");
        let mut standard = delivery();
        standard.insert(WEBHOOK_SIGNATURE, signature.standard.parse().unwrap());
        let mut hex = HeaderMap::new();
        hex.insert(TIMESTAMP, "1700000000".parse().unwrap());
        hex.insert(SIGNATURE, signature.hex.parse().unwrap());
        for headers in [standard, hex] {
            assert!(secrets.iter().all(|secret| secret.verify(&headers, BODY, NOW) == Ok(())));
            assert_eq!(third.verify(&headers, BODY, NOW), Err(Fault::Mismatch));
        }
    }

    #[test]
    fn a_secret_has_its_form_and_is_not_shown() {
        for text in ["", "whsec_", "whsec_AAAA", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_***"]
        {
            assert!(Secret::parse(text).is_err(), "{text}");
        }
        let secret = Secret::parse(SECRET).unwrap();
        assert_eq!(secret.as_str(), SECRET);
        assert!(!format!("{secret:?}").contains("AAEC"));
    }
}
