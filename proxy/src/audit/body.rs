//! What may be shown of a body: its JSON without sensitive values, cut at a bound, beside the hash of all of it.
//!
//! A sensitive value is replaced by an HMAC of it under a key of the installation, so that equal values can be found and
//! none can be read. Sensitive is what the name of a member says, and whatever a URI carries beside the way to a place: user and query.

use super::entry::Payload;
use super::record::{Body, Text};
use crate::digest;
use aws_lc_rs::hmac;
use serde_json::Value;
use url::Url;

/// Parts of names, in lower case without separators, whose values are replaced.
const SENSITIVE: [&str; 12] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "authorization",
    "apikey",
    "privatekey",
    "credential",
    "cookie",
    "signature",
    "assertion",
];
/// What stands before a replaced value.
const MARK: &str = "hmac-sha256:";

/// Makes the shown form of bodies.
#[derive(Debug)]
pub struct Redactor {
    key: hmac::Key,
    cap: usize,
}

impl Redactor {
    /// Takes the key and how much of a body is shown.
    pub fn new(key: &[u8], cap: usize) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), cap }
    }

    /// Describes a body; `None` if there is none.
    pub fn body<'a>(&self, payload: &'a Payload) -> Option<Body<'a>> {
        if payload.bytes.is_empty() {
            return None;
        }
        let media_type = payload.media_type.as_ref().and_then(|value| value.to_str().ok());
        let mut body = Body {
            bytes: u64::try_from(payload.bytes.len()).unwrap_or(u64::MAX),
            content_type: media_type.map(Text::Borrowed),
            sha256: Text::Owned(digest::sha256(&payload.bytes)),
            ..Body::default()
        };
        if !media_type.is_some_and(is_json) {
            body.omitted = Some(Text::Borrowed("media-type"));
        } else if let Ok(mut value) = serde_json::from_slice::<Value>(&payload.bytes) {
            self.redact(&mut value);
            let mut text = value.to_string();
            body.truncated = text.len() > self.cap;
            text.truncate(text.floor_char_boundary(self.cap));
            body.text = Some(Text::Owned(text));
        } else {
            body.omitted = Some(Text::Borrowed("not-json"));
        }
        Some(body)
    }

    /// Replaces sensitive values; serde bounds how deep they can be nested.
    fn redact(&self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    if is_sensitive(name) && !value.is_null() {
                        *value = Value::from(self.stand_in(value));
                    } else {
                        self.redact(value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact(item)),
            Value::String(text) => {
                if let Some(tame) = self.without_riders(text) {
                    *text = tame;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Returns what stands for a value: equal for equal values.
    fn stand_in(&self, value: &Value) -> String {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut shown = MARK.to_owned();
        shown.push_str(&digest::hex(hmac::sign(&self.key, text.as_bytes()).as_ref()));
        shown
    }

    /// Replaces user and query of a URI; `None` if the text is none or has neither.
    fn without_riders(&self, text: &str) -> Option<String> {
        if !text.contains("://") {
            return None;
        }
        let mut url = Url::parse(text).ok()?;
        let user = !url.username().is_empty() || url.password().is_some();
        if !user && url.query().is_none() && url.fragment().is_none() {
            return None;
        }
        let rider = |part: &str| self.stand_in(&Value::from(part));
        if user {
            let shown = rider(&format!("{}:{}", url.username(), url.password().unwrap_or_default()));
            url.set_password(None).ok()?;
            url.set_username(&shown).ok()?;
        }
        let query = url.query().map(rider);
        url.set_query(query.as_deref());
        let fragment = url.fragment().map(rider);
        url.set_fragment(fragment.as_deref());
        Some(url.into())
    }
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn is_sensitive(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    SENSITIVE.iter().any(|part| plain.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::HeaderValue;

    fn payload(media_type: &'static str, body: &str) -> Payload {
        let media_type = Some(HeaderValue::from_static(media_type));
        Payload { bytes: Bytes::from(body.to_owned()), media_type }
    }

    fn shown(body: &str) -> String {
        let payload = payload("application/json; charset=utf-8", body);
        Redactor::new(&[1; 32], 4096).body(&payload).unwrap().text.unwrap().into_owned()
    }

    #[test]
    fn sensitive_values_are_replaced_wherever_they_are_and_equal_ones_look_equal() {
        let text = shown(
            r#"{"a":[{"clientSecret":"CANARY-1"}],"API-Key":"CANARY-2","x":{"access_token":{"deep":"CANARY-3"}},
                "password":"CANARY-1","name":"kept","callback":"https://user:CANARY-4@smo:8443/in?token=CANARY-5#CANARY-6"}"#,
        );
        assert!(!text.contains("CANARY"), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["name"], "kept");
        assert_eq!(value["a"][0]["clientSecret"], value["password"]);
        assert_ne!(value["API-Key"], value["password"]);
        let callback = value["callback"].as_str().unwrap();
        assert!(
            callback.starts_with("https://hmac-sha256") && callback.contains("@smo:8443/in?hmac-sha256:"),
            "{callback}"
        );
    }

    #[test]
    fn another_key_gives_another_stand_in() {
        let payload = payload("application/json", r#"{"token":"t"}"#);
        let of = |key: &[u8]| Redactor::new(key, 4096).body(&payload).unwrap().text.unwrap().into_owned();
        assert_eq!(of(&[1; 32]), of(&[1; 32]));
        assert_ne!(of(&[1; 32]), of(&[2; 32]));
    }

    #[test]
    fn the_hash_covers_all_and_the_text_is_cut_after_it_was_redacted() {
        let body = format!(r#"{{"a":"{}","secret":"CANARY"}}"#, "é".repeat(100));
        let payload = payload("application/json", &body);
        let short = Redactor::new(&[1; 32], 50).body(&payload).unwrap();
        assert_eq!(short.sha256, digest::sha256(body.as_bytes()));
        assert_eq!(short.bytes, body.len() as u64);
        assert!(short.truncated && short.text.unwrap().len() <= 50);
    }

    #[test]
    fn what_is_no_json_is_hashed_and_not_shown() {
        let redactor = Redactor::new(&[1; 32], 4096);
        for (media_type, body, omitted) in
            [("text/plain", "CANARY", "media-type"), ("application/json", "{CANARY", "not-json")]
        {
            let payload = payload(media_type, body);
            let shown = redactor.body(&payload).unwrap();
            assert_eq!((shown.omitted.as_deref(), shown.text), (Some(omitted), None));
            assert_eq!(shown.sha256, digest::sha256(body.as_bytes()));
        }
        assert_eq!(redactor.body(&Payload::default()), None);
    }
}
