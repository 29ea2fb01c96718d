//! JSON Schemas of the data types: those of the inventory from the attribute tables, the few others by hand.

use netweave_model::Kind;
use netweave_model::query::Target;
use netweave_model::query::schema::{Attribute, Scalar, Shape, Table};
use serde_json::{Map, Value, json};

/// Refers to a schema by its name.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Returns all schemas by name.
pub(super) fn all() -> Map<String, Value> {
    let mut schemas = Map::new();
    let kinds = Kind::ALL.into_iter().map(Target::Inventory);
    for target in kinds.chain([Target::Cloud, Target::Subscription]) {
        add(target.table(), &mut schemas);
    }
    schemas.extend(by_hand());
    schemas
}

/// Adds a table, and the tables that it names.
fn add(table: &'static Table, schemas: &mut Map<String, Value>) {
    if schemas.contains_key(table.name) {
        return;
    }
    // First the name: tables may name themselves.
    schemas.insert(table.name.to_owned(), Value::Null);
    for attribute in table.attributes {
        if let Shape::Object(inner) | Shape::ObjectArray(inner) = &attribute.shape {
            add(inner, schemas);
        }
    }
    let required: Vec<_> = table
        .attributes
        .iter()
        .filter(|attribute| attribute.mandatory)
        .map(|attribute| attribute.name)
        .collect();
    let properties: Map<_, _> =
        table.attributes.iter().map(|attribute| (attribute.name.to_owned(), property(attribute))).collect();
    let schema = json!({ "type": "object", "required": required, "properties": properties });
    schemas.insert(table.name.to_owned(), schema);
}

fn property(attribute: &Attribute) -> Value {
    let mut schema = match &attribute.shape {
        Shape::Simple(of) => scalar(*of),
        Shape::Object(table) => reference(table.name),
        Shape::SimpleArray(of) => json!({ "type": "array", "items": scalar(*of) }),
        Shape::ObjectArray(table) => json!({ "type": "array", "items": reference(table.name) }),
        Shape::Map => json!({ "type": "object", "additionalProperties": true }),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), attribute.about.into());
        if attribute.deprecated {
            schema.insert("deprecated".to_owned(), true.into());
        }
    }
    schema
}

fn scalar(of: Scalar) -> Value {
    match of {
        Scalar::Text => json!({ "type": "string" }),
        Scalar::Identifier => json!({ "type": "string", "minLength": 1 }),
        Scalar::Uri => json!({ "type": "string", "format": "uri" }),
        Scalar::Uuid => json!({ "type": "string", "format": "uuid" }),
        Scalar::Number => json!({ "type": "number" }),
        Scalar::Integer => json!({ "type": "integer" }),
        Scalar::Enum(values) => json!({ "type": "string", "enum": values }),
    }
}

/// Returns the schemas of what is not in the attribute tables.
fn by_hand() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let time = json!({ "type": "string", "format": "date-time" });
    let open = |about: &str| json!({ "type": "object", "description": about, "additionalProperties": true });
    let schemas = [
        ("ApiVersionInformation", versions()),
        ("ProblemDetails", problem()),
        (
            "SubscriptionRequest",
            json!({
                "type": "object",
                "required": ["callback"],
                "properties": { "callback": { "type": "string", "format": "uri" }, "consumerSubscriptionId": text, "filter": text },
            }),
        ),
        (
            "SubscriptionState",
            json!({
                "type": "object",
                "description": "A subscription with its lease, its state and its backlog.",
                "required": ["subscriptionId", "callback", "expiresAt", "state"],
                "properties": {
                    "subscriptionId": text, "callback": { "type": "string", "format": "uri" },
                    "consumerSubscriptionId": text, "filter": text, "expiresAt": time, "state": text,
                },
                "additionalProperties": true,
            }),
        ),
        ("Caller", open("The caller as its certificate names it, and its limits.")),
        (
            "Sources",
            json!({ "description": "The backends, how fresh what is known of them is, and what fails." }),
        ),
        ("Deliveries", open("The latest delivery attempts and the dead letters.")),
        ("Verdict", open("Whether a change would be sent, and why.")),
        ("Change", open("A change to try a filter on: object type, and the object before and after.")),
        ("Replay", open("From which sequence number or time on to deliver again.")),
        ("Renewal", open("How long the lease shall be.")),
        ("Outcome", open("What was done.")),
        ("Health", open("What was checked.")),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// Source: ETSI GS NFV-SOL 013, `ApiVersionInformation`.
fn versions() -> Value {
    json!({
        "type": "object",
        "required": ["uriPrefix", "apiVersions"],
        "properties": {
            "uriPrefix": { "type": "string", "format": "uri" },
            "apiVersions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["version"],
                    "properties": {
                        "version": { "type": "string" },
                        "isDeprecated": { "type": "boolean" },
                        "retirementDate": { "type": "string", "format": "date-time" },
                    },
                },
            },
        },
    })
}

/// Source: RFC 9457, 3.
fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["status", "detail"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference" },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string" },
            "requestId": { "type": "string" },
            "invalidParams": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "reason"],
                    "properties": {
                        "name": { "type": "string" },
                        "reason": { "type": "string" },
                        "position": { "type": "integer", "minimum": 0 },
                    },
                },
            },
        },
    })
}
