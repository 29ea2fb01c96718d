//! The evaluator agrees with a simple one over parsed values, on random objects and filters.

use super::{RESOURCE, index};
use crate::query::{Filter, Paths};
use proptest::prelude::*;
use serde_json::{Value, json};

/// An expression as the oracle sees it: names left to go, whether keys are meant, operator, values.
type Plain<'a> = (&'a [String], bool, &'a str, &'a [String]);

/// Evaluates by walking parsed values; shares nothing with the evaluator but the rules.
fn oracle(group: &[Plain<'_>], value: &Value) -> bool {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().any(|item| oracle(group, item)),
        Value::Object(map) if !map.is_empty() => {
            let (keys, rest): (Vec<Plain<'_>>, Vec<Plain<'_>>) =
                group.iter().copied().partition(|(names, key, ..)| names.is_empty() && *key);
            let (names, own): (Vec<Plain<'_>>, Vec<Plain<'_>>) =
                rest.into_iter().partition(|plain| !plain.0.is_empty());
            let mut firsts: Vec<&String> = names.iter().map(|plain| &plain.0[0]).collect();
            firsts.sort();
            firsts.dedup();
            own.iter().all(|plain| negative(plain.2))
                && (keys.is_empty()
                    || map.keys().any(|key| {
                        keys.iter().all(|plain| holds(plain.2, plain.3, &Value::String(key.clone())))
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
                if names.is_empty() && !key { holds(operator, values, value) } else { negative(operator) }
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
        text.parse::<f64>().ok().filter(|_| text.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
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
            prop::collection::btree_map(prop::sample::select(&KEYS[..]).prop_map(str::to_owned), inner, 0..4)
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
    let start =
        prop::sample::select(vec![names(&[]), names(&["elements"]), names(&["elements", "elements"])]);
    let fixed = prop::sample::select(vec![(names(&["description"]), false), (names(&["tags"]), false)]);
    let free = (prop::collection::vec(prop::sample::select(&KEYS[..]), 0..4), any::<bool>()).prop_map(
        |(keys, key)| {
            let key = key || keys.is_empty();
            let names = std::iter::once("extensions").chain(keys).map(str::to_owned).collect();
            (names, key)
        },
    );
    (start, prop_oneof![1 => fixed, 3 => free]).prop_map(|(mut start, (names, key))| {
        start.extend(names);
        (start, key)
    })
}

fn any_expression() -> impl Strategy<Value = (Vec<String>, bool, &'static str, Vec<String>)> {
    let operators = ["eq", "neq", "gt", "lt", "gte", "lte", "in", "nin", "cont", "ncont"];
    (any_path(), prop::sample::select(operators.to_vec()), prop::collection::vec(any_text(), 1..4)).prop_map(
        |((names, key), operator, mut values)| {
            if !["in", "nin", "cont", "ncont"].contains(&operator) {
                values.truncate(1);
            }
            (names, key, operator, values)
        },
    )
}

fn write(names: &[String], key: bool, operator: &str, values: &[String]) -> String {
    let escape = |name: &String| name.replace('~', "~0").replace('/', "~1").replace('@', "~b");
    let mut path = names.iter().map(escape).collect::<Vec<_>>().join("/");
    if key {
        path.push_str("/@key");
    }
    let values: Vec<_> = values.iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect();
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
