//! What matches: tables per rule, and agreement with an evaluator over parsed values.

use super::*;
use crate::kind::Kind;
use crate::query::{Filter, Target};
use proptest::prelude::*;
use serde_json::{Value, json};

const RESOURCE: Target = Target::Inventory(Kind::Resource);

fn filter(target: Target, text: &str) -> Filter {
    Filter::parse(target, [text], 8)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .unwrap()
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
            (
                "(eq,elements/extensions/slot,2);(eq,elements/description,y)",
                true,
            ),
            ("(neq,elements/extensions/slot,2)", true),
            (
                "(neq,elements/extensions/slot,2);(eq,elements/description,y)",
                false,
            ),
            (
                "(eq,elements/elements/resourceId,3);(eq,elements/resourceId,1)",
                true,
            ),
            (
                "(eq,elements/elements/resourceId,3);(eq,elements/resourceId,2)",
                false,
            ),
            ("(eq,elements/elements/resourceId,1)", false),
            (
                "(eq,extensions/nics/name,eth1);(gt,extensions/nics/speed,20)",
                true,
            ),
            (
                "(eq,extensions/nics/name,eth0);(gt,extensions/nics/speed,20)",
                false,
            ),
        ],
    );
    check(
        &json!({"elements": []}),
        &[
            ("(eq,elements/resourceId,1)", false),
            ("(neq,elements/resourceId,1)", true),
        ],
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
            (
                "(cont,extensions/labels/@key,on);(cont,extensions/labels/@key,/)",
                false,
            ),
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
            (
                "(eq,elements/extensions/labels/@key,p);(eq,elements/description,1)",
                true,
            ),
            (
                "(eq,elements/extensions/labels/@key,p);(eq,elements/description,2)",
                false,
            ),
            (
                "(neq,elements/extensions/labels/@key,p);(eq,elements/description,2)",
                true,
            ),
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
        (
            "(eq,civicAddress/caType,24);(eq,civicAddress/caValue,10115)",
            true,
        ),
        (
            "(eq,civicAddress/caType,1);(eq,civicAddress/caValue,10115)",
            false,
        ),
    ] {
        let bound = filter(Target::Inventory(Kind::Location), text).bind(&paths);
        assert_eq!(bound.matches(&object), expected, "{text}");
    }
}

#[test]
fn an_object_with_paths_that_are_newer_than_the_bound_filter_is_still_read_right() {
    let paths = Paths::new();
    let old = index(&json!({"description": "x"}), &paths);
    let bound = filter(
        RESOURCE,
        "(eq,extensions/nics/name,a);(eq,extensions/nics/speed,1)",
    )
    .bind(&paths);
    let absent = filter(RESOURCE, "(neq,extensions/nics/name,a)").bind(&paths);
    let keys = filter(RESOURCE, "(eq,extensions/@key,nics)").bind(&paths);
    assert!(!bound.matches(&old) && absent.matches(&old) && !keys.matches(&old));
    assert!(bound.is_current(&paths));
    let new = index(
        &json!({"extensions": {"nics": [{"name": "a", "speed": 1}]}}),
        &paths,
    );
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
    let object = index(
        &json!({"description": "x", "extensions": {"a": [{"b": 1}]}}),
        &paths,
    );
    assert!(
        filter(RESOURCE, "(eq,extensions/a/b,1);(eq,description,x)")
            .bind(&paths)
            .matches(&object)
    );
    assert!(
        !filter(RESOURCE, "(neq,extensions/a/b,1)")
            .bind(&paths)
            .matches(&object)
    );
    assert!(
        filter(RESOURCE, "(eq,extensions/@key,a)")
            .bind(&paths)
            .matches(&object)
    );
}

/// An expression as the oracle sees it: names left to go, whether keys are meant, operator, values.
type Plain<'a> = (&'a [String], bool, &'a str, &'a [String]);

/// Evaluates by walking parsed values; shares nothing with the evaluator but the rules.
fn oracle(group: &[Plain<'_>], value: &Value) -> bool {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().any(|item| oracle(group, item)),
        Value::Object(map) if !map.is_empty() => {
            let (keys, rest): (Vec<Plain<'_>>, Vec<Plain<'_>>) = group
                .iter()
                .copied()
                .partition(|(names, key, ..)| names.is_empty() && *key);
            let (names, own): (Vec<Plain<'_>>, Vec<Plain<'_>>) =
                rest.into_iter().partition(|plain| !plain.0.is_empty());
            let mut firsts: Vec<&String> = names.iter().map(|plain| &plain.0[0]).collect();
            firsts.sort();
            firsts.dedup();
            own.iter().all(|plain| negative(plain.2))
                && (keys.is_empty()
                    || map.keys().any(|key| {
                        keys.iter()
                            .all(|plain| holds(plain.2, plain.3, &Value::String(key.clone())))
                    }))
                && firsts.into_iter().all(|first| {
                    let inner: Vec<Plain<'_>> = names
                        .iter()
                        .filter(|plain| plain.0[0] == *first)
                        .map(|plain| (&plain.0[1..], plain.1, plain.2, plain.3))
                        .collect();
                    oracle(&inner, map.get(first).unwrap_or(&Value::Null))
                })
        }
        Value::Null | Value::Array(_) | Value::Object(_) => group.iter().all(|plain| negative(plain.2)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            group.iter().all(|(names, key, operator, values)| {
                if names.is_empty() && !key {
                    holds(operator, values, value)
                } else {
                    negative(operator)
                }
            })
        }
    }
}

fn negative(operator: &str) -> bool {
    ["neq", "nin", "ncont"].contains(&operator)
}

fn holds(operator: &str, values: &[String], value: &Value) -> bool {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let number = |text: &str| {
        text.parse::<f64>()
            .ok()
            .filter(|_| text.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
    };
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let equal = |operand: &String| match value {
        Value::Number(own) => number(operand) == own.as_f64(),
        Value::String(own) => own == operand || time(own).is_some_and(|at| time(operand) == Some(at)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => text == *operand,
    };
    let order = |operand: &String| match value {
        Value::Number(own) => own.as_f64()?.partial_cmp(&number(operand)?),
        Value::String(own) => match (time(own), time(operand), number(own), number(operand)) {
            (Some(own), Some(operand), ..) => Some(own.cmp(&operand)),
            (_, _, Some(own), Some(operand)) => own.partial_cmp(&operand),
            _ => Some(own.chars().cmp(operand.chars())),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    match operator {
        "eq" | "in" => values.iter().any(equal),
        "neq" | "nin" => !values.iter().any(equal),
        "cont" => values.iter().any(|operand| text.contains(operand.as_str())),
        "ncont" => !values.iter().any(|operand| text.contains(operand.as_str())),
        "gt" => order(&values[0]).is_some_and(std::cmp::Ordering::is_gt),
        "gte" => order(&values[0]).is_some_and(std::cmp::Ordering::is_ge),
        "lt" => order(&values[0]).is_some_and(std::cmp::Ordering::is_lt),
        "lte" => order(&values[0]).is_some_and(std::cmp::Ordering::is_le),
        other => panic!("{other}"),
    }
}

const KEYS: [&str; 5] = ["a", "b", "c/d", "~@k", "é\"\n"];

fn any_text() -> impl Strategy<Value = String> {
    prop::sample::select(
        &[
            "x",
            "y",
            "xy",
            "10",
            "9",
            "1.5",
            "true",
            "",
            "'q",
            "a,b)",
            "q\"\n\\é",
            "2026-03-02T10:00:00Z",
            "2026-03-02T11:00:00+01:00",
        ][..],
    )
    .prop_map(str::to_owned)
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        any_text().prop_map(Value::String),
        prop::sample::select(vec![json!(9), json!(10), json!(1.5), json!(-3), json!(10.0)]),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(
                prop::sample::select(&KEYS[..]).prop_map(str::to_owned),
                inner,
                0..4
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_object(depth: u32) -> BoxedStrategy<Value> {
    let elements = match depth {
        0 => Just(Vec::new()).boxed(),
        _ => prop::collection::vec(any_object(depth - 1), 0..3).boxed(),
    };
    (
        any_text(),
        prop::collection::vec(any_text(), 0..3),
        elements,
        prop::collection::btree_map(prop::sample::select(&KEYS[..]), any_value(), 0..4),
    )
        .prop_map(|(description, tags, elements, extensions)| {
            json!({"description": description, "tags": tags, "elements": elements, "extensions": extensions})
        })
        .boxed()
}

fn any_path() -> impl Strategy<Value = (Vec<String>, bool)> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let start = prop::sample::select(vec![
        names(&[]),
        names(&["elements"]),
        names(&["elements", "elements"]),
    ]);
    let fixed = prop::sample::select(vec![(names(&["description"]), false), (names(&["tags"]), false)]);
    let free = (
        prop::collection::vec(prop::sample::select(&KEYS[..]), 0..4),
        any::<bool>(),
    )
        .prop_map(|(keys, key)| {
            let key = key || keys.is_empty();
            let names = std::iter::once("extensions")
                .chain(keys)
                .map(str::to_owned)
                .collect();
            (names, key)
        });
    (start, prop_oneof![1 => fixed, 3 => free]).prop_map(|(mut start, (names, key))| {
        start.extend(names);
        (start, key)
    })
}

fn any_expression() -> impl Strategy<Value = (Vec<String>, bool, &'static str, Vec<String>)> {
    let operators = [
        "eq", "neq", "gt", "lt", "gte", "lte", "in", "nin", "cont", "ncont",
    ];
    (
        any_path(),
        prop::sample::select(operators.to_vec()),
        prop::collection::vec(any_text(), 1..4),
    )
        .prop_map(|((names, key), operator, mut values)| {
            if !["in", "nin", "cont", "ncont"].contains(&operator) {
                values.truncate(1);
            }
            (names, key, operator, values)
        })
}

fn write(names: &[String], key: bool, operator: &str, values: &[String]) -> String {
    let escape = |name: &String| name.replace('~', "~0").replace('/', "~1").replace('@', "~b");
    let mut path = names.iter().map(escape).collect::<Vec<_>>().join("/");
    if key {
        path.push_str("/@key");
    }
    let values: Vec<_> = values
        .iter()
        .map(|value| format!("'{}'", value.replace('\'', "''")))
        .collect();
    format!("({operator},{path},{})", values.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_evaluator_agrees_with_one_over_parsed_values(
        objects in prop::collection::vec(any_object(2), 1..4),
        expressions in prop::collection::vec(any_expression(), 1..4),
        limit in prop::sample::select(vec![usize::MAX, 4]),
    ) {
        let texts: Vec<_> = expressions.iter().map(|(names, key, op, values)| write(names, *key, op, values)).collect();
        let filter = Filter::parse(RESOURCE, [&*texts.join(";")], 16).unwrap().unwrap();
        let plain: Vec<Plain<'_>> =
            expressions.iter().map(|(names, key, op, values)| (&names[..], *key, *op, &values[..])).collect();
        let paths = Paths::with_limit(limit);
        let early = filter.bind(&paths);
        let indexed: Vec<_> = objects.iter().map(|object| index(object, &paths)).collect();
        let late = filter.bind(&paths);
        for (value, object) in objects.iter().zip(&indexed) {
            let expected = oracle(&plain, value);
            prop_assert_eq!(late.matches(object), expected, "{} on {}", filter.canonical(), value);
            prop_assert_eq!(early.matches(object), expected, "bound early: {} on {}", filter.canonical(), value);
        }
    }
}
