//! Signs calls as Amazon's documents say it, not with the gateway's own code.
//!
//! Source: AWS General Reference, "Signature Version 4", for a POST to `/` with a form.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use std::fmt::Write;

/// The keys of a user or of a session.
#[derive(Clone, Debug)]
pub struct Keys {
    id: String,
    secret: String,
    token: Option<String>,
}

const TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";

impl Keys {
    /// Keys that nobody has.
    pub(super) fn nobody() -> Self {
        Self { id: "nobody".to_owned(), secret: "nothing".to_owned(), token: None }
    }

    /// Reads them from an answer.
    pub(super) fn read(answer: &str) -> Self {
        let one = |element| super::texts(answer, element).pop();
        let (id, secret) = (one("AccessKeyId").expect("a key"), one("SecretAccessKey").expect("a secret"));
        Self { id, secret, token: one("SessionToken") }
    }

    /// Returns them as a file of credentials has them.
    pub(super) fn file(&self) -> String {
        format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", self.id, self.secret)
    }

    /// Returns the headers of a signed call.
    pub(super) fn sign(
        &self,
        host: &str,
        region: &str,
        service: &str,
        body: &str,
    ) -> Vec<(&'static str, String)> {
        let at = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = at.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let mut signed = "content-type;host;x-amz-date".to_owned();
        let mut headers = format!("content-type:{TYPE}\nhost:{host}\nx-amz-date:{at}\n");
        if let Some(token) = &self.token {
            signed += ";x-amz-security-token";
            writeln!(headers, "x-amz-security-token:{token}").expect("text takes text");
        }
        let canonical = format!("POST\n/\n\n{headers}\n{signed}\n{}", sha256(body));
        let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{}", sha256(&canonical));
        let first = format!("AWS4{}", self.secret).into_bytes();
        let key = [day, region, service, "aws4_request"].iter().fold(first, |key, part| hmac(&key, part));
        let (credential, signature) = (format!("{}/{scope}", self.id), hex(&hmac(&key, &text)));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}"
        );
        let token = self.token.clone().map(|token| ("x-amz-security-token", token));
        let headers =
            [("content-type", TYPE.to_owned()), ("x-amz-date", at), ("authorization", authorization)];
        headers.into_iter().chain(token).collect()
    }
}

/// Writes a form.
pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{}={}", escaped(name), escaped(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            // moto writes the form anew to check the signature, and writes it like this.
            b' ' => text.push('+'),
            _ if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => text.push(byte.into()),
            _ => write!(text, "%{byte:02X}").expect("text takes text"),
        }
        text
    })
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("text takes text");
        hex
    })
}
