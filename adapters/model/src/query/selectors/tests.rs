//! What selectors keep and cut.

use super::*;
use crate::kind::Kind;
use crate::query::schema::{Scalar, Shape};
use proptest::prelude::*;
use serde_json::{Value, json};

fn given<'a>(fields: &[&'a str], exclude_fields: &[&'a str]) -> Given<'a> {
    Given { fields: fields.to_vec(), exclude_fields: exclude_fields.to_vec(), ..Given::default() }
}

fn apply(target: Target, given: &Given<'_>, value: &Value) -> Value {
    let selectors = Selectors::new(target, given).unwrap();
    serde_json::from_slice(&selectors.apply(value.to_string().as_bytes()).unwrap()).unwrap()
}

const RESOURCE: Target = Target::Inventory(Kind::Resource);
const ALARMS: Target = Target::Inventory(Kind::AlarmDictionary);

fn resource() -> Value {
    json!({"resourceId": "r", "resourcePoolId": "p", "resourceTypeId": "t", "globalAssetId": "g", "description": "d",
        "elements": [{"resourceId": "e", "description": "d", "tags": ["x"], "extensions": {"a": 1}}],
        "tags": ["x"], "groups": [], "extensions": {"labels": {"a/b": "1", "c": "2"}, "cpu": 4, "nics": [{"n": 1, "m": 2}]}})
}

#[test]
fn fields_keep_what_is_listed_and_what_is_mandatory_or_simple() {
    let kept = apply(RESOURCE, &given(&["tags"], &[]), &resource());
    assert_eq!(
        kept,
        json!({"resourceId": "r", "resourcePoolId": "p", "resourceTypeId": "t", "globalAssetId": "g", "description": "d",
            "tags": ["x"]})
    );
    assert_eq!(apply(RESOURCE, &given(&["(tags)"], &[]), &resource()), kept);
    assert_eq!(apply(RESOURCE, &given(&["description,tags", "tags"], &[]), &resource()), kept);
}

#[test]
fn nested_fields_keep_parts() {
    let kept = apply(
        RESOURCE,
        &given(&["extensions/labels/a~1b,extensions/nics/n,elements/extensions"], &[]),
        &resource(),
    );
    assert_eq!(kept["extensions"], json!({"labels": {"a/b": "1"}, "nics": [{"n": 1}]}));
    assert_eq!(kept["elements"], json!([{"resourceId": "e", "description": "d", "extensions": {"a": 1}}]));
    assert_eq!(kept.get("tags"), None);
    let kept = apply(RESOURCE, &given(&["extensions/absent"], &[]), &resource());
    assert_eq!(kept["extensions"], json!({}));
}

#[test]
fn exclude_fields_cut_what_is_listed_but_nothing_mandatory_or_simple() {
    let mut expected = resource();
    let cut = apply(
        RESOURCE,
        &given(&[], &["(elements,resourceId,globalAssetId,extensions/labels/c)"]),
        &resource(),
    );
    expected.as_object_mut().unwrap().remove("elements");
    expected["extensions"]["labels"].as_object_mut().unwrap().remove("c");
    assert_eq!(cut, expected);
    let cut = apply(RESOURCE, &given(&[], &["elements/tags", "extensions/nics/m"]), &resource());
    assert_eq!(cut["elements"][0].get("tags"), None);
    assert_eq!(cut["extensions"]["nics"], json!([{"n": 1}]));
    assert_eq!(cut["tags"], json!(["x"]));
}

#[test]
fn mandatory_arrays_stay_and_their_optional_parts_can_be_chosen() {
    let value = json!({"alarmDictionaryId": "a", "alarmDefinition": [
        {"alarmDefinitionId": "1", "pkNotificationField": ["x"], "alarmAdditionalFields": {"k": 1}}]});
    assert_eq!(apply(ALARMS, &given(&["vendor"], &[]), &value), value);
    assert_eq!(apply(ALARMS, &given(&[], &["alarmDefinition"]), &value), value);
    let kept = apply(ALARMS, &given(&["alarmDefinition/alarmAdditionalFields"], &[]), &value);
    assert_eq!(
        kept["alarmDefinition"],
        json!([{"alarmDefinitionId": "1", "alarmAdditionalFields": {"k": 1}}])
    );
    let cut = apply(ALARMS, &given(&[], &["alarmDefinition/alarmAdditionalFields"]), &value);
    assert_eq!(cut["alarmDefinition"], json!([{"alarmDefinitionId": "1", "pkNotificationField": ["x"]}]));
}

#[test]
fn the_stronger_selector_wins() {
    let canonical = |given: &Given<'_>| Selectors::new(RESOURCE, given).unwrap().canonical().to_owned();
    let mut all = given(&["tags,groups"], &["extensions"]);
    assert_eq!(canonical(&all), "fields=groups,tags");
    all.exclude_default = true;
    assert_eq!(canonical(&all), "fields=groups,tags");
    all.all_fields = true;
    assert_eq!(canonical(&all), "");
    assert_eq!(
        canonical(&given(&[], &["extensions/b,extensions/a,extensions,tags"])),
        "exclude_fields=extensions,tags"
    );
    assert_eq!(canonical(&Given { exclude_default: true, ..Given::default() }), "");
    assert!(Selectors::whole(RESOURCE).is_identity());
    assert!(!Selectors::new(RESOURCE, &given(&["tags"], &[])).unwrap().is_identity());
}

#[test]
fn errors_name_the_parameter_and_the_byte() {
    let cases = [
        ("unknown", 0),
        ("tags,unknown", 5),
        ("(tags,unknown)", 6),
        ("tags/x", 5),
        ("elements/unknown", 9),
        ("extensions/@key", 11),
        ("", 0),
        ("()", 1),
        ("tags,", 5),
        ("(tags", 0),
        ("tags)", 0),
        ("tags, groups", 5),
        ("extensions/a~2", 12),
    ];
    for (text, at) in cases {
        for parameter in ["fields", "exclude_fields"] {
            let given = if parameter == "fields" { given(&[text], &[]) } else { given(&[], &[text]) };
            let error = Selectors::new(RESOURCE, &given).unwrap_err();
            assert_eq!(error.params()[0].name, parameter, "{text}");
            assert_eq!(error.params()[0].position, Some(at), "{text}");
        }
    }
    let overridden = Given { all_fields: true, ..given(&["unknown"], &[]) };
    assert!(
        Selectors::new(RESOURCE, &overridden).is_err(),
        "an unknown name is refused even where it has no effect"
    );
}

#[test]
fn the_number_and_depth_of_names_are_bounded() {
    let many = vec!["tags"; MAX_NAMES].join(",");
    assert!(Selectors::new(RESOURCE, &given(&[&many], &[])).is_ok());
    assert!(Selectors::new(RESOURCE, &given(&[&many], &["tags"])).is_err());
    let deep = format!("extensions{}", "/a".repeat(MAX_DEPTH));
    assert!(Selectors::new(RESOURCE, &given(&[&deep], &[])).is_err());
}

#[test]
fn what_is_no_json_is_an_error() {
    let selectors = Selectors::new(RESOURCE, &given(&["tags"], &[])).unwrap();
    for json in ["", "{", "{\"tags\":}", "{} x"] {
        assert!(selectors.apply(json.as_bytes()).is_err(), "{json}");
    }
}

/// Any object of a type, with optional attributes present or not.
fn any_object(table: &'static Table, depth: u32) -> BoxedStrategy<Value> {
    let members: Vec<BoxedStrategy<(String, Option<Value>)>> = table
        .attributes
        .iter()
        .map(|attribute| {
            let value = match attribute.shape {
                Shape::Simple(Scalar::Integer | Scalar::Number) => any::<i32>().prop_map(Value::from).boxed(),
                Shape::Simple(_) => "[a-z\"\\\\é{},]{0,4}".prop_map(Value::from).boxed(),
                Shape::SimpleArray(_) => {
                    prop::collection::vec("[a-z\\]\"]{0,3}", 0..3).prop_map(Value::from).boxed()
                }
                Shape::Map => prop::collection::btree_map("[a-c/\"]{1,2}", any::<bool>(), 0..3)
                    .prop_map(|map| json!(map))
                    .boxed(),
                Shape::Object(_) | Shape::ObjectArray(_) if depth == 0 => Just(json!([])).boxed(),
                Shape::Object(inner) => any_object(inner, depth - 1),
                Shape::ObjectArray(inner) => {
                    prop::collection::vec(any_object(inner, depth - 1), 0..3).prop_map(Value::from).boxed()
                }
            };
            let value = if attribute.mandatory {
                value.prop_map(Some).boxed()
            } else {
                prop::option::of(value).boxed()
            };
            value.prop_map(|value| (attribute.name.to_owned(), value)).boxed()
        })
        .collect();
    members
        .prop_map(|members| Value::Object(members.into_iter().filter_map(|(k, v)| Some((k, v?))).collect()))
        .boxed()
}

/// Any attribute of a type, and sometimes one of a part of it.
fn any_name(table: &'static Table) -> impl Strategy<Value = String> {
    let mut names = Vec::new();
    for attribute in table.attributes {
        names.push(attribute.name.to_owned());
        match Place::of(attribute) {
            Place::Table(inner) => {
                names.extend(inner.attributes.iter().map(|part| format!("{}/{}", attribute.name, part.name)));
            }
            Place::Map | Place::Free => names.push(format!("{}/a", attribute.name)),
            Place::Leaf => {}
        }
    }
    prop::sample::select(names)
}

fn any_case() -> impl Strategy<Value = (Target, Value, Vec<String>, bool)> {
    prop::sample::select(Kind::ALL.to_vec()).prop_flat_map(|kind| {
        let table = Target::Inventory(kind).table();
        let names = prop::collection::vec(any_name(table), 1..4);
        (Just(Target::Inventory(kind)), any_object(table, 1), names, any::<bool>())
    })
}

/// Checks that `part` is `whole` with members left out.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|other| is_part(value, other)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(part, whole)| is_part(part, whole))
        }
        (part, whole) => part == whole,
    }
}

proptest! {
    #[test]
    fn what_is_left_is_json_with_all_that_must_stay((target, value, names, keep) in any_case()) {
        let list = names.join(",");
        let given = if keep { given(&[&list], &[]) } else { given(&[], &[&list]) };
        let selectors = Selectors::new(target, &given).unwrap();
        let left: Value = serde_json::from_slice(&selectors.apply(value.to_string().as_bytes()).unwrap()).unwrap();
        prop_assert!(is_part(&left, &value));
        for attribute in target.table().attributes {
            let (name, before) = (attribute.name, value.get(attribute.name));
            let listed = names.iter().any(|listed| listed == name);
            let part = names.iter().any(|listed| listed.starts_with(&format!("{name}/")));
            let chosen = if keep { listed || part } else { !listed };
            let stays = attribute.mandatory || attribute.is_simple() || chosen;
            prop_assert_eq!(left.get(name).is_some(), before.is_some() && stays, "{}", name);
            if attribute.is_simple() || !part {
                prop_assert!(left.get(name).is_none() || left.get(name) == before);
            }
        }
        let again = given_again(&selectors);
        prop_assert_eq!(Selectors::new(target, &again).unwrap(), selectors.clone());
    }
}

/// Reads a canonical spelling back.
fn given_again(selectors: &Selectors) -> Given<'_> {
    match selectors.canonical().split_once('=') {
        Some(("fields", names)) => given(&[names], &[]),
        Some((_, names)) => given(&[], &[names]),
        None => Given::default(),
    }
}
