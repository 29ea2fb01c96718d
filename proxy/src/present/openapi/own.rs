//! JSON Schemas of what is not in the attribute tables: versions, problems, and everything under `/netweave/v1/`.

use super::schemas::reference;
use serde_json::{Map, Value, json};

/// Returns these schemas by name.
pub(super) fn all() -> impl Iterator<Item = (String, Value)> {
    let schemas = [
        ("ApiVersionInformation", versions()),
        ("ProblemDetails", problem()),
        ("Caller", caller()),
        ("Source", source()),
        ("Health", health()),
        ("SubscriptionRequest", subscription_request()),
        ("SubscriptionState", subscription_state()),
        ("Renewal", record(&[], &[("lease", duration())])),
        ("SecretRotation", record(&[], &[("overlap", duration())])),
        ("QueuedNotice", record(&[("notificationId", uuid()), ("sequence", count())], &[])),
        ("ReplayRequest", record(&[], &[("from", count()), ("since", time())])),
        (
            "Replayed",
            record(
                &[("deadLetters", count()), ("changes", count()), ("complete", yes_or_no())],
                &[("nextSince", time())],
            ),
        ),
        ("Attempt", attempt()),
        ("DeadLetter", dead_letter()),
        ("Deliveries", record(&[("attempts", list("Attempt")), ("deadLetters", list("DeadLetter"))], &[])),
        ("SupposedChange", supposed_change()),
        ("Verdict", record(&[("sent", yes_or_no()), ("reason", text()), ("detail", text())], &[])),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema))
}

/// Makes the schema of an object of members that are always there and members that may be absent.
fn record(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let names: Vec<_> = required.iter().map(|(name, _)| *name).collect();
    let all = required.iter().chain(optional);
    let properties: Map<_, _> = all.map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn text_or_null() -> Value {
    json!({ "type": ["string", "null"] })
}

fn one_of(values: &[&str]) -> Value {
    json!({ "type": "string", "enum": values })
}

fn uri() -> Value {
    json!({ "type": "string", "format": "uri" })
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn time_or_null() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

fn duration() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn yes_or_no() -> Value {
    json!({ "type": "boolean" })
}

fn object() -> Value {
    json!({ "type": "object", "additionalProperties": true })
}

fn list(name: &str) -> Value {
    json!({ "type": "array", "items": reference(name) })
}

/// Source: ETSI GS NFV-SOL 013, `ApiVersionInformation`, unverified.
fn versions() -> Value {
    let version =
        record(&[("version", text())], &[("isDeprecated", yes_or_no()), ("retirementDate", time())]);
    record(&[("uriPrefix", uri()), ("apiVersions", json!({ "type": "array", "items": version }))], &[])
}

/// Source: RFC 9457, 3.1.
fn problem() -> Value {
    let status = json!({ "type": "integer", "minimum": 400, "maximum": 599 });
    let param = record(&[("name", text()), ("reason", text())], &[("position", count())]);
    let required = [
        ("type", json!({ "type": "string", "format": "uri-reference" })),
        ("title", text()),
        ("status", status),
        ("detail", text()),
    ];
    let params = json!({ "type": "array", "items": param });
    record(&required, &[("requestId", text()), ("traceId", text()), ("invalidParams", params)])
}

fn caller() -> Value {
    let numbers = ["requestsPerSecond", "burst", "bodyBytes", "urlBytes", "filterDepth"];
    let required = [
        ("name", text()),
        ("field", one_of(&["uri", "dns", "commonName", "token"])),
        ("commonName", text_or_null()),
        ("fingerprint", text_or_null()),
        ("notAfter", time()),
        ("certificateDaysLeft", json!({ "type": ["integer", "null"], "minimum": 0 })),
        ("limits", record(&numbers.map(|name| (name, count())), &[])),
        ("subscriptions", record(&[("used", count()), ("allowed", count())], &[])),
    ];
    record(&required, &[("token", token())])
}

/// What a caller is told of its own token; null where tokens are not asked for.
fn token() -> Value {
    let required = [
        ("issuer", text()),
        ("subject", text_or_null()),
        ("client", text_or_null()),
        ("scopes", json!({ "type": "array", "items": text() })),
        ("expiresAt", time()),
        ("bound", yes_or_no()),
    ];
    json!({ "anyOf": [record(&required, &[]), { "type": "null" }] })
}

fn source() -> Value {
    let failure = record(&[("at", time()), ("kind", text())], &[]);
    let required = [
        ("name", text()),
        ("backend", text()),
        ("live", yes_or_no()),
        ("seenAt", time_or_null()),
        ("ageSeconds", json!({ "type": ["integer", "null"], "minimum": 0 })),
        ("failure", json!({ "oneOf": [failure, { "type": "null" }] })),
        ("objects", json!({ "type": "object", "additionalProperties": count() })),
    ];
    record(&required, &[])
}

fn health() -> Value {
    let check =
        record(&[("name", text())], &[("ok", yes_or_no()), ("degraded", yes_or_no()), ("detail", text())]);
    record(&[("status", text())], &[("checks", json!({ "type": "array", "items": check }))])
}

fn subscription_request() -> Value {
    let states = one_of(&["object", "string"]);
    record(
        &[("callback", uri())],
        &[("consumerSubscriptionId", text()), ("filter", text()), ("states", states)],
    )
}

fn subscription_state() -> Value {
    let required = [
        ("subscriptionId", text()),
        ("callback", uri()),
        ("major", one_of(&["v1", "v2"])),
        ("states", one_of(&["object", "string"])),
        ("createdAt", time()),
        ("expiresAt", time()),
        ("leaseSeconds", count()),
        ("state", one_of(&["active", "suspended"])),
        ("backlog", count()),
        ("oldest", time_or_null()),
        ("nextAttempt", time_or_null()),
        ("failures", count()),
        ("dead", count()),
        ("discarded", count()),
        ("lastSequence", count()),
    ];
    record(
        &required,
        &[
            ("consumerSubscriptionId", text()),
            ("filter", text()),
            ("reason", text()),
            ("formerSecretUntil", time()),
        ],
    )
}

fn attempt() -> Value {
    let status = json!({ "type": ["integer", "null"] });
    let required = [
        ("sequence", count()),
        ("notificationId", uuid()),
        ("at", time()),
        ("durationMs", count()),
        ("status", status),
        ("delivered", yes_or_no()),
        ("error", text_or_null()),
    ];
    record(&required, &[])
}

fn dead_letter() -> Value {
    let required = [
        ("sequence", count()),
        ("notificationId", uuid()),
        ("reason", one_of(&["refused", "tooOld", "overflow", "expired"])),
        ("at", time()),
        ("queuedAt", time()),
        ("attempts", count()),
    ];
    record(&required, &[("objectType", text()), ("objectId", text())])
}

fn supposed_change() -> Value {
    let optional = [
        (
            "eventType",
            json!({ "description": "Create, modify or delete; follows from the states if absent." }),
        ),
        ("prior", object()),
        ("post", object()),
        ("filter", text()),
        ("major", one_of(&["v1", "v2"])),
    ];
    record(&[("objectType", text())], &optional)
}
