//! One record of the audit log, as it is written, hashed and read again.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The version of the form.
pub const VERSION: u8 = 1;

/// Text of a record; borrowed while it is written, owned after it was read.
pub type Text<'a> = Cow<'a, str>;

/// One record.
///
/// Its members stand in the order of their names and there are no fractions, so that what serde writes is the canonical
/// form of RFC 8785. A line of the log is that form with one more member before all others: `hash`, the SHA-256 of the
/// canonical form without it, in lower-case hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    /// The client's certificate, if it showed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Certificate<'a>>")]
    pub certificate: Option<Written<'a>>,
    /// The collection that the path names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<Text<'a>>,
    /// The common name of the client's certificate; null if there is none. It is always here, wherever the identity comes from.
    pub common_name: Option<Text<'a>>,
    /// `allowed` if the call passed all filters, else `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Text<'a>>,
    /// What an event has beside the members that all have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub detail: BTreeMap<Text<'a>, Value>,
    /// Microseconds from the request's head to this record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// What happened: `api.call`, `tls.handshake`, `process.start` and so on.
    pub event: Text<'a>,
    /// The object that the path names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// The name by which rules know the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Text<'a>>,
    /// The field of the certificate that the identity comes from: `uri`, `dns` or `commonName`; `token` if a token says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_field: Option<Text<'a>>,
    /// The method, as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Text<'a>>,
    /// The operation, such as `CreateSubscription`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Text<'a>>,
    /// The object that holds the named one: the pool of a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Text<'a>>,
    /// The hash of this writer's record before; 64 zeros in its first.
    pub prev: Text<'a>,
    /// Why it was refused or failed: the kind of the problem document; `cut-off` if its connection was cut off before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<'a>>,
    /// The body that was sent with a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Body<'a>>,
    /// The request's id, as it was answered and logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Text<'a>>,
    /// The body that a change was answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Body<'a>>,
    /// Size of the answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_bytes: Option<u64>,
    /// The path with placeholders; `unmatched` if there is no such path, `unread` if the head could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Text<'a>>,
    /// The number of the record; each writer counts from 1.
    pub seq: u64,
    /// The address that the client connected from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<Text<'a>>,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The path as it was sent, without its query, cut at 512 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Text<'a>>,
    /// The tenant of the client, if its rule names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Text<'a>>,
    /// When it happened: RFC 3339, UTC, milliseconds.
    pub time: Text<'a>,
    /// The bearer token of the call, where tokens are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Token<'a>>,
    /// The trace that the client says the call belongs to (W3C `traceparent`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<Text<'a>>,
    /// The version of this form.
    pub v: u8,
    /// Who wrote the record: the pod and its start.
    pub writer: Text<'a>,
}

/// A [`Certificate`] as its JSON, which is made once for each connection.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Written<'a>(pub Cow<'a, RawValue>);

impl<'de> Deserialize<'de> for Written<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let certificate = Certificate::deserialize(deserializer)?;
        to_raw_value(&certificate).map(|raw| Self(Cow::Owned(raw))).map_err(D::Error::custom)
    }
}

impl PartialEq for Written<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Written<'_> {}

/// A certificate of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Certificate<'a> {
    /// Its subject alternative names, such as `URI:spiffe://o2/smo` and `DNS:smo.example.net`.
    pub alternative_names: Vec<Text<'a>>,
    /// Its SHA-256, in lower-case hex.
    pub fingerprint: Text<'a>,
    /// When it ends.
    pub not_after: Text<'a>,
    /// Its serial number, in lower-case hex.
    pub serial: Text<'a>,
}

/// A bearer token: what it says if it was found good, else why it was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token<'a> {
    /// The client that it was given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Text<'a>>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Text<'a>>,
    /// Its own name (`jti`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text<'a>>,
    /// Why it was refused, in a word such as `expired`; what it says is not believed then, and not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Text<'a>>,
    /// What it allows, in the words of its issuer.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub scopes: Vec<Text<'a>>,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Text<'a>>,
}

/// A body: what may be shown of it, and what proves the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Body<'a> {
    /// Its size.
    pub bytes: u64,
    /// Its media type, as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Text<'a>>,
    /// Why there is no text: `media-type` (no JSON by its type) or `not-json` (none by its content).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omitted: Option<Text<'a>>,
    /// The SHA-256 of all of it as it was sent, in lower-case hex.
    pub sha256: Text<'a>,
    /// Its JSON with sensitive values replaced, cut at `audit.body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text<'a>>,
    /// Whether the text was cut.
    #[serde(skip_serializing_if = "is_false", default)]
    pub truncated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Makes the JSON Schema (2020-12) of a line of the log.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Record<'static>).to_value();
    let hash = serde_json::json!({
        "type": "string", "pattern": "^[0-9a-f]{64}$",
        "description": "The SHA-256 of the canonical form (RFC 8785) of all other members.",
    });
    if let Some(top) = schema.as_object_mut() {
        top.insert("title".to_owned(), "A line of netweave's audit log".into());
        if let Some(properties) = top.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("hash".to_owned(), hash);
        }
        if let Some(required) = top.get_mut("required").and_then(Value::as_array_mut) {
            required.push("hash".into());
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    /// A record with every member.
    fn full() -> Record<'static> {
        let body = || {
            json!({ "bytes": 3, "contentType": "application/json", "omitted": "not-json", "sha256": "ab", "text": "{\"a\":\"\\u0001\"}",
                "truncated": true })
        };
        let token = json!({ "client": "c", "expires": "t", "id": "j", "issuer": "i", "refused": "r", "scopes": ["s"],
            "subject": "s" });
        let record = json!({
            "certificate": { "alternativeNames": ["DNS:a"], "fingerprint": "f", "notAfter": "t", "serial": "1" },
            "collection": "c", "commonName": "smo", "decision": "allowed", "detail": { "b": 1, "a": { "d": 1, "c": "x" } },
            "durationUs": 1, "event": "api.call", "id": "i", "identity": "n", "identityField": "uri", "method": "GET", "operation": "o",
            "parent": "p", "prev": "0", "reason": "r", "request": body(), "requestId": "q", "response": body(), "responseBytes": 2,
            "route": "/", "seq": 7, "sourceIp": "::1", "status": 200, "target": "/x", "tenant": "t", "time": "now", "token": token, "traceId": "tr",
            "v": 1, "writer": "w",
        });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn what_is_written_is_sorted_and_without_blanks() {
        let written = serde_json::to_string(&full()).unwrap();
        let sorted: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written, sorted.to_string());
        assert_eq!(sorted.as_object().unwrap().len(), 30, "{written}");
    }

    #[test]
    fn the_common_name_is_there_even_if_there_is_none() {
        let written = serde_json::to_string(&Record::default()).unwrap();
        assert!(written.contains("\"commonName\":null"), "{written}");
    }

    #[test]
    fn the_committed_schema_is_what_the_types_say() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/audit.schema.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == text, "run: netweave audit schema > docs/audit.schema.json");
    }
}
