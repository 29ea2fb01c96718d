//! JSON Schemas of the data types of O2-IMS, from the attribute tables.

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
    schemas.extend(super::own::all());
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
