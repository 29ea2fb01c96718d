use super::*;
use std::collections::BTreeSet;

const BOTH: &[Major] = &[Major::V1, Major::V2];

fn read(majors: &[Major]) -> Value {
    serde_json::from_slice(&document("https://ims.example/", majors, Compatibility::Field).unwrap()).unwrap()
}

#[test]
fn every_route_is_described_with_its_methods_and_nothing_else_is() {
    let document = read(BOTH);
    let paths = document["paths"].as_object().unwrap();
    let mut described = 0;
    for template in templates() {
        let Some(route) = resolve(template, BOTH) else {
            continue;
        };
        let item = paths.get(template).unwrap_or_else(|| panic!("{template} is not described"));
        let methods: BTreeSet<_> =
            item.as_object().unwrap().keys().filter(|key| *key != "parameters").cloned().collect();
        let served: BTreeSet<_> = route.methods.iter().map(|method| method.as_str().to_lowercase()).collect();
        assert_eq!(methods, served, "{template}");
        let named = item.get("parameters").map_or(0, |parameters| parameters.as_array().unwrap().len());
        assert_eq!(named, template.matches('{').count(), "{template}");
        described += 1;
    }
    assert_eq!(described, paths.len());
    assert!(described > 40, "{described}");
}

#[test]
fn a_major_that_is_hidden_is_not_described() {
    let document = read(&[Major::V2]);
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.keys().all(|path| !path.contains("/v1/") || path.starts_with("/netweave/v1/")));
    assert!(paths.contains_key("/o2ims-infrastructureInventory/v2/locations"));
}

#[test]
fn operation_ids_are_unique_and_references_lead_somewhere() {
    let document = read(BOTH);
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{method} {path}: {id}");
        }
    }
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                    let found = document.pointer(target.strip_prefix('#').unwrap());
                    assert!(found.is_some_and(|found| !found.is_null()), "{target}");
                }
                open.extend(map.values());
            }
            Value::Array(list) => open.extend(list),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

#[test]
fn the_fields_v1_answers_a_delete_with_200() {
    let document = read(BOTH);
    let statuses = |major: &str| {
        let path = format!("/o2ims-infrastructureInventory/{major}/subscriptions/{{subscriptionId}}");
        document["paths"][&path]["delete"]["responses"].as_object().unwrap().keys().next().unwrap().clone()
    };
    assert_eq!((statuses("v1").as_str(), statuses("v2").as_str()), ("200", "204"));
}

#[test]
fn the_checker_of_bodies_finds_faults() {
    let document = read(BOTH);
    let schema = &document["components"]["schemas"]["ResourcePoolInfo"];
    for body in [json!({}), json!([]), json!({"resourcePoolId": 1})] {
        let fault = std::panic::catch_unwind(|| check::value(&document, schema, &body, "body"));
        assert!(fault.is_err(), "{body}");
    }
}
