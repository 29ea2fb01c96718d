//! Checks a body against a schema of the document, as far as the document uses JSON Schema. For tests.

use serde_json::Value;

/// Panics with the place of the fault if the body is not what the schema says, or has a member it does not name.
pub(crate) fn value(document: &Value, schema: &Value, body: &Value, at: &str) {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let schema = document.pointer(target.strip_prefix('#').unwrap()).unwrap();
        return value(document, schema, body, at);
    }
    match schema["type"].as_str().unwrap() {
        "object" => object(document, schema, body, at),
        "array" => {
            for (index, item) in
                body.as_array().unwrap_or_else(|| panic!("{at}: no array")).iter().enumerate()
            {
                value(document, &schema["items"], item, &format!("{at}/{index}"));
            }
        }
        "string" => {
            let text = body.as_str().unwrap_or_else(|| panic!("{at}: no text"));
            if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
                assert!(allowed.iter().any(|value| value == text), "{at}: {text} is not allowed");
            }
        }
        "integer" => assert!(body.is_i64() || body.is_u64(), "{at}: no integer"),
        "number" => assert!(body.is_number(), "{at}: no number"),
        "boolean" => assert!(body.is_boolean(), "{at}: no boolean"),
        other => panic!("{at}: unknown type {other}"),
    }
}

fn object(document: &Value, schema: &Value, body: &Value, at: &str) {
    let members = body.as_object().unwrap_or_else(|| panic!("{at}: no object"));
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(members.contains_key(name.as_str().unwrap()), "{at}: {name} is missing");
    }
    for (name, member) in members {
        match schema.get("properties").and_then(|properties| properties.get(name)) {
            Some(schema) => value(document, schema, member, &format!("{at}/{name}")),
            None => assert_eq!(
                schema.get("additionalProperties"),
                Some(&Value::Bool(true)),
                "{at}: unknown {name}"
            ),
        }
    }
}
