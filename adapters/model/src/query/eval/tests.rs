//! What matches: a table per rule.

mod agreement;

use super::*;
use crate::kind::Kind;
use crate::query::{Filter, Target};
use serde_json::{Value, json};

const RESOURCE: Target = Target::Inventory(Kind::Resource);

fn filter(target: Target, text: &str) -> Filter {
    Filter::parse(target, [text], 8).unwrap_or_else(|error| panic!("{text}: {error}")).unwrap()
}

fn index(value: &Value, paths: &Paths) -> Indexed {
    Indexed::new(serde_json::to_vec(value).unwrap().into(), paths).unwrap()
}

fn matches(text: &str, value: &Value) -> bool {
    let paths = Paths::new();
    let object = index(value, &paths);
    filter(RESOURCE, text).bind(&paths).matches(&object)
}

fn check(value: &Value, cases: &[(&str, bool)]) {
    for (text, expected) in cases {
        assert_eq!(matches(text, value), *expected, "{text} on {value}");
    }
}

#[test]
fn texts_compare_by_code_point() {
    check(
        &json!({"description": "node-7 of zone b"}),
        &[
            ("(eq,description,node-7 of zone b)", true),
            ("(eq,description,node-7 of zone b )", false),
            ("(eq,description,Node-7 of zone b)", false),
            ("(neq,description,node-7)", true),
            ("(neq,description,node-7 of zone b)", false),
            ("(gt,description,node-6)", true),
            ("(gt,description,node-7 of zone b)", false),
            ("(gte,description,node-7 of zone b)", true),
            ("(lt,description,node-70)", true),
            ("(lt,description,Z)", false),
            ("(lte,description,é)", true),
            ("(lte,description,node-7 of zone b)", true),
            ("(in,description,x,node-7 of zone b)", true),
            ("(in,description,x,y)", false),
            ("(nin,description,x,y)", true),
            ("(nin,description,x,node-7 of zone b)", false),
            ("(cont,description,zone)", true),
            ("(cont,description,x,zone)", true),
            ("(cont,description,x,y)", false),
            ("(cont,description,)", true),
            ("(ncont,description,x,y)", true),
            ("(ncont,description,x,zone)", false),
        ],
    );
}

#[test]
fn numbers_compare_as_numbers() {
    check(
        &json!({"extensions": {"cpu": 64, "ratio": 1.5, "big": 9_007_199_254_740_993_u64, "text": "10", "quantity": "64Gi"}}),
        &[
            ("(eq,extensions/cpu,64)", true),
            ("(eq,extensions/cpu,64.0)", true),
            ("(eq,extensions/cpu,064)", true),
            ("(eq,extensions/cpu,6.4e1)", true),
            ("(gt,extensions/cpu,9)", true),
            ("(lt,extensions/cpu,100)", true),
            ("(gte,extensions/cpu,64)", true),
            ("(lte,extensions/cpu,63.9)", false),
            ("(in,extensions/cpu,1,64)", true),
            ("(nin,extensions/cpu,1,64)", false),
            ("(eq,extensions/ratio,1.50)", true),
            ("(eq,extensions/big,9007199254740993)", true),
            ("(eq,extensions/big,9007199254740992)", false),
            ("(gt,extensions/big,9007199254740992)", true),
            ("(cont,extensions/cpu,6)", true),
            ("(eq,extensions/cpu,x)", false),
            ("(neq,extensions/cpu,x)", true),
            ("(gt,extensions/cpu,x)", false),
            ("(lt,extensions/cpu,x)", false),
            // A text is a number for order only, and only beside another number.
            ("(gt,extensions/text,9)", true),
            ("(lt,extensions/text,9a)", true),
            ("(eq,extensions/text,10)", true),
            ("(eq,extensions/text,10.0)", false),
            ("(gte,extensions/text,10.0)", true),
            ("(eq,extensions/quantity,64Gi)", true),
            ("(gt,extensions/quantity,9)", false),
        ],
    );
}

#[test]
fn times_compare_as_times() {
    check(
        &json!({"extensions": {"created": "2026-03-02T10:00:00Z", "half": "2026-03-02"}}),
        &[
            ("(eq,extensions/created,2026-03-02T11:00:00+01:00)", true),
            ("(neq,extensions/created,2026-03-02T11:00:00+01:00)", false),
            ("(eq,extensions/created,2026-03-02T10:00:00.000Z)", true),
            ("(in,extensions/created,x,2026-03-02T10:00:00.000Z)", true),
            ("(gt,extensions/created,2026-03-02T10:30:00+01:00)", true),
            ("(lt,extensions/created,2026-03-02T09:30:00-01:00)", true),
            ("(gt,extensions/created,2026-03-02)", true),
            ("(lt,extensions/half,2026-03-02T10:00:00Z)", true),
        ],
    );
}

#[test]
fn booleans_equal_their_names_and_have_no_order() {
    check(
        &json!({"extensions": {"ready": true, "word": "true"}}),
        &[
            ("(eq,extensions/ready,true)", true),
            ("(eq,extensions/ready,false)", false),
            ("(neq,extensions/ready,false)", true),
            ("(in,extensions/ready,false,true)", true),
            ("(gte,extensions/ready,true)", false),
            ("(gt,extensions/ready,a)", false),
            ("(eq,extensions/word,true)", true),
            ("(gt,extensions/word,a)", true),
        ],
    );
}

#[test]
fn what_is_absent_null_or_empty_equals_nothing() {
    for value in [
        json!({}),
        json!({"extensions": {}}),
        json!({"extensions": {"a": null}}),
        json!({"extensions": {"a": []}}),
        json!({"extensions": {"a": {}}}),
        json!({"extensions": {"a": [null]}}),
        json!({"extensions": {"a": {"b": 1}}}),
        json!({"extensions": null}),
    ] {
        for (operator, expected) in [
            ("eq", false),
            ("neq", true),
            ("gt", false),
            ("lt", false),
            ("gte", false),
            ("lte", false),
            ("in", false),
            ("nin", true),
            ("cont", false),
            ("ncont", true),
        ] {
            check(&value, &[(&format!("({operator},extensions/a,null)"), expected)]);
        }
    }
}

#[test]
fn escaped_texts_and_names_are_read() {
    check(
        &json!({"description": "line\n\"é\" \\ /", "extensions": {"q\"uote": "a", "labels": {"example.com/a~b@c": "x"}}}),
        &[
            ("(eq,description,line\n\"é\" \\ /)", true),
            ("(cont,description,\"é\")", true),
            ("(cont,description,\\n)", false),
            ("(gt,description,line\n!)", true),
            ("(eq,extensions/q\"uote,a)", true),
            ("(eq,extensions/labels/example.com~1a~0b~bc,x)", true),
        ],
    );
}

/// Where the last object had an attribute is only a guess for the next one.
#[test]
fn objects_that_are_not_alike_are_each_judged_by_what_they_have() {
    let paths = Paths::new();
    let with = |value: &Value| index(value, &paths);
    let objects = [
        (with(&json!({"description": "b", "extensions": {"a": "x", "b": "y"}})), true),
        (with(&json!({"extensions": {"b": "y"}})), true),
        (with(&json!({"description": "b"})), false),
        (with(&json!({"extensions": {"a": "y", "b": "x"}})), false),
        (with(&json!({"a": 1, "b": 2, "c": 3, "extensions": {"a": "y", "b": "y"}})), true),
        (with(&json!({})), false),
    ];
    let bound = filter(RESOURCE, "(eq,extensions/b,y)").bind(&paths);
    for (object, expected) in objects.iter().chain(objects.iter().rev()) {
        assert_eq!(bound.matches(object), *expected, "{}", String::from_utf8_lossy(object.json()));
    }
    let ports = with(&json!({"extensions": {"ports": [{"id": 1, "up": true}, {"id": 2, "up": false}]}}));
    let other = with(&json!({"description": "d", "extensions": {"ports": [{"id": 2, "up": true}]}}));
    let bound = filter(RESOURCE, "(eq,extensions/ports/id,2);(eq,extensions/ports/up,true)").bind(&paths);
    assert_eq!([&ports, &other, &ports].map(|object| bound.matches(object)), [false, true, false]);
}

#[test]
fn one_element_must_satisfy_all_that_share_its_array() {
    let value = json!({
        "tags": ["a", "b", "10"],
        "elements": [
            {"resourceId": "1", "description": "x", "tags": ["p"], "elements": [{"resourceId": "3", "description": "z"}]},
            {"resourceId": "2", "description": "y", "tags": ["q", "r"], "extensions": {"slot": 2}},
        ],
        "extensions": {"nics": [{"name": "eth0", "speed": 10}, {"name": "eth1", "speed": 25}]},
    });
    check(
        &value,
        &[
            ("(eq,tags,a)", true),
            ("(eq,tags,a);(neq,tags,a)", false),
            ("(neq,tags,a)", true),
            ("(nin,tags,a,b,10)", false),
            ("(gt,tags,9);(lt,tags,11)", true),
            ("(cont,tags,1);(cont,tags,0)", true),
            ("(cont,tags,a);(cont,tags,b)", false),
            ("(eq,elements/resourceId,1);(eq,elements/description,x)", true),
            ("(eq,elements/resourceId,1);(eq,elements/description,y)", false),
            ("(eq,elements/resourceId,1);(neq,elements/description,x)", false),
            ("(eq,elements/resourceId,2);(eq,elements/tags,r)", true),
            ("(eq,elements/resourceId,1);(eq,elements/tags,r)", false),
            ("(eq,elements/tags,q);(eq,elements/tags,r)", false),
            ("(eq,elements/extensions/slot,2);(eq,elements/description,y)", true),
            ("(neq,elements/extensions/slot,2)", true),
            ("(neq,elements/extensions/slot,2);(eq,elements/description,y)", false),
            ("(eq,elements/elements/resourceId,3);(eq,elements/resourceId,1)", true),
            ("(eq,elements/elements/resourceId,3);(eq,elements/resourceId,2)", false),
            ("(eq,elements/elements/resourceId,1)", false),
            ("(eq,extensions/nics/name,eth1);(gt,extensions/nics/speed,20)", true),
            ("(eq,extensions/nics/name,eth0);(gt,extensions/nics/speed,20)", false),
        ],
    );
    check(
        &json!({"elements": []}),
        &[("(eq,elements/resourceId,1)", false), ("(neq,elements/resourceId,1)", true)],
    );
}

#[test]
fn keys_of_maps_are_compared_like_texts() {
    let value =
        json!({"extensions": {"labels": {"a/b": "1", "zone": {"x": 1}, "list": [{"y": 2}]}, "none": {}}});
    check(
        &value,
        &[
            ("(eq,extensions/labels/@key,a/b)", true),
            ("(eq,extensions/labels/@key,zone)", true),
            ("(eq,extensions/labels/@key,x)", false),
            ("(eq,extensions/labels/@key,y)", false),
            ("(eq,extensions/labels/list/@key,y)", true),
            ("(cont,extensions/labels/@key,on)", true),
            ("(cont,extensions/labels/@key,on);(cont,extensions/labels/@key,/)", false),
            ("(neq,extensions/labels/@key,zone)", true),
            ("(in,extensions/@key,labels,other)", true),
            ("(eq,extensions/@key,none)", true),
            ("(eq,extensions/none/@key,x)", false),
            ("(neq,extensions/none/@key,x)", true),
            ("(neq,extensions/absent/@key,x)", true),
            ("(nin,extensions/none/@key,x);(eq,extensions/labels/a~1b,1)", true),
        ],
    );
    let value =
        json!({"elements": [{"extensions": {"labels": {"p": 1}}, "description": "1"}, {"description": "2"}]});
    check(
        &value,
        &[
            ("(eq,elements/extensions/labels/@key,p);(eq,elements/description,1)", true),
            ("(eq,elements/extensions/labels/@key,p);(eq,elements/description,2)", false),
            ("(neq,elements/extensions/labels/@key,p);(eq,elements/description,2)", true),
        ],
    );
}

#[test]
fn arrays_of_other_types_are_reached_too() {
    let paths = Paths::new();
    let value = json!({"coordinate": {"type": "Point", "coordinates": [13.4, 52.5]},
        "civicAddress": [{"caType": 1, "caValue": "BE"}, {"caType": 24, "caValue": "10115"}]});
    let object = index(&value, &paths);
    for (text, expected) in [
        ("(gt,coordinate/coordinates,50)", true),
        ("(gt,coordinate/coordinates,60)", false),
        ("(eq,civicAddress/caType,24);(eq,civicAddress/caValue,10115)", true),
        ("(eq,civicAddress/caType,1);(eq,civicAddress/caValue,10115)", false),
    ] {
        let bound = filter(Target::Inventory(Kind::Location), text).bind(&paths);
        assert_eq!(bound.matches(&object), expected, "{text}");
    }
}

#[test]
fn an_object_with_paths_that_are_newer_than_the_bound_filter_is_still_read_right() {
    let paths = Paths::new();
    let old = index(&json!({"description": "x"}), &paths);
    let bound = filter(RESOURCE, "(eq,extensions/nics/name,a);(eq,extensions/nics/speed,1)").bind(&paths);
    let absent = filter(RESOURCE, "(neq,extensions/nics/name,a)").bind(&paths);
    let keys = filter(RESOURCE, "(eq,extensions/@key,nics)").bind(&paths);
    assert!(!bound.matches(&old) && absent.matches(&old) && !keys.matches(&old));
    assert!(bound.is_current(&paths));
    let new = index(&json!({"extensions": {"nics": [{"name": "a", "speed": 1}]}}), &paths);
    assert!(bound.matches(&new) && !absent.matches(&new) && keys.matches(&new));
    assert!(!bound.is_current(&paths));
    let other = index(
        &json!({"extensions": {"nics": [{"name": "a", "speed": 2}, {"name": "b", "speed": 1}]}}),
        &paths,
    );
    assert!(!bound.matches(&other));
}

#[test]
fn an_object_with_paths_beyond_the_table_is_still_read_right() {
    let paths = Paths::with_limit(1);
    let object = index(&json!({"description": "x", "extensions": {"a": [{"b": 1}]}}), &paths);
    assert!(filter(RESOURCE, "(eq,extensions/a/b,1);(eq,description,x)").bind(&paths).matches(&object));
    assert!(!filter(RESOURCE, "(neq,extensions/a/b,1)").bind(&paths).matches(&object));
    assert!(filter(RESOURCE, "(eq,extensions/@key,a)").bind(&paths).matches(&object));
}
